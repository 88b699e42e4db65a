"""What workers report, through a real RabbitMQ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from executor.adapters.rabbitmq import RabbitSender
from executor.adapters.rabbitmq.outbox import REASON, SOURCE
from executor.adapters.rabbitmq.queues import Queues
from executor.adapters.rabbitmq.reports import RabbitReports
from executor.adapters.system_clock import SystemClock
from tests.contract.rabbit_workshop import RabbitAdmin
from tests.contract.worker_side import PATIENCE_S, WorkerSide
from tests.contract.workers_contract import Desk, WorkersLaw
from tests.fakes.tcp_proxy import TcpProxy
from tests.waiting import eventually


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

        def make(*, settling: bool = True) -> Desk:
            reports = RabbitReports(proxy.url, SystemClock(), prefix=queue_prefix)
            stack.callback(reports.stop)
            return Desk(reports, settling=settling)

        yield make


class TestRabbitReports(WorkersLaw):
    """The law of reports, on RabbitMQ."""

    @pytest.fixture(autouse=True)
    def _broker(self, rabbitmq_url: str, queue_prefix: str) -> Iterator[None]:
        self._url, self._prefix = rabbitmq_url, queue_prefix
        self._sides: dict[str, WorkerSide] = {}
        with ExitStack() as self._connections:
            yield

    def make_reports(self) -> RabbitReports:
        return RabbitReports(self._url, SystemClock(), prefix=self._prefix)

    def job(self, name: str) -> str:
        job = f"{self._prefix}-{name}"
        if job not in self._sides:
            side = self._connections.enter_context(WorkerSide(self._url, job))
            self._sides[job] = side.declare()
        return job

    def tell(self, job: str, run_id: str, status: str | None, **more: Any) -> None:
        if status is None:
            self._sides[job].beat(run_id, **more)
        else:
            self._sides[job].status(run_id, status, **more)


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
