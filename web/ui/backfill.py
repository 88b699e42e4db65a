"""*Backfill* of a job: choose a stretch of the past, see which runs there would be, then confirm.

The preview is the API's dry run; confirming asks for the very stretch that was shown, and is
refused if the job was changed meanwhile, as other fire times might follow from that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Response
from werkzeug.datastructures import Headers

from executor.domain.errors import Fault, SolocronError
from executor.domain.instant import to_text
from executor.domain.job import Job
from web.backfills import MOST, SHOWN, BackfillRequest, Plan, backfill_job, plan, read_request
from web.problems import Problem, problem_of, unprocessable
from web.routes import Call
from web.sign_in import sentence
from web.ui.definition import schedule_words
from web.ui.frame import Shelf, Visit, carried_out, show
from web.ui.typed import typed_instant

SHELF: Final = Shelf()

#: Fields of the stretch, as in the API.
_ENDS: Final = ("from", "to")

#: The stretch that is offered at first.
_USUAL: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Slot:
    """A fire time of the past, on the schedule's own clock too."""

    at: datetime
    local: datetime
    recorded: bool


@SHELF.add("GET", "/ui/jobs/{job}/backfill")
def preview(visit: Visit) -> Response:
    """Show the form and, once a stretch is chosen, what would be run."""
    job, now = visit.services.readers.find_job(visit.path["job"]), visit.services.clock.now()
    asked = {name: visit.text(name) for name in _ENDS}
    found: Plan | None = None
    faults: Sequence[Fault] = ()
    refusal, regular = "", False
    if any(asked.values()):
        try:
            stretch = _stretch(asked)
            found = plan(_call(visit), stretch)
            regular = found.end < stretch.since
        except Problem as problem:
            faults, refusal = problem.faults, sentence(problem.detail)
        except SolocronError as error:
            refusal = sentence(problem_of(error).detail)
    else:
        begin = (now - _USUAL).replace(second=0, microsecond=0)
        asked = {"from": _field(begin), "to": _field(now.replace(second=0, microsecond=0))}
    return show(
        visit,
        "ui/backfill.html",
        title=f"Backfill {job.name}",
        job=job,
        here=f"/ui/jobs/{job.id}",
        asked=asked,
        faults={fault.field: fault.message for fault in faults},
        refusal="" if {fault.field for fault in faults} & set(_ENDS) else refusal,
        plan=found,
        regular=regular,
        slots=list(_slots(found)) if found else (),
        schedule=_schedule(job),
        most=MOST,
    )


def _field(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M}"


def _schedule(job: Any) -> str:
    schedule = job.definition.schedule if isinstance(job, Job) else None
    return schedule_words(schedule) if schedule else ""


def _stretch(asked: dict[str, str]) -> BackfillRequest:
    """Return the stretch that the fields say.

    Raises:
        Problem: 422, naming each field.
    """
    faults, ends = [], {}
    for name, text in asked.items():
        try:
            ends[name] = to_text(typed_instant(text))
        except ValueError as error:
            faults.append(Fault(name, str(error) if text else "is needed; choose date and time"))
    if faults:
        raise unprocessable(faults)
    return read_request(ends)


def _slots(found: Plan) -> Iterator[Slot]:
    schedule = found.job.definition.schedule
    for at in found.slots[:SHOWN]:
        local = at.astimezone(schedule.clock()) if schedule else at
        yield Slot(at, local, at in found.recorded)


def _call(visit: Visit, document: BackfillRequest | None = None, revision: str = "") -> Call:
    headers = Headers({"If-Match": f'"{revision}"'} if revision else {})
    return replace(visit.call(document), headers=headers)


@SHELF.add("POST", "/ui/jobs/{job}/backfill")
def backfill(visit: Visit) -> Response:
    """Ask for the runs that were shown."""
    asked = _stretch({name: visit.text(name) for name in _ENDS})
    job_id = visit.services.readers.find_job(visit.path["job"]).id
    call = _call(visit, asked, visit.text("revision"))
    return carried_out(backfill_job, call, _done, f"/ui/jobs/{job_id}")


def _done(figures: dict[str, Any]) -> str:
    made, recorded = figures["backfilled"], figures["recorded"]
    waits = "run waits" if made == 1 else "runs wait"
    left = f" {recorded:,} had a record and were left out." if recorded else ""
    return f"{made:,} {waits} for a turn, the oldest first.{left}"
