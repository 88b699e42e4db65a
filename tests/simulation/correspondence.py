"""Asking the executor, and insisting until there is an answer.

Some give their request a key: they send the same command again, also when there is an answer,
and every answer to it must be the same.  A request without a key has an id of its own: it is
sent once, unless it certainly was not taken, and whoever misses the answer looks it up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from executor.domain.command import Command, CommandResult
from executor.domain.errors import CommandNotFound
from tests.fakes.memory_store import MemoryStore
from tests.simulation.command_queue import CommandQueue
from tests.simulation.world import World

#: An unanswered command is sent again after so long, then twice as long, at most so long (s).
PATIENCE_S: Final = (2.0, 8.0)

#: Of so many commands one is sent again although it was answered, and when (s).
_AGAIN: Final = 0.1
_AGAIN_S: Final = (0.1, 6.0)


@dataclass(slots=True)
class Asked:
    """A command, when it was sent first, and its first answer and when that came."""

    command: Command
    sent: float
    result: CommandResult | None = None
    answered: float | None = None


@dataclass(slots=True)
class Correspondence:
    """All commands of all clients of one history."""

    world: World
    queue: CommandQueue
    store: MemoryStore
    active: bool = True
    asked: dict[str, Asked] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def ask(self, command: Command, then: Callable[[CommandResult], None]) -> None:
        """Send *command* until it is answered; *then* take the answer."""
        asked = self.asked[command.id] = Asked(command, self.world.time)
        keyed = self.world.chance(0.5)

        def on_reply(result: CommandResult) -> None:
            if asked.result is None:
                self._first(asked, result)
                then(result)
                if keyed and self.world.chance(_AGAIN):
                    again = self.world.random.uniform(*_AGAIN_S)
                    self.world.after(again, lambda: self._send(command, on_reply))
            elif replace(result, finished_at=asked.result.finished_at) != asked.result:
                self.wrong.append(
                    f"{command.id} {command.kind}: answered {asked.result.status} revision "
                    f"{asked.result.revision}, then {result.status} {result.revision}"
                )

        def insist(patience: float) -> None:
            if asked.result is None and self.active:
                if keyed or command.id in self.queue.lost:
                    self._send(command, on_reply)
                elif (kept := self._kept(command)) is not None:
                    on_reply(kept)
                longer = min(patience * 2, PATIENCE_S[1])
                self.world.after(patience, lambda: insist(longer))

        self._send(replace(command, repeatable=keyed), on_reply)
        self.world.after(PATIENCE_S[0], lambda: insist(2 * PATIENCE_S[0]))

    def _kept(self, command: Command) -> CommandResult | None:
        try:
            return self.store.get_result(command.id)
        except CommandNotFound:
            return None

    def _first(self, asked: Asked, result: CommandResult) -> None:
        asked.result, asked.answered = result, self.world.time
        command = asked.command
        self.world.say(
            command.subject[:12],
            f"{command.kind} {command.id} -> {result.status} {result.revision} {result.message}",
        )

    def _send(self, command: Command, on_reply: Callable[[CommandResult], None]) -> None:
        if self.active and self.world.trace is not None:
            self.world.say(command.subject[:12], f"asks {command.kind} {command.id}")
        if self.active:
            self.queue.send(command, on_reply)
