"""Watching: jobs that somebody else runs, and the pings by which Solocron hears of them.

Whoever runs such a job requests an address that only he knows: ``/ping/<key>/start`` when he
begins, ``/ping/<key>`` or ``/ping/<key>/0`` when it is done, ``/fail`` or another exit code when
it failed, ``/log`` with something to keep.  A body is kept as output, and ``?rid=`` tells runs
apart that overlap.  (What this service itself pings is in ``ping.py``.)

Rules
-----
1. At each fire time a run is *expected*: its row waits for pings, for the target's ``grace``.
   The first one that says something begins it.  If none comes, it has failed as ``no_ping``.
2. A ping counts when it was received, however long it took to reach the executor.
3. Which run a ping means follows from what is unfinished: with a ``rid`` the run that has it;
   else the one that has gone on longest; else the one that has been expected longest.
4. Clocks differ.  A ping that is early by no more than ``grace``, and nearer to the coming fire
   time than to the one before, is that of the coming one, which is not expected any more.
5. What nobody expected is a run of its own, with the cause ``ping``: a run that was given up,
   or somebody's run by hand.

Source of the protocol: healthchecks.io/docs/http_api, "Pinging API".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b, sha256
from typing import Annotated, Any, Final, Literal, TypeGuard
from uuid import UUID

from pydantic import Field

from executor.domain.fields import CLOSED, PositiveDuration
from executor.domain.instant import from_text, to_text
from executor.domain.live_output import OutputChunk, output_of
from executor.domain.report import Report, ReportStatus
from executor.domain.run import Output, Run, RunState

#: Bytes that are kept of what one ping brings, half from its start and half from its end: a log
#: of some hundred lines, and little enough for the queue that it goes through.
MOST_BODY: Final = 10_000

#: Details of a watched run: until when a ping is awaited, when the last one was received, and
#: the run's ``rid``.
PING_BY: Final = "ping_by"
LAST_PING: Final = "last_ping"
RID: Final = "rid"

#: Exit codes are bytes.
_LARGEST_CODE: Final = 255

#: The purposes of the digests below keep what is made for one from fitting another.
_KEY: Final = b"solocron ping key\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedTarget:
    """Somebody else runs it, and pings; here it is only watched.

    A job says by its ``schedule`` when its runs are expected, and by its ``timeout`` how long
    they may take.
    """

    __pydantic_config__ = CLOSED

    kind: Literal["watched"] = "watched"
    grace: Annotated[PositiveDuration, Field(validate_default=True)] = timedelta(minutes=10)
    """How long after its fire time a run may begin, or end, before it has failed."""


def is_watched(target: object) -> TypeGuard[WatchedTarget]:
    """Whether the runs of *target* are somebody else's."""
    return isinstance(target, WatchedTarget)


class Signal(StrEnum):
    """What a ping says."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"
    LOG = "log"


_STATUSES: Final = {
    Signal.START: ReportStatus.RUNNING,
    Signal.SUCCESS: ReportStatus.COMPLETED,
    Signal.FAIL: ReportStatus.FAILED,
    Signal.LOG: None,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """One ping.

    Attributes:
        at: when it was received.
        exit_code: of the program that has ended; None if it did not say.
        rid: tells runs of one job apart; a UUID, or None.
    """

    signal: Signal
    at: datetime
    exit_code: int | None = None
    rid: str | None = None
    output: Output | None = None


def signal_of(text: str) -> tuple[Signal, int | None]:
    """Read the last part of an address: what is said, and the exit code if it is one.

    Raises:
        ValueError: it is none; says what to write instead.

    >>> signal_of("3")
    (<Signal.FAIL: 'fail'>, 3)
    """
    if re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) and int(text) <= _LARGEST_CODE:
        return Signal.SUCCESS if int(text) == 0 else Signal.FAIL, int(text)
    if text in {Signal.START, Signal.FAIL, Signal.LOG}:
        return Signal(text), None
    raise ValueError(
        f"{text[:100]!r} says nothing; write start, fail, log, an exit code from 0 to "
        f"{_LARGEST_CODE}, or nothing for a success"
    )


def arguments_of(ping: Ping) -> dict[str, Any]:
    """Return what a command carries of *ping*; its instant is the command's own."""
    output = ping.output
    return {
        "signal": ping.signal,
        "exit_code": ping.exit_code,
        "rid": ping.rid,
        "output": output and {"head": output.head, "tail": output.tail, "size": output.size},
    }


def ping_of(arguments: Mapping[str, Any], at: datetime) -> Ping:
    """Read :func:`arguments_of`'s form; raises KeyError, TypeError or ValueError if it is none."""
    code, rid, output = (arguments.get(name) for name in ("exit_code", "rid", "output"))
    return Ping(
        signal=Signal(arguments["signal"]),
        at=at,
        exit_code=None if code is None else int(code),
        rid=None if rid is None else str(UUID(str(rid))),
        output=None
        if output is None
        else Output(head=str(output["head"]), tail=str(output["tail"]), size=int(output["size"])),
    )


def body_of(data: bytes) -> Output | None:
    """Return what is kept of a body."""
    return output_of([OutputChunk("", 0, data)], MOST_BODY)


# Which run --------------------------------------------------------------------------------


def run_meant(ping: Ping, unfinished: Sequence[Run]) -> Run | None:
    """Return the run that *ping* is about; None: none of those that are *unfinished*."""
    if ping.rid is not None:
        for run in unfinished:
            if rid_of(run) == ping.rid:
                return run
    oldest = sorted(unfinished, key=lambda run: (run.started_at or run.created_at, run.id))
    going_on = [run for run in oldest if run.state is not RunState.PENDING]
    awaited = [run for run in oldest if run.state is RunState.PENDING]
    if ping.signal is Signal.START:
        # What goes on has begun: this is another one.
        going_on = []
    elif ping.rid is not None:
        going_on = [run for run in going_on if rid_of(run) is None]
    else:
        going_on.sort(key=lambda run: rid_of(run) is not None)
    return next(iter((*going_on, *awaited)), None)


def is_of_coming(
    at: datetime, slot: datetime, following: datetime | None, grace: timedelta
) -> bool:
    """Whether a ping received *at* may be that of *slot*, which *following* comes after."""
    early = slot - at
    return early <= grace and (following is None or early <= (following - slot) / 2)


def report_of(ping: Ping, run: Run) -> Report:
    """Return what *ping* says of *run*."""
    details = {**(run.details or {}), LAST_PING: to_text(ping.at)}
    if ping.signal is not Signal.LOG:
        details.pop(PING_BY, None)
    if ping.rid is not None:
        details[RID] = ping.rid
    return Report(
        run_id=run.id,
        status=_STATUSES[ping.signal],
        details=details,
        exit_code=ping.exit_code,
        output=ping.output,
        at=ping.at,
    )


def rid_of(run: Run) -> str | None:
    """Return what tells *run* from others of its job, if anybody has said."""
    rid = (run.details or {}).get(RID)
    return None if rid is None else str(rid)


def heard_at(run: Run) -> datetime | None:
    """Return when the last ping about *run* was received."""
    at = (run.details or {}).get(LAST_PING)
    return None if at is None else from_text(str(at))


def awaits_ping(run: Run) -> bool:
    """Whether *run* is expected, and nobody has begun it."""
    waits = run.state is RunState.PENDING and run.remote
    return waits and PING_BY in (run.details or {})


# Keys -------------------------------------------------------------------------------------


def new_key(nonce: str, job_id: str) -> str:
    """Return the key of a job's pings: a UUID that nobody can guess who does not know *nonce*."""
    digest = blake2b(f"{nonce}\x1f{job_id}".encode(), digest_size=16, key=_KEY).digest()
    return str(UUID(bytes=digest, version=4))


def digest_of_key(key: str) -> str:
    """Return what a job is found by.

    The stores compare digests: how long it takes to find none tells nothing about a key.
    """
    return sha256(_KEY + key.encode()).hexdigest()


def address_of(url: str | None, key: str) -> str:
    """Return the address to ping; *url* is that of this service, None if it is not known."""
    return f"{(url or '').rstrip('/')}/ping/{key}"
