"""Names for things, derived and never drawn: the same cause always gives the same id.

A slot's run, a command's run and the run that replaces a lost one have ids computed
from what they stand for.  Doing the same step twice (a redelivered command, a
takeover in the middle of supervision) therefore meets the row of the first time.

Ids of jobs and runs have the version and variant of a random UUID (RFC 9562, version 4):
clients of other schedulers read them as such, and some refuse what does not look like one.
Those of former versions do not, and stay as they are.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Final

#: Each hexadecimal digit with its first two bits set to 10: the variant of a UUID (RFC 9562, 4.1).
_VARIANT: Final = {f"{digit:x}": f"{digit & 3 | 8:x}" for digit in range(16)}


def _digest(*parts: str) -> str:
    return blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest()


def _uuid(*parts: str) -> str:
    """Return a digest with the six bits by which a UUID of version 4 is known.

    >>> from uuid import UUID
    >>> UUID(_uuid("job", "x")).version, UUID(_uuid("job", "x")).variant
    (4, 'specified in RFC 4122')
    """
    drawn = _digest(*parts)
    return f"{drawn[:12]}4{drawn[13:16]}{_VARIANT[drawn[16]]}{drawn[17:]}"


def job_id(command_id: str) -> str:
    """Return the id of the job that command *command_id* creates."""
    return _uuid("job", command_id)


def slot_run_id(job: str, fire_at: datetime) -> str:
    """Return the id of the run of *job* (an id) for the slot *fire_at*."""
    return _uuid("slot", job, str(fire_at.timestamp()))


def declaring_command_id(term: int, number: int) -> str:
    """Return the id of the *number*-th command that a term gives itself for a job in code."""
    return _digest("declare", str(term), str(number))


def continuous_run_id(job: str, term: int, number: int) -> str:
    """Return the id of the run of the continuous *job* (an id) that is a term's *number*-th."""
    return _uuid("continuous", job, str(term), str(number))


def manual_run_id(command_id: str) -> str:
    """Return the id of the run that command *command_id* asks for."""
    return _uuid("manual", command_id)


def retrigger_run_id(run_id: str) -> str:
    """Return the id of the run that repeats the lost or shut-down run *run_id*."""
    return _uuid("retrigger", run_id)


def following_run_id(parent_run_id: str, job: str, cause: str) -> str:
    """Return the id of the run of *job* (an id) that follows another one, by *cause*."""
    return _uuid(cause, parent_run_id, job)


def retry_run_id(run_id: str) -> str:
    """Return the id of the run that tries again what *run_id* did not achieve."""
    return _uuid("retry", run_id)


def fraction(*parts: str) -> float:
    """Return a number in [0, 1) that is always the same for the same *parts*, else arbitrary."""
    return int(_digest("fraction", *parts)[:13], 16) / 16**13


def command_id(key: str, request: str) -> str:
    """Return the id of the command behind an idempotency *key* for *request* (method and path)."""
    return _digest("command", request, key)


def notification_id(about: str, channel: str, event: str) -> str:
    """Return the id of what *channel* is told of *event* of the run (or command) *about*."""
    return _digest("notification", about, channel, event)
