"""Runs that are somebody else's: there is nothing to begin, only to wait for.

Each one is handed over at once to whoever runs it, of whom nothing is known.  What he does is
heard by his pings, which come as commands.
"""

from __future__ import annotations

from collections.abc import Sequence

from executor.domain.run import Reason
from executor.ports.clock import Clock
from executor.ports.target import Work, WorkListener


class WatchedLauncher:
    """A :class:`~executor.ports.target.Launcher` that launches nothing."""

    def __init__(self, listener: WorkListener, clock: Clock) -> None:
        self._listener = listener
        self._clock = clock

    def prepare(self, works: Sequence[Work]) -> None:
        """Do nothing: there is nothing to start."""

    def start(self, works: Sequence[Work]) -> None:
        """Let go of *works*: from now on they are awaited."""
        for work in works:
            if self._listener.may_start():
                self._listener.handed_over(work.run.id, self._clock.now(), running=False)
            else:
                self._listener.not_started(work.run.id)

    def cancel(self, run_id: str, reason: Reason) -> None:
        """Nothing is held here."""

    def recall(self, work: Work, reason: Reason) -> None:
        """There is nobody who could be asked."""

    def stop(self) -> None:
        """Nothing goes on here."""
