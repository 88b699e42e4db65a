"""What befalls the broker itself: restarts, loss of all data, alarms, impatience.

Each test has brokers of its own.
"""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pika  # type: ignore[import-untyped]
import pytest

from executor.adapters.rabbitmq.token import RENEW_S
from executor.domain.errors import BrokerUnavailable
from tests.contract.broker_world import PATIENCE_S, command, done
from tests.contract.rabbit_workshop import RabbitWorkshop
from tests.servers.rabbitmq import RabbitMQ
from tests.waiting import eventually

#: Seconds from a broker that is ready again to a holder: the longest back-off and the watchdog.
BACK_S = 15.0


def control(server: RabbitMQ, *words: str) -> None:
    """Run ``rabbitmqctl``."""
    argv, environment = server.command()
    tool = Path(argv[1]).with_name("rabbitmqctl")
    subprocess.run([tool, *words], env=environment, check=True, capture_output=True, timeout=60)


class TestServerMishaps(RabbitWorkshop):
    """One broker for all of them, which comes back each time."""

    @pytest.fixture(scope="class")
    def server(self) -> Iterator[RabbitMQ]:
        with RabbitMQ() as server:
            yield server

    @pytest.fixture
    def _broker(self, server: RabbitMQ, queue_prefix: str) -> Iterator[None]:
        self.server = server
        self.use(server.url, queue_prefix)
        yield
        for proxy in self.proxies.values():
            proxy.close()

    def test_a_restart_keeps_token_and_commands(self) -> None:
        """The durable queues are there again: one holder, and the command that waited."""
        holder = self.holder()
        executor = self.executor()
        assert self.sender().send(command("1"), 2) is None

        self.server.restart()
        holder.await_win(2, BACK_S)
        executor.intake.open()

        executor.await_deliveries(1)
        assert executor.received == ["1"]
        holder.token.stop()
        eventually(lambda: self.admin.ready(self.queues.token) == 1, PATIENCE_S, "one token")

    def test_a_power_cut_keeps_the_token(self) -> None:
        """After ``kill -9`` of the broker somebody holds it again."""
        both = [self.holder("a"), self.candidate("b")]
        self.server.await_durable(self.queues.token)

        self.server.kill()
        self.server.start()

        eventually(lambda: both[0].wins + both[1].wins == 2, BACK_S, "a holder")
        assert [one.holds for one in both].count(True) == 1

    def test_a_broker_that_lost_everything_gets_a_new_token(self) -> None:
        """Queues and token are made again, and commands pass."""
        both = [self.holder("a"), self.candidate("b")]
        self.answering_executor()
        sender = self.sender()
        sender.send(command("1"), PATIENCE_S)

        self.server.wipe()
        self.server.start()

        eventually(lambda: both[0].wins + both[1].wins == 2, BACK_S, "a holder")
        assert [one.holds for one in both].count(True) == 1
        assert sender.send(command("2"), BACK_S) == done(command("2"))

    def test_an_alarm_stops_commands_and_not_the_token(self) -> None:
        """A sender is told in time, the holder hears nothing, and afterwards all is well."""
        holder = self.holder("a")
        self.answering_executor()
        sender = self.sender()
        sender.send(command("1"), PATIENCE_S)

        control(self.server, "set_vm_memory_high_watermark", "0")
        try:
            eventually(lambda: self.refuses(sender), PATIENCE_S, "commands are refused")
            standby = self.candidate("b")
            seen = sender.token_state(), sender.describe()
            holder.token.stop()
            standby_won = eventually(lambda: standby.holds, PATIENCE_S, "the standby has won")
        finally:
            control(self.server, "set_vm_memory_high_watermark", "0.4")

        assert seen == ("unknown", "blocked by an alarm of the broker")
        assert standby_won
        assert (holder.wins, standby.wins) == (1, 1)
        assert sender.send(command("2"), PATIENCE_S) == done(command("2"))

    def refuses(self, sender: "object") -> bool:
        """Tell whether a command is refused as it should be."""
        return False


class TestImpatientServer(RabbitWorkshop):
    """A broker that closes the channel of whoever does not acknowledge for some seconds."""

    #: Shorter than the renewal, so that it has to adapt; checked every half second.
    consumer_timeout_s: ClassVar[float] = 1.5

    @pytest.fixture(scope="class")
    def server(self) -> Iterator[RabbitMQ]:
        with RabbitMQ(
            settings={"consumer_timeout": str(int(self.consumer_timeout_s * 1000))},
            advanced="[{rabbit, [{channel_tick_interval, 500}]}].",
        ) as server:
            yield server

    @pytest.fixture
    def _broker(self, server: RabbitMQ, queue_prefix: str) -> Iterator[None]:
        self.use(server.url, queue_prefix)
        yield
        for proxy in self.proxies.values():
            proxy.close()
