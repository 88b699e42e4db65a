"""The jobs of simple-scheduler in our words: for who brings them along, and who still speaks so.

Its jobs do nothing themselves: they are messages for workers, which is a target of kind
``message`` here.  Times are counted in milliseconds there, and 0 (or less) switches a limit off.

Rules
-----
1. What its documentation promises is taken, also where its program does not do it (a disabled
   job, overlapping runs, the length of a queue): that is what people meant.
2. Milliseconds become seconds; what does not go into whole ones is refused, not rounded.
3. Every field of ours that it has a word for is in the result, so that a part of it can be
   taken for a part of a job.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from executor.domain.duration import format_duration
from executor.domain.errors import Fault, InvalidJob

#: Longest time of a run where there is no limit there: long enough for anything that still does
#: something.
NO_LIMIT: Final = timedelta(days=7)

#: Most runs that wait in a queue of ours; more are not asked for by anybody who counts them.
LONGEST_QUEUE: Final = 10_000

#: Most milliseconds of a limit or an interval: some 31 years.
_MOST: Final = 10**12

#: Its fields -> the fields of ours that depend on them.
TOUCHES: Final[Mapping[str, str]] = {
    "enabled": "enabled",
    "nextRunAt": "schedule",
    "interval": "schedule",
    "runExecutionTimeout": "timeout",
    "runStartTimeout": "start_timeout",
    "maxQueueCount": "overlap",
    "allowConcurrentRuns": "overlap",
    "heartbeatTimeout": "heartbeat_timeout",
}


def fields_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a job of ours that *job*, a document of its API, stands for.

    All of :data:`TOUCHES`, a limit that is off as None, and what is the same for all its jobs.
    The name is the caller's business.

    Raises:
        InvalidJob: with every fault, under its names.
    """
    faults: list[Fault] = []
    found = {
        "enabled": _flag(job, "enabled", faults, default=True),
        "schedule": _schedule(job, faults),
        "target": {"kind": "message"},
        "misfire": {"deadline": None},
        "overlap": _overlap(job, faults),
        "timeout": _duration(job, "runExecutionTimeout", faults) or format_duration(NO_LIMIT),
        "start_timeout": _duration(job, "runStartTimeout", faults),
        "heartbeat_timeout": _duration(job, "heartbeatTimeout", faults),
    }
    if faults:
        raise InvalidJob(faults)
    return found


def _schedule(job: Mapping[str, Any], faults: list[Fault]) -> Any:
    start = str(job.get("nextRunAt") or "")
    whole, point, fraction = start.partition(".")
    if point:
        digits = fraction.rstrip("Z").split("+")[0].split("-")[0]
        if digits.strip("0"):
            words = f"{start}: fire times are whole seconds; set another one"
            faults.append(Fault("nextRunAt", words))
        start = whole + fraction[len(digits) :]
    interval = _milliseconds(job, "interval", faults)
    if interval <= 0:
        return {"kind": "once", "at": start}
    if interval % 1000:
        words = f"{interval} ms: runs are whole seconds apart; set another one"
        faults.append(Fault("interval", words))
    return f"R/{start}/PT{interval // 1000}S"


def _overlap(job: Mapping[str, Any], faults: list[Fault]) -> dict[str, Any]:
    count = min(_milliseconds(job, "maxQueueCount", faults), LONGEST_QUEUE)
    queue = {"queue": count} if count > 0 else {}
    if _flag(job, "allowConcurrentRuns", faults, default=False):
        return {"policy": "allow", **queue}
    return {"policy": "queue", **queue} if queue else {"policy": "forbid"}


def _duration(job: Mapping[str, Any], name: str, faults: list[Fault]) -> str | None:
    """Return a limit in milliseconds as a duration; None where it is off."""
    milliseconds = _milliseconds(job, name, faults)
    return format_duration(timedelta(milliseconds=milliseconds)) if milliseconds > 0 else None


def _milliseconds(job: Mapping[str, Any], name: str, faults: list[Fault]) -> int:
    value = job.get(name) or 0
    counts = name == "maxQueueCount"
    if not isinstance(value, int) or isinstance(value, bool):
        what = "number" if counts else "number of milliseconds"
        faults.append(Fault(name, f"{value!r:.100} is no {what}; write a whole one"))
        return 0
    if value > _MOST:
        why = "too many" if counts else "too long"
        faults.append(Fault(name, f"{value!r:.100} is {why}; write at most {_MOST}"))
        return 0
    return max(value, 0)


def _flag(job: Mapping[str, Any], name: str, faults: list[Fault], *, default: bool) -> bool:
    value = job.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        faults.append(Fault(name, f"{value!r:.100} is neither true nor false; write one of them"))
    return bool(value)
