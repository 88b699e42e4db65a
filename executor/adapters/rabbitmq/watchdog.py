"""Sees to it that there is a token: the part of every instance that may publish one.

It has a connection of its own, because one that has published is blocked by an alarm, and
the token's must go on working then.  What to make of what it sees is decided in
:mod:`executor.domain.watchdog`.

The token queue is declared on every connect and whenever it is found to be missing, and the
answer says whether it is vacant.  So the first start, a deleted queue and a wiped broker are
over within a fraction of a second.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from executor.adapters.rabbitmq.connection import Link
from executor.adapters.rabbitmq.publisher import Fate, Publisher
from executor.adapters.rabbitmq.queues import Queues, ensure
from executor.adapters.rabbitmq.sight import Sight, look
from executor.domain.watchdog import Sighting, Watchdog, interval, is_vacant

logger = logging.getLogger(__name__)

#: How far the time between two looks strays, as a part of it: instances that started
#: together must not publish together for ever.
JITTER = 0.2

#: Seconds before a token that the broker did not take is published again.
PUBLISH_RETRY_S = 1.0


class TokenWatchdog:
    """Looks at the token now and then; publishes one when there is none.

    Args:
        heartbeat_s: Of the *holder's* connection; sets the patience.
        on_queue: Called, on the watchdog's thread, when the token queue exists.
        on_vanished: Likewise, when a token is published because none was seen for long.
    """

    def __init__(
        self,
        url: str,
        queues: Queues,
        name: str,
        *,
        heartbeat_s: int,
        on_queue: Callable[[], None],
        on_vanished: Callable[[], None],
    ) -> None:
        self._queues = queues
        self._on_queue, self._on_vanished = on_queue, on_vanished
        self._decision = Watchdog(heartbeat_s)
        self._interval_s = interval(heartbeat_s)
        self._connection: Any = None
        self._publisher: Publisher | None = None
        self._ensuring = False
        self._link = Link(
            url, name, on_up=self._on_up, on_down=self._on_down, heartbeat_s=heartbeat_s
        )
        self.start = self._link.start
        self.begin_stop = self._link.begin_stop
        self.finish_stop = self._link.finish_stop

    def create_queue(self) -> None:
        """Create the token queue, because it does not exist, with a token.  Any thread."""
        self._link.call(self._ensure_queue)

    def _on_up(self, connection: Any) -> None:
        self._connection = connection
        connection.channel(on_open_callback=self._link.guarded(self._on_channel))

    def _on_channel(self, channel: Any) -> None:
        channel.add_on_close_callback(
            self._link.guarded(lambda _channel, error: self._link.fail(str(error)))
        )
        self._publisher = Publisher(self._link, channel, self._on_ready)

    def _on_ready(self) -> None:
        self._ensure_queue()
        self._look_later()

    def _on_down(self, _reason: str) -> None:
        self._connection = self._publisher = None
        self._ensuring = False
        self._decision.lose_sight()

    def _ensure_queue(self) -> None:
        if self._publisher is not None and not self._ensuring:
            self._ensuring = True
            ensure(self._link, self._connection, self._queues, self._queues.token, self._on_ensured)

    def _on_ensured(self, declared: Any) -> None:
        self._ensuring = False
        if is_vacant(declared.message_count, declared.consumer_count):
            self._publish_token("its queue is vacant", self._on_queue)
        else:
            self._on_queue()

    def _look_later(self) -> None:
        pause = self._interval_s * random.uniform(1 - JITTER, 1 + JITTER)
        self._link.later(pause, self._look)

    def _look(self) -> None:
        self._look_later()
        if self._publisher is None or self._link.blocked:
            self._decision.lose_sight()
            return
        at = time.monotonic()
        patience = self._link.later(self._interval_s / 2, self._decision.lose_sight)

        def seen(sight: Sight) -> None:
            # An answer that comes later is no look at any known time.
            if self._link.cancel(patience):
                self._judge(at, sight)

        look(self._link, self._connection, self._publisher, self._queues, seen)

    def _judge(self, at: float, sight: Sight) -> None:
        if not sight.queue_exists:
            self._ensure_queue()
            return
        if self._decision.see(Sighting(at, sight.ready, sight.consumers, sight.marked)):
            self._publish_token("it has vanished", self._on_vanished)

    def _publish_token(self, reason: str, then: Callable[[], None]) -> None:
        def published(fate: Fate) -> None:
            facts = {"action": "token_published", "reason": reason, "fate": fate.value}
            logger.warning("a new token", extra=facts)
            if fate is Fate.TAKEN:
                then()
            else:
                again = partial(self._publish_token, reason, then)
                self._link.later(PUBLISH_RETRY_S, again)

        if self._publisher is not None:
            self._publisher.publish(self._queues.token, b"token", published, durable=True)
