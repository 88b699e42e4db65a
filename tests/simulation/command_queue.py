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
class Message:
    """A command in the queue and its number among all.

    ``handed``: somebody was given it; ``redelivered``: the broker remembers that.
    ``replied``: whoever has it in hand at the moment has answered it.
    """

    number: int
    command: Command
    handed: bool = False
    redelivered: bool = False
    replied: bool = False


@dataclass(eq=False, slots=True)
class CommandLink:
    """One instance's end of the command queue; ``opened``: the next message's number then."""

    on_command: Callable[[object, Command, bool], None]
    up: bool = True
    consuming: bool = False
    opened: int = 0
    unacked: dict[object, Message] = field(default_factory=dict)
    coming: deque[tuple[object, Message]] = field(default_factory=deque)


class CommandQueue:
    """Commands wait here until an executor has answered them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._links: list[CommandLink] = []
        self._messages: deque[Message] = deque()
        self._sent = 0
        #: Commands that were never in the queue, or are gone and nobody was handed them.
        self.lost: set[str] = set()
        self._replies: dict[str, Callable[[CommandResult], None]] = {}
        self._tags = iter(range(10**9))
        self.running = True

    def send(self, command: Command, on_reply: Callable[[CommandResult], None]) -> bool:
        """Queue a command durably; False if the broker is down."""
        if not self.running:
            self.lost.add(command.id)
            return False
        self.lost.discard(command.id)
        self._replies[command.id] = on_reply
        self._messages.append(Message(self._sent, command))
        self._sent += 1
        self._world.after(0.001, self._pump)
        return True

    def connect(self, link: CommandLink) -> None:
        """Be there; nothing is delivered before :meth:`open`."""
        link.opened = self._sent
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
        link.opened = self._sent
        self._world.after(0.001, self._pump)

    def close(self, link: CommandLink) -> None:
        """Consume no more; the unsettled ones come again."""
        link.consuming = False
        if link.up:
            self._requeue(link)
            self._world.after(0.001, self._pump)

    def reply(self, link: CommandLink, tag: object, result: CommandResult) -> None:
        """Answer, if the link still stands and it is not done."""
        message = link.unacked.get(tag)
        if not link.up or not self.running or message is None or message.replied:
            return
        message.replied = True
        reply = self._replies.get(message.command.id)
        if reply is not None and not self._world.chance(0.05):
            self._world.after(self._world.delay(0.001), lambda: reply(result))

    def settle(self, link: CommandLink, tag: object, result: CommandResult) -> None:
        """Answer, unless it is done, and acknowledge, if the link still stands."""
        self.reply(link, tag, result)
        if link.up and self.running:
            link.unacked.pop(tag, None)

    def stop(self, wipe: bool) -> None:
        """Go down with the broker, which forgets who was handed what; a wipe loses everything."""
        self.running = False
        for link in self._links:
            self._requeue(link)
        for message in self._messages:
            message.redelivered = False
        if wipe:
            self.lost.update(one.command.id for one in self._messages if not one.handed)
            self._messages.clear()

    def start(self) -> None:
        """Come back; everybody opens the queue anew."""
        self.running = True
        for link in self._links:
            link.opened = self._sent
        self._pump()

    def _requeue(self, link: CommandLink) -> None:
        for message in link.unacked.values():
            message.redelivered, message.replied = True, False
        self._messages.extendleft(reversed(link.unacked.values()))
        link.unacked.clear()

    def _pump(self) -> None:
        if not self.running:
            return
        takers = [link for link in self._links if link.up and link.consuming]
        while self._messages and takers:
            taker = self._world.random.choice(takers)
            message, tag = self._messages.popleft(), next(self._tags)
            taker.unacked[tag] = message
            message.handed = True
            taker.coming.append((tag, message))
            self._world.after(self._world.delay(0.001), partial(self._deliver, taker))

    def _deliver(self, taker: CommandLink) -> None:
        tag, message = taker.coming.popleft()
        if tag in taker.unacked and taker.up:
            first = not message.redelivered and message.number >= taker.opened
            taker.on_command(tag, message.command, first)
