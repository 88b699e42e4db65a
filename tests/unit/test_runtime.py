"""The executor process on its real threads and clock, with everything else in memory."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from threading import Thread
from threading import enumerate as threads

import pytest

from executor.adapters.system_clock import SystemClock
from executor.domain.command import CommandKind, ResultStatus
from executor.domain.errors import SchemaTooNew, StoreUnavailable
from executor.domain.run import Reason, RunChange, RunState
from executor.domain.writes import JobWrite
from executor.engine.timing import Options
from executor.runtime.service import CLEAN, ExecutorService
from tests.builders import a_command, a_job, create, every, trigger
from tests.fakes.idle_courier import IdleCourier
from tests.fakes.memory_broker import MemoryBroker
from tests.fakes.memory_store import MemoryStore
from tests.unit.quick_launcher import QuickLauncher
from tests.waiting import eventually

#: Seconds that any fact below may take; most take milliseconds, a slot takes up to one.
PATIENCE_S = 10.0


class FlakyStore(MemoryStore):
    """A store with bugs: some calls fail in a way that no contract knows, a few times each."""

    poison = 0
    unprepared = 0
    too_new = False

    def change_runs(self, changes: Sequence[RunChange]) -> None:
        if self.poison:
            self.poison -= 1
            raise ZeroDivisionError("a bug")
        super().change_runs(changes)

    def prepare(self) -> None:
        if self.too_new:
            raise SchemaTooNew(9, 1)
        if self.unprepared:
            self.unprepared -= 1
            raise StoreUnavailable("not there yet")

    def forget_instance(self, instance_id: str) -> None:
        super().forget_instance(instance_id)
        raise StoreUnavailable("gone already")


class Stage:
    """A store and a broker, and the services that run on them."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.store = FlakyStore(self.clock)
        self.broker = MemoryBroker()
        self.launchers: dict[str, QuickLauncher] = {}
        self._services: list[tuple[ExecutorService, Thread]] = []
        self.statuses: dict[str, int] = {}

    def start(
        self, name: str = "one", *, patient: bool = False, grace_s: float = 5.0
    ) -> ExecutorService:
        """Run a service on a thread of its own."""

        def launchers(listener):  # type: ignore[no-untyped-def]
            return self.launchers.setdefault(name, QuickLauncher(listener, patient=patient))

        service = ExecutorService(
            store=self.store,
            token=self.broker.make_token(name),
            intake=self.broker.make_intake(),
            launchers=launchers,
            couriers=IdleCourier,
            clock=self.clock,
            options=Options(instance=name, grace_s=grace_s),
        )

        def run() -> None:
            self.statuses[name] = service.run()

        thread = Thread(target=run, name=f"service {name}")
        self._services.append((service, thread))
        thread.start()
        return service

    def stop(self) -> None:
        """Stop every service and wait for it."""
        for service, _ in self._services:
            service.stop()
        for _, thread in self._services:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()

    def holder(self) -> str:
        """Return who has the newest term."""
        record = self.store.read_term()
        return "" if record is None or record.resigned else record.holder

    def ended(self) -> list[str]:
        """Return the ids of the runs that succeeded."""
        return [row.id for row in self.store.every_run() if row.state is RunState.SUCCEEDED]

    def wait(self, fact: Callable[[], object], what: str) -> None:
        """Return once *fact* is true."""
        eventually(fact, PATIENCE_S, what)


@pytest.fixture
def stage() -> Iterator[Stage]:
    thresholds = gc.get_threshold()
    made = Stage()
    yield made
    made.stop()
    gc.set_threshold(*thresholds)


def test_a_job_is_executed_from_its_creation_to_its_recorded_end(stage: Stage) -> None:
    """A command creates it, the clock fires it, the launcher runs it, the store knows."""
    stage.start()

    created = stage.broker.make_sender().send(create(schedule=every(1)), PATIENCE_S)
    assert created is not None
    assert created.status is ResultStatus.CREATED

    stage.wait(stage.ended, "a run has succeeded")
    (row, *_) = stage.store.every_run()
    assert row.started_at is not None
    assert row.fire_at is not None
    assert row.started_at >= row.fire_at
    assert (row.executor, row.term) == ("one", 1)


def test_a_launcher_is_given_the_sealed_secrets_of_its_work(stage: Stage) -> None:
    """From the command that puts one to the run that needs it."""
    stage.start()
    sealed = f"v1:0123abcd:{'A' * 44}"
    target = {"kind": "command", "argv": ["echo", "{{ secret.TOKEN }}"]}
    sender = stage.broker.make_sender()
    for command in (
        a_command(CommandKind.PUT_SECRET, "TOKEN", sealed=sealed),
        create(schedule=None, target=target),
        trigger(),
    ):
        result = sender.send(command, PATIENCE_S)
        assert result is not None
        assert result.status is ResultStatus.CREATED

    stage.wait(stage.ended, "the run has succeeded")
    assert dict(stage.launchers["one"].sealed) == {"TOKEN": sealed}


def test_a_run_is_triggered_and_cancelled_by_hand(stage: Stage) -> None:
    """Commands reach the launcher, and its report reaches the store."""
    stage.start(patient=True)
    sender = stage.broker.make_sender()
    assert sender.send(create(schedule=None), PATIENCE_S)
    triggered = sender.send(trigger(), PATIENCE_S)
    assert triggered is not None
    assert triggered.run_id is not None
    stage.wait(lambda: stage.launchers["one"].begun, "the launcher has begun")

    stage.launchers["one"].cancel(triggered.run_id, Reason.REQUESTED)

    stage.wait(
        lambda: stage.store.get_run(triggered.run_id or "").state is RunState.CANCELLED,
        "the end is recorded",
    )


def test_a_stopped_service_returns_zero_and_leaves_nothing_behind(stage: Stage) -> None:
    """No thread of it is left, the term is resigned, the token is free."""
    known = set(threads())
    stage.start()
    stage.wait(lambda: stage.holder() == "one", "it executes")

    stage.stop()

    assert stage.statuses == {"one": CLEAN}
    assert stage.launchers["one"].stopped
    assert stage.holder() == ""
    assert stage.broker.holder is None
    assert stage.store.list_instances() == []
    stage.wait(lambda: set(threads()) <= known, "its threads have ended")


def test_a_standby_takes_over_from_a_stopped_executor(stage: Stage) -> None:
    """The token moves at once, and the jobs with it."""
    stage.store.write_jobs([JobWrite(a_job(schedule=every(1), now=stage.clock.now()), None)])
    first = stage.start("one")
    stage.wait(lambda: stage.holder() == "one", "the first executes")
    stage.start("two")

    first.stop()

    stage.wait(lambda: stage.holder() == "two", "the second executes")
    stage.wait(lambda: stage.launchers["two"].begun, "the second has begun a run")


def test_work_that_outlasts_the_grace_period_is_cancelled(stage: Stage) -> None:
    """The service ends cleanly all the same: everything is recorded."""
    service = stage.start(patient=True, grace_s=0.05)
    sender = stage.broker.make_sender()
    assert sender.send(create(schedule=None), PATIENCE_S)
    assert sender.send(trigger(), PATIENCE_S)
    stage.wait(lambda: stage.launchers["one"].begun, "the launcher has begun")

    service.stop()
    service.stop()

    stage.wait(lambda: stage.statuses, "the service has ended")
    (row,) = stage.store.every_run()
    assert stage.statuses == {"one": CLEAN}
    assert (row.state, row.reason, row.follow_up) == (RunState.CANCELLED, Reason.SHUTDOWN, True)


def test_a_store_call_with_a_bug_does_not_end_its_lane(stage: Stage) -> None:
    """It counts as unanswered and is made again; the lane goes on."""
    stage.store.poison = 2
    stage.start()
    sender = stage.broker.make_sender()
    assert sender.send(create(schedule=None), PATIENCE_S)
    assert sender.send(trigger(), PATIENCE_S)

    stage.wait(stage.ended, "the run is recorded after all")

    assert stage.store.poison == 0


def test_a_store_that_is_not_there_yet_is_waited_for(stage: Stage) -> None:
    """The service competes once the store is ready."""
    stage.store.unprepared = 1

    stage.start()

    stage.wait(lambda: stage.holder() == "one", "it executes")


def test_a_stop_while_waiting_for_the_store_is_clean(stage: Stage) -> None:
    """Nothing was begun, so there is nothing to end."""
    stage.store.unprepared = 1_000
    service = stage.start()
    stage.wait(lambda: stage.store.unprepared < 1_000, "it has tried")

    service.stop()

    stage.wait(lambda: stage.statuses, "it has ended")
    assert stage.statuses == {"one": CLEAN}
    assert stage.broker.candidates == []


def test_a_store_of_a_newer_version_is_not_touched() -> None:
    """The service says so instead of running."""
    stage = Stage()
    stage.store.too_new = True
    service = ExecutorService(
        store=stage.store,
        token=stage.broker.make_token("one"),
        intake=stage.broker.make_intake(),
        launchers=QuickLauncher,
        couriers=IdleCourier,
        clock=stage.clock,
        options=Options(instance="one"),
    )

    with pytest.raises(SchemaTooNew):
        service.run()

    assert stage.broker.candidates == []


def test_nobody_may_start_runs_without_a_cleared_term(stage: Stage) -> None:
    """A launcher that asks before the service executes, or after it, hears no."""
    service = stage.start()
    stage.wait(lambda: service.trusted, "it executes and has cleared its term")

    stage.stop()

    assert not service.trusted
