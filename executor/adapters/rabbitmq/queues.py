"""The queues of the service itself: their names, their properties, and how they come into being.

============== ============================================ ==============================
queue          properties                                   why
============== ============================================ ==============================
P.token        durable, single active consumer              one message, one holder
P.executor     exclusive to the holder's connection,        the presence mark: a mandatory
               messages expire at once                      publish to it is the probe
P.commands     durable, single active consumer              accepted commands survive, in order
P.dead-letters durable, the newest 10,000                   what nobody could use, with the reason
============== ============================================ ==============================

``P`` is the prefix.  Durable queues are *classic* or *quorum*; a quorum queue gets a delivery
limit that is never reached, because from 4.0 on it would drop the token after 20 returns
(-1 means unlimited to 4.x only, and drops it at once on 3.10).

A queue that exists with other properties is used as it is, with a warning: changing the
queue type of a running system takes deleting the queues, not stopping every instance.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from executor.adapters.rabbitmq.connection import Link, explain

logger = logging.getLogger(__name__)

#: Returns of one message before a quorum queue drops it; one a second lasts 68 years.  The
#: largest value that every version takes.
NEVER_LIMIT = 2**31 - 1

#: Dead letters that are kept; a client that goes on talking nonsense must not fill the disk.
MOST_DEAD_LETTERS = 10_000

#: AMQP reply codes that close a channel; the first is what pika says for our own closing.
CLOSED_BY_US = 0
NOT_FOUND = 404
RESOURCE_LOCKED = 405
PRECONDITION_FAILED = 406


@dataclass(frozen=True, slots=True)
class Queues:
    """Names and properties under one prefix; ``queue_type`` is ``classic`` or ``quorum``."""

    prefix: str = "solocron"
    queue_type: str = "classic"

    @property
    def token(self) -> str:
        """Name of the queue that holds the token."""
        return f"{self.prefix}.token"

    @property
    def executor(self) -> str:
        """Name of the presence mark."""
        return f"{self.prefix}.executor"

    @property
    def commands(self) -> str:
        """Name of the command queue."""
        return f"{self.prefix}.commands"

    @property
    def dead_letters(self) -> str:
        """Name of the queue of messages that nobody could use."""
        return f"{self.prefix}.dead-letters"

    def arguments(self, queue: str) -> dict[str, Any]:
        """Return the ``x-`` arguments of *queue*, one of these names."""
        if queue == self.executor:
            return {"x-message-ttl": 0}
        made: dict[str, Any] = {"x-queue-type": self.queue_type}
        if queue in {self.token, self.commands}:
            made["x-single-active-consumer"] = True
        if queue == self.dead_letters:
            made["x-max-length"] = MOST_DEAD_LETTERS
        if self.queue_type == "quorum":
            made["x-delivery-limit"] = NEVER_LIMIT
        return made


def reply_code(error: Any) -> int | None:
    """Return the AMQP code with which a channel was closed; None: with its connection."""
    return getattr(error, "reply_code", None)


def passive_declare(
    link: Link,
    connection: Any,
    queue: str,
    found: Callable[[Any], None],
    missing: Callable[[], None],
) -> None:
    """Look whether *queue* exists, on a channel of its own.

    Calls *found* with the broker's ``Queue.DeclareOk`` or *missing*.  When the broker answers
    otherwise or not at all, the session fails.
    """
    timer = link.expect(f"looking for {queue}")

    def opened(channel: Any) -> None:
        channel.add_on_close_callback(link.guarded(closed))
        channel.queue_declare(
            queue, passive=True, callback=link.guarded(lambda frame: answered(channel, frame))
        )

    def answered(channel: Any, frame: Any) -> None:
        link.cancel(timer)
        channel.close()
        found(frame.method)

    def closed(_channel: Any, error: Any) -> None:
        link.cancel(timer)
        code = reply_code(error)
        if code == NOT_FOUND:
            missing()
        elif code != CLOSED_BY_US:
            link.fail(explain(error))

    connection.channel(on_open_callback=link.guarded(opened))


def ensure(
    link: Link, connection: Any, queues: Queues, queue: str, then: Callable[[Any], None]
) -> None:
    """Make sure that the durable *queue* exists and call *then* with its ``Queue.DeclareOk``.

    When the broker refuses to have the queue, the session fails.
    """
    timer = link.expect(f"declaring {queue}")

    def opened(channel: Any) -> None:
        channel.add_on_close_callback(link.guarded(closed))
        channel.queue_declare(
            queue,
            durable=True,
            arguments=queues.arguments(queue),
            callback=link.guarded(lambda frame: declared(channel, frame)),
        )

    def declared(channel: Any, frame: Any) -> None:
        link.cancel(timer)
        channel.close()
        then(frame.method)

    def closed(_channel: Any, error: Any) -> None:
        link.cancel(timer)
        if reply_code(error) == CLOSED_BY_US:
            return
        reason = explain(error)
        facts = {"action": "queue_refused", "queue": queue, "reason": reason}
        logger.warning("the broker refuses to declare a queue", extra=facts)
        passive_declare(link, connection, queue, then, missing=lambda: link.fail(reason))

    connection.channel(on_open_callback=link.guarded(opened))
