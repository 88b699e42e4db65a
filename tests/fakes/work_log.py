"""A listener that remembers what launchers report, and lets a test wait for it."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Condition
from typing import Any

from executor.domain.live_output import OutputChunk
from executor.domain.run import Outcome


class WorkLog:
    """A :class:`~executor.ports.target.WorkListener` in the hands of a test.

    Attributes:
        willing: what ``may_start`` answers.
        asked: how often it was asked.
        started_at: run id -> when its start was reported.
        details: run id -> what it told last.
        told: run id -> how often it told something.
        refused: ids given back unstarted, in order.
        handed_on: ids handed over -> whether they were known to have begun.
        ended: ids reported as finished, in order.
        outcomes: run id -> how it ended.
        ended_at: run id -> when.
        chunks: run id -> what it was heard to say while it went on, in order.
        faults: what a launcher must never do.
    """

    def __init__(self) -> None:
        self.willing = True
        self.asked = 0
        self.started_at: dict[str, datetime] = {}
        self.details: dict[str, Mapping[str, Any]] = {}
        self.told: Counter[str] = Counter()
        self.refused: list[str] = []
        self.handed_on: dict[str, bool] = {}
        self.ended: list[str] = []
        self.outcomes: dict[str, Outcome] = {}
        self.ended_at: dict[str, datetime] = {}
        self.chunks: dict[str, list[OutputChunk]] = {}
        self.faults: list[str] = []
        self._reports: Counter[tuple[str, str]] = Counter()
        self._news = Condition()

    def may_start(self) -> bool:
        with self._news:
            self.asked += 1
            return self.willing

    def started(self, run_id: str, at: datetime) -> None:
        with self._news:
            self._once("started", run_id)
            if run_id in self.outcomes:
                self.faults.append(f"{run_id} started after its end")
            self.started_at[run_id] = at
            self._news.notify_all()

    def progressed(self, run_id: str, details: Mapping[str, Any]) -> None:
        with self._news:
            if run_id not in self.started_at or run_id in self.outcomes:
                self.faults.append(f"{run_id} told something before its start or after its end")
            self.details[run_id] = details
            self.told[run_id] += 1
            self._news.notify_all()

    def not_started(self, run_id: str) -> None:
        with self._news:
            self._once("over", run_id)
            self.refused.append(run_id)
            self._news.notify_all()

    def said(self, run_id: str, offset: int, data: bytes) -> None:
        with self._news:
            if run_id not in self.started_at or run_id in self.outcomes:
                self.faults.append(f"{run_id} said something before its start or after its end")
            self.chunks.setdefault(run_id, []).append(OutputChunk(run_id, offset, data))
            self._news.notify_all()

    def finished(self, run_id: str, at: datetime, outcome: Outcome) -> None:
        with self._news:
            self._once("over", run_id)
            self.ended.append(run_id)
            self.outcomes[run_id] = outcome
            self.ended_at[run_id] = at
            self._news.notify_all()

    def handed_over(self, run_id: str, at: datetime, running: bool) -> None:
        with self._news:
            self._once("over", run_id)
            self.handed_on[run_id] = running
            self._news.notify_all()

    def wait_for_hand_over(self, run_id: str, timeout_s: float = 10) -> bool:
        """Return whether *run_id* was known to have begun, once it is handed over."""
        self._wait(lambda: run_id in self.handed_on, timeout_s)
        return self.handed_on[run_id]

    def wait_for_start(self, *run_ids: str, timeout_s: float = 10) -> None:
        """Return once every one of *run_ids* has been reported as started."""
        self._wait(lambda: all(run_id in self.started_at for run_id in run_ids), timeout_s)

    def wait_for_words(self, run_id: str, words: bytes, timeout_s: float = 10) -> None:
        """Return once *words* have been heard, in one chunk, from *run_id*."""
        self._wait(
            lambda: any(words in chunk.data for chunk in self.chunks.get(run_id, ())), timeout_s
        )

    def wait_for_end(self, run_id: str, timeout_s: float = 10) -> Outcome:
        """Return how *run_id* ended, once it has."""
        self._wait(lambda: run_id in self.outcomes, timeout_s)
        return self.outcomes[run_id]

    def wait_for_ends(self, count: int, timeout_s: float = 20) -> None:
        """Return once *count* runs have been reported as finished or given back."""
        self._wait(lambda: len(self.ended) + len(self.refused) >= count, timeout_s)

    def _wait(self, fact: Callable[[], bool], timeout_s: float) -> None:
        with self._news:
            came = self._news.wait_for(fact, timeout_s)
        assert came, (
            f"not within {timeout_s:g} s; {len(self.started_at)} started, {len(self.ended)} ended, "
            f"{len(self.handed_on)} handed over, "
            f"{len(self.refused)} refused, faults: {self.faults}"
        )

    def _once(self, what: str, run_id: str) -> None:
        self._reports[what, run_id] += 1
        if self._reports[what, run_id] > 1:
            self.faults.append(f"{run_id} reported {what} {self._reports[what, run_id]} times")

    def expect_again(self, run_id: str) -> None:
        """Forget that *run_id* was handed over: it is about to be started once more."""
        with self._news:
            del self._reports["over", run_id], self.handed_on[run_id]
