"""A worker's end of the broker, on a real RabbitMQ."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Condition
from typing import Any, TypeVar

import pytest

from executor.adapters.rabbitmq.outbox import REASON
from executor.adapters.rabbitmq.queues import Queues
from executor.adapters.rabbitmq.work_queue import RabbitWorkQueue
from executor.adapters.system_clock import SystemClock
from executor.domain.report import ReportStatus
from executor.domain.run import Outcome, Output, Reason, RunState
from executor.ports.work_queue import (
    Assignment,
    Connected,
    Counted,
    Disconnected,
    EndTold,
    Overheard,
    Recall,
    Taken,
    WorkNews,
)
from tests.contract.rabbit_workshop import RabbitAdmin
from tests.contract.worker_side import PATIENCE_S, WorkerSide
from tests.fakes.tcp_proxy import TcpProxy
from tests.waiting import eventually

N = TypeVar("N", bound=WorkNews)

DONE = Outcome(state=RunState.SUCCEEDED)


class Hand:
    """A worker's queue and the news that came from it."""

    def __init__(self, queue: RabbitWorkQueue) -> None:
        self.queue = queue
        self.news: list[WorkNews] = []
        self._came = Condition()
        queue.start(self._hear)

    def _hear(self, news: WorkNews) -> None:
        with self._came:
            self.news.append(news)
            self._came.notify_all()

    def of(self, kind: type[N]) -> list[N]:
        """Return the news of one kind so far."""
        return [one for one in list(self.news) if isinstance(one, kind)]

    def wait(self, kind: type[N], count: int = 1) -> list[N]:
        """Return the news of one kind, once there are *count*."""
        with self._came:
            there = self._came.wait_for(lambda: len(self.of(kind)) >= count, PATIENCE_S)
        assert there, self.news
        return self.of(kind)


@pytest.fixture
def proxy(rabbitmq_url: str) -> Iterator[TcpProxy]:
    with TcpProxy(rabbitmq_url) as proxy:
        yield proxy


@pytest.fixture
def side(rabbitmq_url: str, queue_prefix: str) -> Iterator[WorkerSide]:
    """The executor's side of the job's queues."""
    with WorkerSide(rabbitmq_url, queue_prefix) as side:
        yield side.declare()


@pytest.fixture
def admin(rabbitmq_url: str, queue_prefix: str) -> Iterator[RabbitAdmin]:
    admin = RabbitAdmin(rabbitmq_url, Queues(queue_prefix))
    yield admin
    admin.delete(admin.queues.dead_letters)


@pytest.fixture
def open_hand(
    proxy: TcpProxy, rabbitmq_url: str, queue_prefix: str, side: WorkerSide
) -> Iterator[Callable[..., Hand]]:
    with ExitStack() as stack:

        def make(*, proxied: bool = False, prefetch: int = 4) -> Hand:
            queue = RabbitWorkQueue(
                proxy.url if proxied else rabbitmq_url,
                SystemClock(),
                frozenset({side.job}),
                prefetch=prefetch,
                name="w1",
                prefix=queue_prefix,
            )
            stack.callback(queue.stop)
            others = side.consumers("action")
            hand = Hand(queue)
            hand.wait(Connected)
            eventually(lambda: side.consumers("action") > others, PATIENCE_S, "it takes runs")
            return hand

        yield make


def order(side: WorkerSide, run_id: str = "r1", action: str = "run", **more: Any) -> None:
    """Publish what an executor does."""
    side.tell("action", {"jobName": side.job, "runId": run_id, "action": action, **more})


def test_a_run_is_taken_with_what_is_known_of_it(
    open_hand: Callable[..., Hand], side: WorkerSide
) -> None:
    """Three fields suffice; ours are read."""
    hand = open_hand()
    order(side)
    order(
        side,
        "r2",
        attempt=2,
        term=7,
        triggerId="t",
        cause="manual",
        fireTime="2026-12-01T12:00:00Z",
        arguments={"n": 1},
        timeout=1500,
        heartbeatInterval=200,
        repeated=True,
    )
    plain, full = hand.wait(Taken, 2)
    assert plain.assignment == Assignment(run_id="r1", job=side.job, trigger_id="r1", beat_s=3.0)
    assert full.assignment == Assignment(
        run_id="r2",
        job=side.job,
        attempt=2,
        term=7,
        trigger_id="t",
        cause="manual",
        fire_time="2026-12-01T12:00:00Z",
        arguments={"n": 1},
        timeout_s=1.5,
        beat_s=0.2,
        repeated=True,
    )
    assert (plain.doubtful, full.doubtful) == (False, True)


def test_no_more_runs_are_in_hand_than_were_asked_for(
    open_hand: Callable[..., Hand], side: WorkerSide
) -> None:
    """The next one comes when one is settled; what is given back is doubtful for whoever has it."""
    hand = open_hand(prefetch=2)
    for number in range(3):
        order(side, f"r{number}")
    first, second = hand.wait(Taken, 2)
    assert side.ready("action") == 1
    hand.queue.acknowledge(first.tag)
    hand.wait(Taken, 3)
    hand.queue.stop_taking()
    hand.queue.give_back(second.tag)
    eventually(lambda: side.ready("action") == 1, PATIENCE_S, "it is back")
    (again,) = open_hand().wait(Taken)
    assert (again.assignment.run_id, again.doubtful) == (second.assignment.run_id, True)


def test_reports_follow_the_protocol(open_hand: Callable[..., Hand], side: WorkerSide) -> None:
    """Running, a sign of life, the end with all that is known; the end is answered."""
    hand = open_hand()
    order(side)
    (taken,) = hand.wait(Taken)
    one = taken.assignment
    hand.queue.tell(one, ReportStatus.RUNNING, None)
    hand.queue.beat(one, None)
    hand.queue.beat(one, {"done": 1})
    outcome = Outcome(
        state=RunState.SUCCEEDED,
        reason=Reason.WARNING,
        exit_code=0,
        error="almost",
        details={"n": 1},
        output=Output(head="hello", size=5),
    )
    hand.queue.tell(one, ReportStatus.COMPLETED, outcome)
    assert hand.wait(EndTold) == [EndTold("r1")]

    known = {"jobName": side.job, "runId": "r1", "worker": "w1"}
    running, properties = side.take(side.queue("status"))
    assert running == {**known, "status": "running", "attempt": 1}
    assert (properties.content_type, properties.delivery_mode) == ("application/json", 2)
    assert side.take(side.queue("status"))[0] == {
        **known,
        "status": "completed",
        "attempt": 1,
        "reason": "warning",
        "exitCode": 0,
        "error": "almost",
        "details": {"n": 1},
        "output": {"head": "hello", "tail": "", "size": 5},
    }
    assert side.take(side.queue("heartbeat"))[0] == known
    assert side.take(side.queue("heartbeat"))[0] == {**known, "details": {"done": 1}}


def test_an_order_to_stop_reaches_every_worker_by_the_second_key(
    open_hand: Callable[..., Hand], side: WorkerSide
) -> None:
    """It is heard by all, taken from the shared queue by one, and left by nobody."""
    hands = [open_hand(), open_hand()]
    order(side, "first", action="cancel")
    side.tell("cancel", {"jobName": side.job, "runId": "r1", "action": "cancel"})
    for hand in hands:
        eventually(lambda hand=hand: Recall("r1") in hand.news, PATIENCE_S, "it is heard")  # type: ignore[misc]
    eventually(
        lambda: sum(Recall("first") in hand.news for hand in hands) == 1, PATIENCE_S, "one took it"
    )
    assert side.ready("action") == 0


def test_what_others_report_is_heard_on_demand(
    open_hand: Callable[..., Hand], side: WorkerSide
) -> None:
    """Only while it is asked for, and what it says is whether the run is over."""
    hand = open_hand()
    side.beat("early")
    hand.queue.overhear(frozenset({side.job}))
    eventually(lambda: _overhears(hand, side), PATIENCE_S, "it listens")
    side.status("r1", "running")
    side.beat("r1")
    side.tell("status", b"nonsense")
    side.status("r1", "failed")
    eventually(lambda: Overheard("r1", True) in hand.news, PATIENCE_S, "the end is heard")
    assert [one for one in hand.of(Overheard) if one.run_id == "r1"] == [
        Overheard("r1", False),
        Overheard("r1", False),
        Overheard("r1", True),
    ]
    assert Overheard("early", False) not in hand.news

    hand.queue.overhear(frozenset())
    eventually(lambda: not _overhears(hand, side), PATIENCE_S, "it listens no more")


def _overhears(hand: Hand, side: WorkerSide) -> bool:
    """Whether *hand* hears a sign of life; an order after it tells when it would have come."""
    before, marks = len(hand.of(Overheard)), len(hand.of(Recall))
    side.beat("probe")
    side.tell("cancel", {"jobName": side.job, "runId": "mark", "action": "cancel"})
    eventually(lambda: len(hand.of(Recall)) > marks, PATIENCE_S, "what came after it is there")
    return len(hand.of(Overheard)) > before


def test_losses_are_counted_by_the_broker_for_all_workers(
    open_hand: Callable[..., Hand], side: WorkerSide
) -> None:
    """Each count is one more, whoever asks; when the run is over it begins anew."""
    first, second = open_hand(), open_hand()
    first.queue.count_loss("r1", side.job)
    assert first.wait(Counted) == [Counted("r1", 1)]
    second.queue.count_loss("r1", side.job)
    second.queue.count_loss("r2", side.job)
    assert second.wait(Counted, 2) == [Counted("r1", 2), Counted("r2", 1)]
    for run_id in ("r1", "r2", "unknown"):
        first.queue.forget_losses(run_id)
    first.queue.count_loss("r1", side.job)
    assert first.wait(Counted, 2)[-1] == Counted("r1", 1)
    first.queue.forget_losses("r1")


def test_what_cannot_be_read_and_what_is_buried_are_dead_letters(
    open_hand: Callable[..., Hand], side: WorkerSide, admin: RabbitAdmin
) -> None:
    """The one is gone from the queue, the other stays in hand; each has its reason."""
    hand = open_hand()
    side.tell("action", b"nonsense")
    order(side, "odd", action="jump")
    order(side)
    (taken,) = hand.wait(Taken)
    hand.queue.bury(taken.tag, "nobody survives it")
    dead = admin.queues.dead_letters
    eventually(lambda: admin.ready(dead) == 3, PATIENCE_S, "three dead letters")
    reasons = [side.channel.basic_get(dead)[1].headers[REASON] for _ in range(3)]
    assert "no JSON" in reasons[0]
    assert "jump" in reasons[1]
    assert reasons[2] == "nobody survives it"
    hand.queue.give_back(taken.tag)
    hand.wait(Taken, 2)


def test_a_broker_that_goes_away_is_overcome(
    open_hand: Callable[..., Hand], side: WorkerSide, proxy: TcpProxy
) -> None:
    """Tags are void and the runs come again; what was told meanwhile goes out afterwards."""
    hand = open_hand(proxied=True)
    order(side)
    (taken,) = hand.wait(Taken)
    proxy.lead_to("amqp://127.0.0.1:1")
    hand.wait(Disconnected)
    hand.queue.beat(taken.assignment, None)
    hand.queue.tell(taken.assignment, ReportStatus.COMPLETED, DONE)
    hand.queue.acknowledge(taken.tag)
    proxy.lead_to(side.url)
    hand.wait(EndTold)
    again = hand.wait(Taken, 2)[1]
    assert again.doubtful
    hand.queue.acknowledge(taken.tag)
    hand.queue.acknowledge(again.tag)
    assert side.take(side.queue("status"))[0]["status"] == "completed"
    assert side.ready("heartbeat") == 0
    hand.queue.stop()
    assert side.ready("action") == 0
