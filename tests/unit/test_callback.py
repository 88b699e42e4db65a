"""Tokens of call-backs, and whether this service knows where it is reached."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest

from executor.config import Settings
from executor.domain.callback import address_of, is_token, token_for
from executor.domain.errors import ConfigError, InvalidJob
from executor.domain.job import definition_from_document
from executor.domain.targets import HttpTarget

KEY = b"k" * 32


def test_a_token_follows_from_the_run_and_the_key() -> None:
    """HMAC-SHA256, reckoned here once more."""
    told = b"solocron run report\x00run-1"
    assert token_for(KEY, "run-1") == hmac.new(KEY, told, hashlib.sha256).hexdigest()


def test_a_token_is_good_for_one_run_of_one_installation() -> None:
    """Neither for another run, nor with another key, nor in part."""
    token = token_for(KEY, "run-1")

    assert is_token(KEY, "run-1", token)
    assert not is_token(KEY, "run-2", token)
    assert not is_token(b"x" * 32, "run-1", token)
    for wrong in ("", token[:-1], token.upper(), "\N{SNOWMAN}"):
        assert not is_token(KEY, "run-1", wrong)


def test_the_address_is_that_of_the_run() -> None:
    """Below whatever path the service is reached under."""
    assert address_of("https://a/cron", "run-1") == "https://a/cron/v1/runs/run-1/status"


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"SOLOCRON_HOST": "::1"}, "http://[::1]:8000"),
        ({"SOLOCRON_HOST": "localhost"}, "http://localhost:8000"),
        ({"SOLOCRON_HOST": "0.0.0.0", "SOLOCRON_AUTH": "off"}, None),
        (
            {"SOLOCRON_HOST": "0.0.0.0", "SOLOCRON_AUTH": "off", "SOLOCRON_URL": "https://a.b/c/"},
            "https://a.b/c",
        ),
    ],
)
def test_the_service_knows_its_address_on_loopback_or_when_it_is_told(
    environ: dict[str, str], url: str | None
) -> None:
    """Jobs may count on call-backs exactly where it does."""
    settings = Settings.from_env(environ)
    faults = settings.permitted_targets.faults(HttpTarget(url="https://a/", callback=True))

    assert settings.url == url
    assert [fault.field for fault in faults] == ([] if url else ["target.callback"])


@pytest.mark.parametrize("text", ["solocron.example.com", "ftp://a/", "http:///x", "http://a/?b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """The fault names the setting, and shows one that is."""
    with pytest.raises(ConfigError, match=r"SOLOCRON_URL.*https://"):
        Settings.from_env({"SOLOCRON_URL": text})


@pytest.mark.parametrize(
    "target",
    [
        {"kind": "http", "url": "https://example.com/"},
        {"kind": "command", "command": "true"},
    ],
)
def test_heartbeats_are_expected_only_of_whoever_can_report(target: dict[str, Any]) -> None:
    """Elsewhere the field would mean nothing, and is refused."""
    document = {"name": "long", "target": target, "heartbeat_timeout": "PT1M"}

    with pytest.raises(InvalidJob) as refused:
        definition_from_document(document)

    assert [fault.field for fault in refused.value.faults] == ["heartbeat_timeout"]


def test_a_service_that_calls_back_may_be_expected_to_beat() -> None:
    """And without the field it may be silent for as long as it likes."""
    target = {"kind": "http", "url": "https://example.com/", "callback": True}

    beating = definition_from_document(
        {"name": "long", "target": target, "heartbeat_timeout": "1m"}
    )

    assert beating.heartbeat_timeout is not None
    assert definition_from_document({"name": "a", "target": target}).heartbeat_timeout is None
