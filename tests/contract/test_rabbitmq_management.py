"""What ``solocron doctor`` learns of RabbitMQ's management plugin, and says where there is none."""

from __future__ import annotations

import json
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import pika  # type: ignore[import-untyped]
import pytest

from executor.adapters.rabbitmq import management
from executor.adapters.rabbitmq.connection import HEARTBEAT_S, parameters
from executor.adapters.rabbitmq.examination import examine
from executor.adapters.rabbitmq.queues import Queues
from executor.domain.finding import Finding, Verdict
from tests.servers.rabbitmq import RabbitMQ
from tests.waiting import eventually

#: How a connection begins that is encrypted: the type of its first record.
TLS_HANDSHAKE = b"\x16"

#: Seconds until the plugin tells of what has happened, on a busy machine.
PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitMQ]:
    """One broker with the plugin for all of them: it takes seconds to start."""
    with RabbitMQ(managed=True) as server:
        eventually(
            lambda: ask(server, "GET", "/api/overview") is not None,
            PATIENCE_S,
            "the plugin answers",
            ignoring=(OSError,),
        )
        yield server


@pytest.fixture
def queues(broker: RabbitMQ, queue_prefix: str) -> Iterator[Queues]:
    """Queues as an executor makes them, with somebody who waits for the token."""
    made = Queues(queue_prefix)
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        for queue in (made.token, made.commands):
            channel.queue_declare(queue, durable=True, arguments=made.arguments(queue))
        channel.basic_consume(made.token, lambda *_: None)
        yield made
        for queue in (made.token, made.commands):
            channel.queue_delete(queue)


def ask(broker: RabbitMQ, method: str, path: str, document: Any = None) -> Any:
    """Have the plugin of *broker* do something."""
    connection = HTTPConnection("127.0.0.1", broker.management_port, timeout=10)
    head = {"Authorization": f"Basic {b64encode(b'guest:guest').decode()}"}
    try:
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body, {**head, "Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        assert response.status < 400, text
        return json.loads(text) if text else {}
    finally:
        connection.close()


def found(broker: RabbitMQ, prefix: str, queue_type: str = "classic") -> dict[str, Finding]:
    """Return what is found, by what was looked at; whatever is not well has a fix."""
    port = broker.management_port
    findings = list(examine(broker.url, prefix, queue_type, port))
    for one in findings:
        assert (one.fix == "") == (one.verdict is Verdict.OK), one
    return {one.check: one for one in findings}


def awaited(broker: RabbitMQ, prefix: str, check: str, verdict: Verdict) -> Finding:
    """Wait until the plugin tells what makes *check* come out so."""

    def told() -> bool:
        one = found(broker, prefix).get(check)
        return one is not None and one.verdict is verdict

    eventually(told, PATIENCE_S, f"{check} is {verdict}")
    return found(broker, prefix)[check]


def test_a_sound_broker_is_found_well(broker: RabbitMQ, queues: Queues) -> None:
    """Clock, nodes and policies are looked at; only what nobody tells is unknown."""
    seen = found(broker, queues.token.removesuffix(".token"))

    verdicts = {check: one.verdict for check, one in seen.items()}
    assert verdicts.pop("consumer_timeout") is Verdict.UNKNOWN
    assert set(verdicts.values()) == {Verdict.OK}, seen
    assert seen["nodes"].message == "1 running, no alarm"
    assert seen["clock and RabbitMQ"].message.endswith("s apart")
    assert seen[f"policy of {queues.token}"].message == "takes nothing away"


def test_a_policy_that_could_take_the_token_away_is_a_fault(
    broker: RabbitMQ, queues: Queues
) -> None:
    """It is named, with what of it does harm; a hasty one is a warning."""
    prefix = queues.token.removesuffix(".token")
    policy, check = f"/api/policies/%2F/{prefix}", f"policy of {queues.token}"
    harm = {"pattern": f"^{prefix}", "apply-to": "queues", "definition": {"message-ttl": 60_000}}
    try:
        ask(broker, "PUT", policy, harm)
        one = awaited(broker, prefix, check, Verdict.FAULT)
        assert one.message == "message-ttl=60000"
        assert one.fix.startswith(f"except {queues.token} from the policy {prefix!r}")
    finally:
        ask(broker, "DELETE", policy)


def test_an_alarm_is_a_fault_and_says_what_to_do(broker: RabbitMQ, queues: Queues) -> None:
    """By the plugin for every node, and by AMQP for whoever publishes."""
    prefix = queues.token.removesuffix(".token")
    broker.control("set_vm_memory_high_watermark", "0")
    try:
        one = awaited(broker, prefix, "alarms", Verdict.FAULT)
        assert "memory or disk is short on solocron-" in one.message
        assert "rabbitmqctl list_alarms" in one.fix
        assert found(broker, prefix)["publishing"].verdict is Verdict.FAULT
    finally:
        broker.control("set_vm_memory_high_watermark", "0.4")
    assert awaited(broker, prefix, "nodes", Verdict.OK).message == "1 running, no alarm"


def test_queues_that_are_not_there_yet_keep_nothing_from_being_looked_at(
    broker: RabbitMQ, queue_prefix: str
) -> None:
    """Before the first executor: the rest of the broker is found well."""
    seen = found(broker, queue_prefix)

    assert seen["nodes"].verdict is Verdict.OK
    assert seen["clock and RabbitMQ"].verdict is Verdict.OK
    assert seen[f"queue {queue_prefix}.token"].verdict is Verdict.WARNING
    assert "management plugin" not in seen
    assert not any(check.startswith("policy of") for check in seen)


def test_a_user_who_may_not_look_is_told_how_to_be_let(broker: RabbitMQ, queues: Queues) -> None:
    """He is no monitor: the fix names him."""
    ask(broker, "PUT", "/api/users/cron", {"password": "cron", "tags": ""})
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    ask(broker, "PUT", "/api/permissions/%2F/cron", rights)
    try:
        url = broker.url.replace("guest:guest", "cron:cron")
        prefix = queues.token.removesuffix(".token")
        seen = {one.check: one for one in examine(url, prefix, "classic", broker.management_port)}
    finally:
        ask(broker, "DELETE", "/api/users/cron")

    one = seen["management plugin"]
    assert one.verdict is Verdict.UNKNOWN
    assert "it answers 401" in one.message
    assert one.fix.endswith("rabbitmqctl set_user_tags cron monitoring")


def test_a_broker_without_the_plugin_says_how_to_have_it(
    rabbitmq_url: str, queue_prefix: str, free_port: int
) -> None:
    """What was not looked at is named, and nothing else suffers."""
    seen = {one.check: one for one in examine(rabbitmq_url, queue_prefix, "classic", free_port)}

    one = seen["management plugin"]
    assert one.verdict is Verdict.UNKNOWN
    assert f"127.0.0.1:{free_port} ([Errno 111] Connection refused)" in one.message
    assert "policies, alarms of other nodes and the clock were not looked at" in one.message
    assert one.fix.endswith("rabbitmq-plugins enable rabbitmq_management")
    assert "longest `message` run" in seen["consumer_timeout"].fix
    assert seen["publishing"].verdict is Verdict.OK


def test_a_password_that_was_encrypted_stays_so(queue_prefix: str) -> None:
    """Where AMQP goes over TLS the plugin is asked over TLS, or not at all."""
    heard: list[bytes] = []

    def listen() -> None:
        client, _ = listener.accept()
        with client:
            heard.append(client.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        listening = threading.Thread(target=listen)
        listening.start()
        port = listener.getsockname()[1]
        asked = parameters("amqps://guest:guest@127.0.0.1/%2F", "doctor", HEARTBEAT_S)
        first, *_ = management.examine(asked, Queues(queue_prefix), port)
        listening.join()

    assert heard[0][:1] == TLS_HANDSHAKE
    assert b"Authorization" not in heard[0]
    assert first.verdict is Verdict.UNKNOWN
