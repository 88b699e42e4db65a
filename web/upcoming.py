"""``GET /v1/jobs/{job}/upcoming``: when a job fires next, as things stand."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Final

from flask import Response

from executor.domain.duration import parse_duration
from executor.domain.instant import to_text
from executor.domain.job import Job
from executor.domain.outlook import runs_after
from executor.domain.preview import upcoming
from executor.domain.schedule import Schedule, for_job
from executor.domain.schedule_fields import NO_JITTER
from executor.domain.wording import duration
from web import parameters
from web.closures import closures
from web.documents import json_response, list_document, local_text
from web.jobs import sound_job
from web.routes import Answer, Call, Table

TABLE: Final = Table()


@TABLE.add(
    "GET",
    "/v1/jobs/{job}/upcoming",
    summary="When a job fires next",
    description="What will be run as things stand: nothing while the job is disabled or paused "
    "without end, only what follows the pause while it is paused until an instant.  A fire time "
    "in a blackout of the job's calendars is marked with the policy that applies to it.",
    tag="jobs",
    query=(parameters.limit(default=10), parameters.UPCOMING_CURSOR),
    answers={HTTPStatus.OK: Answer(schema="Upcoming", description="Earliest first.")},
)
def list_upcoming(call: Call) -> Response:
    """Answer with the next fire times of a job."""
    job = sound_job(call)
    schedule, limit = job.definition.schedule, call.query["limit"]
    note = None if schedule is None else _note(schedule)
    after = upcoming_after(job, call.services.clock.now(), call.query["cursor"])
    if schedule is None or after is None:
        return json_response({**list_document([], None), "note": note})
    times = upcoming(for_job(schedule, job.id), after, limit)
    following = to_text(times[-1][0]) if len(times) == limit else None
    closed = closures(call.services.readers, job)
    items = (
        {"fire_at": to_text(fire_at), "local": local_text(local), "blackout": closed(fire_at)}
        for fire_at, local in times
    )
    return json_response({**list_document(items, following), "note": note})


def _note(schedule: Schedule) -> str | None:
    if schedule.jitter == NO_JITTER:
        return None
    longest = duration(parse_duration(schedule.jitter).total_seconds())
    return f"Each run starts up to {longest} after its fire time: `jitter` is {schedule.jitter}."


def upcoming_after(job: Job, now: datetime, cursor: datetime | None) -> datetime | None:
    """Return after which instant slots of *job* will be run, None if there will be none."""
    after = runs_after(job, now)
    return after if after is None or cursor is None else max(after, cursor)
