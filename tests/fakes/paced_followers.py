"""Followers for whom time passes only while they rest, and then as the test has planned."""

from collections import deque
from collections.abc import Callable

from tests.fakes.fake_clock import FakeClock
from web.following import Followers

#: As many as a test can count.
PLACES = 3


class PacedFollowers(Followers):
    """Places whose rests take no real time.

    Attributes:
        plan: what happens during the rests, one after another; then nothing any more.
        rests: how long each rest so far was to be, seconds.
    """

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(places=PLACES)
        self._clock = clock
        self.plan: deque[Callable[[], object]] = deque()
        self.rests: list[float] = []

    def rest(self, seconds: float) -> bool:
        """Let time pass on the test's clock, and let happen what is next."""
        self.rests.append(seconds)
        self._clock.advance(seconds)
        if self.plan:
            self.plan.popleft()()
        return super().rest(0)
