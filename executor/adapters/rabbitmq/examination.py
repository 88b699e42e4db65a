"""What about a broker matters to Solocron, looked at from outside, and the fix for it.

Nothing is changed: no queue is made, nothing is sent that anybody could receive.  What AMQP does
not tell is asked of the management plugin, see ``management``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import pika  # type: ignore[import-untyped]
from pika.exceptions import AMQPError, ChannelClosedByBroker  # type: ignore[import-untyped]

from executor.adapters.rabbitmq import management
from executor.adapters.rabbitmq.connection import HEARTBEAT_S, explain, parameters
from executor.adapters.rabbitmq.queues import PRECONDITION_FAILED, Queues
from executor.domain.finding import Finding, fault, ok, version_of, warning

#: Oldest version that the protocol was tried with.
OLDEST: Final = (3, 10)


#: For how long a connection may be blocked by an alarm, seconds.  A broker with one hears nothing
#: more of who has published, not even that he wants to go: he has to hang up.
_BLOCKED_S: Final = 1.0


def examine(
    url: str, prefix: str, queue_type: str, management_port: int | None = None
) -> Iterator[Finding]:
    """Look at every node of *url* and at the queues under *prefix*; never raises.

    Args:
        management_port: where the management plugin listens; None: where it usually does.
    """
    queues = Queues(prefix, queue_type)
    reached = None
    for place, one in enumerate(url.split(","), 1):
        asked = parameters(one, "doctor", HEARTBEAT_S)
        asked.blocked_connection_timeout = _BLOCKED_S
        node = f"RabbitMQ {asked.host}:{asked.port}"
        try:
            connection = pika.BlockingConnection(asked)
        except (AMQPError, OSError) as error:
            fix = f"does it run there, and are node {place} of RABBITMQ_URL, user and vhost right?"
            yield fault(node, f"does not let us in ({explain(error)})", fix)
            continue
        yield _version(node, connection)
        if reached is None:
            reached = asked
            try:
                yield from _queues(connection, queues)
                yield from _alarm(connection)
            except (AMQPError, OSError) as error:
                yield fault(node, f"the connection was lost ({explain(error)})", "look at its log")
        with suppress(AMQPError, OSError):
            connection.close()
    if reached is not None:
        yield from management.examine(reached, queues, management_port)


def _version(node: str, connection: Any) -> Finding:
    # The blocking connection does not hand out what the broker says of itself.
    version = connection._impl.server_properties["version"]
    text = version.decode() if isinstance(version, bytes) else str(version)
    if version_of(text) < OLDEST:
        return fault(node, f"is version {text}", "take 3.10 or later")
    return ok(node, f"version {text}")


def _queues(connection: Any, queues: Queues) -> Iterator[Finding]:
    for queue in (queues.token, queues.commands):
        check = f"queue {queue}"
        try:
            channel = connection.channel()
            found = channel.queue_declare(queue, passive=True).method
        except ChannelClosedByBroker as error:
            yield warning(check, f"cannot be seen ({explain(error)})",
                          "start an executor: it makes what is missing")  # fmt: skip
            continue
        try:
            channel.queue_declare(queue, durable=True, arguments=queues.arguments(queue))
        except ChannelClosedByBroker as error:
            if error.reply_code != PRECONDITION_FAILED:
                raise
            fix = "set SOLOCRON_QUEUE_TYPE as it is, or stop all instances and delete the queue"
            yield warning(check, f"is used with other properties ({explain(error)})", fix)
            continue
        counts = f"{found.message_count:,} ready, {found.consumer_count:,} consumers"
        if queue == queues.token and not found.consumer_count:
            fix = "start one: solocron serve, or solocron executor"
            yield fault(check, f"{counts}: no executor waits for the token", fix)
        else:
            yield ok(check, counts)


def _alarm(connection: Any) -> Iterator[Finding]:
    """Publish what reaches nobody: a broker with an alarm says so only to who publishes."""
    blocked: list[str] = []
    connection.add_on_connection_blocked_callback(
        lambda _, frame: blocked.append(str(frame.method.reason))
    )
    connection.channel().basic_publish("", "solocron.doctor.nobody", b"")
    connection.process_data_events(0.5)
    if blocked:
        yield fault("publishing", f"is blocked: {blocked[0]}", management.ALARM_FIX)
    else:
        yield ok("publishing", "is not blocked by an alarm")
