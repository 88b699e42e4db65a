"""One simulated instance: the real engine, its store calls and its launchers, on virtual time.

Faults: crash (everything in memory is gone), pause (nothing of it moves, and then it
finds that time has passed), a cut link to the store or to the broker (the token's, the
commands', or both at different times), a wall clock that steps.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf

from executor.domain.command import Command
from executor.domain.run import Run
from executor.engine.effects import (
    AttendWorkers,
    CancelWork,
    CloseIntake,
    Deliver,
    Effect,
    Exit,
    Note,
    OpenIntake,
    RecallWork,
    Reply,
    Settle,
    SettleReport,
    StartRuns,
    StepAside,
    StopToken,
)
from executor.engine.engine import Engine
from executor.engine.events import (
    CommandReceived,
    Event,
    Moment,
    StopRequested,
    Tick,
    TokenGained,
    TokenGone,
)
from executor.engine.store_requests import Request
from executor.engine.timing import Options
from tests.simulation.broker import Connection
from tests.simulation.command_queue import CommandLink
from tests.simulation.courier import ModelCourier
from tests.simulation.launcher import ModelLauncher
from tests.simulation.parked import LineWatch
from tests.simulation.store_link import StoreLink
from tests.simulation.surroundings import Surroundings
from tests.simulation.worker_end import WorkerEnd

RUN_LEASE_S = 4.0
GRACE_S = 3.0
RECALL_GRACE_S = 3.0

#: Longer than the latest of the late writes of a store link.
RETENTION_REST_S = 9.0

#: Promised: no start is later (s) than that after the last clearance was asked for.
TRUSTED_S = 2.5

#: A silent connection is dropped by the broker after so long (s).
_SILENCE_S = 4.0


class SimulatedInstance:
    """A process that may be killed and started again."""

    def __init__(self, name: str, surroundings: Surroundings) -> None:
        self.name = name
        self._around = surroundings
        self._world = surroundings.world
        self._broker = surroundings.broker
        self._ledger = surroundings.ledger
        self.wall_offset = timedelta(0)
        self._store_cut_until = 0.0
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
        self._recovered_at = self._world.time
        self._origin = self._world.random.uniform(1e5, 2e5) - self._world.time
        options = Options(
            instance=f"{self.name}.{self.life}",
            run_lease_s=RUN_LEASE_S,
            retention_rest_s=RETENTION_REST_S,
            grace_s=GRACE_S,
            recall_grace_s=RECALL_GRACE_S,
        )
        self._engine = Engine(options, self._moment())
        self._wake_order = 0
        self._news: deque[Event] = deque()
        self._deliveries: deque[tuple[object, Command, bool]] = deque()
        self._tags: set[object] = set()
        self._intake_open = False
        self._make_link(self.life)
        self._connect()
        self._connect_commands()
        self._tell(Tick())

    def _make_link(self, life: int) -> None:
        around = self._around

        def inside(act: Callable[[], None]) -> Callable[[], None]:
            return self._living(life, act)

        self.watch = LineWatch(self._ledger, f"{self.name}.{life}")
        self._link = StoreLink(
            who=f"{self.name}.{life}",
            world=self._world,
            store=around.store,
            weather=around.weather,
            inside=inside,
            tell=self._tell,
            dead=lambda: self.life != life or not self.alive,
            cut=lambda: self._world.time < self._store_cut_until,
            on_point=lambda request, point: around.on_point(self, request, point),
            watch=self.watch,
            ordered=around.ordered,
        )
        self._launcher = ModelLauncher(
            name=f"{self.name}.{life}",
            world=self._world,
            ledger=self._ledger,
            capacity=around.capacity,
            work_of=around.work_of,
            trusted=lambda: self._moment().monotonic < self._engine.trusted_until,
            on_begin=self._check_trust,
            wall=self._wall,
            tell=self._tell,
            inside=inside,
            workers=around.workers,
        )
        self._workers = WorkerEnd(around, self._tell, self._wall, inside)
        self._courier = ModelCourier(self._world, self._ledger, self._wall, self._tell, inside)

    def crash(self, silent_s: float = 0.0) -> None:
        """Die on the spot; the broker may notice only after up to *silent_s*, link by link."""
        if not self.alive:
            return
        self._world.say(self.name, f"CRASH {silent_s:.1f} s")
        self._die(silent_s)

    def _die(self, silent_s: float = 0.0) -> None:
        self.alive = False
        self._launcher.die()
        random, delay = self._world.random, self._world.delay
        token, commands = (delay(0.002) + random.uniform(0.0, silent_s) for _ in range(2))
        self._broker.drop(self._connection, None, token)
        self._broker.commands.drop(self._commands, commands)
        self._workers.die(commands)

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
        if seconds > _SILENCE_S:
            self._world.after(_SILENCE_S, lambda: self._cut_while_paused(life))
        self._world.after(seconds, lambda: self._resume_life(life))

    def _cut_while_paused(self, life: int) -> None:
        if self.life == life and self.alive and self.paused:
            self._broker.drop(self._connection, 0.01, 0.0)
            self._broker.commands.drop(self._commands, 0.0)
            self._workers.cut(0.0)

    def _resume_life(self, life: int) -> None:
        if self.life == life:
            self.resume()

    def resume(self) -> None:
        """Go on, and find that time has passed."""
        if not self.alive or not self.paused:
            return
        self._world.say(self.name, "RESUME")
        self.paused = False
        self._recovered_at = self._world.time
        frozen, self._frozen = self._frozen, []
        self._world.random.shuffle(frozen)
        for act in frozen:
            self._world.after(self._world.random.uniform(0, 0.002), act)
        self._world.after(0.1, self.reconnect)

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

    def well_since(self, life: int) -> float:
        """Return since when this process and its way to the store are well; infinity if not."""
        weather = self._around.weather
        well = self.alive and self.life == life and not self.paused and weather.fine
        if not well or self._world.time < self._store_cut_until:
            return inf
        return max(
            self._recovered_at,
            self._store_cut_until,
            self._link.recovered_at,
            weather.recovered_at,
        )

    # Links ----------------------------------------------------------------------------------

    def _connect(self) -> None:
        life = self.life
        self._connection = Connection(
            self.name,
            on_won=lambda: self._bring(life, TokenGained()),
            on_lost=lambda reason: self._bring(life, TokenGone(reason)),
        )
        self._broker.connect(self._connection)

    def _bring(self, life: int, news: Event) -> None:
        """Bring news of the token; they keep their order, also through a pause."""
        if self.life == life:
            self._news.append(news)
            self._living(life, lambda: self._tell(self._news.popleft()))()

    def _connect_commands(self) -> None:
        life = self.life

        def bring(tag: object, command: Command, first: bool) -> None:
            # As with news of the token: what was brought first is taken first.
            if self.life == life:
                self._deliveries.append((tag, command, first))
                self._living(life, lambda: self._deliver(*self._deliveries.popleft()))()

        self._commands = CommandLink(bring, consuming=self._intake_open)
        self._broker.commands.connect(self._commands)

    def _deliver(self, tag: object, command: Command, first: bool) -> None:
        if self._intake_open:
            self._tags.add(tag)
        self._tell(CommandReceived(tag, command, first))

    def cut_token(self, seconds: float) -> None:
        """Lose the link of the token; the two sides notice at different times."""
        if not self.alive:
            return
        self._world.say(self.name, f"TOKEN LINK CUT {seconds:.1f} s")
        random = self._world.random
        self._broker.drop(self._connection, random.uniform(0.0, 5.0), random.uniform(0.0, 5.0))
        self._around.remote.deaf_for(seconds + 5.0)
        self._world.after(seconds + 5.0, self._living(self.life, self.reconnect))

    def cut_commands(self, seconds: float) -> None:
        """Lose the link of the commands; the engine is not told, the adapter reconnects."""
        if not self.alive:
            return
        self._world.say(self.name, f"COMMAND LINK CUT {seconds:.1f} s")
        self._broker.commands.drop(self._commands, self._world.random.uniform(0.0, 3.0))
        self._workers.cut(seconds)
        self._world.after(seconds, self._living(self.life, self.reconnect_commands))

    def reconnect(self) -> None:
        """Connect again, where a link is broken."""
        if not self.alive or not self._competes:
            return
        if not self._connection.up:
            if self._connection.believes:
                self._connection.believes = False
                self._tell(TokenGone("reconnecting"))
            self._connect()
        self.reconnect_commands()

    def reconnect_commands(self) -> None:
        """Connect the commands' link again, if it is broken."""
        if self.alive and not self._commands.up:
            self._connect_commands()
            if self._intake_open:
                self._broker.commands.open(self._commands)

    def cut_store(self, seconds: float) -> None:
        """Lose the link to the store for a while."""
        self._world.say(self.name, f"STORE LINK CUT {seconds:.1f} s")
        self._store_cut_until = max(self._store_cut_until, self._world.time + seconds)

    def step_clock(self, seconds: float) -> None:
        """Let the wall clock jump."""
        self._world.say(self.name, f"CLOCK STEP {seconds:+.1f} s")
        self.wall_offset += timedelta(milliseconds=round(seconds * 1000))

    def mend(self) -> None:
        """Be whole from now on."""
        self._store_cut_until = min(self._store_cut_until, self._world.time)
        self.wall_offset = timedelta(0)
        self.start()
        self.resume()
        self._world.after(0.2, self.reconnect)

    # The engine -----------------------------------------------------------------------------

    @property
    def term(self) -> int | None:
        """The term this instance executes under."""
        return self._engine.term if self.alive else None

    def _wall(self) -> datetime:
        now = self._world.now()
        return now + self.wall_offset if self.wall_offset else now

    def _moment(self) -> Moment:
        return Moment(self._wall(), self._origin + self._world.time)

    def _tell(self, event: Event) -> None:
        if self.exited:
            return
        moment = self._moment()
        for effect in self._engine.handle([event], moment):
            self._carry_out(effect)
        self.watch.acted()
        self._wake_order += 1
        order = self._wake_order
        delay = self._engine.wake_in(moment) + self._world.random.uniform(0.0001, 0.001)

        def wake() -> None:
            if order == self._wake_order:
                self._tell(Tick())

        self._world.after(delay, self._living(self.life, wake))

    def _check_trust(self, run: Run) -> None:
        """Nothing starts long after the last clearance was asked for, nor of another term."""
        age = self._world.time - self._link.cleared_from
        if age > TRUSTED_S or run.term != self._engine.term:
            self._ledger.wrong.append(
                f"{run.job} {run.fire_at} {run.id[:8]}: to start at {self._world.time:.3f} in term "
                f"{self._engine.term} for {run.term}, cleared {age:.3f} s ago"
            )

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case Request():
                self._link.call(effect)
            case StartRuns():
                self.watch.handed([run for run, _ in effect.works], self._wall())
                for run, _ in effect.works:
                    self._check_trust(run)
                    self._ledger.handed(run, self._wall())
                    self._launcher.start(run)
            case Deliver():
                self._courier.deliver(effect.notification)
            case CancelWork():
                self._ledger.told_to_end.add(effect.run_id)
                self._launcher.cancel(effect.run_id, effect.reason)
            case AttendWorkers() | SettleReport() | RecallWork():
                self._workers.carry_out(effect)
            case OpenIntake():
                self._intake_open = True
                self._broker.commands.open(self._commands)
            case CloseIntake():
                self._intake_open = False
                self._tags.clear()
                self._broker.commands.close(self._commands)
            case Reply():
                self._ledger.answering(self.name, effect.result, given=effect.tag in self._tags)
                self._broker.commands.reply(self._commands, effect.tag, effect.result)
            case Settle():
                self._ledger.settling(self.name, effect.result, given=effect.tag in self._tags)
                self._broker.commands.settle(self._commands, effect.tag, effect.result)
            case StepAside():
                self._broker.step_aside(self._connection, effect.seconds)
            case StopToken():
                self._competes = False
                self._broker.drop(self._connection, 0.0, 0.001)
            case Note():
                self.watch.noted(effect)
                if effect.action == "fire_time_moved":
                    self._ledger.moved.add(
                        (str(effect.facts["job_id"]), str(effect.facts["is_now"]))
                    )
                self._world.say(self.name, "{} {}", effect.action, effect.facts)
            case Exit():
                self._world.say(self.name, "EXIT")
                self.exited = True
                self._die()
