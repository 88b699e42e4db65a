"""What befalls the broker itself: restarts, loss of all data, alarms, impatience.

Each test has brokers of its own.
"""

from collections.abc import Iterator

import pika  # type: ignore[import-untyped]
import pytest

from executor.adapters.rabbitmq.token import RENEW_S
from executor.domain.errors import BrokerUnavailable
from executor.ports.broker import CommandSender
from tests.contract.broker_world import PATIENCE_S, command, done
from tests.contract.rabbit_workshop import RabbitWorkshop
from tests.servers.rabbitmq import RabbitMQ
from tests.waiting import eventually

#: Seconds from a broker that is ready again to a holder: the longest back-off and the watchdog.
BACK_S = 15.0


@pytest.fixture(scope="module")
def own_server() -> Iterator[RabbitMQ]:
    """A broker that may be harmed."""
    with RabbitMQ() as server:
        yield server


@pytest.fixture(scope="module")
def impatient_server() -> Iterator[RabbitMQ]:
    """A broker that looks for consumers without manners twice a second, not once a minute."""
    with RabbitMQ(advanced="[{rabbit, [{channel_tick_interval, 500}]}].") as server:
        yield server


class TestServerMishaps(RabbitWorkshop):
    """One broker for all of them, which comes back each time."""

    @pytest.fixture
    def _broker(self, own_server: RabbitMQ, queue_prefix: str) -> Iterator[None]:
        self.server = own_server
        self.use(own_server.url, queue_prefix)
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

        self.server.control("set_vm_memory_high_watermark", "0")
        try:
            eventually(lambda: self.refuses(sender), PATIENCE_S, "commands are refused")
            standby = self.candidate("b")
            seen = sender.token_state(), sender.describe()
            holder.token.stop()
            standby_won = eventually(lambda: standby.holds, PATIENCE_S, "the standby has won")
        finally:
            self.server.control("set_vm_memory_high_watermark", "0.4")

        assert seen == ("unknown", "blocked by an alarm of the broker")
        assert standby_won
        assert (holder.wins, standby.wins) == (1, 1)
        assert sender.send(command("2"), PATIENCE_S) == done(command("2"))

    def refuses(self, sender: CommandSender) -> bool:
        """Tell whether a command is refused, in time."""
        try:
            sender.send(command("refused"), 0.5)
        except BrokerUnavailable:
            return True
        return False


class TestImpatientServer(RabbitWorkshop):
    """A broker that closes the channel of whoever does not acknowledge for some seconds."""

    @pytest.fixture
    def _broker(self, impatient_server: RabbitMQ, queue_prefix: str) -> Iterator[None]:
        self.server = impatient_server
        self.use(impatient_server.url, queue_prefix)
        yield
        for proxy in self.proxies.values():
            proxy.close()

    def set_consumer_timeout(self, seconds: float) -> None:
        """Set it for the channels that are opened from now on."""
        change = f"application:set_env(rabbit, consumer_timeout, {int(seconds * 1000)})."
        self.server.control("eval", change)

    def await_impatience(self) -> None:
        """Hold a message without acknowledging it until the broker has closed the channel."""
        with pika.BlockingConnection(pika.URLParameters(self.server.url)) as connection:
            channel = connection.channel()
            channel.queue_declare("held", exclusive=True)
            channel.basic_publish("", "held", b"")
            channel.basic_consume("held", lambda *_delivery: None)
            eventually(
                lambda: connection.process_data_events(0) or channel.is_closed,
                PATIENCE_S,
                "the broker lost patience",
            )

    def test_a_renewing_holder_is_not_moved(self) -> None:
        """While a consumer that never acknowledges is cut off, the holder hears nothing."""
        self.set_consumer_timeout(RENEW_S + 1)
        holder = self.holder()

        self.await_impatience()
        self.await_impatience()

        assert (holder.wins, holder.holds) == (1, True)

    def test_a_timeout_shorter_than_the_renewal_hastens_the_renewal(self) -> None:
        """The token may be lost once or twice, then it stays."""
        self.set_consumer_timeout(RENEW_S * 0.6)
        holder = self.holder()
        for _ in range(2):
            self.await_impatience()
        holder.await_win()
        settled = holder.wins

        for _ in range(2):
            self.await_impatience()

        assert (holder.wins, holder.holds) == (settled, True)
