"""The file with the authorities that vouch for the broker: how it is given, and where it counts."""

from __future__ import annotations

import ssl
from pathlib import Path

import pika  # type: ignore[import-untyped]
import pytest

from executor.adapters.rabbitmq import trusting
from executor.config import Settings
from executor.config.listing import rows
from tests.servers.authority import Authority
from tests.unit import service_bindings as bindings
from tests.unit.environments import BOTH, MONGODB, RABBITMQ, faults

NAME = "SOLOCRON_RABBITMQ_CA"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Authority(tmp_path_factory.mktemp("authority")).ca


def test_the_file_is_read_at_the_start_and_shown(ca: Path) -> None:
    """An operator sees which one is in force; it is no secret."""
    settings = Settings.from_env(BOTH | {NAME: str(ca)})

    assert settings.rabbitmq_ca == ca
    assert {row.name: row.value for row in rows(settings)}[NAME] == str(ca)
    assert Settings.from_env(BOTH).rabbitmq_ca is None


def test_a_file_that_vouches_for_nobody_is_a_fault(tmp_path: Path) -> None:
    """With the reason, before anything is connected."""
    other = tmp_path / "other"
    other.write_text("no certificate", encoding="ascii")

    missing = faults(BOTH | {NAME: str(tmp_path / "nowhere.pem")})[NAME]
    assert missing.endswith("nowhere.pem' cannot be read: No such file or directory")
    assert "cannot be read: Is a directory" in faults(BOTH | {NAME: str(tmp_path)})[NAME]
    assert "holds no certificates" in faults(BOTH | {NAME: str(other)})[NAME]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "RABBITMQ_URL is not; set both"),
        ({"MONGODB_URI": MONGODB, "RABBITMQ_URL": "amqp://rabbit.example"}, "write amqps:// URLs"),
        (
            {"MONGODB_URI": MONGODB, "RABBITMQ_URL": f"{RABBITMQ},amqp://rabbit2.example"},
            "write amqps:// URLs",
        ),
        (
            {"MONGODB_URI": MONGODB, "RABBITMQ_URL": f"{RABBITMQ}?ssl_options=%7B%7D"},
            "the broker's URL has ssl_options",
        ),
    ],
)
def test_a_file_without_effect_is_a_fault(ca: Path, given: dict[str, str], words: str) -> None:
    """Nobody shall believe that a line is protected which is not."""
    assert words in faults(given | {NAME: str(ca)})[NAME]


def test_a_broken_url_is_one_fault(ca: Path) -> None:
    """What is wrong with it says nothing about the file."""
    assert set(faults(BOTH | {"RABBITMQ_URL": "http://rabbit", NAME: str(ca)})) == {"RABBITMQ_URL"}


def test_a_service_bindings_broker_is_trusted_by_it(ca: Path) -> None:
    """Where its URL comes from does not matter."""
    services = bindings.vcap(bindings.RABBITMQ_TILE, bindings.MONGODB_SERVICE)
    settings = Settings.from_env({"VCAP_SERVICES": services})
    found = faults({"VCAP_SERVICES": services, NAME: str(ca)})

    assert settings.rabbitmq_url is not None
    assert settings.rabbitmq_url.startswith("amqp://")
    assert "write amqps:// URLs" in found[NAME]


@pytest.mark.parametrize(
    "url", [RABBITMQ, f"{RABBITMQ}?heartbeat=9", f"{RABBITMQ},amqps://rabbit2.example:5671/cron"]
)
def test_every_node_is_trusted_by_the_authority_and_no_other(tmp_path: Path, url: str) -> None:
    """Whatever the file is called; certificate and host name are looked at."""
    folder = tmp_path / "it's, a {folder}?&"
    folder.mkdir()
    nodes = trusting(url, Authority(folder).ca).split(",")

    assert len(nodes) == len(url.split(","))
    for node in nodes:
        made = pika.URLParameters(node)
        context = made.ssl_options.context
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert [one["subject"] for one in context.get_ca_certs()] == [
            ((("commonName", "a private authority"),),)
        ]
        assert made.virtual_host == "cron"


def test_without_a_file_a_url_stays_as_it_is() -> None:
    """The machine's own authorities count."""
    assert trusting(RABBITMQ, None) == RABBITMQ
