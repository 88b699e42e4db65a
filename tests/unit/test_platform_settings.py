"""What platforms set: names of add-ons, bound services, defaults of their own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from executor.config import LogForm, Settings
from tests.unit import service_bindings as bindings
from tests.unit.environments import (
    BOTH,
    CLOUD_FOUNDRY,
    HEROKU,
    MONGODB,
    RABBITMQ,
    faults,
)


def test_our_names_win_over_those_of_platforms() -> None:
    """RABBITMQ_URL before CLOUDAMQP_URL before a binding; each says where it comes from."""
    services = bindings.vcap(bindings.RABBITMQ_TILE, bindings.MONGODB_SERVICE)
    add_on = "amqps://add:on@hare.rmq.example.com/add"

    ours = Settings.from_env(BOTH | {"CLOUDAMQP_URL": add_on, "VCAP_SERVICES": services})
    added = Settings.from_env({"CLOUDAMQP_URL": add_on, "VCAP_SERVICES": services})

    assert (ours.rabbitmq_url, ours.mongodb_uri) == (RABBITMQ, MONGODB)
    assert ours.origins["rabbitmq_url"] == "RABBITMQ_URL"
    assert added.rabbitmq_url == add_on
    assert added.origins["rabbitmq_url"] == "CLOUDAMQP_URL"
    assert added.origins["mongodb_uri"] == "VCAP_SERVICES: mongo"


@pytest.mark.parametrize(
    ("rabbitmq", "url"),
    [
        (
            bindings.RABBITMQ_TILE,
            f"{bindings.amqp('10.0.0.41')},{bindings.amqp('10.0.0.51')}",
        ),
        (
            bindings.RABBITMQ_TILE_TLS,
            bindings.amqp(bindings.TLS_HOST, "amqps", ":5671"),
        ),
        (bindings.CLOUDAMQP, "amqps://ks:IwN6dC@hare.rmq.example.com/ks"),
    ],
)
def test_cloud_foundry_bindings_are_found(rabbitmq: bindings.Document, url: str) -> None:
    """The broker of each kind of service, and a user-provided store among other services."""
    services = bindings.vcap(rabbitmq, bindings.USER_PROVIDED)

    settings = Settings.from_env(CLOUD_FOUNDRY | {"VCAP_SERVICES": services})

    assert settings.rabbitmq_url == url
    assert settings.mongodb_uri == bindings.ATLAS_URI
    assert settings.notes == ()


def test_bindings_may_come_in_cloud_foundrys_own_file(tmp_path: Path) -> None:
    """With file-based bindings VCAP_SERVICES is not set; VCAP_SERVICES_FILE_PATH is."""
    file = tmp_path / "vcap_services"
    file.write_text(bindings.vcap(bindings.CLOUDAMQP, bindings.MONGODB_SERVICE), encoding="utf-8")

    settings = Settings.from_env(CLOUD_FOUNDRY | {"VCAP_SERVICES_FILE_PATH": str(file)})

    assert settings.clustered


def test_two_brokers_are_a_fault_that_names_them() -> None:
    """Which one is meant is not guessed; setting RABBITMQ_URL decides."""
    services = bindings.vcap(bindings.RABBITMQ_TILE, bindings.CLOUDAMQP, bindings.MONGODB_SERVICE)

    message = faults(CLOUD_FOUNDRY | {"VCAP_SERVICES": services})["VCAP_SERVICES"]

    assert "my-rabbit, queue" in message
    assert "RABBITMQ_URL" in message
    decided = {"VCAP_SERVICES": services, "RABBITMQ_URL": RABBITMQ}
    assert Settings.from_env(decided).rabbitmq_url == RABBITMQ


def test_a_telling_name_decides_between_two_of_one_scheme() -> None:
    """A bus of another kind that also speaks AMQP does not hide the RabbitMQ service."""
    services = {
        "solace": [{"name": "bus", "credentials": {"uri": "amqps://u:p@bus.example.com"}}],
        **bindings.RABBITMQ_TILE,
        **bindings.MONGODB_SERVICE,
    }

    settings = Settings.from_env({"VCAP_SERVICES": json.dumps(services)})

    assert settings.origins["rabbitmq_url"] == "VCAP_SERVICES: my-rabbit"


def test_one_bound_server_without_the_other_is_a_fault() -> None:
    """A binding is as good as a variable for the rule that a cluster needs both."""
    assert "MONGODB_URI" in faults({"VCAP_SERVICES": bindings.vcap(bindings.RABBITMQ_TILE)})


def test_cloud_foundry_gets_its_own_defaults() -> None:
    """All addresses, JSON, and an end before the platform's SIGKILL 10 s after SIGTERM."""
    settings = Settings.from_env(CLOUD_FOUNDRY | BOTH | {"VCAP_SERVICES": "{}"})

    assert (settings.host, settings.port, settings.log_form) == ("0.0.0.0", 8080, LogForm.JSON)
    assert settings.grace_s == 8 < settings.kill_after_s < 10
    assert re.fullmatch(r"cron-service-1-[0-9a-f]{6}", settings.instance)
    assert settings.origins["host"] == "default on Cloud Foundry"


def test_heroku_gets_its_own_defaults() -> None:
    """All addresses, JSON, add-on URLs, and an end before SIGKILL 30 s after SIGTERM."""
    add_ons = {"CLOUDAMQP_URL": RABBITMQ, "MONGODB_URI": MONGODB}

    settings = Settings.from_env(HEROKU | add_ons)

    assert (settings.host, settings.port, settings.log_form) == ("0.0.0.0", 33507, LogForm.JSON)
    assert settings.grace_s == 25 < settings.kill_after_s < 30
    assert re.fullmatch(r"web\.2-[0-9a-f]{6}", settings.instance)
    assert settings.clustered


def test_what_is_set_wins_over_a_platforms_default() -> None:
    """Host, form and grace stay as the operator wants them."""
    wanted = {"SOLOCRON_HOST": "127.0.0.1", "SOLOCRON_LOG": "human", "SOLOCRON_GRACE": "3"}

    settings = Settings.from_env(HEROKU | BOTH | wanted)

    assert (settings.host, settings.log_form) == ("127.0.0.1", LogForm.HUMAN)
    assert settings.grace_s == 3


def test_what_is_left_over_of_a_platforms_document_does_not_matter() -> None:
    """VCAP_APPLICATION only says where we are; a form that we do not know is no fault."""
    settings = Settings.from_env(
        {"VCAP_APPLICATION": "?", "CF_INSTANCE_INDEX": "0", "SOLOCRON_AUTH": "on"}
    )

    assert settings.host == "0.0.0.0"
    assert settings.instance.startswith("solocron-0-")
