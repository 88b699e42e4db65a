"""What AMQP does not tell of a broker: alarms and partitions of every node, policies, the clock.

Asked of the management plugin, which is there if an operator has enabled it.

Rules
-----
1. It is asked at the host of the AMQP URL, with the same user and password, and over TLS where
   that is: a password goes nowhere unencrypted that was encrypted before.
2. Nothing is changed.
3. What is not told makes a finding that says how to have it told.

Source: rabbitmq.com/docs/management, "HTTP API" and "Permissions".
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Final
from urllib.parse import quote

from executor.adapters.rabbitmq.queues import Queues
from executor.adapters.rabbitmq.token import RENEW_S
from executor.domain.finding import Finding, fault, of_clocks, ok, unknown, warning

#: Ports of the plugin unless they were moved: without and with TLS.
PORT: Final = 15672
TLS_PORT: Final = 15671

#: Longest wait for one answer, seconds.
_PATIENCE_S: Final = 3.0

#: Parts of policies that take messages away, or whoever waits for them.
_HARMFUL: Final = ("message-ttl", "expires", "max-length", "max-length-bytes", "delivery-limit")

#: A ``consumer-timeout`` of a policy that is shorter could meet the token between two renewals on
#: a busy broker, milliseconds.
_SHORTEST_MS: Final = round(10 * RENEW_S * 1000)

#: What to do about what keeps publishers from publishing.
ALARM_FIX: Final = (
    "free memory or disk of the broker, or raise its limits; see: rabbitmqctl list_alarms"
)

_CONSUMER_TIMEOUT: Final = (
    f"the token is renewed every {RENEW_S:g} s, so any usual value will do for executors; a worker "
    "holds a run until that is over, so set consumer_timeout (30 min by default) above your "
    "longest `message` run.  See it with: rabbitmqctl environment | grep consumer_timeout"
)


class _Refused(Exception):
    """The plugin answers, but not what it was asked for."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(f"it answers {status}")


def examine(asked: Any, queues: Queues, port: int | None = None) -> Iterator[Finding]:
    """Look at the broker that pika's parameters *asked* name; never raises.

    Args:
        port: where the plugin listens; None: where it does unless it was moved.
    """
    plugin = _Plugin(asked, port)
    try:
        sent = datetime.now(UTC)
        nodes, date = plugin.get("/api/nodes")
        received = datetime.now(UTC)
        facts = {queue: plugin.facts_of(queue) for queue in (queues.token, queues.commands)}
    except (OSError, HTTPException, LookupError, TypeError, ValueError, _Refused) as error:
        yield _silent(plugin, error)
    else:
        # A header of whole seconds.
        margin = (received - sent).total_seconds() + 1.0
        yield of_clocks("RabbitMQ", date, received, margin)
        yield from _of_nodes(nodes, queues)
        for queue, found in facts.items():
            if found is not None:
                yield _policy(queue, found)
    yield unknown("consumer_timeout", "the broker does not tell it", _CONSUMER_TIMEOUT)


class _Plugin:
    """The plugin of one node."""

    def __init__(self, asked: Any, port: int | None) -> None:
        self._asked = asked
        self._port = port or (TLS_PORT if asked.ssl_options else PORT)
        self.user: str = asked.credentials.username
        self.place = f"{asked.host}:{self._port}"

    def facts_of(self, queue: str) -> Mapping[str, Any] | None:
        """Return what is known of *queue*; None if it is not there."""
        vhost = quote(self._asked.virtual_host, safe="")
        try:
            found: dict[str, Any] = self.get(f"/api/queues/{vhost}/{quote(queue, safe='')}")[0]
        except _Refused as refused:
            if refused.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return found

    def get(self, path: str) -> tuple[Any, datetime]:
        """Return the document at *path*, and the broker's clock."""
        connection = self._connection()
        try:
            user = f"{self.user}:{self._asked.credentials.password}"
            token = b64encode(user.encode()).decode()
            connection.request("GET", path, headers={"Authorization": f"Basic {token}"})
            response = connection.getresponse()
            text = response.read()
            if response.status != HTTPStatus.OK:
                raise _Refused(response.status)
            return json.loads(text), parsedate_to_datetime(response.headers["Date"])
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        options = self._asked.ssl_options
        if not options:
            return HTTPConnection(self._asked.host, self._port, timeout=_PATIENCE_S)
        context = options.context
        return HTTPSConnection(self._asked.host, self._port, timeout=_PATIENCE_S, context=context)


def _silent(plugin: _Plugin, error: Exception) -> Finding:
    fix = "enable it on each node: rabbitmq-plugins enable rabbitmq_management"
    if isinstance(error, _Refused) and error.status in {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
    }:
        fix = f"let the user look: rabbitmqctl set_user_tags {plugin.user} monitoring"
    unseen = "policies, alarms of other nodes and the clock were not looked at"
    words = f"does not tell us anything at {plugin.place} ({error}): {unseen}"
    return unknown("management plugin", words, fix)


def _of_nodes(nodes: Sequence[Mapping[str, Any]], queues: Queues) -> Iterator[Finding]:
    down = [one["name"] for one in nodes if not one.get("running")]
    split = [one["name"] for one in nodes if one.get("partitions")]
    alarms = [one["name"] for one in nodes if one.get("mem_alarm") or one.get("disk_free_alarm")]
    if down:
        fix = "start them, or take out what is gone: rabbitmqctl forget_cluster_node NODE"
        yield fault("nodes", f"down: {', '.join(down)}", fix)
    if split:
        fix = "restart the smaller part; set cluster_partition_handling = pause_minority"
        yield fault("partitions", f"partitioned: {', '.join(split)}", fix)
    if alarms:
        yield fault("alarms", f"memory or disk is short on {', '.join(alarms)}", ALARM_FIX)
    if not (down or split or alarms):
        yield ok("nodes", f"{len(nodes)} running, no alarm")
    if len(nodes) > 1 and queues.queue_type != "quorum":
        fix = "set SOLOCRON_QUEUE_TYPE=quorum; stop all instances and delete the queues first"
        yield warning("queue type", "classic queues are on one node of several", fix)


def _policy(queue: str, facts: Mapping[str, Any]) -> Finding:
    policy = facts.get("effective_policy_definition") or {}
    check = f"policy of {queue}"
    harmful = [f"{name}={policy[name]}" for name in _HARMFUL if name in policy]
    if harmful:
        name = facts.get("policy") or facts.get("operator_policy")
        harm = "it may remove the token, or commands"
        return fault(check, ", ".join(harmful), f"except {queue} from the policy {name!r}: {harm}")
    timeout = policy.get("consumer-timeout")
    if timeout is not None and timeout < _SHORTEST_MS:
        fix = f"except {queue} from the policy {facts.get('policy')!r}, or set it to 60000 or more"
        return warning(check, f"consumer-timeout={timeout} ms", fix)
    return ok(check, "takes nothing away")
