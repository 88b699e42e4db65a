"""Sending commands: web's end of the command queue.

Any number of requests are under way at once on one connection; the threads that sent them
wait, each on its own request.  A request goes through these steps (see ``request``)::

    WAITING --> PROBING --routed--> SENT --confirmed--> ACCEPTED --answer--> ENDED
       ^           | unroutable: nobody executes
       +-- later --+

What is *posted* goes from WAITING to SENT, and ends when it is confirmed.

Rules
-----
1. The probe is a mandatory publish to the presence mark.  Only after it was routed is the
   command published: durable, mandatory and confirmed.  There is one probe at a time, for
   all requests that wait when it begins.
2. Answers come by *direct reply-to*: the broker's pseudo queue of this channel, so there is
   no queue to declare or to leave behind.  An answer may overtake the confirm; it wins.
3. When the session ends, requests that were sent end with what is known of them: their
   answers cannot arrive any more.  The others wait for the next session.
4. While the broker has an alarm nothing is published, because nothing would be read.

Source for rule 2: rabbitmq.com/docs/direct-reply-to.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from executor.adapters.rabbitmq.connection import Link
from executor.adapters.rabbitmq.publisher import Fate, Publisher
from executor.adapters.rabbitmq.queues import Queues, ensure
from executor.adapters.rabbitmq.request import Request, Stage
from executor.adapters.rabbitmq.sight import Sight, look
from executor.domain.command import Command, CommandResult, decode_result
from executor.domain.errors import InvalidCommand

logger = logging.getLogger(__name__)

T = TypeVar("T")

REPLY_QUEUE = "amq.rabbitmq.reply-to"

#: Seconds between two probes of one request while nobody executes: a failover takes tens
#: of milliseconds, and a probe a third of one.
PROBE_AGAIN_S = 0.05

#: Seconds for each look at the broker; a status page must not wait longer.
LOOK_TIMEOUT_S = 2.0


class RabbitSender:
    """Sends commands and waits for their answers.  Connects at once, in the background.

    Make it in the process that uses it: threads and connections do not survive a fork.

    Args:
        url: One URL, or those of a cluster's nodes separated by commas.
        prefix: Of the queues' names.
        queue_type: ``classic`` or ``quorum``, if the queue does not exist yet.

    Raises:
        ValueError: *url* is not an AMQP URL.
    """

    def __init__(self, url: str, *, prefix: str = "solocron", queue_type: str = "classic") -> None:
        self._queues = Queues(prefix, queue_type)
        self._connection: Any = None
        self._publisher: Publisher | None = None
        self._opening: Publisher | None = None
        self._probing = False
        #: Requests that have not ended, by the id their answer carries.
        self._requests: dict[str, Request] = {}
        self._last_id = 0
        self._link = Link(
            url,
            "sender",
            on_up=self._on_up,
            on_down=self._on_down,
            on_unblocked=self._probe,
        )
        self._link.start()

    def send(self, command: Command, timeout_s: float) -> CommandResult | None:
        """Send *command* and wait; see :meth:`executor.ports.broker.CommandSender.send`."""
        return self.send_all([command], timeout_s)[0]

    def send_all(self, commands: Sequence[Command], timeout_s: float) -> list[CommandResult | None]:
        """Send *commands*, behind one probe, and wait for all of them."""
        requests = [Request(command) for command in commands]
        self._carry_out(requests, timeout_s)
        return [request.outcome() for request in requests]

    def post(self, command: Command, timeout_s: float) -> None:
        """Leave *command* on the queue, whether anybody executes or not."""
        request = Request(command, posted=True)
        self._carry_out([request], timeout_s)
        request.outcome()

    def _carry_out(self, requests: Sequence[Request], timeout_s: float) -> None:
        """Begin *requests* and wait until all have ended, or *timeout_s* is over."""
        deadline = time.monotonic() + timeout_s
        self._link.call(partial(self._begin, requests))
        for request in requests:
            if not request.wait(max(deadline - time.monotonic(), 0)):
                request.end_without_answer(f"{self.describe()}, nothing for {timeout_s:g} s")
                self._link.call(self._forget_ended)

    def token_state(self) -> str:
        """Look where the token is, for at most 2 s."""

        def ask(publisher: Publisher, answer: Callable[[Sight], None]) -> None:
            look(self._link, self._connection, publisher, self._queues, answer)

        sight = self._look(ask)
        return "unknown" if sight is None else sight.state

    def dead_letters(self) -> int | None:
        """Count what lies in the queue of dead letters, for at most 2 s."""

        def ask(_publisher: Publisher, answer: Callable[[int], None]) -> None:
            # Not passively: the broker logs an error for each look at a queue that is not there.
            ensure(
                self._link,
                self._connection,
                self._queues,
                self._queues.dead_letters,
                lambda declared: answer(declared.message_count),
            )

        return self._look(ask)

    def _look(self, ask: Callable[[Publisher, Callable[[T], None]], None]) -> T | None:
        """Return what *ask* is answered with; None if it is not, or cannot be asked."""
        answered = threading.Event()
        seen: list[T] = []

        def answer(value: T) -> None:
            seen.append(value)
            answered.set()

        def begin() -> None:
            if self._publisher is None or self._link.blocked:
                answered.set()
            else:
                ask(self._publisher, answer)

        self._link.call(begin)
        answered.wait(LOOK_TIMEOUT_S)
        return seen[0] if seen else None

    def describe(self) -> str:
        """Return ``connected`` or what is wrong."""
        return self._link.describe()

    def close(self) -> None:
        """Close in order; who still waits is told what is known."""
        self._link.begin_stop()
        self._link.finish_stop()

    # --- on the link's thread: the session ---------------------------------------------------

    def _on_up(self, connection: Any) -> None:
        self._connection = connection
        ensure(self._link, connection, self._queues, self._queues.commands, self._on_ensured)

    def _on_ensured(self, _declared: Any) -> None:
        self._link.open_channel(self._on_channel)

    def _on_channel(self, channel: Any) -> None:
        channel.basic_consume(REPLY_QUEUE, self._link.guarded(self._on_answer), auto_ack=True)
        self._opening = Publisher(self._link, channel, self._on_ready)

    def _on_ready(self) -> None:
        self._publisher = self._opening
        self._probe()

    def _on_down(self, reason: str) -> None:
        self._connection = self._publisher = self._opening = None
        self._probing = False
        for request in self._requests.values():
            if request.stage >= Stage.SENT:
                request.end_without_answer(reason)
            else:
                request.advance(Stage.WAITING)
                request.nobody = False
        self._forget_ended()

    # --- on the link's thread: requests --------------------------------------------------------

    def _begin(self, requests: Sequence[Request]) -> None:
        for request in requests:
            self._last_id += 1
            self._requests[str(self._last_id)] = request
        self._probe()

    def _probe(self) -> None:
        """Ask once for all who wait whether somebody executes, unless that is being asked.

        What is posted is sent without.
        """
        if self._publisher is None or self._link.blocked:
            return
        waiting = [(key, one) for key, one in self._requests.items() if one.stage is Stage.WAITING]
        for key, request in waiting:
            if request.posted:
                self._publish(key, request)
        if self._probing:
            return
        asking = [
            (key, one) for key, one in waiting if not one.posted and one.advance(Stage.PROBING)
        ]
        if asking:
            self._probing = True
            self._publisher.publish(self._queues.executor, b"", partial(self._on_probed, asking))

    def _on_probed(self, asking: list[tuple[str, Request]], fate: Fate) -> None:
        self._probing = False
        for key, request in asking:
            request.nobody = fate is Fate.UNROUTABLE
            if fate is Fate.TAKEN:
                self._publish(key, request)
            else:
                request.advance(Stage.WAITING)
        if fate is Fate.TAKEN:
            self._probe()  # for those who came in the meantime
        else:
            self._link.later(PROBE_AGAIN_S, self._probe)

    def _publish(self, key: str, request: Request) -> None:
        if self._publisher is not None and request.advance(Stage.SENT):
            self._publisher.publish(
                self._queues.commands,
                request.body,
                partial(self._on_sent, key, request),
                durable=True,
                reply_to=None if request.posted else REPLY_QUEUE,
                correlation_id=key,
            )

    def _on_sent(self, key: str, request: Request, fate: Fate) -> None:
        if fate is Fate.TAKEN and request.posted:
            self._requests.pop(key, None)
            request.end(None)
        elif fate is Fate.TAKEN:
            request.advance(Stage.ACCEPTED)
        elif request.advance(Stage.WAITING):
            # The queue was deleted, or the broker could not write: nothing was kept, it says.
            request.repeat()
            self._link.later(PROBE_AGAIN_S, self._restore_queue)

    def _restore_queue(self) -> None:
        ensure(
            self._link,
            self._connection,
            self._queues,
            self._queues.commands,
            lambda _declared: self._probe(),
        )

    def _on_answer(self, _channel: Any, _method: Any, properties: Any, body: bytes) -> None:
        request = self._requests.pop(properties.correlation_id, None)
        if request is None:
            return  # too late
        try:
            request.end(decode_result(body))
        except InvalidCommand as error:
            facts = {"action": "answer_unreadable", "reason": str(error)}
            logger.error("an answer that cannot be read", extra=facts)
            request.end(None)

    def _forget_ended(self) -> None:
        for key in [key for key, one in self._requests.items() if one.stage is Stage.ENDED]:
            del self._requests[key]
