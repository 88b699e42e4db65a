"""Who has said something that nobody has been told yet, and when it is time to tell.

For launchers that hear their works while they go on.  One round for all works: a work
that says something is noted, and at the next round everything noted is told at once, if
its work is old enough.  A work that is over before costs a place in a dict and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from executor.adapters.captured_output import CapturedOutput
from executor.ports.target import SAID_AFTER_S, SAID_EVERY_S


@dataclass(frozen=True, slots=True)
class _Speaker:
    output: CapturedOutput
    since: float


class Listening:
    """Belongs to one thread; times are monotonic seconds.

    Args:
        said: told of what works say; see :meth:`~executor.ports.target.WorkListener.said`.
    """

    def __init__(self, said: Callable[[str, int, bytes], None]) -> None:
        self._said = said
        self._noted: dict[str, _Speaker] = {}
        self._round_at = inf

    @property
    def wake_at(self) -> float:
        """When :meth:`advance` is worth calling; infinity if nobody has said anything."""
        return self._round_at

    def heard(self, run_id: str, output: CapturedOutput, since: float, now: float) -> None:
        """Note that *output*, of a work that began at *since*, has grown."""
        if run_id not in self._noted:
            self._noted[run_id] = _Speaker(output, since)
            if self._round_at == inf:
                self._round_at = now + SAID_EVERY_S

    def ended(self, run_id: str, output: CapturedOutput) -> None:
        """Tell the rest of a work that is over, if some of it was told; its output is whole."""
        self._noted.pop(run_id, None)
        if output.has_told:
            self._tell(run_id, output)

    def advance(self, now: float) -> None:
        """Tell what was noted, if it is time."""
        if now < self._round_at:
            return
        noted, self._noted = self._noted, {}
        for run_id, speaker in noted.items():
            if now - speaker.since < SAID_AFTER_S:
                self._noted[run_id] = speaker
            else:
                self._tell(run_id, speaker.output)
        self._round_at = now + SAID_EVERY_S if self._noted else inf

    def _tell(self, run_id: str, output: CapturedOutput) -> None:
        news = output.news()
        if news is not None:
            self._said(run_id, *news)
