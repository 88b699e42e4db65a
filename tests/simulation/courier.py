"""The courier of one simulated process: most deliveries arrive, and some are not told of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from executor.domain.notification import Notification
from executor.engine.events import Delivered, Event
from tests.simulation.ledger import Ledger
from tests.simulation.world import World

#: Of so many deliveries one fails.
_FAILS = 0.2


@dataclass(frozen=True, slots=True)
class ModelCourier:
    """Brings notifications where they are to go.

    Args:
        wall: the process's clock.
        inside: makes an act one of the process; what is on its way arrives even when that dies.
    """

    world: World
    ledger: Ledger
    wall: Callable[[], datetime]
    tell: Callable[[Event], None]
    inside: Callable[[Callable[[], None]], Callable[[], None]]

    def deliver(self, notification: Notification) -> None:
        """Try it once."""
        fails = self.world.chance(_FAILS)

        def arrive() -> None:
            if not fails:
                self.ledger.arrived[notification.id] += 1
            error = "the network says no" if fails else None
            report = Delivered(notification.id, self.wall(), error)
            self.world.after(self.world.delay(0.01), self.inside(lambda: self.tell(report)))

        self.world.after(self.world.random.uniform(0.01, 0.5), arrive)
