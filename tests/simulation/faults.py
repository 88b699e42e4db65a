"""What breaks, drawn from the seed: every kind of fault of the failure table.

At random moments, or out of an ambush: at the very call of the store after which the
protocol would be easiest to hurt.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from executor.engine.store_requests import (
    AdoptRuns,
    ClearTerm,
    InsertRuns,
    Lane,
    MintTerm,
    ReadOpenRuns,
    RecallCommands,
    Record,
    RenewLeases,
    Request,
    SaveResults,
    SettleFollowUps,
    WatchOpenRuns,
    WriteJobs,
)
from tests.simulation.broker import ModelBroker
from tests.simulation.instance import SimulatedInstance
from tests.simulation.points import Calling, Joining, Parking, kinds_of
from tests.simulation.store_link import StoreWeather
from tests.simulation.world import World

#: Calls that an ambush waits at, those that matter most more often.
_CALLS: tuple[type[object], ...] = (
    ClearTerm,
    ClearTerm,
    ClearTerm,
    InsertRuns,
    InsertRuns,
    AdoptRuns,
    MintTerm,
    ReadOpenRuns,
    Record,
    RenewLeases,
    RecallCommands,
    WriteJobs,
    WriteJobs,
    SaveResults,
    SettleFollowUps,
    WatchOpenRuns,
    Parking,
    Calling,
)

#: Calls that a store may be unable to carry out for a while, say because they take too long.
_HEAVY: tuple[type[Request], ...] = (
    ReadOpenRuns,
    WatchOpenRuns,
    InsertRuns,
    Record,
    RecallCommands,
)

_Blow = Callable[[SimulatedInstance], None]


class Faults:
    """Breaks things until told to stop, then mends everything."""

    def __init__(
        self,
        world: World,
        broker: ModelBroker,
        weather: StoreWeather,
        instances: list[SimulatedInstance],
    ) -> None:
        self._world = world
        self._broker = broker
        self._weather = weather
        self._instances = instances
        self.active = True
        self._ambushes: list[tuple[type[object], str, float, _Blow]] = []
        self._kinds: list[Callable[[], None]] = [
            partial(self._on_any, self._kill),
            partial(self._on_any, self._kill),
            partial(self._on_executor, self._kill),
            partial(self._on_executor, self._lose_host),
            self._crash_all,
            partial(self._on_any, self._pause),
            partial(self._on_executor, self._pause),
            partial(self._on_executor, self._pause),
            partial(self._on_executor, self._terminate),
            partial(self._on_executor, self._cut_broker),
            partial(self._on_executor, self._cut_commands),
            partial(self._on_executor, self._cut_store),
            self._store_down,
            self._store_slow,
            self._lane_slow,
            self._lane_slow,
            self._store_flaky,
            self._refuse,
            self._broker_restart,
            self._broker_wipe,
            broker.steal,
            broker.steal,
            broker.lose,
            broker.duplicate,
            partial(self._on_any, self._step_clock),
        ]
        self._blows: list[_Blow] = [
            self._kill,
            self._lose_host,
            self._pause,
            self._pause_and_steal,
            self._pause_and_steal,
            self._cut_broker,
            self._cut_commands,
            self._cut_store,
            lambda one: broker.steal(),
            lambda one: self._lane_slow(),
            lambda one: self._refuse(),
            self._step_clock,
        ]

    def schedule(self, until: float) -> None:
        """Draw the faults of this history."""
        random = self._world.random
        for _ in range(random.randint(2, 10)):
            act = random.choice(self._kinds)
            # Often right at a second, where claims, clearances and starts are.
            moment = random.uniform(2.0, until - 1.0)
            if random.random() < 0.6:
                moment = round(moment) + random.uniform(-0.5, 0.1)
            self._world.after(moment, partial(self._strike, act))
        for _ in range(random.randint(0, 4)):
            self._lie_in_wait(until)

    def _strike(self, act: Callable[[], None]) -> None:
        if self.active:
            act()

    # Ambushes -------------------------------------------------------------------------------

    def _lie_in_wait(self, until: float) -> None:
        random = self._world.random
        call: type[object] = random.choice(_CALLS)
        point, blow = "done", random.choice(self._blows)
        since = random.uniform(1.0, until - 1.0)
        scene = random.randrange(12)
        if scene == 0:
            # A long cut directly after a term is minted.
            call, point, blow, since = MintTerm, "done", self._cut_store, since * 0.6
        elif scene == 1:
            # The new executor cannot read what the old one left.
            call, point, blow, since = MintTerm, "done", self._hide_open_runs, since * 0.6
        elif scene == 2:
            # A repeated run is written, or is not, when its demand is settled.
            call, point, blow, since = SettleFollowUps, "sent", self._race, since * 0.6
        elif scene == 3:
            # A change is written and its answer is not; the queue learns late who has the command.
            call, blow = WriteJobs, random.choice([self._lose_host, self._pause_and_steal])
        elif scene == 4:
            # Cleared and not started; much later its executor goes on.
            call, point, blow = ClearTerm, "answered", self._pause_and_steal
        elif scene in {5, 6}:
            # What waits is about to go, or to wait: half of that is done.
            call = random.choice([Joining, Joining, Calling, Parking])
            blow = random.choice([self._kill, self._lose_host, self._pause_and_steal])
        else:
            point = random.choice(["sent", "done", "answered"])
        self._ambushes.append((call, point, since, blow))

    def on_point(self, victim: SimulatedInstance, request: Request, point: str) -> None:
        """A call of the store has come so far; whoever lies in wait for it strikes."""
        if self._ambushes and self.active:
            for call in kinds_of(request):
                self._spring(victim, call, point)

    def _spring(self, victim: SimulatedInstance, call: type[object], point: str) -> None:
        for ambush in self._ambushes:
            kind, where, since, blow = ambush
            if kind is call and where == point and self._world.time >= since:
                self._ambushes.remove(ambush)
                self._world.say(victim.name, f"ambushed at {call.__name__} {point}")
                if blow == self._race:
                    self._race(victim)
                else:
                    # Not in the middle of its step: right after it.
                    self._world.after(0.0, partial(self._strike, partial(blow, victim)))
                return

    # Mending --------------------------------------------------------------------------------

    def mend(self) -> None:
        """Let everything work from now on."""
        self.active = False
        self._weather.mend(self._world.time)
        self._broker.start()
        for instance in self._instances:
            instance.mend()

    # Faults of instances --------------------------------------------------------------------

    def _on_any(self, blow: _Blow) -> None:
        blow(self._world.random.choice(self._instances))

    def _on_executor(self, blow: _Blow) -> None:
        executing = [one for one in self._instances if one.term is not None]
        blow(self._world.random.choice(executing or self._instances))

    def _kill(self, victim: SimulatedInstance) -> None:
        victim.crash()
        self._world.after(self._world.random.uniform(0.3, 8.0), victim.start)

    def _lose_host(self, victim: SimulatedInstance) -> None:
        """The process dies, and the broker learns of its silent links by and by."""
        victim.crash(silent_s=self._world.random.uniform(0.0, 4.0))
        self._world.after(self._world.random.uniform(0.3, 8.0), victim.start)

    def _race(self, victim: SimulatedInstance) -> None:
        """What is sent on other lanes from now on comes late; what is on its way arrives.

        And then the process dies.
        """
        self._slow_down(Lane.DISPATCH)
        dies = self._world.random.uniform(0.01, 0.2)
        self._world.after(dies, partial(self._strike, partial(self._kill, victim)))

    def _crash_all(self) -> None:
        for instance in self._instances:
            self._kill(instance)

    def _pause(self, victim: SimulatedInstance) -> None:
        victim.pause(self._world.random.uniform(0.2, 12.0))

    def _pause_and_steal(self, victim: SimulatedInstance) -> None:
        victim.pause(self._world.random.uniform(2.0, 12.0))
        self._broker.steal()

    def _terminate(self, victim: SimulatedInstance) -> None:
        victim.stop()
        self._world.after(self._world.random.uniform(5.0, 8.0), victim.start)

    def _cut_broker(self, victim: SimulatedInstance) -> None:
        seconds = self._world.random.uniform(0.5, 10.0)
        victim.cut_token(seconds)
        if self._world.chance(0.7):
            victim.cut_commands(seconds)

    def _cut_commands(self, victim: SimulatedInstance) -> None:
        victim.cut_commands(self._world.random.uniform(0.1, 3.0))

    def _cut_store(self, victim: SimulatedInstance) -> None:
        victim.cut_store(self._world.random.uniform(0.5, 14.0))

    def _step_clock(self, victim: SimulatedInstance) -> None:
        victim.step_clock(self._world.random.uniform(-10.0, 10.0))

    # Faults of the store --------------------------------------------------------------------

    def _for(self, seconds: float, end: Callable[[], None]) -> None:
        """Let a trouble of the store end after so long."""

        def over() -> None:
            if self.active:
                end()
                self._weather.recovered_at = self._world.time

        self._world.after(seconds, over)

    def _store_down(self) -> None:
        self._world.say("store", "DOWN")
        self._weather.up = False
        self._for(self._world.random.uniform(0.5, 8.0), self._store_up)

    def _store_up(self) -> None:
        self._world.say("store", "UP")
        self._weather.up = True

    def _store_slow(self) -> None:
        self._weather.slow = self._world.random.choice([5.0, 50.0])

        def recover() -> None:
            self._weather.slow = 1.0

        self._for(self._world.random.uniform(1.0, 5.0), recover)

    def _lane_slow(self) -> None:
        lanes = [Lane.DISPATCH, Lane.JOURNAL, Lane.COMMANDS, Lane.UPKEEP]
        self._slow_down(self._world.random.choice(lanes))

    def _slow_down(self, lane: Lane) -> None:
        self._world.say("store", f"SLOW {lane}")
        self._weather.slow_lane = lane

        def recover() -> None:
            self._weather.slow_lane = None

        self._for(self._world.random.uniform(1.0, 6.0), recover)

    def _store_flaky(self) -> None:
        self._world.say("store", "FLAKY")
        self._weather.half_done = 0.4
        self._for(self._world.random.uniform(0.5, 4.0), self._store_firm)

    def _store_firm(self) -> None:
        self._weather.half_done = StoreWeather().half_done

    def _refuse(self) -> None:
        self._refuse_calls(self._world.random.choice(_HEAVY))

    def _hide_open_runs(self, _: SimulatedInstance) -> None:
        self._refuse_calls(ReadOpenRuns)

    def _refuse_calls(self, call: type[Request]) -> None:
        self._world.say("store", f"REFUSES {call.__name__}")
        self._weather.refused = call

        def recover() -> None:
            self._weather.refused = None

        self._for(self._world.random.uniform(0.3, 3.0), recover)

    # Faults of the broker -------------------------------------------------------------------

    def _broker_restart(self) -> None:
        self._world.say("broker", "DOWN")
        self._broker.stop(wipe=False)
        self._world.after(self._world.random.uniform(0.5, 8.0), self._broker.start)

    def _broker_wipe(self) -> None:
        # A wipe loses commands that were accepted; the protocol cannot promise those.
        self._world.say("broker", "DOWN AND WIPED")
        self._broker.stop(wipe=True)
        self._world.after(self._world.random.uniform(0.5, 8.0), self._broker.start)
