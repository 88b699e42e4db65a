"""Virtual time: a heap of things to do, and nothing happens between them.

True time is seconds since :data:`EPOCH`.  It is what the store's clock shows.  Instances
see it through their own wall clock, which faults may step, and their own monotonic clock.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Final

from executor.domain.instant import TICK

EPOCH: Final = datetime(2026, 3, 1, tzinfo=UTC)


class World:
    """The clock and everything that is still going to happen."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.time = 0.0
        self.trace: list[str] | None = None
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._now = (0.0, EPOCH)

    def now(self) -> datetime:
        """Return true time as an instant in whole milliseconds; the store's clock."""
        if self._now[0] != self.time:
            self._now = self.time, EPOCH + int(self.time * 1000) * TICK
        return self._now[1]

    def monotonic(self) -> float:
        """Return true time in seconds; only there to make this a Clock."""
        return self.time

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do *act* so many seconds from now."""
        at = self.time + seconds if seconds > 0.0 else self.time
        heapq.heappush(self._agenda, (at, next(self._order), act))

    def chance(self, probability: float) -> bool:
        """Throw a coin."""
        return self.random.random() < probability

    def delay(self, typical: float) -> float:
        """Return a duration that is mostly near *typical* and sometimes ten times as long."""
        spread = self.random.expovariate(1 / typical)
        return spread * 10 if self.chance(0.02) else spread

    def run_until(self, time: float) -> None:
        """Let everything happen that is due before *time*."""
        while self._agenda and self._agenda[0][0] <= time:
            self.time, _, act = heapq.heappop(self._agenda)
            act()
        self.time = time

    def say(self, who: str, what: str, *facts: object) -> None:
        """Add a line to the trace, if one is kept; *facts* are put into *what* only then."""
        if self.trace is not None:
            told = what.format(*facts) if facts else what
            self.trace.append(f"{self.time:10.4f}  {who:<6} {told}")
