"""Rules of a job: which channel is told of what, and how often.

The events
----------
failure
    A run has failed for good: its end is a failure and nothing repeats it.  With ``after`` it
    is told at the n-th of these in a row, and then not again before the job has recovered.
recovery
    The first success after a failure, or a loss, that was told.
success
    A run has succeeded.
late
    A run began later than ``late_by`` after the instant at which it was due.
lost
    A run's outcome is unknown, and nothing repeats it.  Who asks for this is told of it as a
    loss and not as a failure; in a row of failures it counts as one.
missed
    Slots were skipped because they were noticed too late, or the misfire policy wanted it so.  Of
    a watched job: no ping came in time.  That is a failure, and who asks for this is told of it
    as missed instead.

What a rule's ``every`` holds back is counted, and the next message says how many there were.
A recovery is never held back: without it the last word would be a failure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from executor.domain.errors import Fault
from executor.domain.fields import CLOSED, Duration, JobSubject, PositiveDuration


class Event(StrEnum):
    """What somebody may be told of."""

    FAILURE = "failure"
    RECOVERY = "recovery"
    SUCCESS = "success"
    LATE = "late"
    LOST = "lost"
    MISSED = "missed"
    TEST = "test"
    PING = "ping"


#: Events that rules may name; a test is asked for, and pings have a field of their own.
Ruled = Literal["failure", "recovery", "success", "late", "lost", "missed"]


def _distinct(events: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({event for event in events if events.count(event) > 1})
    if twice:
        raise ValueError(f"names {twice[0]!r} twice")
    return events


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Tell a channel about some events of the job."""

    __pydantic_config__ = CLOSED

    channel: JobSubject
    """The name of a channel, see `/v1/channels`."""
    on: Annotated[tuple[Ruled, ...], AfterValidator(_distinct), Field(min_length=1)] = (
        "failure",
        "recovery",
    )
    after: Annotated[int, Field(ge=1, le=1000)] = 1
    """Tell of the n-th failure in a row, and then not before the job has recovered."""
    late_by: PositiveDuration = timedelta(minutes=1)
    """A run that begins so long after it was due is late."""
    every: Duration = timedelta(minutes=5)
    """No two messages about the same event within this time; what is held back is counted."""


def rule_faults(rules: tuple[Notify, ...]) -> list[Fault]:
    """Return what no single rule says: faults by path within a job."""
    seen: set[tuple[str, str]] = set()
    faults = []
    for index, rule in enumerate(rules):
        twice = [event for event in rule.on if (rule.channel, event) in seen]
        if twice:
            words = f"another rule tells {rule.channel!r} of {', '.join(twice)}; one is enough"
            faults.append(Fault(f"notify.{index}.on", words))
        seen.update((rule.channel, event) for event in rule.on)
    return faults
