"""A model of the broker: tokens, command queue, watchdog, connections that lie about being alive.

A token is ready, or held by an instance's connection.  A connection that breaks is noticed
by the two sides at different times: so for a while two instances may believe they hold it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from executor.domain.command import Command, CommandResult
from tests.simulation.world import World

#: How long a watchdog waits until it believes that the token has vanished.
VANISHED_S: Final = 5.0


@dataclass(eq=False, slots=True)
class Connection:
    """One instance's link to the broker."""

    name: str
    on_won: Callable[[], None]
    on_lost: Callable[[str], None]
    on_command: Callable[[object, Command], None]
    up: bool = True
    candidate: bool = True
    tokens: int = 0
    believes: bool = False
    consuming: bool = False
    unacked: dict[object, Command] = field(default_factory=dict)


class ModelBroker:
    """The broker as the adapters show it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._connections: list[Connection] = []
        self.ready_tokens = 1
        self._commands: deque[Command] = deque()
        self._replies: dict[str, Callable[[CommandResult], None]] = {}
        self._missing_since: float | None = None
        self.running = True
        self._tags = iter(range(10**9))
        world.after(1.0, self._watch)

    # Connections ----------------------------------------------------------------------------

    def connect(self, connection: Connection) -> None:
        """Begin to compete."""
        self._connections.append(connection)
        self._deal()

    def drop(
        self, connection: Connection, client_notices: float | None, broker_notices: float
    ) -> None:
        """Break a connection; the client notices after so long (None: it is dead itself)."""
        if not connection.up:
            return
        connection.up = False
        self._world.after(broker_notices, lambda: self._reap(connection))
        if client_notices is not None:
            self._world.after(client_notices, lambda: self._tell_lost(connection, "connection"))

    def _reap(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
        self.ready_tokens += connection.tokens
        connection.tokens = 0
        self._requeue(connection)
        self._deal()

    def _tell_lost(self, connection: Connection, reason: str) -> None:
        if connection.believes:
            connection.believes = False
            connection.on_lost(reason)

    def step_aside(self, connection: Connection, seconds: float) -> None:
        """Give the tokens back and stay away."""
        connection.candidate = False
        self.ready_tokens += connection.tokens
        connection.tokens = 0
        self._world.after(0.0, lambda: self._tell_lost(connection, "stepped aside"))

        def again() -> None:
            connection.candidate = True
            self._deal()

        self._world.after(max(seconds, 0.05), again)
        self._world.after(0.001, self._deal)

    # Tokens ---------------------------------------------------------------------------------

    def steal(self) -> None:
        """Requeue a held token without telling its holder: two may believe now."""
        for connection in self._connections:
            if connection.tokens:
                connection.tokens -= 1
                self.ready_tokens += 1
                others = [c for c in self._connections if c is not connection and c.candidate]
                if others and self.running:
                    self._give(self._world.random.choice(others))
                return

    def lose(self) -> None:
        """Remove every token."""
        self.ready_tokens = 0
        for connection in self._connections:
            connection.tokens = 0

    def duplicate(self) -> None:
        """Publish one token too many."""
        self.ready_tokens += 1
        self._deal()

    def _deal(self) -> None:
        # Single active consumer: all tokens go to one connection, while that is there.
        while self.ready_tokens and self.running:
            takers = [c for c in self._connections if c.up and c.candidate]
            if not takers:
                return
            active = [c for c in takers if c.tokens]
            self._give((active or [self._world.random.choice(takers)])[0])

    def _give(self, connection: Connection) -> None:
        self.ready_tokens -= 1
        if connection.tokens:
            return  # A surplus token is acknowledged away.
        connection.tokens = 1

        def arrive() -> None:
            if connection.tokens and connection.up and not connection.believes:
                connection.believes = True
                connection.on_won()

        self._world.after(self._world.delay(0.002), arrive)

    def _watch(self) -> None:
        missing = not self.ready_tokens and not any(c.tokens for c in self._connections)
        if not missing or not self.running:
            self._missing_since = None
        elif self._missing_since is None:
            self._missing_since = self._world.time
        elif self._world.time - self._missing_since > VANISHED_S:
            self.ready_tokens += 1
            self._missing_since = None
        for connection in self._connections:
            # The renewal: a holder whose token is gone learns of it.
            if connection.up and connection.believes and not connection.tokens:
                self._tell_lost(connection, "renewal")
        self._deal()
        self._world.after(1.0, self._watch)

    # The broker itself ----------------------------------------------------------------------

    def stop(self, wipe: bool) -> None:
        """Go down; a wipe loses tokens and commands."""
        self.running = False
        for connection in list(self._connections):
            self._requeue(connection)
            self.ready_tokens += connection.tokens
            connection.tokens = 0
            self._world.after(
                self._world.delay(0.05), partial(self._tell_lost, connection, "broker down")
            )
        if wipe:
            self.ready_tokens = 0
            self._commands.clear()
        else:
            self.ready_tokens = min(self.ready_tokens, 1)

    def start(self) -> None:
        """Come back."""
        self.running = True
        self._deal()
        self._pump()

    # Commands -------------------------------------------------------------------------------

    def send(self, command: Command, on_reply: Callable[[CommandResult], None]) -> bool:
        """Queue a command durably; False if the broker is down."""
        if not self.running:
            return False
        self._replies[command.id] = on_reply
        self._commands.append(command)
        self._world.after(0.001, self._pump)
        return True

    def open(self, connection: Connection) -> None:
        """Consume commands."""
        connection.consuming = True
        self._world.after(0.001, self._pump)

    def close(self, connection: Connection) -> None:
        """Consume no more; the unsettled ones come again."""
        connection.consuming = False
        self._requeue(connection)
        self._world.after(0.001, self._pump)

    def _requeue(self, connection: Connection) -> None:
        self._commands.extendleft(reversed(connection.unacked.values()))
        connection.unacked.clear()

    def _pump(self) -> None:
        if not self.running:
            return
        takers = [c for c in self._connections if c.up and c.consuming]
        while self._commands and takers:
            taker = self._world.random.choice(takers)
            command, tag = self._commands.popleft(), next(self._tags)
            taker.unacked[tag] = command
            self._world.after(self._world.delay(0.001), partial(self._deliver, taker, tag, command))

    def _deliver(self, taker: Connection, tag: object, command: Command) -> None:
        if tag in taker.unacked:
            taker.on_command(tag, command)

    def settle(self, connection: Connection, tag: object, result: CommandResult) -> None:
        """Answer and acknowledge, if the connection still stands."""
        if not connection.up or not self.running:
            return
        command = connection.unacked.pop(tag, None)
        if command is None:
            return
        reply = self._replies.get(command.id)
        if reply is not None and not self._world.chance(0.05):
            self._world.after(self._world.delay(0.001), lambda: reply(result))
