"""The schedule of a job that runs for ever: it is due whenever none of its runs goes on.

Such a job has no fire times: when it is due follows from its runs, not from a clock.  The
engine starts it when it comes to know it, and again when a run of it has ended, however
that was.

Rules
-----
1. After an end it rests for ``delay``.  After each further failure in a row the rest is
   twice as long, up to ``max_delay``; a success, or a run longer than that, begins anew.
2. One run of it at most goes on in the whole cluster.
3. While it is paused, disabled or in a blackout it is not started.  A run that goes on is
   ended when the job is paused, disabled or deleted: by itself it never would.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from typing import ClassVar, Final

from executor.domain import schedule_fields
from executor.domain.duration import format_duration, parse_duration
from executor.domain.errors import Fault, InvalidSchedule
from executor.domain.schedule_fields import NO_JITTER, Slots

#: The shortest rest: a program that ends at once is then started ten times a second at most.
SHORTEST: Final = timedelta(milliseconds=100)

#: Doubling a rest oftener than this exceeds every limit.
_DOUBLINGS: Final = 40


@dataclass(frozen=True, slots=True)
class ContinuousSchedule:
    """When a job is due that never rests for long.  What exists is valid.

    Attributes:
        delay: from the end of a run to the next one, an ISO 8601 duration.
        max_delay: the longest such time, after failures.
        engine: The set of rules.

    Raises:
        InvalidSchedule: lists every fault, by field.

    >>> ContinuousSchedule("5s").rest_after(failures=3).total_seconds()
    20.0
    """

    kind: ClassVar[str] = "continuous"
    #: What other kinds of schedules may have.
    hashed: ClassVar[bool] = False
    jitter: ClassVar[str] = NO_JITTER
    not_before: ClassVar[str | None] = None
    not_after: ClassVar[str | None] = None

    delay: str = "PT1S"
    max_delay: str = "PT1M"
    engine: int = 1

    def __post_init__(self) -> None:
        faults: list[Fault] = []
        schedule_fields.check_engine(self.engine, faults)
        found = {
            field: _rest(field, getattr(self, field), faults) for field in ("delay", "max_delay")
        }
        if not faults and found["delay"] > found["max_delay"]:
            text = f"is shorter than delay, {format_duration(found['delay'])}; write a longer one"
            faults.append(Fault("max_delay", text))
        if faults:
            raise InvalidSchedule(faults)
        for field, rest in found.items():
            object.__setattr__(self, field, format_duration(rest))

    @property
    def longest(self) -> timedelta:
        """The longest rest; a run that lasted longer is taken for sound."""
        return parse_duration(self.max_delay)

    def rest_after(self, failures: int) -> timedelta:
        """Return how long to rest after an end that was the last of so many failures in a row."""
        doublings = min(max(failures - 1, 0), _DOUBLINGS)
        return min(parse_duration(self.delay) * (1 << doublings), self.longest)

    def clock(self) -> tzinfo:
        """Return the zone on whose wall clock instants are shown."""
        return UTC

    def slots(self) -> Slots:
        """Return the form that computes fire times: there are none."""
        return _NoSlots()


class _NoSlots:
    def next_epoch(self, after_s: int) -> int | None:
        """Return None: there is no fire time."""
        return None


def _rest(field: str, value: object, faults: list[Fault]) -> timedelta:
    try:
        if not isinstance(value, str):
            raise ValueError("write a duration as text: PT1S, 5s, 1m")
        found = parse_duration(value)
        if found < SHORTEST:
            raise ValueError(f"{value!r} is shorter than {format_duration(SHORTEST)}")
    except ValueError as error:
        faults.append(Fault(field, str(error)))
        return SHORTEST
    return found
