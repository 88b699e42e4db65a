"""Receiving commands: the executor's end of the command queue.

Each opening consumes on a channel of its own; closing closes that channel, whereupon the
broker takes back, in their order, all commands that were not acknowledged on it.  A tag is
therefore the channel and the broker's number on it, and is void when that channel is gone.

One consumer of the queue is active at a time.  The executor before may still be connected, or
dead and not taken for dead; by this the next one gets nothing until the broker has taken back
what that had.  Otherwise it would come after newer commands, and an attempt that its sender has
given up would undo what was acknowledged since.

Settling publishes the answer first and acknowledges second: after a crash in between the
command comes again and its kept answer is sent again, which the sender ignores.  The answer
is not mandatory, because a sender that waits no longer is nobody's fault.

A delivery is the first of its message if the broker does not mark it as redelivered and the
message came after the queue was opened here.  The mark alone does not do: a broker that was
killed may have forgotten it.  So what waits is counted at the opening, and of the deliveries
without the mark as many count as old.  Source: rabbitmq.com/docs/reliability, "redelivered".

While the broker has an alarm, it does not read from connections that publish.  Answers and
acknowledgements then wait; the commands' effects are in the store already.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pika  # type: ignore[import-untyped]

from executor.adapters.rabbitmq.connection import Link, explain
from executor.adapters.rabbitmq.queues import Queues, ensure
from executor.domain.command import CommandResult, decode_command, encode_result
from executor.domain.errors import InvalidCommand
from executor.ports.broker import Delivery

logger = logging.getLogger(__name__)

#: Commands in the executor's hands at once: enough for batches, few enough that a hundred
#: of the largest commands fit into memory.
PREFETCH = 100


class _Tag:
    """Where a command came from and where its answer goes, as long as it is to be sent."""

    __slots__ = ("channel", "correlation_id", "number", "reply_to")

    def __init__(self, channel: Any, number: int, properties: Any) -> None:
        self.channel = channel
        self.number = number
        self.reply_to: str | None = properties.reply_to
        self.correlation_id: str | None = properties.correlation_id


class RabbitIntake:
    """Takes commands while it is open.

    Args:
        url: One URL, or those of a cluster's nodes separated by commas.
        prefix: Of the queues' names.
        queue_type: ``classic`` or ``quorum``, if the queue does not exist yet.

    Raises:
        ValueError: *url* is not an AMQP URL.
    """

    def __init__(self, url: str, *, prefix: str = "solocron", queue_type: str = "classic") -> None:
        self._queues = Queues(prefix, queue_type)
        self._link = Link(url, "intake", on_up=self._on_up, on_down=self._on_down)
        self._on_delivery: Callable[[Delivery], None] | None = None
        self._handing = threading.RLock()
        self._open = False
        self._ensured = False
        self._connection: Any = None
        self._channel: Any = None
        #: Messages to come on the channel that may have been delivered before, unmarked.
        self._backlog = 0

    def start(self, on_delivery: Callable[[Delivery], None]) -> None:
        """Connect; *on_delivery* is called on the link's thread."""
        self._on_delivery = on_delivery
        self._link.start()

    def open(self) -> None:
        """Consume as soon as there is a connection."""
        with self._handing:
            self._open = True
        self._link.call(self._consume)

    def close(self) -> None:
        """Give everything back; nothing is delivered after this has returned."""
        with self._handing:
            self._open = False
        self._link.call(self._do_close)

    def reply(self, delivery: Delivery, result: CommandResult) -> None:
        """Answer, unless the tag is void."""
        body = encode_result(result)
        self._link.call(lambda: self._do_reply(delivery.tag, body))

    def settle(self, delivery: Delivery, result: CommandResult) -> None:
        """Answer, unless that is done, and acknowledge, unless the tag is void."""
        body = encode_result(result)
        self._link.call(lambda: self._do_settle(delivery.tag, body))

    def stop(self) -> None:
        """Close in order, after all that was settled before."""
        self.close()
        self._link.begin_stop()
        self._link.finish_stop()

    # --- on the link's thread ------------------------------------------------------------

    def _on_up(self, connection: Any) -> None:
        self._connection = connection
        ensure(self._link, connection, self._queues, self._queues.commands, self._on_ensured)

    def _on_ensured(self, _declared: Any) -> None:
        self._ensured = True
        self._consume()

    def _on_down(self, _reason: str) -> None:
        self._connection = self._channel = None
        self._ensured = False

    def _consume(self) -> None:
        if self._ensured and self._open and self._channel is None:
            self._connection.channel(on_open_callback=self._link.guarded(self._on_channel))

    def _on_channel(self, channel: Any) -> None:
        if not self._open or self._channel is not None:
            channel.close()
            return
        self._channel = channel
        channel.add_on_close_callback(self._link.guarded(self._on_closed))
        channel.add_on_cancel_callback(
            self._link.guarded(lambda _frame: self._link.fail("the command queue has gone"))
        )
        timer = self._link.expect("consuming the command queue")
        channel.basic_qos(prefetch_count=PREFETCH)
        channel.queue_declare(
            self._queues.commands, passive=True, callback=self._link.guarded(self._on_counted)
        )
        # Sent when the count is here, so that nothing which waits now is missed by it.
        channel.basic_consume(
            self._queues.commands,
            self._link.guarded(self._on_message),
            callback=self._link.guarded(lambda _frame: self._link.cancel(timer)),
        )

    def _on_counted(self, frame: Any) -> None:
        self._backlog = frame.method.message_count

    def _on_closed(self, channel: Any, error: Any) -> None:
        if channel is self._channel:
            self._link.fail(explain(error))

    def _do_close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _on_message(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        if channel is not self._channel:
            return  # closing; the broker takes it back
        first = not (method.redelivered or self._backlog)
        if self._backlog and not method.redelivered:
            self._backlog -= 1
        try:
            command = decode_command(body)
        except InvalidCommand as error:
            facts = {"action": "message_removed", "reason": str(error)}
            logger.error("a message that is no command", extra=facts)
            channel.basic_reject(method.delivery_tag, requeue=False)
            return
        tag = _Tag(channel, method.delivery_tag, properties)
        with self._handing:
            if self._open and self._on_delivery is not None:
                self._on_delivery(Delivery(tag, command, first))

    def _do_reply(self, tag: object, body: bytes) -> None:
        if not isinstance(tag, _Tag) or tag.channel is not self._channel:
            return
        reply_to, tag.reply_to = tag.reply_to, None
        if reply_to:
            properties = pika.BasicProperties(correlation_id=tag.correlation_id)
            tag.channel.basic_publish("", reply_to, body, properties)

    def _do_settle(self, tag: object, body: bytes) -> None:
        self._do_reply(tag, body)
        if isinstance(tag, _Tag) and tag.channel is self._channel:
            tag.channel.basic_ack(tag.number)
