"""Runs as ha-jobs tells of them: ids are UUIDs, instants have milliseconds, durations are words.

A run here is a job there, and a job here is a job type.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from executor.domain.job import Job
from executor.domain.run import Reason, Run, RunState
from executor.domain.schedule import CronSchedule
from executor.domain.writes import BrokenJob

#: What is still going on, has gone well, or has not.
_PENDING: Final = "PENDING"
_SUCCESS: Final = "SUCCESS"
_FAILED: Final = "FAILED"

#: How a run's state is called there, and what came of it.
STATES: Final[Mapping[RunState, tuple[str, str]]] = {
    RunState.PENDING: ("PREPARING", _PENDING),
    RunState.RUNNING: ("RUNNING", _PENDING),
    RunState.CANCELLING: ("RUNNING", _PENDING),
    RunState.SUCCEEDED: ("FINISHED", _SUCCESS),
    RunState.FAILED: ("FAILED", _FAILED),
    RunState.TIMED_OUT: ("FAILED", _FAILED),
    RunState.CANCELLED: ("CANCELED", _FAILED),
    RunState.LOST: ("DEAD", _FAILED),
    RunState.SKIPPED: ("SKIPPED", _SUCCESS),
}

#: Kinds of success that a job tells of itself.
_SUCCESSES: Final[Mapping[Reason, str]] = {
    Reason.WARNING: "WARNING",
    Reason.SKIPPED: "SKIPPED",
    Reason.NO_ACTION_NEEDED: "NO_ACTION_NEEDED",
}

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def job_status(run: Run, job: str, *, content: bool) -> dict[str, Any]:
    """Return *run* of *job* (its name) in the form of a ``JobStatus``, with what it told or not."""
    state, result = STATES[run.state]
    if run.state is RunState.SUCCEEDED and run.reason is not None:
        state = _SUCCESSES.get(run.reason, state)
    found: dict[str, Any] = {
        "triggerId": as_uuid(run.trigger_id or run.id),
        "jobType": job,
        "jobId": as_uuid(run.id),
        "jobState": state,
        "jobResult": result,
        "jobStatusTs": instant(run.finished_at or run.started_at or run.created_at),
    }
    if content and (told := _content(run)):
        found["content"] = told
    if run.started_at is not None:
        found["startTime"] = instant(run.started_at)
        if run.finished_at is not None:
            found["duration"] = duration(run.finished_at - run.started_at)
    return found


def _content(run: Run) -> dict[str, Any]:
    """Return what the run told of itself, and why it stands as it does."""
    facts = {"reason": run.reason, "error": run.error}
    return {**{name: fact for name, fact in facts.items() if fact}, **(run.details or {})}


def cron_of(job: Job | BrokenJob) -> str | None:
    """Return the cron expression by which *job* is due; None: there is none."""
    if isinstance(job, Job) and isinstance(job.definition.schedule, CronSchedule):
        return job.definition.schedule.expression
    return None


def status_path(job: str, run_id: str) -> str:
    """Return where the status of a run of *job* (its name) is found."""
    return f"{type_path(job)}/{as_uuid(run_id)}"


def type_path(job: str) -> str:
    """Return where *job* (its name) is found."""
    return f"/jobs/{quote(job, safe='')}"


def as_uuid(text: str) -> str:
    """Return the id *text* with the hyphens of a UUID, if it has the digits of one.

    >>> as_uuid("0123456789abcdef0123456789abcdef")
    '01234567-89ab-cdef-0123-456789abcdef'
    """
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return text


def as_run_id(text: str) -> str:
    """Return the run id that :func:`as_uuid` was made of."""
    try:
        return uuid.UUID(text).hex
    except ValueError:
        return text


def instant(moment: datetime) -> str:
    """Write *moment* in ISO 8601, in UTC, always with milliseconds."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def duration(length: timedelta) -> str:
    """Say *length* in words, to the second.

    >>> duration(timedelta(minutes=10)), duration(timedelta(hours=1, seconds=2))
    ('10 minutes', '1 hour 2 seconds')
    """
    left = max(0, int(length.total_seconds()))
    words = []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            words.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join(words) or "0 seconds"
