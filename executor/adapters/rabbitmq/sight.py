"""Where is the token?  The one look at it that watchdog and status page share.

First a mandatory publish to the presence mark: if that is routed, somebody holds the token
and nothing else needs to be asked.  Only otherwise the token queue is declared passively.
Both leave no trace: the mark's messages expire at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from executor.adapters.rabbitmq.connection import Link
from executor.adapters.rabbitmq.publisher import Fate, Publisher
from executor.adapters.rabbitmq.queues import Queues, passive_declare


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look saw; ``queue_exists`` and the counts mean nothing if ``marked``."""

    marked: bool
    queue_exists: bool = True
    ready: int = 0
    consumers: int = 0

    @property
    def state(self) -> str:
        """The word of :meth:`~executor.ports.broker.CommandSender.token_state`."""
        if self.marked:
            return "held"
        return "ready" if self.ready else "missing"


def look(
    link: Link,
    connection: Any,
    publisher: Publisher,
    queues: Queues,
    then: Callable[[Sight], None],
) -> None:
    """Look once and call *then*, unless the broker does not answer or the session ends."""

    def probed(fate: Fate) -> None:
        if fate is Fate.UNROUTABLE:
            passive_declare(link, connection, queues.token, found, missing)
        elif fate is Fate.TAKEN:
            then(Sight(marked=True))

    def found(declared: Any) -> None:
        then(Sight(False, True, declared.message_count, declared.consumer_count))

    def missing() -> None:
        then(Sight(marked=False, queue_exists=False))

    publisher.publish(queues.executor, b"", probed)
