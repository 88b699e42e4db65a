"""*Runs*: the newest runs of all jobs or of one, filtered and page by page."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from flask import Response

from executor.domain.errors import JobNotFound
from executor.domain.fields import is_job_id
from executor.domain.run import Cause, Run, RunState
from executor.ports.store import InvalidCursor, Page, Readers, RunFilter
from web.documents import waits_for
from web.ui.frame import Shelf, Visit, show_live
from web.ui.history import took_s
from web.ui.moments import span

SHELF: Final = Shelf()

HERE: Final = "/ui/runs"

#: Rows of one page.
ROWS: Final = 40

#: What is noted about a run that waits.
WAITS: Final = {
    "turn": "waits for its turn",
    "dependency": "waits for other jobs",
    "worker": "waits for a worker",
    "ping": "waits for a ping",
}


def note(run: Run) -> str:
    """Say in a few words how it went: the reason, the exit, the error."""
    notes = [
        run.reason or "",
        WAITS.get(waits_for(run) or "", ""),
        f"{run.covers} slots" if run.covers > 1 else "",
        f"HTTP {run.http_status}" if run.http_status is not None else "",
        f"exit {run.exit_code}" if run.exit_code else "",
        run.error or "",
    ]
    return " · ".join(one for one in notes if one)


@SHELF.add("GET", HERE)
def list_of_runs(visit: Visit) -> Response:
    """Show a part of the list."""
    readers = visit.services.readers
    job, state, cause = (
        job_meant(readers, visit.text("job")),
        visit.text("state"),
        visit.text("cause"),
    )
    which = RunFilter(
        job_id=job and job[0],
        state=RunState(state) if state in set(RunState) else None,
        cause=Cause(cause) if cause in set(Cause) else None,
    )
    cursor = visit.text("cursor") or None
    page = _runs(readers, which, cursor)
    return show_live(
        visit,
        "ui/runs.html",
        "ui/_runs.html",
        title="Runs",
        runs=page.items,
        which=which,
        job=job,
        states=RunState,
        causes=Cause,
        first=_address(which, None) if cursor else None,
        following=_address(which, page.next) if page.next else None,
        note=note,
        took=lambda run: span(took_s(run)),
    )


def job_meant(readers: Readers, key: str) -> tuple[str, str] | None:
    """Return id and name of the job that is meant; a deleted one has its id for a name."""
    if not key:
        return None
    try:
        found = readers.find_job(key)
    except JobNotFound:
        if is_job_id(key):
            return key, key
        raise
    return found.id, found.name


def _runs(readers: Readers, which: RunFilter, cursor: str | None) -> Page[Run]:
    try:
        return readers.list_runs(which, ROWS, cursor)
    except InvalidCursor:
        return readers.list_runs(which, ROWS, None)


def _address(which: RunFilter, cursor: str | None) -> str:
    wanted = {"job": which.job_id, "state": which.state, "cause": which.cause, "cursor": cursor}
    query = urlencode({name: value for name, value in wanted.items() if value})
    return f"{HERE}?{query}" if query else HERE
