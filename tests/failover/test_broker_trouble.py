"""Everything that can happen to the token and its broker, one after the other on one cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from tests.failover.cluster import Cluster, longest_gap
from tests.servers.rabbitmq import RabbitMQ
from tests.waiting import eventually

#: After trouble there must be exactly one executor again within so long (s).  The watchdog waits
#: for more than three heartbeats and 5 s before it believes that a token has vanished.
RECOVERED_S = 60.0

#: While the broker is away or changes, jobs that are due each second go on: no longer pause (s).
GAP_S = 4.0


@contextmanager
def _channel(broker: RabbitMQ) -> Iterator[Any]:
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    try:
        yield connection.channel()
    finally:
        connection.close()


def _await_calm(cluster: Cluster) -> None:
    """Wait until one instance executes and the token is held."""

    def calm() -> bool:
        status = cluster.status()
        return status.get("state") == "executing" and status.get("token") == "held"

    eventually(calm, RECOVERED_S, "one instance executes and holds the token")


@pytest.mark.timeout(420)
def test_whatever_happens_to_the_token_one_executor_remains(
    make_cluster: Callable[..., Cluster],
) -> None:
    """A second token, a purge, a deleted queue, a restart, a wipe: jobs go on, none runs twice."""
    with RabbitMQ() as broker:
        prefix = "trouble"
        cluster = make_cluster(rabbitmq_url=broker.url, prefix=prefix)
        for number in range(3):
            cluster.add_job(f"steady-{number}", 1)
        queue = f"{prefix}.token"

        def second_token() -> None:
            with _channel(broker) as channel:
                channel.basic_publish("", queue, b"by hand")

        def purge() -> None:
            with _channel(broker) as channel:
                channel.queue_purge(queue)

        def delete() -> None:
            with _channel(broker) as channel:
                channel.queue_delete(queue)

        def wipe() -> None:
            broker.wipe()
            broker.start()

        def restart() -> None:
            broker.await_durable(queue)
            broker.restart()

        for trouble in (second_token, purge, delete, restart, wipe):
            cluster.await_firing(monotonic() + 2.0)
            began = monotonic()
            trouble()
            _await_calm(cluster)
            calm_at = monotonic()
            cluster.await_firing(calm_at + 2.0)
            gap = longest_gap(cluster, began, monotonic())
            print(
                f"{trouble.__name__}: calm after {calm_at - began:.1f} s, longest gap {gap:.2f} s"
            )
            assert gap < GAP_S, trouble.__name__
        cluster.await_accounted()

        assert cluster.double_starts() == []


@pytest.mark.timeout(240)
def test_the_brokers_consumer_timeout_does_not_move_the_token(
    make_cluster: Callable[..., Cluster],
) -> None:
    """With a consumer_timeout of five seconds the executor keeps its token and its term."""
    broker = RabbitMQ(
        settings={"consumer_timeout": "5000"},
        advanced="[{rabbit, [{channel_tick_interval, 1000}]}].",
    )
    with broker:
        cluster = make_cluster(rabbitmq_url=broker.url, size=2)
        cluster.add_job("steady", 1)
        leader = cluster.leader()
        since = monotonic()
        cluster.await_firing(since + 25.0, 60)

        assert cluster.leader() == leader
        assert "token lost" not in leader.member.served.log
        assert cluster.double_starts() == []
