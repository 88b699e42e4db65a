"""The launcher of message targets: runs go to workers by way of RabbitMQ.

A run is *handed over* once the broker has confirmed its message.  Until then it waits here:
while the broker is away too, for as long as the job's ``start_timeout`` lets it.

Rules
-----
1. ``may_start`` is asked right before a run is published for the first time.  A run whose
   publishing had an unknown outcome has begun by then: it is published again without asking,
   under the same id and marked as ``repeated``, so that a worker can tell.
2. A run that nobody may have can be cancelled here.  One that somebody may have is handed over
   all the same, and whoever wanted to cancel it has to recall it.
3. An order to stop is kept like a run and published when the broker is back, after the runs of
   its job that were before it.

The connection is made with the first run, so that a cluster without workers has none.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from threading import Lock
from typing import Final

from executor.adapters import handoff
from executor.adapters.rabbitmq.connection import Link
from executor.adapters.rabbitmq.outbox import Letter, Outbox
from executor.adapters.rabbitmq.protocol import write_cancel, write_run
from executor.adapters.rabbitmq.queues import Queues
from executor.adapters.rabbitmq.topology import ACTION, CANCEL
from executor.domain.run import Outcome, Reason, RunState
from executor.domain.targets import MessageTarget
from executor.ports.clock import Clock
from executor.ports.target import Work, WorkListener

logger = logging.getLogger(__name__)

#: Runs, and orders to stop, that wait for the broker at most: about a hundred megabytes.
MOST_WAITING: Final = 50_000


class MessageLauncher:
    """A :class:`~executor.ports.target.Launcher` for message targets.

    Args:
        url: One URL, or those of a cluster's nodes separated by commas.
        most_waiting: runs that wait for the broker; further ones fail.

    Raises:
        ValueError: *url* is not an AMQP URL.
    """

    def __init__(
        self,
        listener: WorkListener,
        clock: Clock,
        url: str,
        *,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._most_waiting = most_waiting
        self._outbox = Outbox(Queues())
        self._link = Link(
            url,
            "messages",
            on_up=self._outbox.up,
            on_down=self._outbox.down,
            on_unblocked=self._outbox.pump,
        )
        self._outbox.link = self._link
        #: What is not handed over, by run id.
        self._waiting: dict[str, Letter] = {}
        self._recalls = 0
        self._starting = Lock()
        self._started = False

    def prepare(self, works: Sequence[Work]) -> None:
        """Do nothing: a message is published at once, with what it says."""

    def start(self, works: Sequence[Work]) -> None:
        """Publish the runs as soon as the broker takes them.  Returns at once; any thread."""
        self._connect()
        self._link.call(partial(self._take, tuple(works)))

    def cancel(self, run_id: str, reason: Reason) -> None:
        """Take the run back, if nobody may have it; unknown ids do nothing."""
        if self._started:
            self._link.call(partial(self._take_back, run_id, reason))

    def recall(self, work: Work, reason: Reason) -> None:
        """Ask the worker that has the run to stop it; nothing is reported."""
        self._connect()
        self._link.call(partial(self._recall, work.run.job, work.run.id, reason))

    def stop(self) -> None:
        """Close in order, without reporting; what was not published never is."""
        with self._starting:
            self._started = True
        self._link.begin_stop()
        self._link.finish_stop()

    def _connect(self) -> None:
        with self._starting:
            if not self._started:
                self._started = True
                self._link.start()

    # --- on the link's thread -----------------------------------------------------------------

    def _take(self, works: Sequence[Work]) -> None:
        for work in works:
            if len(self._waiting) >= self._most_waiting:
                words = f"no broker, and {self._most_waiting:,} runs wait for it already"
                self._fail(work.run.id, f"{words}: {self._link.describe()}")
                continue
            letter = Letter(
                work.run.job,
                ACTION,
                write=partial(self._write, work),
                confirmed=partial(self._confirmed, work.run.id),
            )
            self._waiting[work.run.id] = letter
            self._outbox.post(letter)

    def _write(self, work: Work, repeated: bool) -> bytes | None:
        """Return the message of *work*; None if it is not to be sent, which is then reported."""
        run_id = work.run.id
        if not repeated and not self._listener.may_start():
            del self._waiting[run_id]
            self._listener.not_started(run_id)
            return None
        # One run that cannot be written down must not end the session, and delay all others.
        try:
            target = handoff.prepare(work, None).target
            if not isinstance(target, MessageTarget):
                raise TypeError(f"{target.kind} is not a message target")
            definition = work.definition
            return write_run(
                work.run,
                target.arguments,
                definition.timeout,
                definition.heartbeat_timeout,
                repeated,
            )
        except Exception as error:
            del self._waiting[run_id]
            self._fail(run_id, f"no message was sent: {error}")
            return None

    def _fail(self, run_id: str, words: str) -> None:
        outcome = Outcome(state=RunState.FAILED, error=words)
        self._listener.finished(run_id, self._clock.now(), outcome)

    def _confirmed(self, run_id: str) -> None:
        if self._waiting.pop(run_id, None) is not None:
            self._listener.handed_over(run_id, self._clock.now(), running=False)

    def _take_back(self, run_id: str, reason: Reason) -> None:
        letter = self._waiting.pop(run_id, None)
        if letter is None:
            return
        if self._outbox.remove(letter) and not letter.repeated:
            outcome = Outcome(state=RunState.CANCELLED, reason=reason)
            self._listener.finished(run_id, self._clock.now(), outcome)
        else:
            letter.write, letter.confirmed = _nothing, _nobody
            self._listener.handed_over(run_id, self._clock.now(), running=False)

    def _recall(self, job: str, run_id: str, reason: Reason) -> None:
        if self._recalls >= self._most_waiting:
            facts = {"action": "recall_dropped", "run_id": run_id, "job": job}
            logger.warning("too many orders to stop wait for the broker", extra=facts)
            return
        self._recalls += 1
        # By this header the broker routes the message to both keys.
        # Source: rabbitmq.com/docs/sender-selected.
        letter = Letter(
            job,
            ACTION,
            write=lambda _repeated: write_cancel(job, run_id, reason),
            confirmed=self._recalled,
            headers={"CC": [CANCEL]},
        )
        self._outbox.post(letter)

    def _recalled(self) -> None:
        self._recalls -= 1


def _nothing(_repeated: bool) -> None:
    """Write nothing any more."""


def _nobody() -> None:
    """Tell nobody any more."""
