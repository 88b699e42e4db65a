"""The jobs of simple-scheduler as ours, with a report of what is not as it was.  Pure.

Takes what its API answers at ``/api/jobs``.  Its jobs do nothing themselves: they are messages
for workers, which is a target of kind ``message`` here.

Rules
-----
1. What its documentation promises is taken, also where its program does not do it (a disabled
   job, overlapping runs, the length of a queue): that is what people meant.
2. Milliseconds become seconds; what does not go into whole ones is refused, not rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from executor.client.imported import NO_LIMIT, Imported, Kind, Names, Note
from executor.domain.duration import format_duration

#: What is different for all jobs.
_FOR_ALL: Final = {
    "workers": (
        "workers get their messages from here, by the protocol of targets of kind `message`: "
        "tell them the queue and its messages, or use the compatible face"
    ),
    "promises": (
        "`enabled`, `allowConcurrentRuns`, `maxQueueCount` and `heartbeatTimeout` are obeyed "
        "here, as documented there; its scheduler ignores them"
    ),
}

Job = Mapping[str, Any]


class _RefusedError(Exception):
    """A job that cannot be taken."""


def jobs_of(document: object) -> Imported:
    """Return the jobs of the answer *document* (None: there are none) and the report.

    Raises:
        ValueError: it is no such answer.
    """
    jobs = [] if document is None else document
    if not isinstance(jobs, list) or not all(isinstance(job, dict) for job in jobs):
        raise ValueError("is no answer of simple-scheduler: a list of jobs, as /api/jobs gives it")
    found, names = Imported(), Names()
    found.notes += [Note(Kind.DIFFERS, code, message) for code, message in _FOR_ALL.items()]
    for job in sorted(jobs, key=lambda one: str(one.get("name"))):
        name = names.unique(str(job.get("name") or ""))
        if name != job.get("name"):
            found.notes.append(
                Note(Kind.TOLD, "name", f"was {job.get('name')!r} there", subject=name)
            )
        try:
            made = {"name": name, **_fields(job)}
        except _RefusedError as error:
            found.notes.append(Note(Kind.REFUSED, "job", str(error), subject=name))
        else:
            found.add(made)
    return found


def _fields(job: Job) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if job.get("enabled") is False:
        found["enabled"] = False
    found["schedule"] = _schedule(job)
    found["target"] = {"kind": "message"}
    found["misfire"] = {"deadline": None}
    found["overlap"] = _overlap(job)
    found["timeout"] = _duration(job, "runExecutionTimeout") or NO_LIMIT
    for theirs, ours in (
        ("runStartTimeout", "start_timeout"),
        ("heartbeatTimeout", "heartbeat_timeout"),
    ):
        if (duration := _duration(job, theirs)) is not None:
            found[ours] = duration
    return found


def _schedule(job: Job) -> Any:
    start = str(job.get("nextRunAt") or "")
    whole, point, fraction = start.partition(".")
    if point:
        digits = fraction.rstrip("Z").split("+")[0].split("-")[0]
        if digits.strip("0"):
            raise _RefusedError(f"nextRunAt {start}: fire times are whole seconds; set another one")
        start = whole + fraction[len(digits) :]
    interval = _milliseconds(job, "interval")
    if interval <= 0:
        return {"kind": "once", "at": start}
    if interval % 1000:
        raise _RefusedError(
            f"interval {interval} ms: runs are whole seconds apart; set another one"
        )
    return f"R/{start}/PT{interval // 1000}S"


def _overlap(job: Job) -> dict[str, Any]:
    if job.get("allowConcurrentRuns"):
        return {"policy": "allow"}
    queue = _milliseconds(job, "maxQueueCount")
    return {"policy": "queue", "queue": min(queue, 10_000)} if queue > 0 else {"policy": "forbid"}


def _duration(job: Job, name: str) -> str | None:
    """Return a limit in milliseconds as a duration; None where 0 switches it off."""
    milliseconds = _milliseconds(job, name)
    return format_duration(timedelta(milliseconds=milliseconds)) if milliseconds > 0 else None


def _milliseconds(job: Job, name: str) -> int:
    value = job.get(name) or 0
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > 10**12:
        raise _RefusedError(f"{name}: {value!r} is no number of milliseconds")
    return value
