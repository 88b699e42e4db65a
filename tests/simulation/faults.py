"""What breaks, drawn from the seed: every kind of fault of the failure table, at random moments."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.simulation.broker import ModelBroker
from tests.simulation.instance import SimulatedInstance, StoreWeather
from tests.simulation.world import World


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
        self._kinds: list[Callable[[], None]] = [
            self._crash,
            self._crash,
            self._crash_executor,
            self._crash_executor,
            self._crash_all,
            self._pause,
            self._pause_executor,
            self._pause_executor,
            self._terminate,
            self._cut_broker,
            self._cut_store,
            self._store_down,
            self._store_slow,
            self._broker_restart,
            self._broker_wipe,
            broker.steal,
            broker.steal,
            broker.lose,
            broker.duplicate,
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

    def _strike(self, act: Callable[[], None]) -> None:
        if self.active:
            act()

    def mend(self) -> None:
        """Let everything work from now on."""
        self.active = False
        self._weather.up, self._weather.slow = True, 1.0
        self._broker.start()
        for instance in self._instances:
            instance.store_link = True
            instance.wall_offset *= 0
            instance.start()

    def _any(self) -> SimulatedInstance:
        return self._world.random.choice(self._instances)

    def _executor(self) -> SimulatedInstance:
        executing = [one for one in self._instances if one.term is not None]
        return self._world.random.choice(executing or self._instances)

    def _kill(self, victim: SimulatedInstance) -> None:
        victim.crash()
        self._world.after(self._world.random.uniform(0.3, 8.0), victim.start)

    def _crash(self) -> None:
        self._kill(self._any())

    def _crash_executor(self) -> None:
        self._kill(self._executor())

    def _crash_all(self) -> None:
        for instance in self._instances:
            self._kill(instance)

    def _pause(self) -> None:
        self._any().pause(self._world.random.uniform(0.2, 12.0))

    def _pause_executor(self) -> None:
        self._executor().pause(self._world.random.uniform(0.5, 12.0))

    def _terminate(self) -> None:
        victim = self._executor()
        victim.stop()
        self._world.after(self._world.random.uniform(5.0, 8.0), victim.start)

    def _cut_broker(self) -> None:
        self._executor().cut_broker(self._world.random.uniform(0.5, 10.0))

    def _cut_store(self) -> None:
        self._executor().cut_store(self._world.random.uniform(0.5, 14.0))

    def _store_down(self) -> None:
        self._world.say("store", "DOWN")
        self._weather.up = False
        self._world.after(self._world.random.uniform(0.5, 8.0), self._store_up)

    def _store_up(self) -> None:
        self._world.say("store", "UP")
        self._weather.up = True

    def _store_slow(self) -> None:
        self._weather.slow = self._world.random.choice([5.0, 50.0])

        def recover() -> None:
            self._weather.slow = 1.0

        self._world.after(self._world.random.uniform(1.0, 5.0), recover)

    def _broker_restart(self) -> None:
        self._world.say("broker", "DOWN")
        self._broker.stop(wipe=False)
        self._world.after(self._world.random.uniform(0.5, 8.0), self._broker.start)

    def _broker_wipe(self) -> None:
        # A wipe loses commands that were accepted; the protocol cannot promise those.
        self._world.say("broker", "DOWN AND WIPED")
        self._broker.stop(wipe=True)
        self._world.after(self._world.random.uniform(0.5, 8.0), self._broker.start)

    def _step_clock(self) -> None:
        self._any().step_clock(self._world.random.uniform(-10.0, 10.0))
