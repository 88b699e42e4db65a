"""What about a broker matters to Solocron, looked at from outside, and the fix for it.

Nothing is changed: no queue is made, nothing is sent that anybody could receive.  What AMQP does
not tell (alarms of all nodes, policies, the clock) is asked of the management plugin where that
answers with the same user and password; where it does not, the finding says how to look.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException
from typing import Any, Final
from urllib.parse import quote

import pika  # type: ignore[import-untyped]
from pika.exceptions import AMQPError, ChannelClosedByBroker  # type: ignore[import-untyped]

from executor.adapters.rabbitmq.connection import HEARTBEAT_S, explain, parameters
from executor.adapters.rabbitmq.queues import PRECONDITION_FAILED, Queues
from executor.adapters.rabbitmq.token import RENEW_S
from executor.domain.finding import (
    Finding,
    fault,
    of_clocks,
    ok,
    unknown,
    version_of,
    warning,
)

#: Oldest version that the protocol was tried with.
OLDEST: Final = (3, 10)

#: Port of the management plugin, unless it was moved, and longest wait for it, seconds.
MANAGEMENT_PORT: Final = 15672
_PATIENCE_S: Final = 3.0

#: Parts of policies that take messages away, or whoever waits for them.
_HARMFUL: Final = ("message-ttl", "expires", "max-length", "max-length-bytes", "delivery-limit")

_CONSUMER_TIMEOUT: Final = (
    f"the token is renewed every {RENEW_S:g} s, so any usual value will do for executors; a worker "
    "holds a run until that is over, so set consumer_timeout (30 min by default) above your "
    "longest `message` run.  See it with: rabbitmqctl environment | grep consumer_timeout"
)


def examine(url: str, prefix: str, queue_type: str) -> Iterator[Finding]:
    """Look at every node of *url* and at the queues under *prefix*; never raises."""
    queues = Queues(prefix, queue_type)
    reached = None
    for place, one in enumerate(url.split(","), 1):
        asked = parameters(one, "doctor", HEARTBEAT_S)
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
        yield from _management(reached, queues)


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
        fix = "free memory or disk of the broker, or raise its limits; see: rabbitmqctl list_alarms"
        yield fault("publishing", f"is blocked: {blocked[0]}", fix)
    else:
        yield ok("publishing", "is not blocked by an alarm")


def _management(asked: Any, queues: Queues) -> Iterator[Finding]:
    vhost = quote(asked.virtual_host, safe="")
    try:
        sent = datetime.now(UTC)
        nodes, date = _get(asked, "/api/nodes")
        received = datetime.now(UTC)
        policies = {
            queue: _get(asked, f"/api/queues/{vhost}/{queue}")[0]
            for queue in (queues.token, queues.commands)
        }
    except (OSError, HTTPException, ValueError) as error:
        fix = "rabbitmq-plugins enable rabbitmq_management, and the tag `monitoring` for the user"
        yield unknown("management plugin", f"does not answer us ({error}): policies, alarms of "
                      "other nodes and the clock were not looked at", fix)  # fmt: skip
        yield unknown("consumer_timeout", "AMQP does not tell it", _CONSUMER_TIMEOUT)
        return
    # A header of whole seconds.
    margin = (received - sent).total_seconds() + 1.0
    yield of_clocks("RabbitMQ", date, received, margin)
    yield from _of_nodes(nodes, queues)
    for queue, facts in policies.items():
        yield _policy(queue, facts)


def _of_nodes(nodes: list[dict[str, Any]], queues: Queues) -> Iterator[Finding]:
    down = [one["name"] for one in nodes if not one.get("running")]
    split = [one["name"] for one in nodes if one.get("partitions")]
    alarms = [one["name"] for one in nodes if one.get("mem_alarm") or one.get("disk_free_alarm")]
    if down or split or alarms:
        words = [f"{what}: {', '.join(names)}" for what, names in
                 (("down", down), ("partitioned", split), ("alarm", alarms)) if names]  # fmt: skip
        fix = "see rabbitmqctl cluster_status; set cluster_partition_handling = pause_minority"
        yield fault("nodes", "; ".join(words), fix)
    else:
        yield ok("nodes", f"{len(nodes)} running, no alarm")
    if len(nodes) > 1 and queues.queue_type != "quorum":
        fix = "set SOLOCRON_QUEUE_TYPE=quorum; stop all instances and delete the queues first"
        yield warning("queue type", "classic queues are on one node of several", fix)


def _policy(queue: str, facts: dict[str, Any]) -> Finding:
    policy = facts.get("effective_policy_definition") or {}
    check = f"policy of {queue}"
    harmful = [f"{name}={policy[name]}" for name in _HARMFUL if name in policy]
    if harmful:
        fix = f"except {queue} from the policy {facts.get('policy')!r}: it may remove the token"
        return fault(check, ", ".join(harmful), fix)
    timeout = policy.get("consumer-timeout")
    if timeout is not None and timeout < 10 * RENEW_S * 1000:
        return warning(check, f"consumer-timeout={timeout} ms", "set it to 60000 or more")
    return ok(check, "takes nothing away")


def _get(asked: Any, path: str) -> tuple[Any, datetime]:
    """Return the document at *path*, and the broker's clock."""
    connection = HTTPConnection(asked.host, MANAGEMENT_PORT, timeout=_PATIENCE_S)
    try:
        user = f"{asked.credentials.username}:{asked.credentials.password}"
        token = b64encode(user.encode()).decode()
        connection.request("GET", path, headers={"Authorization": f"Basic {token}"})
        response = connection.getresponse()
        text = response.read()
        if response.status != 200:
            raise ValueError(f"it answers {response.status}")
        return json.loads(text), parsedate_to_datetime(response.headers["Date"])
    finally:
        connection.close()
