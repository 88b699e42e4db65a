"""The law of ``ports/workers.py``: what every adapter does with what workers report.

A subclass says how to make an executor's end, and how a worker of a job reports.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Condition
from typing import Any

import pytest

from executor.adapters.system_clock import SystemClock
from executor.domain.report import ReportStatus
from executor.domain.run import Output, Reason
from executor.ports.workers import ReportDelivery, WorkerReports

#: Seconds for anything that takes an adapter milliseconds.
PATIENCE_S = 10.0

JOB = "resize"
OTHER = "mail"


class Desk:
    """An executor's end that keeps what it hears, and settles it if told to."""

    def __init__(self, reports: WorkerReports, *, settling: bool) -> None:
        self.reports = reports
        self.heard: list[ReportDelivery] = []
        self._settling = settling
        self._news = Condition()
        reports.start(self._hear)

    def _hear(self, delivery: ReportDelivery) -> None:
        with self._news:
            self.heard.append(delivery)
            self._news.notify_all()
        if self._settling:
            self.reports.settle(delivery)

    def wait(self, count: int) -> list[ReportDelivery]:
        """Return what was heard, once that are *count* reports."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.heard) >= count, PATIENCE_S), self.heard
            return list(self.heard)

    def run_ids(self) -> list[str]:
        """Return the runs that were heard of, in order."""
        return [delivery.report.run_id for delivery in self.heard]


class WorkersLaw(ABC):
    """What every adapter keeps to."""

    @abstractmethod
    def make_reports(self) -> WorkerReports:
        """Return another executor's end."""

    @abstractmethod
    def job(self, name: str) -> str:
        """Return the name of a job that only this test uses; its workers may report."""

    @abstractmethod
    def tell(self, job: str, run_id: str, status: str | None, **more: Any) -> None:
        """Report as a worker does; without a status: that the run goes on."""

    @pytest.fixture(autouse=True)
    def _ends(self) -> Iterator[None]:
        with ExitStack() as self._stack:
            yield

    def open_desk(self, *, settling: bool = True) -> Desk:
        """Return an executor's end that listens to nobody yet."""
        reports = self.make_reports()
        self._stack.callback(reports.stop)
        return Desk(reports, settling=settling)

    def attending(self, *, settling: bool = True) -> Desk:
        """Return an executor's end that attends to the job."""
        desk = self.open_desk(settling=settling)
        desk.reports.attend(frozenset({self.job(JOB)}))
        return desk

    def test_a_status_is_a_report(self) -> None:
        """A run and a status suffice; the rest is read; the instant is that of the receipt."""
        desk, job = self.attending(), self.job(JOB)
        before = SystemClock().now()
        self.tell(job, "r1", "running")
        output = {"head": "a", "tail": "z", "size": 9}
        self.tell(job, "r1", "completed", details={"n": 1}, reason="warning", output=output)
        self.tell(job, "r2", "failed", error="it broke", exitCode=3)
        self.tell(job, "r3", "cancelled", reason="a reason of tomorrow", later=1)

        running, completed, failed, cancelled = (one.report for one in desk.wait(4))
        facts = (running.run_id, running.job, running.status)
        assert facts == ("r1", job, ReportStatus.RUNNING)
        assert (completed.details, completed.reason) == ({"n": 1}, Reason.WARNING)
        assert completed.output == Output(head="a", tail="z", size=9)
        assert (failed.status, failed.error, failed.exit_code) == (
            ReportStatus.FAILED,
            "it broke",
            3,
        )
        assert (cancelled.status, cancelled.reason) == (ReportStatus.CANCELLED, None)
        assert before <= running.at <= SystemClock().now()

    def test_a_sign_of_life_is_a_report_without_a_status(self) -> None:
        """With details it tells of progress."""
        desk, job = self.attending(), self.job(JOB)
        self.tell(job, "r1", None)
        self.tell(job, "r1", None, details={"done": 3})
        beats = [one.report for one in desk.wait(2)]
        assert [beat.status for beat in beats] == [None, None]
        assert [beat.details for beat in beats] == [None, {"done": 3}]

    def test_what_was_reported_while_nobody_attended_is_delivered_then(self) -> None:
        """It is kept; and other jobs' reports are nobody's business here."""
        desk, job = self.open_desk(), self.job(JOB)
        self.tell(job, "early", "completed")
        desk.reports.attend(frozenset({self.job(OTHER)}))
        desk.reports.attend(frozenset({job}))
        self.tell(self.job(OTHER), "foreign", "completed")
        desk.wait(1)
        self.tell(job, "late", "completed")
        desk.wait(2)
        assert desk.run_ids() == ["early", "late"]

    def test_what_is_settled_is_gone_and_what_is_not_comes_again(self) -> None:
        """An executor that ends without settling leaves its reports to the next one."""
        first = self.attending(settling=False)
        for number in range(4):
            self.tell(self.job(JOB), f"r{number}", "completed")
        for delivery in first.wait(4)[:2]:
            first.reports.settle(delivery)
        first.reports.stop()
        first.reports.stop()

        second = self.attending()
        second.wait(2)
        assert second.run_ids() == ["r2", "r3"]

    def test_whoever_attends_no_more_gives_everything_back(self) -> None:
        """Unsettled reports are the successor's at once, and settling them late does no harm."""
        first, second = self.attending(settling=False), self.open_desk()
        self.tell(self.job(JOB), "r1", "completed")
        (delivery,) = first.wait(1)
        first.reports.attend(frozenset())
        second.reports.attend(frozenset({self.job(JOB)}))
        second.wait(1)
        first.reports.settle(delivery)
        self.tell(self.job(JOB), "r2", "completed")
        second.wait(2)
        assert (first.run_ids(), second.run_ids()) == (["r1"], ["r1", "r2"])
