"""The executor process and whoever has its runs elsewhere, on real threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock, Thread

from executor.adapters.system_clock import SystemClock
from executor.domain.callback import token_for
from executor.domain.report import Report, ReportStatus
from executor.domain.run import RunState
from executor.domain.writes import JobWrite
from executor.engine.timing import Options
from executor.ports.target import WorkListener
from executor.ports.workers import ReportDelivery
from executor.runtime.service import CLEAN, ExecutorService
from tests.builders import cancel, trigger
from tests.fakes.idle_courier import IdleCourier
from tests.fakes.memory_broker import MemoryBroker
from tests.fakes.memory_store import MemoryStore
from tests.unit.quick_launcher import HandingLauncher
from tests.unit.remote_driver import a_remote_job
from tests.waiting import eventually

#: Seconds that any fact below may take; all take milliseconds.
PATIENCE_S = 10.0


class RecordingReports:
    """A :class:`~executor.ports.workers.WorkerReports` in the hands of a test."""

    def __init__(self) -> None:
        self.on_report: Callable[[ReportDelivery], None] = lambda delivery: None
        self.attended: list[frozenset[str]] = []
        self.settled: list[ReportDelivery] = []
        self.stopped = False
        self._lock = Lock()

    def start(self, on_report: Callable[[ReportDelivery], None]) -> None:
        """Remember whom to tell."""
        self.on_report = on_report

    def attend(self, jobs: frozenset[str]) -> None:
        """Remember to whose reports the executor listens."""
        with self._lock:
            self.attended.append(jobs)

    def settle(self, delivery: ReportDelivery) -> None:
        """Remember what is done with."""
        with self._lock:
            self.settled.append(delivery)

    def stop(self) -> None:
        """Remember that it is over."""
        self.stopped = True


def test_a_run_is_handed_over_reported_and_called_back() -> None:
    """Each through its port: launcher, reports, recall; a report is settled when it is recorded."""
    clock = SystemClock()
    store, broker, workers = MemoryStore(clock), MemoryBroker(), RecordingReports()
    launchers: list[HandingLauncher] = []

    def make(listener: WorkListener) -> HandingLauncher:
        launchers.append(HandingLauncher(listener))
        return launchers[0]

    service = ExecutorService(
        store=store,
        token=broker.make_token("one"),
        intake=broker.make_intake(),
        launchers=make,
        couriers=IdleCourier,
        clock=clock,
        options=Options(instance="one"),
        workers=workers,
    )
    jobs = [replace(a_remote_job(name), next_fire_at=None) for name in ("a", "b")]
    store.write_jobs([JobWrite(job, None) for job in jobs])
    statuses: list[int] = []
    thread = Thread(target=lambda: statuses.append(service.run()))
    thread.start()
    sender = broker.make_sender()

    for name in ("a", "b"):
        assert sender.send(trigger(name), PATIENCE_S) is not None
    eventually(lambda: len(launchers[0].works) == 2, PATIENCE_S, "both are handed over")
    first, second = launchers[0].works
    end = Report(run_id=first.run.id, status=ReportStatus.COMPLETED, at=clock.now())
    told = ReportDelivery(end)
    workers.on_report(told)
    sender.send(cancel(second.run), PATIENCE_S)
    eventually(lambda: workers.settled == [told], PATIENCE_S, "the report is settled")
    eventually(lambda: launchers[0].recalled, PATIENCE_S, "the other run is called back")
    service.stop()
    thread.join(PATIENCE_S)

    assert store.get_run(first.run.id).state is RunState.SUCCEEDED
    assert launchers[0].recalled == [second.run.id]
    assert first.token == token_for(store.callback_key(), first.run.id)
    assert (statuses, workers.stopped) == ([CLEAN], True)
