"""Where the answer to a command goes: back to the queue, or to the part that wanted it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from executor.domain.command import CommandResult
from executor.engine.desk import Desk
from executor.engine.effects import Reply, Settle


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """The tag of a command that the engine gives itself; *then* takes its answer once."""

    then: Callable[[CommandResult], None]


def reply(desk: Desk, tag: object, result: CommandResult) -> None:
    """Answer a command; it stays on its way until it is settled."""
    if not isinstance(tag, Own):
        desk.emit(Reply(tag, result))


def settle(desk: Desk, tag: object, result: CommandResult) -> None:
    """Answer a command, unless it is, and be done with it."""
    if isinstance(tag, Own):
        tag.then(result)
    else:
        desk.emit(Settle(tag, result))
