"""Exchange and queues of a job whose runs go to workers: simple-scheduler's, to the letter.

================================== ======================================= ==================
name                               properties                              routing key
================================== ======================================= ==================
scheduler.job.JOB                  topic exchange, durable
scheduler.job.JOB.action           queue, durable                          ``action``
scheduler.job.JOB.status           queue, durable                          ``status``
scheduler.job.JOB.heartbeat        queue, durable                          ``heartbeat``
================================== ======================================= ==================

Clients of that protocol declare the same, and the broker refuses to declare a queue again with
other properties.  So these queues have no arguments at all, whatever is configured for ours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from executor.adapters.rabbitmq.connection import Link, explain
from executor.adapters.rabbitmq.queues import CLOSED_BY_US, reply_code

logger = logging.getLogger(__name__)

#: The routing keys, each of which has a queue: orders to workers, and their two answers.
ACTION: Final = "action"
STATUS: Final = "status"
HEARTBEAT: Final = "heartbeat"

#: A second routing key of orders to stop.  Workers share the queue of ``action``, so that an order
#: for one of them may reach another; each can bind a queue of its own to this key.
CANCEL: Final = "cancel"


def exchange_of(job: str) -> str:
    """Return the name of *job*'s exchange."""
    return f"scheduler.job.{job}"


def queue_of(job: str, key: str) -> str:
    """Return the name of *job*'s queue for one of the three keys."""
    return f"scheduler.job.{job}.{key}"


def declare_job(link: Link, connection: Any, job: str, then: Callable[[bool], None]) -> None:
    """Make sure that *job* has its exchange and queues, and call *then*.

    Its argument is False if the broker refuses, because one of them exists with other properties:
    with a warning they are used as they are, as far as they are there.
    """
    timer = link.expect(f"declaring the queues of {job}")

    def opened(channel: Any) -> None:
        channel.add_on_close_callback(link.guarded(closed))
        exchange = exchange_of(job)
        # All in one go; only the last one is answered, or the first one that is refused.
        channel.exchange_declare(exchange, "topic", durable=True)
        for key in (ACTION, STATUS, HEARTBEAT):
            channel.queue_declare(queue_of(job, key), durable=True)
        for key in (ACTION, STATUS):
            channel.queue_bind(queue_of(job, key), exchange, key)
        channel.queue_bind(
            queue_of(job, HEARTBEAT),
            exchange,
            HEARTBEAT,
            callback=link.guarded(lambda _frame: declared(channel)),
        )

    def declared(channel: Any) -> None:
        link.cancel(timer)
        channel.close()
        then(True)

    def closed(_channel: Any, error: Any) -> None:
        if not link.cancel(timer) or reply_code(error) == CLOSED_BY_US:
            return
        facts = {"action": "queue_refused", "job": job, "reason": explain(error)}
        logger.warning("the broker refuses to declare the queues of a job", extra=facts)
        then(False)

    connection.channel(on_open_callback=link.guarded(opened))
