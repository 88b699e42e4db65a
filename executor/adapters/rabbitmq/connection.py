"""One connection to RabbitMQ on one thread, kept up until it is stopped.

Words
-----
link
    The thread, its event loop and at most one connection at a time.
session
    The time one connection is open, from ``on_up`` to ``on_down``.

Rules
-----
1. Everything but :meth:`Link.start`, :meth:`Link.call`, :meth:`Link.describe` and the two
   halves of stopping runs on the link's thread, and nothing there ever blocks.
2. What belongs to a session ends with it: its timers are cancelled, and callbacks made
   with :meth:`Link.guarded` do nothing any more.  No state leaks into the next session.
3. A callback that raises ends the session, not the thread.
4. An attempt to connect is never broken off, because pika leaks or trips over one that is
   shaking hands.  It is short; what comes of it is closed if nobody wants it any more.
5. Reconnecting: exponential back-off with jitter, which begins afresh once a session has
   lasted; so a broker that closes every session at once is not hammered.

Several URLs, separated by commas, are the nodes of one cluster; they are tried in turn.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pika  # type: ignore[import-untyped]
from pika.adapters.select_connection import IOLoop  # type: ignore[import-untyped]

logger = logging.getLogger(__name__)

#: AMQP heartbeat timeout T, seconds.  The broker drops a silent peer 2 T to 3 T after its
#: last byte; below 5 s a loaded but healthy broker is taken for dead too easily.
#: Source: rabbitmq.com/docs/heartbeats, "Low Values".
HEARTBEAT_S = 5

#: Seconds for the TCP connection, and again for the AMQP handshake.
CONNECT_TIMEOUT_S = 3.0

#: Seconds before the first reconnection, and what the doubling ends at.  The first is short
#: because most losses are one closed connection at a healthy broker.
FIRST_RETRY_S = 0.1
LAST_RETRY_S = 3.0

#: Seconds after which a session counts as proof that reconnecting helps.
LASTING_S = 5.0

#: Seconds for the answer to a declaration.  A queue that is looking for its leader may take
#: some; one that has none must not hold its clients for ever.
ANSWER_TIMEOUT_S = 10.0

#: Seconds for a clean close; a broker that has not answered by then is left without one.
CLOSE_TIMEOUT_S = 2.0


class Timer:
    """A pending call of :meth:`Link.later`; opaque."""

    __slots__ = ("handle",)

    def __init__(self) -> None:
        self.handle: Any = None


def parameters(url: str, name: str, heartbeat_s: int) -> Any:
    """Return pika's parameters for *url*, under our rules whatever the URL says.

    Args:
        url: ``amqp://`` or ``amqps://``.
        name: Shown by the broker's management page.
        heartbeat_s: Also the TCP user timeout, so that the kernel gives up on a silent
            broker before the broker gives up on us.

    Raises:
        ValueError: *url* is not an AMQP URL.
    """
    made = pika.URLParameters(url)
    made.heartbeat = heartbeat_s
    made.socket_timeout = CONNECT_TIMEOUT_S
    made.stack_timeout = 2 * CONNECT_TIMEOUT_S
    made.connection_attempts = 1
    made.blocked_connection_timeout = None
    made.tcp_options = {**(made.tcp_options or {}), "TCP_USER_TIMEOUT": heartbeat_s * 1000}
    made.client_properties = {"connection_name": f"solocron {name}"}
    return made


def explain(error: object) -> str:
    """Return the innermost cause of one of pika's nested errors, for people."""
    for _ in range(8):
        nested = getattr(error, "exceptions", None) or [getattr(error, "exception", None)]
        first = getattr(error, "args", ())[:1]
        inner = nested[-1] or (first[0] if first and isinstance(first[0], Exception) else None)
        if inner is None:
            break
        error = inner
    text = getattr(error, "reply_text", None) or str(error)
    return text or type(error).__name__


class Link:
    """Keeps one connection up; see the module for the rules.

    Args:
        url: One or several URLs.
        name: Of the thread and the connection.
        on_up: Called with pika's connection when it is open.
        on_down: Called with the reason when the session is over; always after its ``on_up``.
        on_unblocked: Called when the broker takes publishes again after an alarm.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        on_up: Callable[[Any], None],
        on_down: Callable[[str], None],
        on_unblocked: Callable[[], None] = lambda: None,
        heartbeat_s: int = HEARTBEAT_S,
    ) -> None:
        self._nodes = [parameters(one, name, heartbeat_s) for one in url.split(",")]
        self._on_up, self._on_down, self._on_unblocked = on_up, on_down, on_unblocked
        self._name = name
        self._loop = IOLoop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._opening: Any = None
        self._connection: Any = None
        self._up_at = 0.0
        self._failures = 0
        self._retry: Any = None
        self._timers: set[Timer] = set()
        #: Every connection, and attempt at one, that has not ended; the given up ones included.
        self._unclosed: set[Any] = set()
        self._stopping = False
        self._state = "connecting"
        #: An alarm: the broker takes no publishes.  Read on the link's thread.
        self.blocked = False

    # --- from any thread ---------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect."""
        self._loop.add_callback_threadsafe(self._connect)
        self._thread.start()

    def call(self, work: Callable[[], None]) -> None:
        """Have *work* done on the link's thread, in the order of the calls."""
        self._loop.add_callback_threadsafe(partial(self._safely, work))

    def describe(self) -> str:
        """Return ``connected`` or what is wrong."""
        return self._state

    def begin_stop(self) -> None:
        """Close in order, after all that was asked for by :meth:`call` before."""
        if self._thread.ident is None:
            self._loop.close()
        else:
            self._loop.add_callback_threadsafe(self._shut_down)

    def finish_stop(self) -> None:
        """Wait for the end that :meth:`begin_stop` began: at most :data:`CLOSE_TIMEOUT_S`."""
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_TIMEOUT_S + 1)

    # --- on the link's thread ------------------------------------------------------------

    def guarded(self, callback: Callable[..., object]) -> Callable[..., None]:
        """Return *callback* for the present session only."""
        session = self._connection

        def call(*args: Any) -> None:
            if session is not None and self._connection is session:
                self._safely(partial(callback, *args))

        return call

    def open_channel(self, then: Callable[[Any], None]) -> None:
        """Open a channel and call *then* with it; when it is closed, the session fails."""

        def opened(channel: Any) -> None:
            closed = self.guarded(lambda _channel, error: self.fail(explain(error)))
            channel.add_on_close_callback(closed)
            then(channel)

        self._connection.channel(on_open_callback=self.guarded(opened))

    def later(self, seconds: float, work: Callable[[], object]) -> Timer:
        """Have *work* done in *seconds*, if this session still lasts then."""

        timer = Timer()

        def ring() -> None:
            self._timers.discard(timer)
            self._safely(work)

        timer.handle = self._loop.call_later(seconds, ring)
        self._timers.add(timer)
        return timer

    def cancel(self, timer: Timer | None) -> bool:
        """Forget a call of :meth:`later`; return whether it was still to come."""
        if timer is None or timer not in self._timers:
            return False
        self._timers.discard(timer)
        self._loop.remove_timeout(timer.handle)
        return True

    def expect(self, what: str) -> Timer:
        """End the session unless the timer is cancelled soon: *what* was asked of the broker.

        Not during an alarm, in which a connection that publishes is answered nothing.
        """

        def overdue() -> None:
            if not self.blocked:
                self.fail(f"no answer to {what} for {ANSWER_TIMEOUT_S:g} s")

        return self.later(ANSWER_TIMEOUT_S, overdue)

    def fail(self, reason: str) -> None:
        """End the session without the broker's consent and connect anew.

        The broker sees a dead peer: what was held returns to its queue at once.
        """
        connection = self._connection
        if connection is not None:
            self._complain(reason)
            self._end_session(reason)
            self._abort(connection, reason)
            self._connect_later()

    def rest(self, seconds: float, reason: str) -> None:
        """Close in order and connect again in *seconds*; also if not connected now."""
        connection = self._connection
        if connection is not None:
            self._end_session(reason)
            self._close(connection)
        self._opening = None
        self._state = reason
        self._connect_later(seconds)

    # --- connecting ------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                self._loop.start()
                break
            # The top of a thread: whatever pika trips over costs the session, not the thread.
            except Exception as error:
                logger.exception("broker link failed", extra={"action": "link_failed"})
                self._recover(f"internal error: {error!r}")
        self._loop.close()

    def _recover(self, reason: str) -> None:
        self._opening = None
        self.fail(reason)
        if self._connection is None and self._retry is None:
            self._connect_later()

    def _connect(self) -> None:
        self._retry = None
        if self._stopping or self._opening or self._connection:
            return
        attempt: Any = pika.SelectConnection.create_connection(
            random.sample(self._nodes, len(self._nodes)),
            on_done=lambda result: self._attempted(attempt, result),
            custom_ioloop=self._loop,
        )
        self._opening = attempt
        self._unclosed.add(attempt)

    def _connect_later(self, seconds: float | None = None) -> None:
        if self._retry is not None:
            self._loop.remove_timeout(self._retry)
        if seconds is None:
            doubled = min(LAST_RETRY_S, FIRST_RETRY_S * 2 ** min(self._failures, 10))
            seconds = doubled * random.uniform(0.5, 1.0)
            self._failures += 1
        self._retry = self._loop.call_later(seconds, self._connect)

    def _attempted(self, attempt: Any, result: Any) -> None:
        self._unclosed.discard(attempt)
        wanted = attempt is self._opening
        if wanted:
            self._opening = None
        if isinstance(result, pika.SelectConnection):
            result.add_on_close_callback(self._lost)
            self._unclosed.add(result)
            if wanted:
                self._opened(result)
            else:
                self._close(result)
        elif wanted:
            self._complain(explain(result))
            self._connect_later()
        self._end_if_closed()

    def _opened(self, connection: Any) -> None:
        self._connection = connection
        self._state, self._up_at, self.blocked = "connected", time.monotonic(), False
        connection.add_on_connection_blocked_callback(partial(self._set_blocked, True))
        connection.add_on_connection_unblocked_callback(partial(self._set_blocked, False))
        logger.debug("connected", extra={"action": "broker_connected", "link": self._name})
        self._safely(partial(self._on_up, connection))

    def _lost(self, connection: Any, error: BaseException) -> None:
        self._unclosed.discard(connection)
        if connection is self._connection:
            reason = explain(error)
            self._complain(reason)
            self._end_session(reason)
            self._connect_later()
        self._end_if_closed()

    def _complain(self, reason: str) -> None:
        if self._state != reason and not self._stopping:
            facts = {"action": "broker_lost", "link": self._name, "reason": reason}
            logger.warning("no broker", extra=facts)
        self._state = reason

    def _end_session(self, reason: str) -> None:
        self._connection = None
        if time.monotonic() - self._up_at >= LASTING_S:
            self._failures = 0
        for timer in self._timers:
            self._loop.remove_timeout(timer.handle)
        self._timers.clear()
        self._safely(partial(self._on_down, reason))

    def _set_blocked(self, blocked: bool, connection: Any, _frame: Any) -> None:
        if connection is self._connection:
            self.blocked = blocked
            self._state = "blocked by an alarm of the broker" if blocked else "connected"
            if not blocked:
                self._safely(self._on_unblocked)

    def _safely(self, work: Callable[[], object]) -> None:
        try:
            work()
        # The top of every callback: rule 3.
        except Exception as error:
            logger.exception("broker callback failed", extra={"action": "link_failed"})
            self.fail(f"internal error: {error!r}")

    # --- closing ---------------------------------------------------------------------------

    def _shut_down(self) -> None:
        self._stopping = True
        if self._retry is not None:
            self._loop.remove_timeout(self._retry)
        attempt, self._opening = self._opening, None
        if attempt is not None:
            self._loop.call_later(CLOSE_TIMEOUT_S, partial(self._break_off, attempt))
        connection = self._connection
        if connection is not None:
            self._end_session("stopping")
            self._close(connection)
        self._loop.call_later(CLOSE_TIMEOUT_S + 0.2, self._loop.stop)
        self._end_if_closed()

    def _break_off(self, attempt: Any) -> None:
        if attempt in self._unclosed:
            # Rule 4 is broken only here, right before the end.
            with suppress(AssertionError):
                attempt.abort()

    def _end_if_closed(self) -> None:
        if self._stopping and not self._unclosed:
            self._loop.stop()

    def _close(self, connection: Any) -> None:
        """Close in order; pika cancels consumers first, the broker requeues what they had."""
        if not (connection.is_closing or connection.is_closed):
            connection.close()
        give_up = partial(self._abort, connection, "the broker did not answer a close")
        self._loop.call_later(CLOSE_TIMEOUT_S, give_up)

    def _abort(self, connection: Any, reason: str) -> None:
        """Drop the TCP connection.  pika has no public way to do so, only its heartbeat does."""
        if not connection.is_closed:
            connection._terminate_stream(pika.exceptions.ConnectionClosed(0, reason))
