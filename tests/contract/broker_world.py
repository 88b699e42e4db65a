"""What the broker contract sees: candidates, executors and clients that remember.

A :class:`Candidate` writes down the news of one token, an :class:`Executor` what one
intake delivered; both can be asked from the test's thread while an adapter's threads
call them.  :class:`Sending` is one call of ``send`` that waits on a thread of its own.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.ports.broker import (
    CommandIntake,
    CommandSender,
    Delivery,
    Token,
    TokenLost,
    TokenNews,
    TokenWon,
)
from tests.waiting import eventually

#: Seconds after which a promise counts as broken.  Generous: a slow machine is
#: not a broken adapter, and no wait that succeeds takes this long.
PATIENCE_S = 15.0

AN_INSTANT = datetime(2026, 12, 1, 2, 30, tzinfo=UTC)


class Candidate:
    """One instance's end of the token and everything it was told."""

    def __init__(self, name: str, token: Token) -> None:
        self.name = name
        self.token = token
        self.news: list[TokenNews] = []

    def start(self) -> "Candidate":
        """Compete."""
        self.token.start(self.news.append)
        return self

    @property
    def holds(self) -> bool:
        """Whether the latest news is that the token was won."""
        return bool(self.news) and isinstance(self.news[-1], TokenWon)

    @property
    def wins(self) -> int:
        """How often the token was won."""
        return sum(isinstance(piece, TokenWon) for piece in self.news)

    def await_win(self, number: int = 1, timeout_s: float = PATIENCE_S) -> None:
        """Wait until the token has been won *number* times."""
        eventually(lambda: self.wins >= number, timeout_s, f"{self.name} won {number} times")

    def await_loss(self, timeout_s: float = PATIENCE_S) -> None:
        """Wait until the token is not held any more."""
        eventually(lambda: not self.holds, timeout_s, f"{self.name} lost the token")

    def check_alternation(self) -> None:
        """Fail unless the news are won, lost, won, ..."""
        for number, piece in enumerate(self.news):
            assert isinstance(piece, TokenLost if number % 2 else TokenWon), self.news


class Executor:
    """One instance's end of the command queue and everything it was given."""

    def __init__(self, intake: CommandIntake) -> None:
        self.intake = intake
        self.deliveries: list[Delivery] = []
        self._answer: Callable[[Command], CommandResult] | None = None

    def start(self) -> "Executor":
        """Connect; deliveries are kept, and not settled."""
        self.intake.start(self._on_delivery)
        return self

    def answering(self, answer: Callable[[Command], CommandResult]) -> "Executor":
        """From now on settle each delivery at once, on the adapter's own thread."""
        self._answer = answer
        return self

    @property
    def received(self) -> list[str]:
        """Ids of the delivered commands, in order."""
        return [delivery.command.id for delivery in self.deliveries]

    def await_deliveries(self, number: int) -> list[Delivery]:
        """Wait until *number* commands were delivered in all; return the first *number*."""
        eventually(lambda: len(self.deliveries) >= number, PATIENCE_S, f"{number} deliveries")
        return self.deliveries[:number]

    def _on_delivery(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        if self._answer is not None:
            self.intake.settle(delivery, self._answer(delivery.command))


class Sending:
    """One ``send`` in progress; :attr:`outcome` is what it returned or raised."""

    def __init__(self, sender: CommandSender, command: Command, timeout_s: float) -> None:
        self.command = command
        self.outcome: CommandResult | Exception | None = None
        self._sender, self._timeout_s = sender, timeout_s
        self._thread = threading.Thread(target=self._run, name=f"send {command.id}")
        self._thread.start()

    @property
    def is_going_on(self) -> bool:
        """Whether the call has not ended."""
        return self._thread.is_alive()

    def join(self) -> CommandResult | Exception | None:
        """Wait for the call to end and return its outcome."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), f"send of {self.command.id} hangs"
        return self.outcome

    def _run(self) -> None:
        try:
            self.outcome = self._sender.send(self.command, self._timeout_s)
        except Exception as error:  # whatever it is, the test judges it
            self.outcome = error


def command(name: str, **arguments: Any) -> Command:
    """Return a command with the id *name*."""
    return Command(
        id=name,
        kind=CommandKind.TRIGGER_JOB,
        subject="nightly",
        arguments=arguments,
        sent_at=AN_INSTANT,
    )


def done(asked: Command, message: str = "") -> CommandResult:
    """Return the answer that *asked* was carried out."""
    return CommandResult(
        command_id=asked.id,
        kind=asked.kind,
        digest=asked.digest,
        status=ResultStatus.DONE,
        finished_at=AN_INSTANT,
        message=message,
    )
