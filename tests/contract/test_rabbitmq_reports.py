"""What workers report, through a real RabbitMQ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Condition
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from executor.adapters.rabbitmq import RabbitSender
from executor.adapters.rabbitmq.outbox import REASON, SOURCE
from executor.adapters.rabbitmq.queues import Queues
from executor.adapters.rabbitmq.reports import RabbitReports
from executor.adapters.system_clock import SystemClock
from executor.domain.report import ReportStatus
from executor.domain.run import Reason
from executor.ports.workers import ReportDelivery
from tests.contract.rabbit_workshop import RabbitAdmin
from tests.contract.worker_side import PATIENCE_S, WorkerSide
from tests.fakes.tcp_proxy import TcpProxy
from tests.waiting import eventually


class Desk:
    """An executor's end that keeps what it hears, and settles it if told to."""

    def __init__(self, reports: RabbitReports, *, settling: bool = True) -> None:
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
        return [delivery.report.run_id for delivery in self.heard]


@pytest.fixture
def proxy(rabbitmq_url: str) -> Iterator[TcpProxy]:
    with TcpProxy(rabbitmq_url) as proxy:
        yield proxy


@pytest.fixture
def worker(rabbitmq_url: str, queue_prefix: str) -> Iterator[WorkerSide]:
    with WorkerSide(rabbitmq_url, queue_prefix) as worker:
        yield worker.declare()


@pytest.fixture
def admin(rabbitmq_url: str, queue_prefix: str) -> Iterator[RabbitAdmin]:
    admin = RabbitAdmin(rabbitmq_url, Queues(queue_prefix))
    yield admin
    admin.delete(admin.queues.dead_letters)


@pytest.fixture
def sender(rabbitmq_url: str, queue_prefix: str, admin: RabbitAdmin) -> Iterator[RabbitSender]:
    """Web's end of the broker, which counts dead letters."""
    sender = RabbitSender(rabbitmq_url, prefix=queue_prefix)
    yield sender
    sender.close()
    admin.delete(admin.queues.commands)


@pytest.fixture
def open_desk(proxy: TcpProxy, queue_prefix: str) -> Iterator[Callable[..., Desk]]:
    with ExitStack() as stack:

        def make(**given: Any) -> Desk:
            reports = RabbitReports(proxy.url, SystemClock(), prefix=queue_prefix)
            stack.callback(reports.stop)
            return Desk(reports, **given)

        yield make


def test_a_status_is_a_report(open_desk: Callable[..., Desk], worker: WorkerSide) -> None:
    """Three fields suffice; those that we add are read; the instant is that of the receipt."""
    desk = open_desk()
    desk.reports.attend(frozenset({worker.job}))
    before = SystemClock().now()
    worker.status("r1", "running")
    worker.status("r1", "completed", details={"n": 1}, reason="warning", worker="w1", later=1)
    worker.status("r2", "failed", error="it broke", exitCode=3)
    worker.status("r3", "cancelled", reason="a reason of tomorrow")

    running, completed, failed, cancelled = (one.report for one in desk.wait(4))
    assert (running.run_id, running.job, running.status) == (
        "r1",
        worker.job,
        ReportStatus.RUNNING,
    )
    assert (completed.details, completed.reason) == ({"n": 1}, Reason.WARNING)
    assert (failed.status, failed.error, failed.exit_code) == (ReportStatus.FAILED, "it broke", 3)
    assert (cancelled.status, cancelled.reason) == (ReportStatus.CANCELLED, None)
    assert before <= running.at <= SystemClock().now()


def test_a_heartbeat_is_a_report_without_a_status(
    open_desk: Callable[..., Desk], worker: WorkerSide
) -> None:
    """With details it tells of progress."""
    desk = open_desk()
    desk.reports.attend(frozenset({worker.job}))
    worker.beat("r1")
    worker.beat("r1", details={"done": 3})
    beats = [one.report for one in desk.wait(2)]
    assert [beat.status for beat in beats] == [None, None]
    assert [beat.details for beat in beats] == [None, {"done": 3}]


def test_what_was_reported_while_nobody_attended_is_delivered_then(
    open_desk: Callable[..., Desk], worker: WorkerSide
) -> None:
    """The queues keep it, and other jobs' reports are nobody's business here."""
    desk = open_desk()
    worker.status("early", "completed")
    desk.reports.attend(frozenset({f"{worker.job}-other"}))
    desk.reports.attend(frozenset({worker.job}))
    desk.wait(1)
    assert desk.run_ids() == ["early"]


def test_what_is_settled_is_gone_and_what_is_not_comes_again(
    open_desk: Callable[..., Desk], worker: WorkerSide
) -> None:
    """An executor that ends without settling leaves its reports to the next one."""
    first = open_desk(settling=False)
    first.reports.attend(frozenset({worker.job}))
    for number in range(4):
        worker.status(f"r{number}", "completed")
    for delivery in first.wait(4)[:2]:
        first.reports.settle(delivery)
    first.reports.stop()

    second = open_desk()
    second.reports.attend(frozenset({worker.job}))
    second.wait(2)
    assert second.run_ids() == ["r2", "r3"]


def test_whoever_attends_no_more_gives_everything_back(
    open_desk: Callable[..., Desk], worker: WorkerSide
) -> None:
    """Unsettled reports are the successor's at once, and settling them late does no harm."""
    first, second = open_desk(settling=False), open_desk()
    first.reports.attend(frozenset({worker.job}))
    worker.status("r1", "completed")
    (delivery,) = first.wait(1)
    first.reports.attend(frozenset())
    second.reports.attend(frozenset({worker.job}))
    second.wait(1)
    first.reports.settle(delivery)
    worker.status("r2", "completed")
    second.wait(2)
    assert (first.run_ids(), second.run_ids()) == (["r1"], ["r1", "r2"])


def test_what_cannot_be_read_is_a_dead_letter_with_its_reason(
    open_desk: Callable[..., Desk], worker: WorkerSide, admin: RabbitAdmin, sender: RabbitSender
) -> None:
    """It is counted, never delivered again, and the next report is heard as ever."""
    eventually(lambda: sender.dead_letters() == 0, PATIENCE_S, "there is none yet")
    desk = open_desk()
    desk.reports.attend(frozenset({worker.job}))
    nonsense: list[Any] = [
        b"\xff",
        b"[1]",
        {"jobName": worker.job, "status": "running"},
        {"runId": "r1", "status": "done"},
        {"runId": "r1", "status": "completed", "details": [1]},
        {"runId": "r1", "status": "failed", "error": 3},
        {"runId": "r1", "status": "completed", "details": {"n": "x" * 70_000}},
        b"x" * 300_000,
    ]
    for body in nonsense:
        worker.tell("status", body)
    worker.tell("heartbeat", {"runId": 7})
    worker.status("r2", "completed")
    desk.wait(1)

    count = len(nonsense) + 1
    dead = admin.queues.dead_letters
    eventually(lambda: sender.dead_letters() == count, PATIENCE_S, "all are dead letters")
    assert desk.run_ids() == ["r2"]
    method, properties, body = worker.channel.basic_get(dead)
    assert method is not None
    assert body == b"\xff"
    assert "no JSON" in properties.headers[REASON]
    assert properties.headers[SOURCE] == worker.queue("status")
    assert properties.delivery_mode == pika.DeliveryMode.Persistent.value
    eventually(lambda: worker.ready("status") == 0, PATIENCE_S, "nothing is left")


def test_a_broker_that_goes_away_is_overcome(
    open_desk: Callable[..., Desk], worker: WorkerSide, proxy: TcpProxy
) -> None:
    """Unsettled reports come again; the jobs are attended to as before, without being asked."""
    desk = open_desk(settling=False)
    desk.reports.attend(frozenset({worker.job}))
    worker.status("r1", "running")
    (before,) = desk.wait(1)
    proxy.cut()
    desk.reports.settle(before)
    again = desk.wait(2)[1]
    desk.reports.settle(again)
    worker.status("r2", "running")
    desk.wait(3)
    assert desk.run_ids() == ["r1", "r1", "r2"]


def test_queues_that_vanish_are_made_again(
    open_desk: Callable[..., Desk], worker: WorkerSide, queue_prefix: str
) -> None:
    """Somebody deletes a job's queues; other jobs are attended to as ever meanwhile."""
    with WorkerSide(worker.url, f"{queue_prefix}-other") as other:
        other.declare()
        desk = open_desk()
        desk.reports.attend(frozenset({worker.job, other.job}))
        worker.status("r1", "running")
        desk.wait(1)
        worker.remove()
        other.status("r2", "running")
        desk.wait(2)
        eventually(lambda: _reaches(worker, "r3"), PATIENCE_S, "the queues are there again")
        eventually(lambda: "r3" in desk.run_ids(), PATIENCE_S, "its report is heard")


def _reaches(worker: WorkerSide, run_id: str) -> bool:
    """Report something, on a channel of its own: a missing exchange closes it."""
    with pika.BlockingConnection(pika.URLParameters(worker.url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        body = f'{{"runId": "{run_id}", "status": "running"}}'.encode()
        try:
            channel.basic_publish(worker.exchange, "status", body, mandatory=True)
        except (pika.exceptions.ChannelClosed, pika.exceptions.UnroutableError):
            return False
        return True


def test_a_job_that_the_broker_refuses_keeps_no_other_waiting(
    open_desk: Callable[..., Desk], worker: WorkerSide, queue_prefix: str
) -> None:
    """Its exchange has another type: its queues are used if they are there, and others too."""
    with WorkerSide(worker.url, f"{queue_prefix}-odd") as odd:
        odd.channel.exchange_declare(odd.exchange, "fanout")
        desk = open_desk()
        desk.reports.attend(frozenset({worker.job, odd.job}))
        worker.status("r1", "running")
        desk.wait(1)
        for key in ("status", "heartbeat"):
            odd.channel.queue_declare(odd.queue(key), durable=True)
        odd.channel.basic_publish("", odd.queue("status"), b'{"runId": "r2", "status": "running"}')
        desk.wait(2)
        assert desk.run_ids() == ["r1", "r2"]
