"""One simulated instance: the real engine, its store calls and its launchers, on virtual time.

Faults: crash (everything in memory is gone), pause (nothing of it moves, and then it
finds that time has passed), a cut link to the store or the broker, a wall clock that steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from executor.domain.errors import StoreUnavailable
from executor.domain.job import Definition
from executor.domain.run import Outcome, Reason, Run, RunState
from executor.engine.effects import (
    CancelWork,
    CloseIntake,
    Effect,
    Exit,
    InsertRuns,
    Lane,
    Note,
    OpenIntake,
    Request,
    Settle,
    StartRuns,
    StepAside,
    StopToken,
)
from executor.engine.engine import Engine
from executor.engine.events import (
    Answered,
    CommandReceived,
    Event,
    Failed,
    Moment,
    RunFinished,
    RunNotStarted,
    RunStarted,
    StopRequested,
    Tick,
    TokenGained,
    TokenGone,
)
from executor.engine.timing import Options
from executor.runtime.store_calls import perform
from tests.simulation.broker import Connection, ModelBroker
from tests.simulation.ledger import Ledger, LedgerStore
from tests.simulation.world import World

RUN_LEASE_S = 4.0
GRACE_S = 3.0

#: Longer than the latest of the late writes below.
RETENTION_REST_S = 9.0


@dataclass(slots=True)
class StoreWeather:
    """How the store treats calls at the moment; shared by all instances."""

    up: bool = True
    slow: float = 1.0


class SimulatedInstance:
    """A process that may be killed and started again."""

    def __init__(
        self,
        name: str,
        world: World,
        broker: ModelBroker,
        store: LedgerStore,
        ledger: Ledger,
        weather: StoreWeather,
        *,
        ordered: bool = True,
    ) -> None:
        self.name = name
        self._world = world
        self._broker = broker
        self._store = store
        self._ledger = ledger
        self._weather = weather
        self._ordered = ordered
        self.wall_offset = timedelta(0)
        self.store_link = True
        self.life = 0
        self.alive = False
        self.paused = False
        self._frozen: list[Callable[[], None]] = []
        self.start()

    # Life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start a new process, unless one lives."""
        if self.alive:
            return
        self.life += 1
        self.alive, self.paused = True, False
        self.exited = False
        self._frozen = []
        self._competes = True
        self._origin = self._world.random.uniform(1e5, 2e5) - self._world.time
        options = Options(
            instance=f"{self.name}.{self.life}",
            run_lease_s=RUN_LEASE_S,
            retention_rest_s=RETENTION_REST_S,
            grace_s=GRACE_S,
        )
        self._engine = Engine(options, self._moment())
        self._work: dict[str, Run] = {}
        self._lanes: dict[Lane, deque[Request]] = {lane: deque() for lane in Lane}
        self._wake_order = 0
        self._connect()
        self._tell(Tick())

    def _connect(self) -> None:
        life = self.life
        self._connection = Connection(
            self.name,
            on_won=self._living(life, lambda: self._tell(TokenGained())),
            on_lost=lambda reason: self._living(life, lambda: self._tell(TokenGone(reason)))(),
            on_command=lambda tag, command: self._living(
                life, lambda: self._tell(CommandReceived(tag, command))
            )(),
        )
        self._broker.connect(self._connection)

    def crash(self) -> None:
        """Die on the spot."""
        if not self.alive:
            return
        self._world.say(self.name, "CRASH")
        self.alive = False
        self._broker.drop(self._connection, None, self._world.delay(0.002))

    def stop(self) -> None:
        """Be asked to end cleanly."""
        self._world.say(self.name, "SIGTERM")
        self._living(self.life, lambda: self._tell(StopRequested()))()

    def pause(self, seconds: float) -> None:
        """Stand still; the broker drops a silent connection after a while."""
        if not self.alive or self.paused:
            return
        self._world.say(self.name, f"PAUSE {seconds:.1f} s")
        self.paused = True
        life = self.life
        if seconds > 4.0:
            self._world.after(4.0, lambda: self._cut_while_paused(life))
        self._world.after(seconds, lambda: self._resume(life))

    def _cut_while_paused(self, life: int) -> None:
        if self.life == life and self.alive and self.paused:
            self._broker.drop(self._connection, 0.01, 0.0)

    def _resume(self, life: int) -> None:
        if self.life != life or not self.alive:
            return
        self._world.say(self.name, "RESUME")
        self.paused = False
        frozen, self._frozen = self._frozen, []
        self._world.random.shuffle(frozen)
        for act in frozen:
            self._world.after(self._world.random.uniform(0, 0.002), act)
        self._reconnect_later(life)

    def cut_broker(self, seconds: float) -> None:
        """Lose the link to the broker for a while."""
        if not self.alive:
            return
        self._world.say(self.name, f"BROKER LINK CUT {seconds:.1f} s")
        self._broker.drop(
            self._connection, self._world.random.uniform(0.0, 5.0), self._world.random.uniform(0, 5)
        )
        life = self.life
        self._world.after(seconds + 5.0, lambda: self._reconnect_later(life))

    def _reconnect_later(self, life: int) -> None:
        def reconnect() -> None:
            if self._competes and not self._connection.up:
                if self._connection.believes:
                    self._tell(TokenGone("reconnecting"))
                self._connect()

        self._world.after(0.1, self._living(life, reconnect))

    def cut_store(self, seconds: float) -> None:
        """Lose the link to the store for a while."""
        self._world.say(self.name, f"STORE LINK CUT {seconds:.1f} s")
        self.store_link = False

        def mend() -> None:
            self.store_link = True

        self._world.after(seconds, mend)

    def step_clock(self, seconds: float) -> None:
        """Let the wall clock jump."""
        self._world.say(self.name, f"CLOCK STEP {seconds:+.1f} s")
        self.wall_offset += timedelta(seconds=seconds)

    def _living(self, life: int, act: Callable[[], None]) -> Callable[[], None]:
        """Return *act* as it happens inside this process: not after its death, not while paused."""

        def guarded() -> None:
            if self.life != life or not self.alive:
                return
            if self.paused:
                self._frozen.append(guarded)
            else:
                act()

        return guarded

    # The engine -----------------------------------------------------------------------------

    @property
    def term(self) -> int | None:
        """The term this instance executes under."""
        return self._engine.term if self.alive else None

    def _wall(self) -> datetime:
        return self._world.now() + self.wall_offset

    def _moment(self) -> Moment:
        return Moment(self._wall(), self._origin + self._world.time)

    def _tell(self, event: Event) -> None:
        if self.exited:
            return
        for effect in self._engine.handle([event], self._moment()):
            self._carry_out(effect)
        self._wake_order += 1
        order = self._wake_order
        delay = self._engine.wake_in(self._moment()) + self._world.random.uniform(0.0001, 0.001)

        def wake() -> None:
            if order == self._wake_order:
                self._tell(Tick())

        self._world.after(delay, self._living(self.life, wake))

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Request():
                queue = self._lanes[effect.lane]
                queue.append(effect)
                if len(queue) == 1:
                    self._next_call(effect.lane)
            case StartRuns():
                for run, definition in effect.works:
                    self._launch(run, definition)
            case CancelWork():
                self._cancel(effect.run_id, effect.reason)
            case OpenIntake():
                self._broker.open(self._connection)
            case CloseIntake():
                self._broker.close(self._connection)
            case Settle():
                self._broker.settle(self._connection, effect.tag, effect.result)
            case StepAside():
                self._broker.step_aside(self._connection, effect.seconds)
            case StopToken():
                self._competes = False
                self._broker.drop(self._connection, 0.0, 0.001)
            case Note():
                self._world.say(self.name, f"{effect.action} {effect.facts}")
            case Exit():
                self._world.say(self.name, "EXIT")
                self.exited = True
                self.alive = False

    # Store calls ----------------------------------------------------------------------------

    def _next_call(self, lane: Lane) -> None:
        queue = self._lanes[lane]
        if not queue:
            return
        request = queue[0]
        life = self.life
        self._world.after(
            self._world.delay(0.002) * self._weather.slow, lambda: self._call(life, lane, request)
        )

    def _call(self, life: int, lane: Lane, request: Request) -> None:
        """The call reaches the store, or does not; its sender may be dead or paused by now."""
        outcomes: list[Event] = []
        reached = self._weather.up and self.store_link
        if reached:
            if not self._ordered and isinstance(request, InsertRuns):
                # The switched-off order: claims are answered for first and durable later.
                outcomes = [Answered(request, {})]
                self._world.after(
                    self._world.random.uniform(0.3, 0.8), partial(self._late, life, request)
                )
            else:
                perform(request, self._store.as_seen_by(f"{self.name}.{life}"), outcomes.append)
            if self._world.chance(0.004):
                # It was written, but the answer is lost.
                outcomes = [Failed(request, StoreUnavailable("answer lost"))]
            delay = self._world.delay(0.002) * self._weather.slow
            if self._world.chance(0.01):
                # It is done, and the answer dawdles: much happens before it arrives.
                delay += self._world.random.uniform(0.3, 3.0)
        else:
            outcomes = [Failed(request, StoreUnavailable("not reached"))]
            delay = self._world.random.uniform(0.05, 2.0)
            if self._world.chance(0.3):
                # The caller gives up, and later the store does it all the same.
                late = self._world.random.uniform(0.0, 6.0)
                self._world.after(late, lambda: self._late(life, request))

        def answer() -> None:
            # Still at the head of its lane meanwhile: what the engine wants next queues behind it.
            for outcome in outcomes:
                self._tell(outcome)
            self._lanes[lane].popleft()
            self._next_call(lane)

        self._world.after(delay, self._living(life, answer))

    def _late(self, life: int, request: Request) -> None:
        if self._weather.up:
            ignored: list[Event] = []
            self._world.say(self.name, f"late {type(request).__name__}")
            perform(request, self._store.as_seen_by(f"{self.name}.{life}"), ignored.append)

    # Launchers ------------------------------------------------------------------------------

    def _launch(self, run: Run, definition: Definition) -> None:
        self._work[run.id] = run
        # Sometimes the launcher has a backlog, longer than the executor may be trusted.
        backlog = self._world.random.uniform(0.5, 4.0) if self._world.chance(0.02) else 0.0
        self._world.after(
            self._world.delay(0.001) + backlog,
            self._living(self.life, lambda: self._begin(run, definition)),
        )

    def _begin(self, run: Run, definition: Definition) -> None:
        if run.id not in self._work:
            return
        if self._moment().monotonic >= self._engine.trusted_until:
            del self._work[run.id]
            self._tell(RunNotStarted(run.id))
            return
        self._ledger.started(run, self.name)
        self._tell(RunStarted(run.id, self._wall()))
        longest = 6.0 if self._world.chance(0.05) else 1.2
        self._world.after(
            self._world.random.uniform(0.001, longest),
            self._living(self.life, lambda: self._end(run.id, Outcome(state=RunState.SUCCEEDED))),
        )

    def _cancel(self, run_id: str, reason: Reason) -> None:
        outcome = Outcome(state=RunState.CANCELLED, reason=reason)
        self._world.after(0.01, self._living(self.life, lambda: self._end(run_id, outcome)))

    def _end(self, run_id: str, outcome: Outcome) -> None:
        if self._work.pop(run_id, None) is not None:
            self._ledger.ended(run_id)
            self._tell(RunFinished(run_id, self._wall(), outcome))
