"""Where the broker contract gets its brokers from, and who clears up.

A subclass of the contract has one private, empty broker for each test, made by an override
of the fixture ``_broker``, and makes ends of it in the three ``make`` methods.  Whatever was
made through ``candidate``, ``executor`` and ``sender`` is stopped after the test, senders
first, and before ``_broker`` is torn down.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from executor.domain.command import Command, CommandResult
from executor.ports.broker import CommandIntake, CommandSender, Token
from tests.contract.broker_world import PATIENCE_S, Candidate, Executor, Sending, command, done


class Workshop:
    """Makes ends of one broker and ends them all after the test."""

    def make_token(self, instance_id: str) -> Token:
        """Return a token end that was not started."""
        raise NotImplementedError

    def make_intake(self) -> CommandIntake:
        """Return an intake that was not started."""
        raise NotImplementedError

    def make_sender(self) -> CommandSender:
        """Return a sender."""
        raise NotImplementedError

    def put_garbage(self, body: bytes) -> None:
        """Put a message that is no command on the command queue, as a stranger could."""
        raise NotImplementedError

    def let_pass(self, seconds: float) -> None:
        """Move the broker's clock on, if it is not the real one."""

    def monotonic(self) -> float:
        """Read the broker's clock."""
        return time.monotonic()

    @pytest.fixture
    def _broker(self) -> None:
        """Make the broker of one test; to be overridden."""

    @pytest.fixture(autouse=True)
    def _made(self, _broker: None) -> Iterator[None]:
        self._candidates: list[Candidate] = []
        self._executors: list[Executor] = []
        self._senders: list[CommandSender] = []
        self._sendings: list[Sending] = []
        yield
        assert not [sending for sending in self._sendings if sending.is_going_on]
        for sender in self._senders:
            sender.close()
        for executor in self._executors:
            executor.intake.stop()
        for candidate in self._candidates:
            candidate.token.stop()
            candidate.check_alternation()

    def candidate(self, name: str = "a") -> Candidate:
        """Return a candidate that competes."""
        made = Candidate(name, self.make_token(name))
        self._candidates.append(made)
        return made.start()

    def holder(self, name: str = "a") -> Candidate:
        """Return a candidate that has won."""
        made = self.candidate(name)
        made.await_win()
        return made

    def executor(self) -> Executor:
        """Return a started executor that takes no commands yet."""
        made = Executor(self.make_intake())
        self._executors.append(made)
        return made.start()

    def open_executor(self) -> Executor:
        """Return an executor that takes commands and leaves them unsettled."""
        made = self.executor()
        made.intake.open()
        return made

    def sender(self) -> CommandSender:
        """Return a sender."""
        made = self.make_sender()
        self._senders.append(made)
        return made

    def answering_executor(self, answer: Callable[[Command], CommandResult] = done) -> Executor:
        """Return an executor that settles whatever it is given at once."""
        made = self.executor().answering(answer)
        made.intake.open()
        return made

    def deliver_unsettled(self, sender: CommandSender, to: Executor, number: int) -> list[Sending]:
        """Send commands ``0``, ``1``, ... each after the one before has arrived."""
        sendings = []
        for index in range(number):
            sendings.append(Sending(sender, command(str(index)), PATIENCE_S))
            to.await_deliveries(index + 1)
        self._sendings += sendings
        return sendings
