"""What all instances of a history share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from executor.domain.run import Run
from executor.engine.store_requests import Request
from tests.simulation.broker import ModelBroker
from tests.simulation.ledger import Ledger, LedgerStore
from tests.simulation.remote_checker import RemoteWatch
from tests.simulation.store_link import StoreWeather
from tests.simulation.work import LONG, LONG_WORK, SHORT_WORK, Work
from tests.simulation.workers import Workers
from tests.simulation.world import World

if TYPE_CHECKING:
    from tests.simulation.instance import SimulatedInstance


@dataclass(slots=True)
class Surroundings:
    """The world, the servers, and whoever takes work.

    ``on_point`` is told of every store call of an instance: which, and how far it has come.
    """

    world: World
    broker: ModelBroker
    store: LedgerStore
    ledger: Ledger
    weather: StoreWeather
    workers: Workers
    remote: RemoteWatch
    capacity: int
    ordered: bool = True
    works: Mapping[str, Work] = field(default_factory=dict)
    on_point: Callable[[SimulatedInstance, Request, str], None] = lambda *_: None

    def work_of(self, run: Run) -> Work:
        """Return what there is to do for a run."""
        return self.works.get(run.job, LONG_WORK if run.job.startswith(LONG) else SHORT_WORK)
