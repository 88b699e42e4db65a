"""What executor and workers write to each other: simple-scheduler's messages, and what we add.

Bodies are JSON objects.  Of these fields a client of that protocol knows the first line only;
it ignores the others and sends none of them:

=========== ======================================================================================
action      ``jobName``, ``runId``, ``action`` (``run`` or ``cancel``)
of a run    ``attempt``, ``term``, ``triggerId``, ``cause``, ``scheduledTime``, ``fireTime``,
            ``arguments``, ``timeout``, ``heartbeatInterval``, ``repeated``
of a cancel ``reason``
status      ``jobName``, ``runId``, ``status`` (one of
            ``running``, ``completed``, ``failed``, ``cancelled``)
            ``details``, ``error``, ``exitCode``, ``reason``, ``output``, ``worker``
heartbeat   ``jobName``, ``runId``
            ``details``, ``worker``
=========== ======================================================================================

Durations are whole milliseconds, as in that protocol; instants are RFC 3339 in UTC.

Rules
-----
1. Unknown fields are ignored, so that either side can be newer than the other.
2. A message that cannot be understood raises :class:`Unreadable` with words for a person; nobody
   guesses what may have been meant.
3. ``repeated``: the same message may have been sent before, and a worker may have it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from executor.domain.instant import to_text
from executor.domain.json_value import within
from executor.domain.report import Report, ReportStatus
from executor.domain.run import Output, Reason, Run
from executor.ports.work_queue import Assignment, Recall

#: Longest message that is read, bytes: the longest details and output fit, however escaped.
LONGEST_MESSAGE: Final = 1_048_576

#: Longest details, characters of JSON text, and longest error or part of the output, characters.
LONGEST_DETAILS: Final = 65_536
LONGEST_TEXT: Final = 65_536

#: How often a worker is asked to send heartbeats.  Of a job with a ``heartbeat_timeout`` thrice
#: within it, so that two of them may be late.
BEAT: Final = timedelta(seconds=3)
SHORTEST_BEAT: Final = timedelta(milliseconds=100)
_BEATS_IN_TIMEOUT: Final = 3

RUN: Final = "run"
CANCEL: Final = "cancel"


class Unreadable(ValueError):
    """A message does not follow the protocol; says what is wrong with it."""


def beat_for(heartbeat_timeout: timedelta | None) -> timedelta:
    """Return how often a worker is to send heartbeats, by the job's ``heartbeat_timeout``."""
    if heartbeat_timeout is None:
        return BEAT
    return min(BEAT, max(heartbeat_timeout / _BEATS_IN_TIMEOUT, SHORTEST_BEAT))


# --- written by the executor ------------------------------------------------------------------


def write_run(
    run: Run,
    arguments: Mapping[str, Any],
    timeout: timedelta,
    heartbeat_timeout: timedelta | None,
    repeated: bool,
) -> bytes:
    """Return the message that hands *run* to a worker."""
    body: dict[str, Any] = {
        "jobName": run.job,
        "runId": run.id,
        "action": RUN,
        "attempt": run.attempt,
        "term": run.term,
        "triggerId": run.trigger_id or run.id,
        "cause": run.cause.value,
        "scheduledTime": to_text(run.due or run.created_at),
        "arguments": arguments,
        "timeout": _milliseconds(timeout),
        "heartbeatInterval": _milliseconds(beat_for(heartbeat_timeout)),
    }
    if run.fire_at is not None:
        body["fireTime"] = to_text(run.fire_at)
    if repeated:
        body["repeated"] = True
    return _encoded(body)


def write_cancel(job: str, run_id: str, reason: Reason) -> bytes:
    """Return the message that asks a worker to stop."""
    return _encoded({"jobName": job, "runId": run_id, "action": CANCEL, "reason": reason.value})


# --- written by a worker ----------------------------------------------------------------------


def write_status(job: str, run_id: str, status: ReportStatus, more: Mapping[str, Any]) -> bytes:
    """Return the message that tells what a run has come to; *more* has the fields we add."""
    return _encoded({"jobName": job, "runId": run_id, "status": status.value, **_present(more)})


def write_beat(job: str, run_id: str, more: Mapping[str, Any]) -> bytes:
    """Return the message that tells that a run goes on."""
    return _encoded({"jobName": job, "runId": run_id, **_present(more)})


# --- read by the executor ---------------------------------------------------------------------


def read_status(body: bytes, job: str, at: datetime) -> Report:
    """Return what a message of *job*'s status queue says; *at*: when it was received.

    Raises:
        Unreadable: it does not follow the protocol.
    """
    document = _decoded(body)
    status = document.get("status")
    if status not in set(ReportStatus):
        known = ", ".join(ReportStatus)
        raise Unreadable(f"status is {json.dumps(status)[:100]}; there are {known}")
    return _report(document, job, ReportStatus(str(status)), at)


def read_beat(body: bytes, job: str, at: datetime) -> Report:
    """Return what a message of *job*'s heartbeat queue says; *at*: when it was received.

    Raises:
        Unreadable: it does not follow the protocol.
    """
    return _report(_decoded(body), job, None, at)


def _report(
    document: Mapping[str, Any], job: str, status: ReportStatus | None, at: datetime
) -> Report:
    details = _member(document, "details", dict)
    if details is not None:
        try:
            within(details, LONGEST_DETAILS)
        except ValueError as fault:
            raise Unreadable(f"details: {fault}") from None
    return Report(
        run_id=_required(document, "runId"),
        job=_member(document, "jobName", str) or job,
        status=status,
        details=details,
        error=_text(_member(document, "error", str)),
        exit_code=_member(document, "exitCode", int),
        reason=_reason(_member(document, "reason", str)),
        output=_output(_member(document, "output", dict)),
        at=at,
    )


def _output(document: Mapping[str, Any] | None) -> Output | None:
    if document is None:
        return None
    head, tail = (_text(_member(document, part, str)) or "" for part in ("head", "tail"))
    return Output(head=head, tail=tail, size=_member(document, "size", int) or len(head + tail))


def _text(text: str | None) -> str | None:
    """Return *text* as each store takes it: short enough, and of characters only."""
    if text is None:
        return None
    clean = text[:LONGEST_TEXT].replace("\x00", "\ufffd")
    return clean.encode("utf-8", "replace").decode()


def _reason(text: str | None) -> Reason | None:
    # A newer worker may know more reasons than we do; the status is what counts.
    return Reason(text) if text in set(Reason) else None


# --- read by a worker -------------------------------------------------------------------------


def read_action(body: bytes, job: str) -> Assignment | Recall:
    """Return what a message of *job*'s action queue orders.

    Raises:
        Unreadable: it does not follow the protocol.
    """
    document = _decoded(body)
    run_id = _required(document, "runId")
    action = document.get("action")
    if action == CANCEL:
        return Recall(run_id)
    if action != RUN:
        raise Unreadable(f"action is {json.dumps(action)[:100]}; there are {RUN} and {CANCEL}")
    timeout_ms = _member(document, "timeout", int)
    beat_ms = _member(document, "heartbeatInterval", int)
    return Assignment(
        run_id=run_id,
        job=job,
        attempt=_member(document, "attempt", int) or 1,
        term=_member(document, "term", int) or 0,
        trigger_id=_member(document, "triggerId", str) or run_id,
        cause=_member(document, "cause", str) or "",
        fire_time=_member(document, "fireTime", str) or "",
        arguments=_member(document, "arguments", dict) or {},
        timeout_s=timeout_ms / 1000 if timeout_ms else None,
        beat_s=max(beat_ms / 1000 if beat_ms else BEAT.total_seconds(), 0.1),
        repeated=_member(document, "repeated", bool) or False,
    )


def read_run_id(body: bytes) -> str:
    """Return the run that a message of any kind is about.

    Raises:
        Unreadable: it does not follow the protocol.
    """
    return _required(_decoded(body), "runId")


# --- JSON -------------------------------------------------------------------------------------


def _encoded(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _present(more: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in more.items() if value is not None}


def _decoded(body: bytes) -> dict[str, Any]:
    if len(body) > LONGEST_MESSAGE:
        raise Unreadable(f"has {len(body):,} bytes; at most {LONGEST_MESSAGE:,} are read")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is no JSON text: {str(error)[:200]}") from None
    if not isinstance(document, dict):
        raise Unreadable("is no JSON object")
    return document


def _required(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 200 or "\x00" in value:
        raise Unreadable(f"{name} is required: a text of 1 to 200 characters")
    return value


def _member(document: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    """Return a field that may be missing or null."""
    value = document.get(name)
    if value is None:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        words = {dict: "an object", str: "a text", int: "a whole number", bool: "true or false"}
        raise Unreadable(f"{name} has to be {words[kind]}")
    return value


def _milliseconds(duration: timedelta) -> int:
    return max(1, round(duration.total_seconds() * 1000))
