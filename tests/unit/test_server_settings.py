"""Where broker and store are: both or neither, from files too, and no password in sight."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.config import Settings
from executor.config.credentials import mask_url
from executor.config.listing import rows
from executor.config.variables import VARIABLES
from tests.unit import service_bindings as bindings
from tests.unit.environments import (
    BOTH,
    MONGODB,
    RABBITMQ,
    faults,
)


@pytest.mark.parametrize("given", ["RABBITMQ_URL", "MONGODB_URI"])
def test_one_server_without_the_other_is_a_fault(given: str) -> None:
    """The fault names the missing variable and both ways out."""
    (missing,) = set(BOTH) - {given}

    message = faults({given: BOTH[given]})[missing]

    assert "a cluster needs both" in message
    assert "one machine" in message


def test_a_broken_server_counts_as_given() -> None:
    """A typing error in one URL is one fault, not also a missing server."""
    assert set(faults(BOTH | {"RABBITMQ_URL": "http://rabbit"})) == {"RABBITMQ_URL"}


@pytest.mark.parametrize(
    "name", [v.name for v in VARIABLES if v.secret and not v.name.startswith("SOLOCRON_")]
)
def test_every_address_can_come_from_a_file(name: str, tmp_path: Path) -> None:
    """<NAME>_FILE is the same as the content of that file in <NAME>, line end aside."""
    texts = {
        "RABBITMQ_URL": RABBITMQ,
        "CLOUDAMQP_URL": RABBITMQ,
        "MONGODB_URI": MONGODB,
        "MONGODB_URL": MONGODB,
        "VCAP_SERVICES": bindings.vcap(bindings.RABBITMQ_TILE, bindings.MONGODB_SERVICE),
    }
    partner = {"R": "MONGODB_URI", "C": "MONGODB_URI", "M": "RABBITMQ_URL"}.get(name[0])
    file = tmp_path / "secret"
    file.write_text(f"{texts[name]}\n", encoding="utf-8")
    others = {partner: BOTH[partner]} if partner else {}

    direct = Settings.from_env({name: texts[name], **others})
    from_file = Settings.from_env({f"{name}_FILE": str(file), **others})

    assert from_file.rabbitmq_url == direct.rabbitmq_url is not None
    assert from_file.mongodb_uri == direct.mongodb_uri is not None


def test_a_secret_given_twice_is_a_fault(tmp_path: Path) -> None:
    """Which of the two is meant is not guessed."""
    file = tmp_path / "secret"
    file.write_text(RABBITMQ, encoding="utf-8")

    message = faults(BOTH | {"RABBITMQ_URL_FILE": str(file)})["RABBITMQ_URL"]

    assert "RABBITMQ_URL_FILE" in message


def test_an_unreadable_or_empty_file_is_a_fault(tmp_path: Path) -> None:
    """A secret that cannot be had does not silently mean the embedded default."""
    empty = tmp_path / "empty"
    empty.touch()

    found = faults({"RABBITMQ_URL_FILE": str(tmp_path), "MONGODB_URI_FILE": str(empty)})

    assert "Is a directory" in found["RABBITMQ_URL_FILE"]
    assert "empty" in found["MONGODB_URI_FILE"]


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("RABBITMQ_URL", "amqp://cron:s3cret/x@rabbit.example.com"),
        ("RABBITMQ_URL", "amqp://cron:s3cret@x@rabbit.example.com"),
        ("RABBITMQ_URL", "amqp://cron:s3cret#x@rabbit.example.com"),
        ("RABBITMQ_URL", "amqp://cron:s3cret@rabbit.example.com:port"),
        ("RABBITMQ_URL", "amqp://cron:s3cret@"),
        ("RABBITMQ_URL", "amqp://cron:s3cret@host\nname"),
        ("RABBITMQ_URL", "cron:s3cret@rabbit.example.com"),
        ("RABBITMQ_URL", MONGODB),
        ("RABBITMQ_URL", f"{RABBITMQ},"),
        ("RABBITMQ_URL", f"{RABBITMQ},cron:s3cret@rabbit.example.com"),
        ("RABBITMQ_URL", "amqp://cron:s3,cret@rabbit.example.com"),
        ("MONGODB_URI", "mongodb://cron:s3cret/x@m0.example.com"),
        ("MONGODB_URI", "mongodb://cron:s3cret@m0.example.com,,m1.example.com"),
        ("MONGODB_URI", "mongodb://cron:s3cret@m0:port,m1"),
        ("VCAP_SERVICES", '{"user-provided": [{"credentials": "s3cret"}]}'),
        ("VCAP_SERVICES", "s3cret"),
        ("VCAP_SERVICES", "[1]"),
    ],
)
def test_a_broken_secret_is_refused_without_being_repeated(name: str, url: str) -> None:
    """The fault says what to write, and the password is not in it."""
    message = faults(BOTH | {name: url})[name]

    assert "s3cret" not in message


def test_a_brokers_nodes_may_be_listed() -> None:
    """One URL for each node, separated by commas, is passed on as it is."""
    nodes = f"{RABBITMQ},{RABBITMQ.replace('rabbit', 'hare')}"

    assert Settings.from_env(BOTH | {"RABBITMQ_URL": nodes}).rabbitmq_url == nodes


def test_no_secret_is_shown() -> None:
    """Neither repr nor the list of settings holds a password."""
    settings = Settings.from_env(BOTH)
    shown = f"{settings!r} {settings} {rows(settings)}"

    assert "s3cret" not in shown
    assert "amqps://cron:***@rabbit.example.com:5671/cron" in shown


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        (MONGODB, MONGODB.replace("s3cret", "***")),
        ("amqp://cron:a/b@c#d@host/v", "amqp://cron:***@host/v"),
        ("amqp://host/v", "amqp://host/v"),
        ("amqp://a:b@h1/v,amqp://a:b@h2/v", "amqp://a:***@h1/v,amqp://a:***@h2/v"),
        ("amqp://cron@host", "amqp://cron@host"),
        (
            "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=abc&w=1",
            "mongodb://h/?tls=true&tlsCertificateKeyFilePassword=***&w=1",
        ),
        (
            "mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:abc",
            "mongodb://h/?authMechanismProperties=***",
        ),
    ],
)
def test_masking_leaves_everything_but_secrets(url: str, masked: str) -> None:
    """User, hosts, path and harmless options stay readable."""
    assert mask_url(url) == masked
