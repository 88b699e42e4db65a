"""Holding the token: consume it, never acknowledge it, show that it is ours.

A session goes through these steps; each failure ends the session, and the next begins with
the first step again::

    look for the token queue ----> consume it ----> delivered ----> presence mark ----> won
          | not there                (standby)          ^  |            | 405: the former
          v                                             |  v            v holder lingers
    ask the watchdog for it                       renewal: nack        try again

Rules
-----
1. This connection never publishes: an alarm of the broker must not stop it.
2. *Renewal*: every :data:`RENEW_S` the token is given back with ``nack(requeue)``.  On a
   queue with a single active consumer it comes back to us in well under a millisecond, which
   proves that queue and connection live and sets the broker's ``consumer_timeout`` back.  The
   listener hears nothing of it.  If it does not come back in time, it is lost.
3. A second token is merged: the one held is acknowledged, the newcomer is kept.
4. Giving the token away is closing the connection.  The consumer is never cancelled alone:
   the token would stay with us, unseen.
5. When a token has been missing for so long that the watchdog publishes a new one, a standby
   begins a new session: its own consumer may be deaf.  (A quorum queue that is deleted and made
   again while somebody begins to consume it delivers to a consumer that hears nothing.)
6. The presence mark is an exclusive queue, declared on the same connection and so gone with
   it, but on another channel, which a refusal closes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from executor.adapters.rabbitmq.connection import HEARTBEAT_S, Link, Timer, explain
from executor.adapters.rabbitmq.queues import (
    PRECONDITION_FAILED,
    RESOURCE_LOCKED,
    Queues,
    passive_declare,
    reply_code,
)
from executor.adapters.rabbitmq.watchdog import TokenWatchdog
from executor.ports.broker import TokenLost, TokenNews, TokenWon

logger = logging.getLogger(__name__)

#: Seconds between renewals.  Well below any sane ``consumer_timeout``; one takes the broker
#: and us about 0.3 ms of processor time each (measured, both types of queue).
RENEW_S = 2.0

#: Seconds that halving after a ``consumer_timeout`` stops at.
SHORTEST_RENEWAL_S = 0.25

#: Tokens to be had unacknowledged at once: more than one, or a second token would wait in
#: the queue and look like a vacancy.
PREFETCH = 10

#: Seconds between tries to put up the presence mark, doubling from the first to the last.
#: The former holder's connection usually ends within milliseconds of its channel.
FIRST_MARK_RETRY_S = 0.004
LAST_MARK_RETRY_S = 0.25

#: Seconds between looks for a token queue that does not exist; the watchdog's word that it
#: does comes sooner.
QUEUE_RETRY_S = 1.0


class RabbitToken:
    """One instance's end of the token, and its watchdog.

    Args:
        url: One URL, or those of a cluster's nodes separated by commas.
        instance_id: Names the connections at the broker.
        prefix: Of the queues' names.
        queue_type: ``classic`` or ``quorum``, for queues that do not exist yet.
        heartbeat_s: The heartbeat T: a silent holder is succeeded after 2 T to 3 T.

    Raises:
        ValueError: *url* is not an AMQP URL.
    """

    def __init__(
        self,
        url: str,
        *,
        instance_id: str,
        prefix: str = "solocron",
        queue_type: str = "classic",
        heartbeat_s: int = HEARTBEAT_S,
    ) -> None:
        self._queues = Queues(prefix, queue_type)
        self._renewal_limit_s = float(heartbeat_s)
        self._renew_s = RENEW_S
        self._on_news: Callable[[TokenNews], None] | None = None
        self._told_won = False
        self._telling = threading.RLock()
        self._tenure: _Tenure | None = None
        self._link = Link(
            url,
            f"token {instance_id}",
            on_up=self._on_up,
            on_down=self._on_down,
            heartbeat_s=heartbeat_s,
        )
        self._watchdog = TokenWatchdog(
            url,
            self._queues,
            f"watchdog {instance_id}",
            heartbeat_s=heartbeat_s,
            on_queue=self._on_queue,
            on_vanished=self._on_vanished,
        )

    def start(self, on_news: Callable[[TokenNews], None]) -> None:
        """Compete; *on_news* is called on the link's thread."""
        self._on_news = on_news
        self._link.start()
        self._watchdog.start()

    def step_aside(self, seconds: float) -> None:
        """Close the connection, so that the broker has the token, and come back later."""
        self._link.call(partial(self._link.rest, seconds, "stepped aside"))

    def describe(self) -> str:
        """Return ``connected`` or what is wrong with the token's connection."""
        return self._link.describe()

    def stop(self) -> None:
        """Close; the token is at the broker when this returns, unless that took 2 s."""
        with self._telling:
            self._on_news = None
        for part in (self._link, self._watchdog):
            part.begin_stop()
        for part in (self._link, self._watchdog):
            part.finish_stop()

    # --- on the link's thread --------------------------------------------------------------

    def _on_up(self, connection: Any) -> None:
        self._tenure = _Tenure(
            self._link,
            connection,
            self._queues,
            renew_s=self._renew_s,
            renewal_limit_s=self._renewal_limit_s,
            on_missing_queue=self._watchdog.create_queue,
            on_won=self._on_won,
            on_timeout=self._on_timeout,
        )
        self._tenure.begin()

    def _on_down(self, reason: str) -> None:
        self._tenure = None
        if self._told_won:
            self._told_won = False
            self._tell(TokenLost(reason))

    def _on_won(self) -> None:
        self._told_won = True
        self._tell(TokenWon())

    def _on_timeout(self) -> None:
        self._renew_s = max(SHORTEST_RENEWAL_S, self._renew_s / 2)
        facts = {"action": "renewal_hastened", "every_s": self._renew_s}
        logger.warning("the broker's consumer_timeout is very short", extra=facts)

    def _on_queue(self) -> None:
        def go_on() -> None:
            if self._tenure is not None:
                self._tenure.queue_exists()

        self._link.call(go_on)

    def _on_vanished(self) -> None:
        def begin_again() -> None:
            if not self._told_won:
                self._link.fail("the token was missing for long")

        self._link.call(begin_again)

    def _tell(self, news: TokenNews) -> None:
        with self._telling:
            if self._on_news is not None:
                self._on_news(news)


class _Tenure:
    """One session's way from standby to holder; see the module."""

    def __init__(
        self,
        link: Link,
        connection: Any,
        queues: Queues,
        *,
        renew_s: float,
        renewal_limit_s: float,
        on_missing_queue: Callable[[], None],
        on_won: Callable[[], None],
        on_timeout: Callable[[], None],
    ) -> None:
        self._link, self._connection, self._queues = link, connection, queues
        self._renew_s, self._renewal_limit_s = renew_s, renewal_limit_s
        self._on_missing_queue = on_missing_queue
        self._on_won, self._on_timeout = on_won, on_timeout
        self._channel: Any = None
        self._tag: int | None = None
        self._seen_token = False
        self._marked = False
        self._won = False
        self._queue_timer: Timer | None = None
        self._return_timer: Timer | None = None
        self._mark_timer: Timer | None = None
        self._mark_retry_s = FIRST_MARK_RETRY_S

    def begin(self) -> None:
        """Look for the token queue; consume it, or have it made."""
        passive_declare(
            self._link, self._connection, self._queues.token, self._found, self._missing
        )

    def queue_exists(self) -> None:
        """Go on, if this waits for the queue."""
        if self._queue_timer is not None:
            self._link.cancel(self._queue_timer)
            self._queue_timer = None
            self.begin()

    def _missing(self) -> None:
        self._queue_timer = self._link.later(QUEUE_RETRY_S, self.queue_exists)
        self._on_missing_queue()

    def _found(self, _declared: Any) -> None:
        self._connection.channel(on_open_callback=self._link.guarded(self._consume))

    def _consume(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._link.guarded(self._on_closed))
        channel.add_on_cancel_callback(
            self._link.guarded(lambda _frame: self._link.fail("the token queue has gone"))
        )
        channel.basic_qos(prefetch_count=PREFETCH)
        timer = self._link.expect("consuming the token queue")
        channel.basic_consume(
            self._queues.token,
            self._link.guarded(self._on_delivery),
            callback=self._link.guarded(lambda _frame: self._link.cancel(timer)),
        )

    def _on_closed(self, _channel: Any, error: Any) -> None:
        reason = explain(error)
        if reply_code(error) == PRECONDITION_FAILED and "timed out" in reason:
            self._on_timeout()
        self._link.fail(reason)

    # --- holding -----------------------------------------------------------------------------

    def _on_delivery(self, channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        if self._tag is not None:
            channel.basic_ack(self._tag)
            logger.warning("merged a second token", extra={"action": "token_merged"})
        self._tag = method.delivery_tag
        if self._return_timer is not None:
            self._link.cancel(self._return_timer)
            self._return_timer = None
            self._link.later(self._renew_s, self._renew)
        if not self._seen_token:
            self._seen_token = True
            self._link.later(self._renew_s, self._renew)
            self._mark()
        self._conclude()

    def _renew(self) -> None:
        tag, self._tag = self._tag, None
        self._return_timer = self._link.later(self._renewal_limit_s, self._did_not_return)
        self._channel.basic_nack(tag, requeue=True)

    def _did_not_return(self) -> None:
        self._link.fail(f"the token did not come back within {self._renewal_limit_s:g} s")

    # --- the presence mark -------------------------------------------------------------------

    def _mark(self) -> None:
        self._mark_timer = self._link.expect("the presence mark")
        self._connection.channel(on_open_callback=self._link.guarded(self._declare_mark))

    def _declare_mark(self, channel: Any) -> None:
        channel.add_on_close_callback(self._link.guarded(self._on_mark_refused))
        channel.queue_declare(
            self._queues.executor,
            exclusive=True,
            arguments=self._queues.arguments(self._queues.executor),
            callback=self._link.guarded(self._on_marked),
        )

    def _on_marked(self, _frame: Any) -> None:
        self._link.cancel(self._mark_timer)
        self._marked = True
        self._conclude()

    def _on_mark_refused(self, _channel: Any, error: Any) -> None:
        self._link.cancel(self._mark_timer)
        if reply_code(error) != RESOURCE_LOCKED or self._marked:
            self._link.fail(explain(error))
            return
        self._link.later(self._mark_retry_s, self._mark)
        self._mark_retry_s = min(LAST_MARK_RETRY_S, 2 * self._mark_retry_s)

    def _conclude(self) -> None:
        if self._marked and self._tag is not None and not self._won:
            self._won = True
            self._on_won()
