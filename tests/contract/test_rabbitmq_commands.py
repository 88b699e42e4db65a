"""What befalls commands on a RabbitMQ that goes on running: none that was accepted is lost."""

import time

import pika  # type: ignore[import-untyped]
import pytest

from executor.domain.command import CommandResult
from executor.domain.errors import BrokerUnavailable
from executor.ports.broker import CommandSender
from tests.contract.broker_world import PATIENCE_S, Executor, Sending, command, done
from tests.contract.rabbit_workshop import RabbitWorkshop
from tests.waiting import eventually


class TestCommandMishaps(RabbitWorkshop):
    """The mishaps; what they do to commands does not depend on the type of queue."""

    def await_connection(self, sender: CommandSender) -> None:
        """Wait until *sender* has found the executor."""
        eventually(lambda: sender.token_state() == "held", PATIENCE_S, "the sender is connected")

    def test_a_sender_without_a_broker_says_so(self) -> None:
        """Nothing can be sent, the state is unknown and the description names the reason."""
        sender = self.sender()
        self.proxy_of(sender).shut()
        eventually(lambda: "refused" in sender.describe(), PATIENCE_S, "the reason is known")

        began = time.monotonic()
        with pytest.raises(BrokerUnavailable, match=r"not sent.*refused"):
            sender.send(command("1"), 0.3)

        assert 0.3 <= time.monotonic() - began < 2
        assert sender.token_state() == "unknown"

    def test_a_sender_connects_again(self) -> None:
        """A command that is sent while the connection is away goes out when it is back."""
        self.holder()
        self.answering_executor()
        sender = self.sender()
        self.await_connection(sender)

        self.proxy_of(sender).cut()

        assert sender.send(command("1"), PATIENCE_S) == done(command("1"))

    def test_a_connection_lost_while_waiting_ends_the_wait(self) -> None:
        """The answer cannot come any more; what is known is said at once."""
        self.holder()
        executor = self.open_executor()
        sender = self.sender()
        (sending,) = self.deliver_unsettled(sender, executor, 1)

        began = time.monotonic()
        self.proxy_of(sender).cut()
        outcome = sending.join()

        assert time.monotonic() - began < PATIENCE_S / 2
        # It was delivered, so it was accepted; but the confirm may have been on its way.
        assert outcome is None or isinstance(outcome, BrokerUnavailable)

    def test_a_frozen_sender_does_not_hang(self) -> None:
        """A broker that has stopped answering is unavailable after the timeout."""
        self.holder()
        self.answering_executor()
        sender = self.sender()
        self.await_connection(sender)
        self.proxy_of(sender).freeze()

        began = time.monotonic()
        with pytest.raises(BrokerUnavailable):
            sender.send(command("1"), 0.5)

        assert time.monotonic() - began < 2

    def test_an_intake_connects_again(self) -> None:
        """What was not settled when the connection broke comes again by itself."""
        self.holder()
        executor = self.open_executor()
        (sending,) = self.deliver_unsettled(self.sender(), executor, 1)

        self.proxy_of(executor.intake).cut()
        again = executor.await_deliveries(2)[1]
        executor.intake.settle(again, done(again.command))

        assert sending.join() == done(sending.command)

    def test_only_what_comes_after_the_opening_is_known_to_be_the_first(self) -> None:
        """What waited before may have been handed to somebody by a broker that was killed since."""
        self.holder()
        executor = self.executor()
        sender = self.sender()
        assert sender.send(command("waits"), 1.5) is None

        executor.answering(done).intake.open()
        executor.await_deliveries(1)
        sender.send(command("comes"), PATIENCE_S)
        self.proxy_of(executor.intake).cut()
        sender.send(command("comes after a cut"), PATIENCE_S)

        firsts = {one.command.id: one.first for one in executor.deliveries}
        assert firsts["waits"] is False
        assert firsts["comes"] is True

    def test_a_deleted_command_queue_is_made_again(self) -> None:
        """The executor and the next sender agree on a new one."""
        self.holder()
        self.answering_executor()
        sender = self.sender()
        sender.send(command("1"), PATIENCE_S)

        self.admin.delete(self.queues.commands)

        assert sender.send(command("2"), PATIENCE_S) == done(command("2"))

    def test_no_accepted_command_is_lost_while_connections_break(self) -> None:
        """Four threads send, the connections of both ends are cut again and again."""
        self.holder()
        executor = self.answering_executor()
        sender = self.sender()
        self.await_connection(sender)

        sendings = []
        for number in range(40):
            sendings.append(Sending(sender, command(str(number)), PATIENCE_S))
            if number % 10 == 5:
                self.proxy_of(sender).cut()
            if number % 10 == 9:
                self.proxy_of(executor.intake).cut()
        outcomes = {one.command.id: one.join() for one in sendings}

        accepted = {
            name
            for name, outcome in outcomes.items()
            if outcome is None or isinstance(outcome, CommandResult)
        }
        eventually(lambda: accepted <= set(executor.received), PATIENCE_S, "all are delivered")
        refused = [one for name, one in outcomes.items() if name not in accepted]
        assert all(isinstance(one, BrokerUnavailable) for one in refused)
        assert self.still_works(sender, executor)

    def still_works(self, sender: CommandSender, executor: Executor) -> bool:
        """Send one more command, and find it delivered and answered."""
        answer = sender.send(command("last"), PATIENCE_S)
        return answer == done(command("last")) and executor.received[-1] == "last"

    def test_probes_leave_nothing_in_the_presence_mark(self) -> None:
        """Their messages expire at once, so that the mark does not grow while it stands."""
        arguments = self.queues.arguments(self.queues.executor)
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            channel = connection.channel()
            channel.queue_declare(self.queues.executor, exclusive=True, arguments=arguments)
            sender = self.sender()
            eventually(lambda: sender.token_state() == "held", PATIENCE_S, "the probe arrives")

            declared = channel.queue_declare(self.queues.executor, passive=True)

        assert declared.method.message_count == 0
