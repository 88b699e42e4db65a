"""What workers report: the executor's end of the status and heartbeat queues.

All jobs are consumed on one channel.  A report's tag is that channel and the broker's number on
it, and is void when the channel has gone: the broker then delivers the report again, here or to a
successor.

What cannot be read goes to the queue of dead letters, with the reason in its headers, and is
acknowledged once it is there.  It is never given back: the broker would return it at once.

A job whose queues the broker refuses, or that vanish, is tried again every few seconds and keeps
no other job waiting.  The connection is made when there is a job to attend to.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import Any, Final

from executor.adapters.rabbitmq.connection import Link
from executor.adapters.rabbitmq.outbox import Outbox, dead_letter
from executor.adapters.rabbitmq.protocol import Unreadable, read_beat, read_status
from executor.adapters.rabbitmq.queues import Queues, passive_declare
from executor.adapters.rabbitmq.topology import HEARTBEAT, STATUS, declare_job, queue_of
from executor.ports.clock import Clock
from executor.ports.workers import ReportDelivery

logger = logging.getLogger(__name__)

#: Reports in the executor's hands at once, over all jobs, and bounds for each of the two queues
#: of a job.  As the engine settles them in batches, fewer would be a limit to throughput.
UNSETTLED: Final = 4000
LEAST_OF_QUEUE: Final = 10
MOST_OF_QUEUE: Final = 250

#: Seconds until a job is tried again whose queues are not there.
AGAIN_S: Final = 2.0


@dataclass(slots=True)
class _Attended:
    """A job that is consumed, or is about to be."""

    consumers: list[str] = field(default_factory=list)
    #: Deliveries that are not settled.
    numbers: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Tag:
    """Where a report came from."""

    channel: Any
    attended: _Attended
    number: int


class RabbitReports:
    """Takes reports about the jobs it attends to.

    Args:
        url: One URL, or those of a cluster's nodes separated by commas.
        prefix: Of the name of the queue of dead letters.
        queue_type: ``classic`` or ``quorum``, if that queue does not exist yet.

    Raises:
        ValueError: *url* is not an AMQP URL.
    """

    def __init__(
        self, url: str, clock: Clock, *, prefix: str = "solocron", queue_type: str = "classic"
    ) -> None:
        self._clock = clock
        self._outbox = Outbox(Queues(prefix, queue_type))
        self._link = Link(
            url,
            "reports",
            on_up=self._on_up,
            on_down=self._on_down,
            on_unblocked=self._outbox.pump,
        )
        self._outbox.link = self._link
        self._on_report: Callable[[ReportDelivery], None] = lambda delivery: None
        self._wanted: frozenset[str] = frozenset()
        self._attended: dict[str, _Attended] = {}
        self._connection: Any = None
        self._channel: Any = None
        self._starting = Lock()
        self._started = False

    def start(self, on_report: Callable[[ReportDelivery], None]) -> None:
        """Begin; *on_report* is called on the link's thread."""
        self._on_report = on_report

    def attend(self, jobs: frozenset[str]) -> None:
        """Take reports about exactly these jobs from now on; returns at once."""
        with self._starting:
            if jobs and not self._started:
                self._started = True
                self._link.start()
        if self._started:
            self._link.call(partial(self._attend, jobs))

    def settle(self, delivery: ReportDelivery) -> None:
        """Forget *delivery*, unless its tag is void."""
        self._link.call(partial(self._settle, delivery))

    def stop(self) -> None:
        """Close in order; what is not settled goes back."""
        with self._starting:
            self._started = True
        self._link.begin_stop()
        self._link.finish_stop()

    # --- the session --------------------------------------------------------------------------

    def _on_up(self, connection: Any) -> None:
        self._connection = connection
        self._outbox.up(connection)
        self._link.open_channel(self._on_channel)

    def _on_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_cancel_callback(self._link.guarded(self._on_cancelled))
        self._review()

    def _on_down(self, reason: str) -> None:
        self._connection = self._channel = None
        self._attended.clear()
        self._outbox.down(reason)

    # --- which jobs ---------------------------------------------------------------------------

    def _attend(self, jobs: frozenset[str]) -> None:
        self._wanted = jobs
        self._review()

    def _review(self) -> None:
        """Begin with the jobs that are wanted and let go of the others."""
        if self._channel is None:
            return
        for job in self._attended.keys() - self._wanted:
            self._let_go(self._attended.pop(job))
        for job in self._wanted - self._attended.keys():
            attended = self._attended[job] = _Attended()
            declare_job(
                self._link, self._connection, job, partial(self._on_declared, job, attended)
            )

    def _let_go(self, attended: _Attended) -> None:
        for consumer in attended.consumers:
            self._channel.basic_cancel(consumer)
        for number in sorted(attended.numbers):
            self._channel.basic_nack(number, requeue=True)
        attended.numbers.clear()

    def _on_declared(self, job: str, attended: _Attended, sound: bool) -> None:
        if sound:
            self._consume(job, attended)
            return
        # Consuming a queue that is not there would cost the channel, and all other jobs with it.
        again = partial(self._try_again, job, attended)
        look = partial(passive_declare, self._link, self._connection)
        look(
            queue_of(job, STATUS),
            lambda _found: look(
                queue_of(job, HEARTBEAT), lambda _found: self._consume(job, attended), again
            ),
            again,
        )

    def _consume(self, job: str, attended: _Attended) -> None:
        if self._attended.get(job) is not attended or self._channel is None:
            return
        share = UNSETTLED // (2 * len(self._attended))
        self._channel.basic_qos(prefetch_count=min(max(share, LEAST_OF_QUEUE), MOST_OF_QUEUE))
        for key, read in ((STATUS, read_status), (HEARTBEAT, read_beat)):
            take = partial(self._on_message, job, attended, queue_of(job, key), read)
            consumer = self._channel.basic_consume(queue_of(job, key), self._link.guarded(take))
            attended.consumers.append(consumer)

    def _on_cancelled(self, frame: Any) -> None:
        """The broker has ended a consumer, because its queue was deleted."""
        gone = frame.method.consumer_tag
        for job, attended in self._attended.items():
            if gone in attended.consumers:
                attended.consumers.remove(gone)
                self._link.later(AGAIN_S, partial(self._try_again, job, attended))
                return

    def _try_again(self, job: str, attended: _Attended) -> None:
        if self._attended.get(job) is attended:
            self._let_go(self._attended.pop(job))
            self._link.later(AGAIN_S, self._review)

    # --- reports ------------------------------------------------------------------------------

    def _on_message(
        self,
        job: str,
        attended: _Attended,
        queue: str,
        read: Callable[..., Any],
        channel: Any,
        method: Any,
        _properties: Any,
        body: bytes,
    ) -> None:
        if channel is not self._channel:
            return
        if self._attended.get(job) is not attended:
            channel.basic_nack(method.delivery_tag, requeue=True)
            return
        attended.numbers.add(method.delivery_tag)
        tag = _Tag(channel, attended, method.delivery_tag)
        try:
            report = read(body, job, self._clock.now())
        except Unreadable as error:
            self._bury(tag, queue, body, str(error))
            return
        self._on_report(ReportDelivery(report, tag))

    def _bury(self, tag: _Tag, queue: str, body: bytes, reason: str) -> None:
        facts = {"action": "report_unreadable", "queue": queue, "reason": reason}
        logger.warning("a report that cannot be read is a dead letter now", extra=facts)
        letter = dead_letter(body, queue, reason, self._clock.now())
        letter.confirmed = partial(self._acknowledge, tag)
        self._outbox.post(letter)

    def _settle(self, delivery: ReportDelivery) -> None:
        if isinstance(delivery.tag, _Tag):
            self._acknowledge(delivery.tag)

    def _acknowledge(self, tag: _Tag) -> None:
        if tag.channel is self._channel and tag.number in tag.attended.numbers:
            tag.attended.numbers.remove(tag.number)
            self._channel.basic_ack(tag.number)
