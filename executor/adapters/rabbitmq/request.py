"""One command on its way: what is known of it when its sender's time is up.

The sender's thread waits, the link's thread works, and either may end the request.  A
request that has ended does nothing more: in particular, a command whose sender was told
that nothing was sent is never sent afterwards.  That is what the lock is for.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from enum import IntEnum

from executor.domain.command import Command, CommandResult, encode_command
from executor.domain.errors import BrokerUnavailable, NoExecutor, SolocronError


class Stage(IntEnum):
    """How far a request has come."""

    WAITING = 0  # for a connection, or for an executor
    PROBING = 1  # whether there is an executor
    SENT = 2  # the broker may have the command
    ACCEPTED = 3  # the broker has it, durably
    ENDED = 4


class Request:
    """A command, its wire form and its outcome; see :class:`Stage`.

    *posted*: it goes out whether anybody executes or not, and ends when it is accepted.
    """

    def __init__(self, command: Command, *, posted: bool = False) -> None:
        self.posted = posted
        self.command_id = command.id
        self.body = encode_command(command)
        self._command = command
        self.stage = Stage.WAITING
        #: The latest probe found nobody.
        self.nobody = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._outcome: CommandResult | SolocronError | None = None

    def advance(self, stage: Stage) -> bool:
        """Go to *stage*, unless the request has ended; return whether it went."""
        with self._lock:
            if self.stage is Stage.ENDED:
                return False
            self.stage = stage
            return True

    def repeat(self) -> None:
        """Say from now on that the command may have been sent before."""
        self.body = encode_command(replace(self._command, repeatable=True))

    def end(self, outcome: CommandResult | SolocronError | None) -> None:
        """Wake the sender with *outcome*; only the first end counts."""
        with self._lock:
            self._end(outcome)

    def end_without_answer(self, reason: str) -> None:
        """End with what is known now; *reason* says why no more will be."""
        with self._lock:
            if self.stage is Stage.ACCEPTED:
                self._end(None)
            elif self.stage is Stage.SENT:
                self._end(BrokerUnavailable(f"unknown whether the command arrived: {reason}"))
            elif self.nobody:
                self._end(NoExecutor("no instance is executing at the moment"))
            else:
                self._end(BrokerUnavailable(f"the command was not sent: {reason}"))

    def _end(self, outcome: CommandResult | SolocronError | None) -> None:
        if self.stage is not Stage.ENDED:
            self.stage, self._outcome = Stage.ENDED, outcome
            self._ended.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; return whether it came."""
        return self._ended.wait(timeout_s)

    def outcome(self) -> CommandResult | None:
        """Return the answer, or None for accepted.

        Raises:
            NoExecutor: Nothing was sent.
            BrokerUnavailable: Not accepted, or unknown.
        """
        if isinstance(self._outcome, SolocronError):
            raise self._outcome
        return self._outcome
