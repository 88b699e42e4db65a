"""The broker: one token that moves between instances, and a queue of commands.

Checked by ``tests/contract/broker_contract.py`` on every adapter.  The token is
liveness only: adapters may lose, duplicate or move it, the term (see
``ports/store.py``) keeps that harmless.  Adapters run their own threads, reconnect
by themselves with back-off, and speak through the callbacks they were started with;
callbacks return at once and never raise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from executor.domain.command import Command, CommandResult


@dataclass(frozen=True, slots=True)
class TokenWon:
    """This instance holds the token and the presence mark now."""


@dataclass(frozen=True, slots=True)
class TokenLost:
    """This instance cannot prove any more that it holds the token; ``reason`` is for the log."""

    reason: str


TokenNews = TokenWon | TokenLost


class Token(Protocol):
    """The candidate's end: wait for the token, hold it, give it away."""

    def start(self, on_news: Callable[[TokenNews], None]) -> None:
        """Begin to compete.  News alternate: won, lost, won, ..."""
        ...

    def step_aside(self, seconds: float) -> None:
        """Give the token away, if held, and do not compete for *seconds*.  Returns at once."""
        ...

    def describe(self) -> str:
        """Say in a few words how the connection stands: ``connected``, or what is wrong."""
        ...

    def stop(self) -> None:
        """Hand the token back and close.  Returns when the broker has it, or after 2 s."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """A command in an executor's hands.

    Attributes:
        tag: identifies it to :class:`CommandIntake` only.
        first: no executor was ever handed this message before; False where that is not certain.
    """

    tag: object
    command: Command
    first: bool = False


class CommandIntake(Protocol):
    """The executor's end of the command queue.

    Commands that are neither settled nor released come again, to whoever executes then.
    A message that does not decode is logged and removed.
    """

    def start(self, on_delivery: Callable[[Delivery], None]) -> None:
        """Connect; nothing is delivered before :meth:`open`."""
        ...

    def open(self) -> None:
        """Take commands, in the order sent, from now on."""
        ...

    def close(self) -> None:
        """Take no more; every unsettled delivery returns to the queue and its tag is void."""
        ...

    def reply(self, delivery: Delivery, result: CommandResult) -> None:
        """Answer the sender, if it still waits, and leave the command in the queue.

        An adapter may leave this to :meth:`settle`, which follows soon.
        """
        ...

    def settle(self, delivery: Delivery, result: CommandResult) -> None:
        """Answer the sender, if it still waits, and remove the command from the queue."""
        ...

    def stop(self) -> None:
        """Close and end; unsettled deliveries return to the queue."""
        ...


class CommandSender(Protocol):
    """Web's end of the command queue.  Safe to call from several threads."""

    def send(self, command: Command, timeout_s: float) -> CommandResult | None:
        """Send *command* and wait for its answer.

        Returns:
            The answer, or None: accepted durably, not answered within *timeout_s*.

        Raises:
            NoExecutor: nobody executed within *timeout_s*; nothing was sent.
            BrokerUnavailable: not accepted, or unknown whether it was; sending the same command
                again is safe.
        """
        ...

    def send_all(self, commands: Sequence[Command], timeout_s: float) -> list[CommandResult | None]:
        """Send *commands*, in this order, and wait until all are answered.

        For many changes at once: what it costs to reach the queue is paid once.

        Returns:
            For each command what :meth:`send` returns, within *timeout_s* for all of them.

        Raises:
            NoExecutor: nobody executed within *timeout_s*; nothing was sent.
            BrokerUnavailable: of one command at least it is unknown whether it was accepted;
                sending all of them again is safe.
        """
        ...

    def post(self, command: Command, timeout_s: float) -> None:
        """Leave *command* on the queue for whoever executes now or next; no answer is awaited.

        For what cannot be told again later.  Returns when it is accepted durably.

        Raises:
            BrokerUnavailable: not accepted within *timeout_s*, or unknown whether it was; posting
                the same command again is safe.
        """
        ...

    def token_state(self) -> str:
        """Return ``held``, ``ready`` (waits for a holder), ``missing`` or ``unknown`` (no link)."""
        ...

    def dead_letters(self) -> int | None:
        """Return how many messages there are that nobody could use; None: unknown (no link)."""
        ...

    def describe(self) -> str:
        """As :meth:`Token.describe`."""
        ...

    def close(self) -> None:
        """Give connections back; no method may be called afterwards."""
        ...
