"""Publishing that says what became of each message.

Every message is mandatory and confirmed.  For one that reaches no queue the broker sends
``basic.return`` and then, on the same channel, its confirm; the return does not carry the
confirm's tag, so each message carries its own tag as message id and brings it back.

Confirms may cover several tags at once (``multiple``) but each channel's come in order.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import pika  # type: ignore[import-untyped]
from pika.spec import Basic  # type: ignore[import-untyped]

from executor.adapters.rabbitmq.connection import Link


class Fate(Enum):
    """What the broker did with a message."""

    TAKEN = "taken"
    UNROUTABLE = "unroutable"
    REFUSED = "refused"


class Publisher:
    """Publishes on one channel, which it owns for publishing; lives as long as the session.

    Args:
        ready: Called once the channel confirms.
    """

    def __init__(self, link: Link, channel: Any, ready: Callable[[], None]) -> None:
        self._channel = channel
        self._last_tag = 0
        self._returned: set[str] = set()
        self._waiting: dict[int, Callable[[Fate], None]] = {}
        channel.add_on_return_callback(link.guarded(self._on_return))
        channel.confirm_delivery(
            link.guarded(self._on_confirm), callback=link.guarded(lambda _frame: ready())
        )

    def publish(
        self,
        key: str,
        body: bytes,
        then: Callable[[Fate], None],
        *,
        exchange: str = "",
        durable: bool = False,
        reply_to: str | None = None,
        correlation_id: str | None = None,
        content_type: str | None = None,
        headers: dict[str, object] | None = None,
    ) -> None:
        """Publish *body* and call *then* with its fate, unless the session ends.

        Args:
            key: the routing key; with the default exchange, the name of a queue.
        """
        self._last_tag += 1
        self._waiting[self._last_tag] = then
        properties = pika.BasicProperties(
            delivery_mode=2 if durable else 1,
            message_id=str(self._last_tag),
            reply_to=reply_to,
            correlation_id=correlation_id,
            content_type=content_type,
            headers=headers,
        )
        self._channel.basic_publish(exchange, key, body, properties, mandatory=True)

    def _on_return(self, _channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        self._returned.add(properties.message_id)

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        tags = [method.delivery_tag]
        if method.multiple:
            # Insertion order is tag order.
            tags = [tag for tag in self._waiting if tag <= method.delivery_tag]
        for tag in tags:
            then = self._waiting.pop(tag, None)
            if then is None:
                continue
            if isinstance(method, Basic.Nack):
                fate = Fate.REFUSED
            elif str(tag) in self._returned:
                self._returned.discard(str(tag))
                fate = Fate.UNROUTABLE
            else:
                fate = Fate.TAKEN
            then(fate)
