"""Web processes on real stores, with the engine behind them and nothing that could be run.

Between web and executor is a broker in memory; commands travel in their wire form all the same.
The executor is the real one, but for its launcher, which only remembers what it was to begin.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from flask.testing import FlaskClient

from executor.adapters.keyring import Keyring
from executor.adapters.mongodb import MongoReaders, MongoStore
from executor.adapters.sqlite import SqliteReaders, SqliteStore
from executor.adapters.system_clock import SystemClock
from executor.engine.timing import Options
from executor.ports.store import ExecutorStore, Readers
from executor.ports.target import Launcher, WorkListener
from executor.runtime.service import ExecutorService
from tests.fakes.idle_courier import IdleCourier
from tests.fakes.memory_broker import MemoryBroker
from tests.unit.quick_launcher import QuickLauncher
from tests.waiting import eventually
from tests.web.world import KEY
from web.app import create_app
from web.services import Services

#: Seconds that an executor may take to begin, and to end, on a machine with much else to do.
PATIENCE_S = 20.0


class LiveInstance:
    """A client of one web process, and what stands behind it.

    Attributes:
        launcher: remembers every run that was to be begun; they go on until they are cancelled.
    """

    launcher: QuickLauncher

    def __init__(self, store: ExecutorStore, readers: Readers) -> None:
        self.readers = readers
        self._broker, clock = MemoryBroker(), SystemClock()
        self._service = ExecutorService(
            store=store,
            token=self._broker.make_token("live"),
            intake=self._broker.make_intake(),
            launchers=self._make_launcher,
            couriers=IdleCourier,
            clock=clock,
            options=Options(instance="live", grace_s=1.0),
        )
        services = Services(
            readers=readers,
            sender=self._broker.make_sender(),
            clock=clock,
            command_timeout_s=PATIENCE_S,
            instance_id="live",
            version="1.2.3",
            sealer=Keyring([KEY]),
        )
        self.client: FlaskClient = create_app(services).test_client()

    def _make_launcher(self, listener: WorkListener) -> Launcher:
        self.launcher = QuickLauncher(listener, patient=True)
        return self.launcher

    def get(self, url: str) -> Any:
        """Return the JSON document at *url*, which must be there."""
        response = self.client.get(url)
        assert response.status_code == 200, response.text
        return response.get_json()

    @contextmanager
    def executing(self) -> Iterator[None]:
        """Let the executor execute in the meantime."""
        thread = Thread(target=self._service.run, name="live executor")
        thread.start()
        try:
            eventually(self.readers.read_term, PATIENCE_S, "somebody executes")
            yield
        finally:
            self._service.stop()
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


@contextmanager
def on_sqlite(folder: Path) -> Iterator[LiveInstance]:
    """Yield an instance whose store is a file in *folder*."""
    path = folder / "solocron.db"
    store = SqliteStore(path)
    store.prepare()
    readers = SqliteReaders(path)
    with _running(LiveInstance(store, readers)) as instance:
        yield instance
    readers.close()


@contextmanager
def on_mongodb(uri: str) -> Iterator[LiveInstance]:
    """Yield an instance whose store is the database *uri*."""
    store = MongoStore(uri)
    store.prepare()
    readers = MongoReaders(uri)
    with _running(LiveInstance(store, readers)) as instance:
        yield instance
    readers.close()


@contextmanager
def _running(instance: LiveInstance) -> Iterator[LiveInstance]:
    # An executor tunes the collector for its own process; this one has others to serve.
    thresholds = gc.get_threshold()
    with instance.executing():
        yield instance
    gc.set_threshold(*thresholds)
