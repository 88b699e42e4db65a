"""Ends of a RabbitMQ broker for the contract, each behind a proxy of its own.

``kill -9`` of an end is its proxy shutting: the broker sees the connections break and
nobody comes back.  Queues have names that only this test uses and are deleted after it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

import pika  # type: ignore[import-untyped]
import pika.exceptions  # type: ignore[import-untyped]
import pytest

from executor.adapters.rabbitmq import RabbitIntake, RabbitSender, RabbitToken
from executor.adapters.rabbitmq.queues import Queues
from executor.ports.broker import CommandIntake, CommandSender, Token
from tests.contract.broker_workshop import Workshop
from tests.contract.broker_world import Candidate, Executor
from tests.fakes.tcp_proxy import TcpProxy

T = TypeVar("T")


class RabbitAdmin:
    """What an operator, or an accident, does to the queues; one connection for each deed."""

    def __init__(self, url: str, queues: Queues) -> None:
        self.url = url
        self.queues = queues

    def publish(self, queue: str, body: bytes) -> None:
        """Publish a durable message and wait for the confirm."""

        def publish(channel: Any) -> None:
            channel.confirm_delivery()
            properties = pika.BasicProperties(delivery_mode=2)
            channel.basic_publish("", queue, body, properties, mandatory=True)

        self._with_channel(publish)

    def declare(self, queue: str) -> None:
        """Declare a durable queue just as the ends do."""
        arguments = self.queues.arguments(queue)
        self._with_channel(
            lambda channel: channel.queue_declare(queue, durable=True, arguments=arguments)
        )

    def ready(self, queue: str) -> int:
        """Count the waiting messages; none if the queue does not exist."""
        return self._count(queue, "message_count")

    def consumers(self, queue: str) -> int:
        """Count the consumers; of a quorum queue with a single active one, that one alone."""
        return self._count(queue, "consumer_count")

    def _count(self, queue: str, what: str) -> int:
        def count(channel: Any) -> int:
            return int(getattr(channel.queue_declare(queue, passive=True).method, what))

        try:
            return self._with_channel(count)
        except pika.exceptions.ChannelClosedByBroker:
            return 0

    @contextmanager
    def occupied(self, queue: str) -> Iterator[None]:
        """Hold the exclusive *queue* on a connection of our own."""
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            connection.channel().queue_declare(queue, exclusive=True)
            yield

    def purge(self, queue: str) -> None:
        """Throw the waiting messages away."""
        self._with_channel(lambda channel: channel.queue_purge(queue))

    def delete(self, queue: str) -> None:
        """Delete a queue, if it exists."""
        self._with_channel(lambda channel: channel.queue_delete(queue))

    def _with_channel(self, deed: Callable[[Any], T]) -> T:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            return deed(connection.channel())


class RabbitWorkshop(Workshop):
    """Makes ends of the shared RabbitMQ."""

    queue_type: ClassVar[str] = "classic"

    #: Seconds, shorter than in production where a test waits for what follows from it.
    heartbeat_s: ClassVar[int] = 5

    @pytest.fixture
    def _broker(self, rabbitmq_url: str, queue_prefix: str) -> Iterator[None]:
        self.use(rabbitmq_url, queue_prefix)
        yield
        for proxy in self.proxies.values():
            proxy.close()
        for queue in (self.queues.token, self.queues.commands):
            self.admin.delete(queue)

    def use(self, url: str, prefix: str) -> None:
        """Make ends of the broker at *url*."""
        self.url = url
        self.queues = Queues(prefix, self.queue_type)
        self.admin = RabbitAdmin(url, self.queues)
        self.proxies: dict[int, TcpProxy] = {}

    def make_token(self, instance_id: str) -> Token:
        proxy = TcpProxy(self.url)
        return self._behind(
            proxy,
            RabbitToken(
                proxy.url,
                instance_id=instance_id,
                prefix=self.queues.prefix,
                queue_type=self.queue_type,
                heartbeat_s=self.heartbeat_s,
            ),
        )

    def make_intake(self) -> CommandIntake:
        proxy = TcpProxy(self.url)
        return self._behind(
            proxy,
            RabbitIntake(proxy.url, prefix=self.queues.prefix, queue_type=self.queue_type),
        )

    def make_sender(self) -> CommandSender:
        proxy = TcpProxy(self.url)
        return self._behind(
            proxy,
            RabbitSender(proxy.url, prefix=self.queues.prefix, queue_type=self.queue_type),
        )

    def proxy_of(self, end: object) -> TcpProxy:
        """Return what stands between *end* and the broker."""
        return self.proxies[id(end)]

    def put_garbage(self, body: bytes) -> None:
        self.admin.declare(self.queues.commands)
        self.admin.publish(self.queues.commands, body)

    def crash_token(self, candidate: Candidate) -> None:
        """Break its connections for good; the dead token itself is of no interest any more."""
        self.proxy_of(candidate.token).shut()

    def crash_intake(self, executor: Executor) -> None:
        """Break its connection for good."""
        self.proxy_of(executor.intake).shut()

    def _behind(self, proxy: TcpProxy, end: T) -> T:
        self.proxies[id(end)] = proxy
        return end
