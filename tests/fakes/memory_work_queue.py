"""A worker's end of a broker that is never away: what is told is kept at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from executor.domain.report import ReportStatus
from executor.domain.run import Outcome
from executor.ports.work_queue import Assignment, Connected, Counted, EndTold, WorkNews


class MemoryWorkQueue:
    """A :class:`~executor.ports.work_queue.WorkQueue` in the hands of a test.

    Attributes:
        told: run id, status and outcome of every report, in order.
        acknowledged, given_back: tags.
        on_acknowledged: called after each acknowledgement.
    """

    def __init__(self) -> None:
        self.told: list[tuple[str, ReportStatus, Outcome | None]] = []
        self.acknowledged: list[object] = []
        self.given_back: list[object] = []
        self.on_acknowledged: Callable[[], None] = lambda: None
        self._coming: list[WorkNews] = []
        self._on_news: Callable[[WorkNews], None] = self._coming.append

    def put(self, news: WorkNews) -> None:
        """Let something happen; before the start it waits."""
        self._on_news(news)

    def start(self, on_news: Callable[[WorkNews], None]) -> None:
        """Connect at once."""
        self._on_news = on_news
        on_news(Connected())
        for news in self._coming:
            on_news(news)

    def acknowledge(self, tag: object) -> None:
        """Remember it."""
        self.acknowledged.append(tag)
        self.on_acknowledged()

    def give_back(self, tag: object) -> None:
        """Remember it."""
        self.given_back.append(tag)

    def bury(self, tag: object, reason: str) -> None:
        """Nobody asks for it."""

    def tell(self, assignment: Assignment, status: ReportStatus, outcome: Outcome | None) -> None:
        """Keep it, and say so of an end."""
        self.told.append((assignment.run_id, status, outcome))
        if outcome is not None:
            self._on_news(EndTold(assignment.run_id))

    def beat(self, assignment: Assignment, details: Mapping[str, Any] | None) -> None:
        """Nobody listens."""

    def overhear(self, jobs: frozenset[str]) -> None:
        """There are no other workers."""

    def count_loss(self, run_id: str, job: str) -> None:
        """It is the first."""
        self._on_news(Counted(run_id, 1))

    def forget_losses(self, run_id: str) -> None:
        """Nothing was kept."""

    def stop_taking(self) -> None:
        """Nothing comes by itself."""

    def describe(self) -> str:
        """Say that all is well."""
        return "connected"

    def stop(self) -> None:
        """Nothing to close."""
