"""A model of the command queue: durable, at least once, with connections that break unnoticed.

The link that an executor takes commands by is not the one that its token comes by: they
break, and are noticed to be broken, at different times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from executor.domain.command import Command, CommandResult
from tests.simulation.world import World


@dataclass(eq=False, slots=True)
class CommandLink:
    """One instance's end of the command queue."""

    on_command: Callable[[object, Command], None]
    up: bool = True
    consuming: bool = False
    unacked: dict[object, Command] = field(default_factory=dict)


class CommandQueue:
    """Commands wait here until an executor has answered them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._links: list[CommandLink] = []
        self._commands: deque[Command] = deque()
        self._replies: dict[str, Callable[[CommandResult], None]] = {}
        self._tags = iter(range(10**9))
        self.running = True

    def send(self, command: Command, on_reply: Callable[[CommandResult], None]) -> bool:
        """Queue a command durably; False if the broker is down."""
        if not self.running:
            return False
        self._replies[command.id] = on_reply
        self._commands.append(command)
        self._world.after(0.001, self._pump)
        return True

    def connect(self, link: CommandLink) -> None:
        """Be there; nothing is delivered before :meth:`open`."""
        self._links.append(link)

    def drop(self, link: CommandLink, broker_notices: float) -> None:
        """Break a link; what it holds is delivered again once the broker notices."""
        if link.up:
            link.up = False
            self._world.after(broker_notices, lambda: self._reap(link))

    def _reap(self, link: CommandLink) -> None:
        if link in self._links:
            self._links.remove(link)
        self._requeue(link)
        self._pump()

    def open(self, link: CommandLink) -> None:
        """Consume commands."""
        link.consuming = True
        self._world.after(0.001, self._pump)

    def close(self, link: CommandLink) -> None:
        """Consume no more; the unsettled ones come again."""
        link.consuming = False
        if link.up:
            self._requeue(link)
            self._world.after(0.001, self._pump)

    def settle(self, link: CommandLink, tag: object, result: CommandResult) -> None:
        """Answer and acknowledge, if the link still stands."""
        if not link.up or not self.running:
            return
        command = link.unacked.pop(tag, None)
        if command is None:
            return
        reply = self._replies.get(command.id)
        if reply is not None and not self._world.chance(0.05):
            self._world.after(self._world.delay(0.001), lambda: reply(result))

    def stop(self, wipe: bool) -> None:
        """Go down with the broker; a wipe loses the commands."""
        self.running = False
        for link in self._links:
            self._requeue(link)
        if wipe:
            self._commands.clear()

    def start(self) -> None:
        """Come back."""
        self.running = True
        self._pump()

    def _requeue(self, link: CommandLink) -> None:
        self._commands.extendleft(reversed(link.unacked.values()))
        link.unacked.clear()

    def _pump(self) -> None:
        if not self.running:
            return
        takers = [link for link in self._links if link.up and link.consuming]
        while self._commands and takers:
            taker = self._world.random.choice(takers)
            command, tag = self._commands.popleft(), next(self._tags)
            taker.unacked[tag] = command
            self._world.after(self._world.delay(0.001), partial(self._deliver, taker, tag, command))

    def _deliver(self, taker: CommandLink, tag: object, command: Command) -> None:
        if tag in taker.unacked and taker.up:
            taker.on_command(tag, command)
