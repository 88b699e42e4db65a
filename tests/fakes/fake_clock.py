"""A clock that stands still until it is told to move."""

import random
from datetime import UTC, datetime, timedelta

from executor.domain.instant import truncate

#: Where a fake clock starts unless told otherwise: no special day in any zone.
START = datetime(2026, 12, 1, tzinfo=UTC)


class FakeClock:
    """A :class:`~executor.ports.clock.Clock` in the hands of a test.

    ``monotonic`` begins somewhere between 100,000 and 200,000: whoever takes it for the
    time of day, or for the age of the process, is wrong at once and in every run.
    """

    def __init__(self, now: datetime = START) -> None:
        self._now = truncate(now)
        self._monotonic = random.uniform(100_000, 200_000)

    def now(self) -> datetime:
        """Return the present instant, aware UTC, cut down to the millisecond."""
        return truncate(self._now)

    def monotonic(self) -> float:
        """Return seconds since a random origin."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass, not negative, on both readings."""
        assert seconds >= 0, "time does not go back; use step"
        self._monotonic += seconds
        self.step(seconds)

    def step(self, seconds: float) -> None:
        """Set the time of day forward, or back if negative; no time passes."""
        self._now += timedelta(seconds=seconds)
