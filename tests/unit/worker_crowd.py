"""Several benches and a model of the broker between them, driven at random by a seed.

The broker keeps a message until it is acknowledged and delivers it again, marked, when its worker
dies, loses its connection or gives it back.  Reports reach the executor, and every worker that
listens, at once; those of a worker without a connection wait for it.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from random import Random

from executor.domain.report import ReportStatus
from executor.domain.run import Outcome, RunState
from executor.ports.work_queue import (
    Connected,
    Counted,
    Disconnected,
    EndTold,
    Overheard,
    Recall,
    Taken,
)
from executor.worker.bench import Bench
from executor.worker.steps import (
    Acknowledge,
    Beat,
    Begin,
    Bury,
    CancelRun,
    CountLoss,
    Event,
    Exit,
    GiveBack,
    Overhear,
    RunEnded,
    Step,
    StopAsked,
    Tell,
    Tick,
)
from tests.unit.worker_driver import an_assignment

GRACE_S = 4.0
PREFETCH = 3


@dataclass(slots=True, eq=False)
class Message:
    """A run's message on the broker."""

    run_id: str
    redelivered: bool = False


@dataclass(slots=True, eq=False)
class Worker:
    """A worker: its bench, and what goes on there."""

    bench: Bench = field(default_factory=lambda: Bench(GRACE_S))
    connected: bool = True
    back_at: float = 0.0
    listens: bool = False
    stopping: bool = False
    over: bool = False
    hand: dict[int, Message] = field(default_factory=dict)
    running: dict[str, tuple[float, RunState]] = field(default_factory=dict)
    unsent: deque[Tell] = field(default_factory=deque)


class Crowd:
    """One history.

    Attributes:
        ends: of each run, what was reported.
        doubles: how often two workers worked on the same run at the same time.
        faults: what must never happen.
    """

    def __init__(self, seed: int, *, workers: int = 3, runs: int = 12, cuts: bool) -> None:
        self._random = Random(seed)
        self._cuts = cuts
        self.now = 1000.0
        self.queue = deque(Message(f"r{number}") for number in range(runs))
        self.workers = [self._hire() for _ in range(workers)]
        self.ends: dict[str, list[ReportStatus]] = {f"r{number}": [] for number in range(runs)}
        self.recalled: set[str] = set()
        self.losses: Counter[str] = Counter()
        self.buried: set[str] = set()
        self.doubles = 0
        self.faults: list[str] = []
        self._tag = 0

    def run(self, troubled_s: float = 60.0, quiet_s: float = 240.0) -> None:
        """Live through a time of trouble, and then through one without."""
        trouble_ends = self.now + troubled_s
        while self.now < trouble_ends + quiet_s:
            self.now += self._random.uniform(0.05, 0.6)
            if self.now < trouble_ends:
                self._trouble()
            self._serve()

    def _hire(self) -> Worker:
        worker = Worker()
        self._tell(worker, Connected())
        return worker

    # What happens -------------------------------------------------------------------------

    def _trouble(self) -> None:
        number = self._random.randrange(len(self.workers))
        worker = self.workers[number]
        match self._random.randrange(40):
            case 0:
                self._requeue(worker)
                self.workers[number] = self._hire()
            case 1 if self._cuts and worker.connected:
                self._cut(worker)
            case 2 if not worker.stopping:
                worker.stopping = True
                self._tell(worker, StopAsked())
            case 3:
                run_id = self._random.choice(sorted(self.ends))
                self.recalled.add(run_id)
                for one in self.workers:
                    if one.connected:
                        self._tell(one, Recall(run_id))
            case _:
                pass

    def _cut(self, worker: Worker) -> None:
        worker.connected = worker.listens = False
        worker.back_at = self.now + self._random.uniform(0.1, 8.0)
        self._requeue(worker)
        self._tell(worker, Disconnected())

    def _requeue(self, worker: Worker) -> None:
        for message in reversed(list(worker.hand.values())):
            message.redelivered = True
            self.queue.appendleft(message)
        worker.hand.clear()

    def _serve(self) -> None:
        for number, worker in enumerate(self.workers):
            if worker.over:
                self._requeue(worker)
                self.workers[number] = self._hire()
                continue
            if not worker.connected and worker.back_at <= self.now:
                worker.connected = True
                self._tell(worker, Connected())
                while worker.unsent:
                    self._report(worker, worker.unsent.popleft())
            for run_id, (end_at, state) in list(worker.running.items()):
                if end_at <= self.now:
                    del worker.running[run_id]
                    self._tell(worker, RunEnded(run_id, Outcome(state=state)))
            if worker.bench.wake_at <= self.now:
                self._tell(worker, Tick())
            self._deliver(worker)
        going_on = Counter(run_id for worker in self.workers for run_id in worker.running)
        self.doubles += sum(count > 1 for count in going_on.values())

    def _deliver(self, worker: Worker) -> None:
        able = worker.connected and not worker.stopping and not worker.over
        while able and self.queue and len(worker.hand) < PREFETCH:
            message = self.queue.popleft()
            self._tag += 1
            worker.hand[self._tag] = message
            doubtful = message.redelivered
            self._tell(worker, Taken(self._tag, an_assignment(message.run_id), doubtful))

    # What is wanted -----------------------------------------------------------------------

    def _tell(self, worker: Worker, event: Event) -> None:
        for step in worker.bench.handle(event, self.now):
            self._carry_out(worker, step)

    def _carry_out(self, worker: Worker, step: Step) -> None:
        match step:
            case Begin():
                run_id = step.assignment.run_id
                if run_id in worker.running:
                    self.faults.append(f"{run_id} begun twice by one worker")
                ends_at = self.now + self._random.uniform(0.2, 9.0)
                state = self._random.choice([RunState.SUCCEEDED, RunState.FAILED])
                worker.running[run_id] = ends_at, state
            case CancelRun():
                if step.run_id in worker.running:
                    soon = self.now + self._random.uniform(0.0, 2.0)
                    worker.running[step.run_id] = soon, RunState.CANCELLED
            case Tell() if worker.connected:
                self._report(worker, step)
            case Tell():
                worker.unsent.append(step)
            case Beat():
                self._broadcast(worker, step.assignment.run_id, over=False)
            case Acknowledge() | GiveBack():
                self._settle(worker, step)
            case Bury():
                self.buried.add(worker.hand[int(str(step.tag))].run_id)
            case Overhear():
                worker.listens = bool(step.jobs)
            case CountLoss():
                self.losses[step.run_id] += 1
                self._tell(worker, Counted(step.run_id, self.losses[step.run_id]))
            case Exit():
                worker.over = True
            case _:
                pass

    def _settle(self, worker: Worker, step: Acknowledge | GiveBack) -> None:
        message = worker.hand.pop(int(str(step.tag)), None)
        if message is None:
            self.faults.append(f"{step} of a void tag")
        elif isinstance(step, GiveBack):
            message.redelivered = True
            self.queue.appendleft(message)
        elif not self.ends[message.run_id]:
            self.faults.append(f"{message.run_id} acknowledged before its end was told")

    def _report(self, worker: Worker, step: Tell) -> None:
        run_id, end = step.assignment.run_id, step.outcome is not None
        if end:
            self.ends[run_id].append(step.status)
        self._broadcast(worker, run_id, over=end)
        if end:
            self._tell(worker, EndTold(run_id))

    def _broadcast(self, worker: Worker, run_id: str, *, over: bool) -> None:
        for other in self.workers:
            if other is not worker and other.listens and other.connected:
                self._tell(other, Overheard(run_id, over))
