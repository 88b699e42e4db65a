"""When a launcher of requests tells of them: not before those that are due have begun."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from executor.adapters.http_target import HttpLauncher
from executor.adapters.http_target.rules import HttpRules
from executor.adapters.system_clock import SystemClock
from executor.domain.run import Reason
from executor.domain.targets import HttpTarget
from executor.ports.clock import Clock
from tests.contract.launcher_contract import make_work
from tests.fakes.fake_clock import FakeClock
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog

#: Works handed over together, three times as many as may be in flight.
WORKS, PER_HOST = 60, 20


class CountingLog(WorkLog):
    """A log that knows how many starts were under way when it was told of the first."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_before_news: int | None = None

    def started(self, run_id: str, at: datetime) -> None:
        if self.asked_before_news is None:
            self.asked_before_news = self.asked
        super().started(run_id, at)


@contextmanager
def launching(log: WorkLog, clock: Clock) -> Iterator[HttpLauncher]:
    launcher = HttpLauncher(log, clock, rules=HttpRules(per_host=PER_HOST))
    yield launcher
    launcher.stop()


def test_all_that_is_due_begins_before_anything_is_told(server: RecordingTarget) -> None:
    """Also what waits for its host, as long as no time passes, which stands still here."""
    log = CountingLog()
    works = [make_work(HttpTarget(url=server.url), f"run-{n}") for n in range(WORKS)]
    with launching(log, FakeClock()) as launcher:
        launcher.start(works)
        log.wait_for_ends(WORKS, timeout_s=60)

    assert log.asked_before_news == WORKS
    assert log.faults == []


def test_who_waits_for_a_host_that_hangs_keeps_no_other_report(server: RecordingTarget) -> None:
    """There is always something left to begin, and yet starts and ends are told."""
    log = WorkLog()
    hanging = [make_work(HttpTarget(url=f"{server.url}/hang"), f"hang-{n}") for n in range(WORKS)]
    with launching(log, SystemClock()) as launcher:
        launcher.start(hanging)
        log.wait_for_start(*(f"hang-{n}" for n in range(PER_HOST)))
        launcher.cancel("hang-0", Reason.REQUESTED)
        log.wait_for_end("hang-0")

    assert (log.ended, log.faults) == (["hang-0"], [])
