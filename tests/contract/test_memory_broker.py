"""The broker contract on the in-memory broker, which the other tests trust."""

import pytest

from executor.domain.errors import BrokerUnavailable
from executor.ports.broker import CommandIntake, CommandSender, Token, TokenLost
from tests.contract.broker_contract import CrashLaw
from tests.contract.broker_world import PATIENCE_S, Candidate, Executor, command, done
from tests.fakes.memory_broker import MemoryBroker


class TestMemoryBroker(CrashLaw):
    """The law; dying is stopping, because here nobody needs time to notice."""

    @pytest.fixture
    def _broker(self) -> None:
        self.broker = MemoryBroker()

    def make_token(self, instance_id: str) -> Token:
        return self.broker.make_token(instance_id)

    def make_intake(self) -> CommandIntake:
        return self.broker.make_intake()

    def make_sender(self) -> CommandSender:
        return self.broker.make_sender()

    def put_garbage(self, body: bytes) -> None:
        self.broker.put(body)

    def let_pass(self, seconds: float) -> None:
        self.broker.elapse(seconds)

    def monotonic(self) -> float:
        return self.broker.now_s

    def crash_token(self, candidate: Candidate) -> None:
        candidate.token.stop()

    def crash_intake(self, executor: Executor) -> None:
        executor.intake.stop()

    # --- what only this broker can be told to do -----------------------------------------

    def test_a_broken_broker_takes_the_token_away_and_brings_it_back(self) -> None:
        """The holder loses it with a reason and wins it again after the recovery."""
        holder = self.holder()

        self.broker.break_down()
        lost = holder.news[-1]
        self.broker.recover()

        assert lost == TokenLost("the broker is down")
        assert holder.wins == 2

    def test_nothing_is_accepted_by_a_broken_broker(self) -> None:
        """Sending fails as unavailable; what was accepted before survives."""
        self.holder()
        executor = self.open_executor()
        sender = self.sender()
        (sending,) = self.deliver_unsettled(sender, executor, 1)

        self.broker.break_down()
        with pytest.raises(BrokerUnavailable):
            sender.send(command("x"), 0)
        self.broker.recover()

        again = executor.await_deliveries(2)[1]
        executor.intake.settle(again, done(again.command))
        assert sending.join() == done(sending.command)
        assert sender.token_state() == "held"

    def test_a_vanished_token_is_missing_until_it_is_put_back(self) -> None:
        """Losing the token deposes the holder, and nobody wins without one."""
        holder, sender = self.holder(), self.sender()

        self.broker.lose_token()
        holder.await_loss(PATIENCE_S)
        seen = sender.token_state()
        self.broker.put_token()

        assert seen == "missing"
        assert holder.wins == 2
