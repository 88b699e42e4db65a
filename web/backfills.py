"""``POST /v1/jobs/{job}/backfill``: run the fire times of a stretch of the past.

A dry run counts by the rules of the executor, from what the store says, and asks nobody.
What has a record is never run again by a backfill, whatever became of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from typing import Annotated, Any, Final

from flask import Response
from pydantic import ConfigDict, Field

from executor.domain.command import CommandKind, CommandResult
from executor.domain.errors import Fault, RunRefused
from executor.domain.instant import TICK, to_text
from executor.domain.job import Job
from executor.domain.schedule import Schedule, fire_times, for_job
from web.bodies import Instant, object_reader
from web.commands import carry_out, command
from web.conditions import if_match
from web.documents import json_response, local_text
from web.jobs import found_job, sound_job
from web.problems import Problem, unprocessable
from web.routes import Answer, Body, Call, Table

TABLE: Final = Table()

#: Most fire times of one backfill; the executor takes no more.
MOST: Final = 1_000

#: Fire times that a dry run lists: as many as a person looks over.
SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillRequest:
    """A stretch of the past, both ends included; what lies in the future is left out."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    since: Annotated[Instant, Field(alias="from")]
    until: Annotated[Instant, Field(alias="to")]
    dry_run: bool = False


#: The fields as they are written: Python cannot name one `from`.
_FIELDS: Final = ("from", "to", "dry_run")

_read_known = object_reader(BackfillRequest)


def read_request(document: dict[str, Any]) -> BackfillRequest:
    """Read the body.

    Raises:
        Problem: 422, with every fault.
    """
    faults = [
        Fault(name, f"unknown field; the fields here are {', '.join(_FIELDS)}")
        for name in document
        if name not in _FIELDS
    ]
    try:
        asked = _read_known({name: value for name, value in document.items() if name in _FIELDS})
    except Problem as problem:
        raise unprocessable([*faults, *problem.faults]) from None
    if asked.since > asked.until:
        faults.append(Fault("to", "lies before `from`; swap them"))
    if faults:
        raise unprocessable(faults)
    return asked


@TABLE.add(
    "POST",
    "/v1/jobs/{job}/backfill",
    summary="Run fire times of the past",
    description="Those between `from` and `to` of which there is no record, one after another, "
    f"the oldest first; at most {MOST:,} at a time.  By the schedule as it is now, also while "
    "the job is disabled or paused.  With `dry_run` nothing is changed, and 200 tells what would "
    "be run.",
    tag="jobs",
    body=Body(schema="BackfillRequest", read=read_request),
    writes=True,
    conditional=True,
    repeatable=True,
    answers={
        HTTPStatus.OK: Answer(schema="BackfillPlan", description="What would be run."),
        HTTPStatus.CREATED: Answer(schema="Backfill", description="Runs are waiting."),
    },
)
def backfill_job(call: Call) -> Response:
    """Ask for runs of the past, or tell which there would be."""
    asked: BackfillRequest = call.document
    if asked.dry_run:
        return json_response(_plan_document(plan(call, asked)))
    _check(call, asked)
    expected = if_match(call)
    arguments = {"from": to_text(asked.since), "to": to_text(asked.until)}
    asking = command(call, CommandKind.BACKFILL_JOB, found_job(call).id, arguments, expected)
    return carry_out(call, asking, _done)


def _done(result: CommandResult) -> Response:
    figures = {name: result.facts.get(name, 0) for name in ("slots", "backfilled", "recorded")}
    return json_response(figures, HTTPStatus.CREATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a backfill would do.

    Attributes:
        slots: the fire times it looks at, the oldest first.
        recorded: those of which there is a row; they are not run again.
        end: how far it goes; what is due later is run in the regular way.
    """

    job: Job
    slots: Sequence[datetime]
    recorded: Collection[datetime]
    end: datetime

    @property
    def would_run(self) -> int:
        """How many runs there would be."""
        return len(self.slots) - len(self.recorded)


def plan(call: Call, asked: BackfillRequest) -> Plan:
    """Return what the backfill that is *asked* for would do.

    Raises:
        Problem: 422, the stretch begins in the future or has too many fire times; 412, the job is
            at another revision than the caller expected.
        RunRefused: the job has no schedule.
    """
    now = _check(call, asked)
    expected, job = if_match(call), sound_job(call)
    if expected is not None and expected != job.revision:
        detail = f"job {job.name!r} is at revision {job.revision}, not {expected}; read it again"
        raise Problem(HTTPStatus.PRECONDITION_FAILED, detail)
    schedule = job.definition.schedule
    if schedule is None:
        raise RunRefused(job.name, "it has no schedule")
    end = min(asked.until, now)
    if job.next_fire_at is not None:
        # From there on they are accounted for in the regular way.
        end = min(end, job.next_fire_at - TICK)
    slots = _slots(for_job(schedule, job.id), asked.since, end)
    return Plan(job=job, slots=slots, recorded=_recorded(call, job, slots), end=end)


def _check(call: Call, asked: BackfillRequest) -> datetime:
    """Return the present instant, which the stretch must not lie behind."""
    now = call.services.clock.now()
    if asked.since > now:
        raise unprocessable([Fault("from", "lies in the future; backfilling is for the past")])
    return now


def _plan_document(found: Plan) -> dict[str, Any]:
    schedule = found.job.definition.schedule
    clock = schedule.clock() if schedule else UTC
    shown = [
        {
            "fire_at": to_text(slot),
            "local": local_text(slot.astimezone(clock)),
            "recorded": slot in found.recorded,
        }
        for slot in found.slots[:SHOWN]
    ]
    figures = {"total": len(found.slots), "recorded": len(found.recorded)}
    return {"slots": shown, **figures, "would_run": found.would_run}


def _slots(schedule: Schedule, start: datetime, end: datetime) -> Sequence[datetime]:
    """Return the fire times from *start* to *end*.

    Raises:
        Problem: 422, there are too many.
    """
    if start > end:
        return []
    found = list(islice(fire_times(schedule, _just_before(start), end), MOST + 1))
    if len(found) > MOST:
        raise unprocessable(
            [Fault("from", f"there are more than {MOST:,} fire times up to `to`; take a part")]
        )
    return found


def _just_before(start: datetime) -> datetime:
    try:
        return start - TICK
    except OverflowError:
        return start  # the first instant there is; no schedule reaches back so far


def _recorded(call: Call, job: Job, slots: Sequence[datetime]) -> set[datetime]:
    """Return those of *slots* of which there is a row."""
    if not slots:
        return set()
    wanted = set(slots)
    found: set[datetime] = set()
    since: datetime | None = slots[0]
    while since is not None:
        rows = call.services.readers.slots_between(job.id, since, slots[-1] + TICK, MOST)
        times = [row.fire_at for row in rows if row.fire_at is not None]
        found.update(wanted.intersection(times))
        # Rows of former schedules may lie between; whoever has that many has more.
        since = times[-1] + TICK if len(rows) == MOST else None
    return found
