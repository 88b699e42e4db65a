"""How long the work of a job takes, and how often it fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from executor.domain.run import Outcome, RunState
from tests.simulation.world import World

#: Jobs of this name take longer than a run lease lasts.
LONG: Final = "long"


@dataclass(frozen=True, slots=True)
class Work:
    """Work takes from ``shortest`` to ``longest`` (s), one in twenty up to ``slowest``.

    ``fails`` is the part of it that does not succeed; half of that asks not to be tried again for
    up to ``puts_off`` (s).  It fails with one of ``codes``: an exit code, from 100 on an
    HTTP status, 0 for out of time.
    """

    shortest: float = 0.001
    longest: float = 1.2
    slowest: float | None = 6.0
    fails: float = 0.0
    puts_off: int = 0
    codes: tuple[int, ...] = (1,)

    def seconds(self, world: World) -> float:
        """Draw how long a piece of it takes."""
        longest = self.longest
        if self.slowest is not None and world.chance(0.05):
            longest = self.slowest
        return world.random.uniform(self.shortest, longest)

    def outcome(self, world: World) -> Outcome:
        """Draw how a piece of it ends."""
        if self.fails and world.chance(self.fails):
            wish = self.puts_off and world.random.randint(-self.puts_off, self.puts_off)
            code = world.random.choice(self.codes)
            if not code:
                return Outcome(state=RunState.TIMED_OUT)
            return Outcome(
                state=RunState.FAILED,
                exit_code=code if code < 100 else None,
                http_status=code if code >= 100 else None,
                retry_after=max(0, wish) or None,
            )
        return Outcome(state=RunState.SUCCEEDED)


#: What most jobs have to do, and the long ones.
SHORT_WORK: Final = Work()
LONG_WORK: Final = Work(4.5, 8.0, None)
