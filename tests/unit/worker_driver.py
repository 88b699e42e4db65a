"""Drives a worker's bench on a clock of its own, and keeps what it wants done."""

from __future__ import annotations

from typing import Any, TypeVar

from executor.domain.report import ReportStatus
from executor.domain.run import Outcome, RunState
from executor.ports.work_queue import Assignment, Connected, Taken
from executor.worker.bench import Bench
from executor.worker.steps import Event, RunEnded, Step, Tell, Tick

S = TypeVar("S", bound=Step)

DONE = Outcome(state=RunState.SUCCEEDED)
CANCELLED = Outcome(state=RunState.CANCELLED)

BEAT_S = 2.0
GRACE_S = 20.0


def an_assignment(run_id: str = "r1", **fields: Any) -> Assignment:
    """Return a run of the job ``resize``."""
    return Assignment(**{"run_id": run_id, "job": "resize", "beat_s": BEAT_S, **fields})


class Driver:
    """A bench that is connected.

    Attributes:
        steps: all that it has wanted done, in order.
    """

    def __init__(self) -> None:
        self.bench = Bench(GRACE_S)
        self.now = 1000.0
        self.steps: list[Step] = []
        self.tell(Connected())

    def tell(self, *events: Event) -> list[Step]:
        """Let *events* happen now; return what they are answered with."""
        fresh = [step for event in events for step in self.bench.handle(event, self.now)]
        self.steps += fresh
        return fresh

    def take(self, run_id: str = "r1", *, doubtful: bool = False, tag: str = "") -> list[Step]:
        """Let a run come; its tag is its id unless told otherwise."""
        return self.tell(Taken(tag or run_id, an_assignment(run_id), doubtful))

    def end(self, run_id: str = "r1", outcome: Outcome = DONE) -> list[Step]:
        """Let the launcher report an end."""
        return self.tell(RunEnded(run_id, outcome))

    def advance(self, seconds: float) -> list[Step]:
        """Let time pass, with a tick whenever the bench asks for one."""
        until, fresh = self.now + seconds, []
        while self.bench.wake_at <= until:
            self.now = max(self.bench.wake_at, self.now)
            fresh += self.tell(Tick())
        self.now = until
        return fresh

    def wanted(self, kind: type[S]) -> list[S]:
        """Return the steps of one kind so far."""
        return [step for step in self.steps if isinstance(step, kind)]

    def told(self, run_id: str = "r1") -> list[ReportStatus]:
        """Return what was reported of a run so far."""
        return [one.status for one in self.wanted(Tell) if one.assignment.run_id == run_id]
