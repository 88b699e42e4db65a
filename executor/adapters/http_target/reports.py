"""Reports that can wait: starting comes before telling of it.

Whoever is told of a start or an end has work with it: decisions, records, the store.  Python
runs one thread at a time, so while a thousand requests are due at one instant, each report of
those that have begun would put off those that have not.  Therefore reports are kept until
nothing is left to begin and nothing is going on, or for :data:`KEPT_S`.

They are passed on in the order in which they came and carry the instants at which things
happened, so that nothing but the moment of telling changes.  Belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Final

from executor.domain.run import Outcome
from executor.ports.clock import Clock
from executor.ports.target import WorkListener

#: Longest time, seconds, for which a report is kept: about what a thousand requests take to get
#: on their way, and little beside the store's writes that whoever waits for an end waits for too.
KEPT_S: Final = 0.25


class Reports:
    """Keeps what *listener* is to be told."""

    def __init__(self, listener: WorkListener, clock: Clock) -> None:
        self._listener = listener
        self._clock = clock
        self._kept: list[Callable[[], None]] = []
        self._due = inf

    def started(self, run_id: str) -> None:
        """The work has begun, now."""
        self._keep(partial(self._listener.started, run_id, self._clock.now()))

    def not_started(self, run_id: str) -> None:
        """The work is given back untouched."""
        self._keep(partial(self._listener.not_started, run_id))

    def finished(self, run_id: str, outcome: Outcome) -> None:
        """The work has ended, now."""
        self._keep(partial(self._listener.finished, run_id, self._clock.now(), outcome))

    def handed_over(self, run_id: str) -> None:
        """The work goes on elsewhere from now on."""
        now = self._clock.now()
        self._keep(partial(self._listener.handed_over, run_id, now, running=True))

    @property
    def wait_s(self) -> float:
        """Seconds until what is kept must be passed on; infinity if there is nothing."""
        return inf if not self._kept else max(0.0, self._due - self._clock.monotonic())

    def pass_on(self) -> None:
        """Tell everything that is kept."""
        kept, self._kept, self._due = self._kept, [], inf
        for tell in kept:
            tell()

    def _keep(self, tell: Callable[[], None]) -> None:
        if not self._kept:
            self._due = self._clock.monotonic() + KEPT_S
        self._kept.append(tell)
