"""A worker's end of the broker: takes runs from the action queues of its jobs.

All jobs are consumed on one channel, each with a limit of its own.  Besides, the worker has a
queue of its own, exclusive and gone with its connection: the orders to stop of all its jobs are
routed there too, because the shared queue may hand such an order to another worker.  The same
queue hears what other workers report, while somebody here wants to know.

Rules
-----
1. A run is acknowledged when it is told to be over and not before.  So the broker gives it to
   somebody else when this process dies, and when the connection does: hence *doubtful* runs.
2. What cannot be read goes to the queue of dead letters, and so does what nobody survives.
3. How often the worker of a run was lost is the number of messages in a queue of the run's own,
   ``P.losses.RUN``, that nobody consumes; it vanishes a day after it was last asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from executor.adapters.rabbitmq.connection import Link
from executor.adapters.rabbitmq.outbox import Letter, Outbox, dead_letter
from executor.adapters.rabbitmq.protocol import (
    Unreadable,
    read_action,
    read_beat,
    read_status,
    write_beat,
    write_status,
)
from executor.adapters.rabbitmq.queues import Queues
from executor.adapters.rabbitmq.topology import (
    ACTION,
    CANCEL,
    HEARTBEAT,
    STATUS,
    declare_job,
    exchange_of,
    queue_of,
)
from executor.domain.report import ReportStatus
from executor.domain.run import Outcome
from executor.ports.clock import Clock
from executor.ports.work_queue import (
    Assignment,
    Connected,
    Counted,
    Disconnected,
    EndTold,
    Overheard,
    Recall,
    Taken,
    WorkNews,
)

logger = logging.getLogger(__name__)

#: Milliseconds that a count of losses is kept: longer than a run that is passed on for ever.
LOSSES_KEPT_MS: Final = 86_400_000

#: Seconds until a job is tried again that the broker refuses.
AGAIN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Tag:
    """Where a run came from."""

    channel: Any
    number: int
    queue: str
    body: bytes


class RabbitWorkQueue:
    """A :class:`~executor.ports.work_queue.WorkQueue` on RabbitMQ.

    Args:
        url: One URL, or those of a cluster's nodes separated by commas.
        jobs: names of the jobs whose runs are taken.
        prefetch: runs of each job in hand at most.
        name: of this worker, in what it reports.
        prefix: of the names of our own queues.
        queue_type: ``classic`` or ``quorum``, of the queue of dead letters if it does not exist.

    Raises:
        ValueError: *url* is not an AMQP URL.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        jobs: frozenset[str],
        *,
        prefetch: int,
        name: str,
        prefix: str = "solocron",
        queue_type: str = "classic",
    ) -> None:
        self._clock = clock
        self._jobs = jobs
        self._prefetch = prefetch
        self._name = name
        self._queues = Queues(prefix, queue_type)
        self._outbox = Outbox(self._queues)
        self._link = Link(
            url,
            "worker",
            on_up=self._on_up,
            on_down=self._on_down,
            on_unblocked=self._outbox.pump,
        )
        self._outbox.link = self._link
        self._on_news: Callable[[WorkNews], None] = lambda news: None
        self._connection: Any = None
        self._channel: Any = None
        self._own = ""
        self._consumers: list[str] = []
        self._overheard: frozenset[str] = frozenset()
        self._taking = True

    def start(self, on_news: Callable[[WorkNews], None]) -> None:
        """Connect; *on_news* is called on the link's thread."""
        self._on_news = on_news
        self._link.start()

    def acknowledge(self, tag: object) -> None:
        """Remove a run from the queue."""
        self._link.call(lambda: self._settle(tag, lambda one: one.channel.basic_ack(one.number)))

    def give_back(self, tag: object) -> None:
        """Return a run to the queue."""
        self._link.call(lambda: self._settle(tag, lambda one: one.channel.basic_nack(one.number)))

    def bury(self, tag: object, reason: str) -> None:
        """Lay a copy among the dead letters."""
        assert isinstance(tag, _Tag)
        letter = dead_letter(tag.body, tag.queue, reason, self._clock.now())
        self._link.call(partial(self._outbox.post, letter))

    def tell(self, assignment: Assignment, status: ReportStatus, outcome: Outcome | None) -> None:
        """Report what a run has come to."""
        more = {"attempt": assignment.attempt, "worker": self._name, **_words_of(outcome)}
        body = write_status(assignment.job, assignment.run_id, status, more)
        told = partial(self._on_news, EndTold(assignment.run_id))
        letter = Letter(
            assignment.job,
            STATUS,
            write=lambda _repeated: body,
            confirmed=(lambda: None) if outcome is None else told,
        )
        self._link.call(partial(self._outbox.post, letter))

    def beat(self, assignment: Assignment, details: Mapping[str, Any] | None) -> None:
        """Report that a run goes on, if there is a broker."""
        more = {"details": details, "worker": self._name}
        body = write_beat(assignment.job, assignment.run_id, more)
        letter = Letter(
            assignment.job, HEARTBEAT, write=lambda repeated: None if repeated else body
        )

        def post() -> None:
            if self._outbox.ready:
                self._outbox.post(letter)

        self._link.call(post)

    def overhear(self, jobs: frozenset[str]) -> None:
        """Be told what other workers report about exactly these jobs."""
        self._link.call(partial(self._overhear, jobs))

    def count_loss(self, run_id: str, job: str) -> None:
        """Count a loss, and tell how many there were."""
        self._link.call(partial(self._count, run_id, job))

    def forget_losses(self, run_id: str) -> None:
        """Delete the count."""
        self._link.call(partial(self._forget, run_id))

    def stop_taking(self) -> None:
        """Cancel the consumers; what was taken stays."""
        self._link.call(self._stop_taking)

    def describe(self) -> str:
        """Return ``connected`` or what is wrong."""
        return self._link.describe()

    def stop(self) -> None:
        """Close in order."""
        self._link.begin_stop()
        self._link.finish_stop()

    # --- the session --------------------------------------------------------------------------

    def _on_up(self, connection: Any) -> None:
        self._connection = connection
        self._outbox.up(connection)
        self._link.open_channel(self._on_channel)

    def _on_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_cancel_callback(
            self._link.guarded(lambda _frame: self._link.fail("a queue of this worker has gone"))
        )
        channel.basic_qos(prefetch_count=self._prefetch)
        channel.queue_declare("", exclusive=True, callback=self._link.guarded(self._on_own))

    def _on_own(self, frame: Any) -> None:
        self._own = frame.method.queue
        take = self._link.guarded(self._on_copy)
        self._channel.basic_consume(self._own, take, auto_ack=True)
        self._on_news(Connected())
        for job in sorted(self._jobs):
            self._declare(job)

    def _declare(self, job: str) -> None:
        if self._connection is not None:
            then = partial(self._on_declared, job)
            declare_job(self._link, self._connection, job, then)

    def _on_declared(self, job: str, sound: bool) -> None:
        if not sound:
            self._link.later(AGAIN_S, partial(self._declare, job))
        elif self._taking and self._channel is not None:
            # First the orders to stop, so that none is missed of a run that is taken.
            self._channel.queue_bind(self._own, exchange_of(job), CANCEL)
            take = self._link.guarded(partial(self._on_message, job))
            self._consumers.append(self._channel.basic_consume(queue_of(job, ACTION), take))

    def _on_down(self, reason: str) -> None:
        was_up = bool(self._own)
        self._connection = self._channel = None
        self._own = ""
        self._consumers.clear()
        self._overheard = frozenset()
        self._outbox.down(reason)
        if was_up:
            self._on_news(Disconnected())

    def _stop_taking(self) -> None:
        self._taking = False
        for consumer in self._consumers:
            self._channel.basic_cancel(consumer)
        self._consumers.clear()

    # --- messages -----------------------------------------------------------------------------

    def _on_message(
        self, job: str, channel: Any, method: Any, _properties: Any, body: bytes
    ) -> None:
        if channel is not self._channel:
            return
        tag = _Tag(channel, method.delivery_tag, queue_of(job, ACTION), body)
        try:
            order = read_action(body, job)
        except Unreadable as error:
            facts = {"action": "order_unreadable", "job": job, "reason": str(error)}
            logger.warning("an order that cannot be read is a dead letter now", extra=facts)
            letter = dead_letter(body, tag.queue, str(error), self._clock.now())
            letter.confirmed = partial(self.acknowledge, tag)
            self._outbox.post(letter)
            return
        if isinstance(order, Recall):
            channel.basic_ack(method.delivery_tag)
            self._on_news(order)
        else:
            self._on_news(Taken(tag, order, method.redelivered or order.repeated))

    def _on_copy(self, _channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        """Take what came to this worker's own queue: orders to stop, and others' reports."""
        job, now = "", self._clock.now()
        try:
            if method.routing_key == STATUS:
                report = read_status(body, job, now)
                self._on_news(Overheard(report.run_id, report.is_end))
            elif method.routing_key == HEARTBEAT:
                self._on_news(Overheard(read_beat(body, job, now).run_id, over=False))
            else:
                order = read_action(body, job)
                if isinstance(order, Recall):
                    self._on_news(order)
        except Unreadable:
            return  # a copy; whoever has the original deals with it

    def _settle(self, tag: object, deed: Callable[[_Tag], None]) -> None:
        if isinstance(tag, _Tag) and tag.channel is self._channel:
            deed(tag)

    # --- other workers, and losses --------------------------------------------------------------

    def _overhear(self, jobs: frozenset[str]) -> None:
        if not self._own:
            return
        for key in (STATUS, HEARTBEAT):
            for job in sorted(jobs - self._overheard):
                self._channel.queue_bind(self._own, exchange_of(job), key)
            for job in sorted(self._overheard - jobs):
                # Unlike a binding, its end is always answered.
                self._channel.queue_unbind(
                    self._own, exchange_of(job), key, callback=lambda _frame: None
                )
        self._overheard = jobs

    def _losses(self, run_id: str) -> str:
        return f"{self._queues.prefix}.losses.{run_id}"

    def _count(self, run_id: str, job: str) -> None:
        if self._channel is None:
            return
        name, key = self._losses(run_id), f"lost.{run_id}"
        self._channel.queue_declare(
            name,
            durable=True,
            arguments={"x-expires": LOSSES_KEPT_MS},
            callback=self._link.guarded(partial(self._on_counted, run_id, job, key)),
        )
        self._channel.queue_bind(name, exchange_of(job), key)

    def _on_counted(self, run_id: str, job: str, key: str, frame: Any) -> None:
        losses = frame.method.message_count + 1
        letter = Letter(
            job,
            key,
            # A loss that was counted twice is better than one that goes uncounted.
            write=lambda _repeated: b"{}",
            confirmed=partial(self._on_news, Counted(run_id, losses)),
        )
        self._outbox.post(letter)

    def _forget(self, run_id: str) -> None:
        if self._channel is not None:
            self._channel.queue_delete(self._losses(run_id), callback=lambda _frame: None)


def _words_of(outcome: Outcome | None) -> dict[str, Any]:
    """Return what we add to the report of an end."""
    if outcome is None:
        return {}
    output = outcome.output
    return {
        "details": outcome.details,
        "error": outcome.error,
        "exitCode": outcome.exit_code,
        "reason": None if outcome.reason is None else outcome.reason.value,
        "output": output and {"head": output.head, "tail": output.tail, "size": output.size},
    }
