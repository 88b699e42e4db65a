"""Jobs and runs as simple-scheduler writes them, and what its clients write as ours.

What is there and not here is made up as its clients expect it: the instance that executes stands
for the manager who has locked a job, an instant that is not known is :data:`NEVER`.  A job that
was made otherwise is shown by its nearest words; a part of it that is sent back as it was shown
stays what it is.

Rules
-----
1. Its programs read JSON leniently: the case of a name does not matter, unknown names are left
   alone, null is the same as nothing.
2. Fire times are whole seconds here.  A fraction in ``nextRunAt`` is rounded up, never down: no
   run is early.
3. What is due when it is asked for runs, however late the executor hears of it: a job that runs
   once has its slot then, and the command says that this one counts (:func:`first_slot`); of any
   other one run is asked for together with it (:func:`is_late`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from executor.domain.errors import Fault, InvalidJob
from executor.domain.instant import from_text, to_text
from executor.domain.job import Definition, Job, definition_from_document, definition_to_document
from executor.domain.policies import Overlap
from executor.domain.run import Run, RunState
from executor.domain.schedule import (
    ContinuousSchedule,
    IntervalSchedule,
    OnceSchedule,
    for_job,
    next_after,
)
from executor.domain.simple_scheduler import NO_LIMIT, TOUCHES, fields_of
from executor.domain.term import TermRecord
from executor.domain.writes import BrokenJob

#: An instant that is not set, as programs in Go write it.
NEVER: Final = "0001-01-01T00:00:00Z"

#: The id of no manager.
NOBODY: Final = "0" * 24

#: How a run's state is called there.  A run whose time was up is cancelled there; one that never
#: began is nothing else.
STATUSES: Final[Mapping[RunState, str]] = {
    RunState.PENDING: "pending",
    RunState.RUNNING: "running",
    RunState.CANCELLING: "cancelling",
    RunState.SUCCEEDED: "completed",
    RunState.FAILED: "failed",
    RunState.LOST: "failed",
    RunState.CANCELLED: "cancelled",
    RunState.TIMED_OUT: "cancelled",
    RunState.SKIPPED: "cancelled",
}

#: The names of what a client may write, by how they look in small letters.
_NAMES: Final = {name.lower(): name for name in ("name", *TOUCHES)}

_SECOND: Final = timedelta(seconds=1)
_MILLISECOND: Final = timedelta(milliseconds=1)


def job_document(job: Job | BrokenJob, now: datetime, term: TermRecord | None) -> dict[str, Any]:
    """Return *job* in its words at *now*; *term* says who executes.

    A record that cannot be read is shown as a job that does nothing.
    """
    shown = _off() if isinstance(job, BrokenJob) else _settings(job, now)
    locked = bool(shown["enabled"]) and term is not None and not term.resigned
    return {
        "name": job.name,
        **shown,
        "managerId": _manager(term.holder) if term and locked else NOBODY,
        "heartbeat": to_text(term.heartbeat_at) if term and locked else NEVER,
    }


def _off() -> dict[str, Any]:
    return {name: False if name in _FLAGS else 0 for name in TOUCHES} | {"nextRunAt": NEVER}


_FLAGS: Final = {"enabled", "allowConcurrentRuns"}


def _settings(job: Job, now: datetime) -> dict[str, Any]:
    definition = job.definition
    following = _next_run(job, now)
    return {
        "enabled": definition.enabled,
        "nextRunAt": NEVER if following is None else to_text(following),
        "interval": _interval(job, following),
        "runExecutionTimeout": 0 if definition.timeout == NO_LIMIT else _ms(definition.timeout),
        "runStartTimeout": _ms(definition.start_timeout),
        "maxQueueCount": _queue(definition.overlap),
        "allowConcurrentRuns": definition.overlap.policy == "allow",
        "heartbeatTimeout": _ms(definition.heartbeat_timeout),
    }


def _next_run(job: Job, now: datetime) -> datetime | None:
    schedule = job.definition.schedule
    if schedule is None or isinstance(schedule, ContinuousSchedule):
        return None
    if isinstance(schedule, OnceSchedule):
        return schedule.instant()
    if job.next_fire_at is None and not job.definition.enabled:
        return next_after(for_job(schedule, job.id), now)
    return job.next_fire_at


def _interval(job: Job, following: datetime | None) -> int:
    """Return the milliseconds between two runs: of the next two, where that is not always so."""
    schedule = job.definition.schedule
    if isinstance(schedule, IntervalSchedule) and schedule.interval().elapsed:
        return schedule.interval().seconds * 1000
    if schedule is None or following is None:
        return 0
    after_that = next_after(for_job(schedule, job.id), following)
    return 0 if after_that is None else _ms(after_that - following)


def _queue(overlap: Overlap) -> int:
    """Return how many runs may wait; where none ever does, what was said of it all the same."""
    unsaid = overlap.policy == "allow" and overlap.queue == Overlap().queue
    return overlap.queue if overlap.policy in {"queue", "allow"} and not unsaid else 0


def _ms(duration: timedelta | None) -> int:
    return 0 if duration is None else duration // _MILLISECOND


def _manager(holder: str) -> str:
    return blake2b(holder.encode(), digest_size=12).hexdigest()


def run_document(run: Run) -> dict[str, Any]:
    """Return *run* in its words; of heartbeats the last instant that is recorded is shown."""
    created = created_at(run)
    return {
        "id": run.id,
        "jobName": run.job,
        "status": STATUSES[run.state],
        "createdTime": to_text(created),
        "startTime": NEVER if run.started_at is None else to_text(run.started_at),
        "endTime": NEVER if run.finished_at is None else to_text(run.finished_at),
        "heartbeat": to_text(heartbeat_at(run)),
    }


def created_at(run: Run) -> datetime:
    """Return when *run* came to be there: when it was due, if it was."""
    return run.fire_at or run.created_at


def heartbeat_at(run: Run) -> datetime:
    """Return the last instant at which *run* is recorded to have lived."""
    return run.finished_at or run.started_at or created_at(run)


def new_job(document: Mapping[str, Any], now: datetime, tags: tuple[str, ...]) -> Definition:
    """Read a new job that is to carry *tags*.

    Raises:
        InvalidJob: with every fault.
    """
    given = _given(document)
    faults = [
        Fault(name, "is required")
        for name in ("name", "enabled", "nextRunAt")
        if given.get(name) in (None, "", NEVER)
    ]
    if faults:
        raise InvalidJob(faults)
    fields = fields_of(_with_whole_second(given, now))
    return definition_from_document({"name": given["name"], "tags": list(tags), **fields})


def changed_job(job: Job, document: Mapping[str, Any], now: datetime) -> Definition:
    """Return the definition of *job* changed by *document*; what is as it is shown stays.

    Raises:
        InvalidJob: with every fault.
    """
    shown = _settings(job, now)
    given = {name: value for name, value in _given(document).items() if name != "name"}
    touched = {TOUCHES[name] for name, value in given.items() if not _same(value, shown[name])}
    if not touched:
        return job.definition
    merged = {**shown, **given}
    if "schedule" in touched:
        merged = _with_whole_second(merged, now)
    fields = fields_of(merged)
    former = definition_to_document(job.definition)
    changes = {name: fields[name] for name in touched}
    if "overlap" in changes:
        changes["overlap"] = {"limit": former["overlap"]["limit"], **changes["overlap"]}
    return definition_from_document({**former, **changes})


def is_late(definition: Definition, now: datetime) -> bool:
    """Whether a job that is set up so at *now* is due already, and is to run at once beside it."""
    schedule = definition.schedule
    if not definition.enabled or not isinstance(schedule, IntervalSchedule):
        return False
    return schedule.interval().start <= now.timestamp()


def first_slot(definition: Definition, now: datetime) -> datetime | None:
    """Return the first slot of a job that is set up so at *now*, if that is written in it.

    It counts even if it passes before the executor comes round to it.
    """
    schedule = definition.schedule
    if definition.enabled and isinstance(schedule, OnceSchedule):
        return schedule.instant()
    if not isinstance(schedule, IntervalSchedule) or is_late(definition, now):
        return None
    return datetime.fromtimestamp(schedule.interval().start, UTC) if definition.enabled else None


def _given(document: Mapping[str, Any]) -> dict[str, Any]:
    found = {_NAMES[key.lower()]: value for key, value in document.items() if key.lower() in _NAMES}
    return {name: value for name, value in found.items() if value is not None}


def _same(value: object, shown: object) -> bool:
    if isinstance(value, str) and isinstance(shown, str):
        try:
            return from_text(value) == from_text(shown)
        except ValueError:
            return False
    return type(value) is type(shown) and value == shown


def _with_whole_second(given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return *given* with ``nextRunAt`` rounded up; of a job that runs once, not before *now*.

    Raises:
        InvalidJob: it is no instant.
    """
    try:
        instant = from_text(str(given["nextRunAt"]))
        if instant == from_text(NEVER):
            raise ValueError("is not set; write when the first run is due")
        if _runs_once(given):
            instant = max(instant, now)
        if instant.microsecond:
            instant = instant.replace(microsecond=0) + _SECOND
    except OverflowError:
        raise InvalidJob([Fault("nextRunAt", "is the end of time; write an earlier one")]) from None
    except ValueError as error:
        raise InvalidJob([Fault("nextRunAt", str(error))]) from None
    return {**given, "nextRunAt": to_text(instant)}


def _runs_once(given: Mapping[str, Any]) -> bool:
    interval = given.get("interval", 0)
    return isinstance(interval, int) and interval <= 0
