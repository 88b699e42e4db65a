"""The launcher of message targets, on a real RabbitMQ."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from executor.adapters.rabbitmq.message_launcher import MessageLauncher
from executor.adapters.rabbitmq.outbox import IN_FLIGHT
from executor.adapters.system_clock import SystemClock
from executor.domain.run import Reason, RunState
from executor.domain.targets import HttpTarget, MessageTarget
from executor.ports.target import Work
from tests.contract.launcher_contract import make_work
from tests.contract.worker_side import PATIENCE_S, WorkerSide
from tests.fakes.tcp_proxy import TcpProxy
from tests.fakes.work_log import WorkLog
from tests.waiting import eventually

#: Where no broker listens.
NOBODY = "amqp://127.0.0.1:1"


@pytest.fixture
def proxy(rabbitmq_url: str) -> Iterator[TcpProxy]:
    with TcpProxy(rabbitmq_url) as proxy:
        yield proxy


@pytest.fixture
def worker(rabbitmq_url: str, queue_prefix: str) -> Iterator[WorkerSide]:
    with WorkerSide(rabbitmq_url, f"{queue_prefix} résumé.*") as worker:
        yield worker


@pytest.fixture
def launch(log: WorkLog, proxy: TcpProxy) -> Iterator[Callable[..., MessageLauncher]]:
    with ExitStack() as stack:

        def make(**given: Any) -> MessageLauncher:
            launcher = MessageLauncher(log, SystemClock(), proxy.url, **given)
            stack.callback(launcher.stop)
            return launcher

        yield make


@pytest.fixture
def launcher(launch: Callable[..., MessageLauncher]) -> MessageLauncher:
    return launch()


def work(worker: WorkerSide, run_id: str = "run", **arguments: Any) -> Work:
    return make_work(MessageTarget(arguments=arguments), run_id, job=worker.job)


def test_a_run_is_an_order_in_the_jobs_queue(
    launcher: MessageLauncher, worker: WorkerSide, log: WorkLog
) -> None:
    """It has what clients of the protocol know and what ours want besides, and is persistent."""
    launcher.start([work(worker, size=3, id="{{ run.id }}")])
    assert log.wait_for_hand_over("run") is False
    order, properties = worker.take()

    assert order == {
        "jobName": worker.job,
        "runId": "run",
        "action": "run",
        "attempt": 1,
        "term": 17,
        "triggerId": "run-trigger",
        "cause": "schedule",
        "fireTime": "2026-12-01T12:00:00Z",
        "scheduledTime": "2026-12-01T12:00:00Z",
        "arguments": {"size": 3, "id": "run"},
        "timeout": 60_000,
        "heartbeatInterval": 3_000,
    }
    assert (properties.content_type, properties.delivery_mode) == ("application/json", 2)


def test_what_is_declared_is_what_clients_of_the_protocol_declare(
    launcher: MessageLauncher, worker: WorkerSide, log: WorkLog
) -> None:
    """Declaring it again as they do is no error, whoever comes first."""
    launcher.start([work(worker)])
    log.wait_for_hand_over("run")
    worker.declare()
    assert worker.ready("action") == 1


def test_an_order_to_stop_reaches_the_queue_and_whoever_bound_one_of_his_own(
    launcher: MessageLauncher, worker: WorkerSide, log: WorkLog
) -> None:
    """It comes after the run in the shared queue; a queue bound to `cancel` gets a copy alone."""
    worker.declare()
    own = worker.channel.queue_declare("", exclusive=True).method.queue
    worker.channel.queue_bind(own, worker.exchange, "cancel")

    launcher.start([work(worker)])
    launcher.recall(work(worker), Reason.REQUESTED)

    run, _ = worker.take()
    cancel, _ = worker.take()
    copy, _ = worker.take(own)
    assert run["action"] == "run"
    assert cancel == copy
    assert cancel["action"] == "cancel"
    assert (cancel["jobName"], cancel["runId"]) == (worker.job, "run")
    assert log.wait_for_hand_over("run") is False


def test_nothing_is_sent_against_the_listeners_will(
    launcher: MessageLauncher, worker: WorkerSide, log: WorkLog
) -> None:
    """Works come back untouched when may_start says no."""
    log.willing = False
    launcher.start([work(worker.declare(), f"run-{number}") for number in range(40)])
    log.wait_for_ends(40)
    assert sorted(log.refused) == sorted(f"run-{number}" for number in range(40))
    assert worker.ready("action") == 0


def test_a_work_that_is_none_fails_and_hurts_nobody(
    launcher: MessageLauncher, worker: WorkerSide, log: WorkLog
) -> None:
    """A target that is no message ends as failed with words; the next run is sent."""
    foreign = HttpTarget(url="http://localhost")
    broken = make_work(MessageTarget(arguments={"a": "{{ run.idd }}"}), "broken", job=worker.job)
    launcher.start([make_work(foreign, "foreign", job=worker.job), broken, work(worker)])
    log.wait_for_hand_over("run")
    assert "not a message target" in str(log.wait_for_end("foreign").error)
    assert "run.idd" in str(log.wait_for_end("broken").error)


def test_runs_wait_for_a_broker_and_are_sent_when_it_is_there(
    launcher: MessageLauncher, worker: WorkerSide, proxy: TcpProxy, log: WorkLog
) -> None:
    """Many more than are in flight at once: each is sent once, in their order."""
    proxy.lead_to(NOBODY)
    many = 3 * IN_FLIGHT
    launcher.start([work(worker, f"run-{number:04}") for number in range(many)])
    proxy.lead_to(worker.url)
    for number in range(many):
        log.wait_for_hand_over(f"run-{number:04}", timeout_s=30)

    orders = [worker.take()[0] for _ in range(many)]
    assert [order["runId"] for order in orders] == [f"run-{number:04}" for number in range(many)]
    assert not any(order.get("repeated") for order in orders)


def test_a_run_that_waits_for_the_broker_can_be_cancelled(
    launcher: MessageLauncher, worker: WorkerSide, proxy: TcpProxy, log: WorkLog
) -> None:
    """It ends as cancelled with the reason at once, and is never sent."""
    proxy.lead_to(NOBODY)
    launcher.start([work(worker), work(worker, "other")])
    launcher.cancel("run", Reason.START_TIMEOUT)
    launcher.cancel("unknown", Reason.REQUESTED)
    outcome = log.wait_for_end("run")
    assert (outcome.state, outcome.reason) == (RunState.CANCELLED, Reason.START_TIMEOUT)

    proxy.lead_to(worker.url)
    log.wait_for_hand_over("other", timeout_s=30)
    assert worker.take()[0]["runId"] == "other"
    assert worker.ready("action") == 0


def test_more_runs_than_fit_fail_in_words(
    launch: Callable[..., MessageLauncher], worker: WorkerSide, proxy: TcpProxy, log: WorkLog
) -> None:
    """Memory stays bounded while the broker is away; what is over the bound is not kept."""
    proxy.lead_to(NOBODY)
    launch(most_waiting=2).start([work(worker, f"run-{number}") for number in range(3)])
    assert "2 runs wait" in str(log.wait_for_end("run-2").error)
    proxy.lead_to(worker.url)
    log.wait_for_hand_over("run-1", timeout_s=30)


def test_a_run_whose_sending_had_an_unknown_outcome_is_sent_again_and_says_so(
    launcher: MessageLauncher, worker: WorkerSide, proxy: TcpProxy, log: WorkLog
) -> None:
    """The connection is cut while runs go out: each is handed over once, none is missing, and
    those that may be doubled are marked."""
    worker.declare()
    many = 4000
    launcher.start([work(worker, f"run-{number}") for number in range(many)])
    eventually(lambda: len(log.handed_on) > 100, PATIENCE_S, "some are handed over")
    proxy.cut()
    eventually(lambda: len(log.handed_on) == many, 30, "all are handed over")

    orders = [worker.take()[0] for _ in range(worker.ready("action"))]
    seen: set[str] = set()
    for order in orders:
        assert order["runId"] not in seen or order["repeated"]
        seen.add(order["runId"])
    assert len(seen) == many


def test_queues_that_vanish_are_made_again(
    launcher: MessageLauncher, worker: WorkerSide, log: WorkLog
) -> None:
    """Somebody deletes a job's queues, or all of it: the next runs are handed over all the same."""
    launcher.start([work(worker, "first")])
    log.wait_for_hand_over("first")
    worker.channel.queue_delete(worker.queue("action"))
    launcher.start([work(worker, "second")])
    log.wait_for_hand_over("second")
    worker.remove()
    launcher.start([work(worker, "third")])
    log.wait_for_hand_over("third")
    assert worker.take()[0]["runId"] == "third"


def test_a_job_that_the_broker_refuses_keeps_no_other_waiting(
    launcher: MessageLauncher,
    worker: WorkerSide,
    rabbitmq_url: str,
    queue_prefix: str,
    log: WorkLog,
) -> None:
    """Its exchange exists with another type, and nothing is bound: its runs wait, others go."""
    with WorkerSide(rabbitmq_url, f"{queue_prefix}-odd") as odd:
        odd.channel.exchange_declare(odd.exchange, "fanout")
        launcher.start([work(odd, "odd"), work(worker, "sound")])
        log.wait_for_hand_over("sound")
        assert "odd" not in log.handed_on
        odd.channel.exchange_delete(odd.exchange)
        log.wait_for_hand_over("odd")


def test_a_run_handed_over_before_is_sent_again(
    launcher: MessageLauncher, worker: WorkerSide, log: WorkLog
) -> None:
    """Its attempt tells a worker that this is another try of the same run."""
    first = work(worker)
    launcher.start([first])
    assert worker.declare().take()[0]["attempt"] == 1
    log.wait_for_hand_over("run")
    log.expect_again("run")
    launcher.start([replace(first, run=replace(first.run, attempt=2))])
    assert worker.take()[0]["attempt"] == 2
    log.wait_for_hand_over("run")


def test_heartbeats_are_asked_for_well_within_the_jobs_patience(
    launcher: MessageLauncher, worker: WorkerSide, log: WorkLog
) -> None:
    """A third of heartbeat_timeout, and at least every 3 s."""
    one = work(worker)
    for seconds in (0.6, 3, 60):
        patient = replace(one.definition, heartbeat_timeout=timedelta(seconds=seconds))
        run = replace(one.run, id=f"run-{seconds}")
        launcher.start([replace(one, run=run, definition=patient)])
        log.wait_for_hand_over(run.id)
    asked = [worker.take()[0]["heartbeatInterval"] for _ in range(3)]
    assert asked == [200, 1000, 3000]
