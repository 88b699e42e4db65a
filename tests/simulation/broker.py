"""A model of the broker: tokens, watchdog, connections that lie about being alive.

A token is ready, or held by an instance's connection.  A connection that breaks is noticed
by the two sides at different times: so for a while two instances may believe they hold it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.simulation.command_queue import CommandQueue
from tests.simulation.report_queue import ReportQueue
from tests.simulation.world import World

#: How long a watchdog waits until it believes that the token has vanished.
VANISHED_S: Final = 5.0


@dataclass(eq=False, slots=True)
class Connection:
    """The link by which one instance competes for the token."""

    name: str
    on_won: Callable[[], None]
    on_lost: Callable[[str], None]
    up: bool = True
    candidate: bool = True
    tokens: int = 0
    believes: bool = False


class ModelBroker:
    """The broker as the adapters show it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._connections: list[Connection] = []
        self.ready_tokens = 1
        self.commands = CommandQueue(world)
        self.reports = ReportQueue(world)
        self._missing_since: float | None = None
        self.running = True
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
            self.ready_tokens += connection.tokens
            connection.tokens = 0
            self._world.after(
                self._world.delay(0.05), partial(self._tell_lost, connection, "broker down")
            )
        if wipe:
            self.ready_tokens = 0
        else:
            self.ready_tokens = min(self.ready_tokens, 1)
        self.commands.stop(wipe)
        self.reports.stop(wipe)

    def start(self) -> None:
        """Come back."""
        self.running = True
        self._deal()
        self.commands.start()
        self.reports.start()
