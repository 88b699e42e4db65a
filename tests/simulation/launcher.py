"""A model launcher: limited capacity, a backlog, and work that ends with its process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from executor.domain.run import Outcome, Reason, Run, RunState
from executor.engine.events import (
    Event,
    RunFinished,
    RunHandedOver,
    RunNotStarted,
    RunStarted,
)
from tests.simulation.ledger import Ledger
from tests.simulation.work import Work
from tests.simulation.workers import BY_SERVICES, Workers, is_remote
from tests.simulation.world import World


@dataclass(slots=True)
class ModelLauncher:
    """Runs the works of one process.

    Args:
        capacity: so many works at a time; the others wait.
        work_of: what there is to do for a run.
        trusted: whether a work may be started now.
        on_begin: told of each work that begins.
        inside: makes an act one of the process: not done after its death, nor while it is paused.
        workers: have the runs that go on elsewhere.
    """

    name: str
    world: World
    ledger: Ledger
    capacity: int
    work_of: Callable[[Run], Work]
    trusted: Callable[[], bool]
    on_begin: Callable[[Run], None]
    wall: Callable[[], datetime]
    tell: Callable[[Event], None]
    inside: Callable[[Callable[[], None]], Callable[[], None]]
    workers: Workers
    _coming: dict[str, Run] = field(default_factory=dict)
    _waiting: deque[Run] = field(default_factory=deque)
    _running: dict[str, Run] = field(default_factory=dict)

    def start(self, run: Run) -> None:
        """Begin the work as soon as capacity allows."""
        # Sometimes there is a backlog, longer than the executor may be trusted.
        backlog = self.world.random.uniform(0.5, 4.0) if self.world.chance(0.02) else 0.0
        self._coming[run.id] = run
        arrives = self.inside(partial(self._arrive, run))
        self.world.after(self.world.delay(0.001) + backlog, arrives)

    def _arrive(self, run: Run) -> None:
        if self._coming.pop(run.id, None) is not None:
            self._waiting.append(run)
            self._fill()

    def _fill(self) -> None:
        while self._waiting and len(self._running) < self.capacity:
            run = self._waiting.popleft()
            if self.trusted():
                self._begin(run)
            else:
                self.tell(RunNotStarted(run.id))

    def _begin(self, run: Run) -> None:
        self._running[run.id] = run
        self.on_begin(run)
        if not run.remote:
            self.ledger.started(run, self.name)
        if is_remote(run.job):
            self._hand_over(run)
            return
        work = self.work_of(run)
        seconds, outcome = work.seconds(self.world), work.outcome(self.world)
        self.world.after(seconds, self.inside(lambda: self._end(run.id, outcome)))
        self.tell(RunStarted(run.id, self.wall()))

    def _hand_over(self, run: Run) -> None:
        """Let somebody else have the run; that it is let go of is told after that, or never."""
        self.workers.give(run)
        self.ledger.ended(run.id)
        by_service = run.job.startswith(BY_SERVICES)
        if by_service:
            self.tell(RunStarted(run.id, self.wall()))

        def let_go() -> None:
            if self._running.pop(run.id, None) is not None:
                self.tell(RunHandedOver(run.id, self.wall(), by_service))
                self._fill()

        self.world.after(self.world.delay(0.02), self.inside(let_go))

    def cancel(self, run_id: str, reason: Reason) -> None:
        """End the work early."""
        outcome = Outcome(state=RunState.CANCELLED, reason=reason)
        self.world.after(0.01, self.inside(lambda: self._end(run_id, outcome)))

    def _end(self, run_id: str, outcome: Outcome) -> None:
        waiting = [run for run in self._waiting if run.id == run_id]
        for run in waiting:
            self._waiting.remove(run)
        came = self._coming.pop(run_id, None) or self._running.pop(run_id, None)
        if not waiting and came is None:
            return
        self.ledger.ended(run_id, outcome.retry_after)
        self.tell(RunFinished(run_id, self.wall(), outcome))
        self._fill()

    def die(self) -> None:
        """End all work with the process."""
        for run_id in self._running:
            self.ledger.ended(run_id)
        self._running.clear()
        self._coming.clear()
        self._waiting.clear()
