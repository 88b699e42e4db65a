"""*Workers*: the processes that execute or stand by, and the work that was handed to others.

Workers of messages take runs from the broker and are not known by name: what is seen of them is
what they have in hand and what they report.  So the page shows their runs, since when, and how
the executor has taken their reports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Response

from executor.domain.errors import StoreUnavailable
from executor.domain.report import Verdict
from executor.domain.run import Run, RunState
from executor.ports.store import Readers, RunFilter
from web.documents import waits_for
from web.status import read_status, reports_taken
from web.ui.frame import Shelf, Visit, show_live

SHELF: Final = Shelf()

#: Runs of each state that are looked through for those that are worked on elsewhere.
_LOOKED: Final = 500

#: Of these, the ones that are listed.
_LISTED: Final = 20

#: What became of a report, in words.
VERDICTS: Final[Mapping[str, str]] = {
    Verdict.APPLIED: "applied",
    Verdict.LATE: "late: the run was over already",
    Verdict.ILLEGAL: "illegal: about a run that was handed to nobody who reports",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is worked on elsewhere: runs in hand, and runs that wait for somebody to take them.

    ``cut``: there may be more of them than were looked through.
    """

    in_hand: Sequence[Run]
    waiting: Sequence[Run]
    cut: bool


@SHELF.add("GET", "/ui/workers")
def workers(visit: Visit) -> Response:
    """Show the instances, and what is worked on elsewhere."""
    status, work = read_status(visit.services), None
    if status.store:
        try:
            work = _work(visit.services.readers)
        except StoreUnavailable:
            # Gone since the status was read; the next look will say so.
            status = read_status(visit.services)
    return show_live(
        visit,
        "ui/workers.html",
        "ui/_workers.html",
        title="Workers",
        status=HTTPStatus.OK if work else HTTPStatus.SERVICE_UNAVAILABLE,
        how=status,
        instances=status.store.instances if status.store else (),
        reports=reports_taken(status),
        verdicts=VERDICTS,
        work=work,
        listed=_LISTED,
        # With RabbitMQ there are workers; without it messages are refused as targets.
        remote=visit.services.permitted.workers,
    )


def _work(readers: Readers) -> Work:
    running = readers.list_runs(RunFilter(state=RunState.RUNNING), _LOOKED, None)
    pending = readers.list_runs(RunFilter(state=RunState.PENDING), _LOOKED, None)
    return Work(
        in_hand=[run for run in running.items if run.remote],
        waiting=[run for run in pending.items if waits_for(run) == "worker"],
        cut=running.next is not None or pending.next is not None,
    )
