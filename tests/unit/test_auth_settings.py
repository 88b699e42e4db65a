"""Who is let in, as far as the settings decide it."""

from __future__ import annotations

import pytest

from executor.config import AuthMode, Settings
from executor.config.listing import rows
from executor.domain.errors import ConfigError

ADMIN = {"SOLOCRON_ADMIN_TOKEN": "t" * 32}
OIDC = {
    "SOLOCRON_OIDC_ISSUER": "https://id.example.com",
    "SOLOCRON_OIDC_AUDIENCE": "solocron",
}


def faults(environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(environ)
    return {fault.field: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize(
    "environ",
    [
        {"SOLOCRON_HOST": "0.0.0.0"},
        {"SOLOCRON_HOST": "::"},
        {"SOLOCRON_HOST": "10.0.0.5"},
        {"SOLOCRON_HOST": "cron.example"},
        {"DYNO": "web.1"},
        {"VCAP_APPLICATION": "{}"},
    ],
)
def test_nobody_is_published_by_accident(environ: dict[str, str]) -> None:
    """The fault says the ways out."""
    message = faults(environ)["SOLOCRON_AUTH"]

    for way in ("SOLOCRON_ADMIN_TOKEN", "openssl rand -hex 32", "SOLOCRON_OIDC_ISSUER"):
        assert way in message
    assert "SOLOCRON_AUTH=on" in message
    assert "solocron token create NAME --scope admin" in message
    assert "SOLOCRON_HOST=127.0.0.1" in message
    assert "SOLOCRON_AUTH=off" in message


def test_a_worker_needs_no_login() -> None:
    """It listens nowhere, also on a platform where web would."""
    Settings.from_env({"DYNO": "worker.1", "RABBITMQ_URL": "amqp://rabbit"}, worker=True)


@pytest.mark.parametrize("way", [ADMIN, OIDC, {"SOLOCRON_AUTH": "on"}])
def test_with_authentication_one_may_listen_anywhere(way: dict[str, str]) -> None:
    """Callers must say who they are then, also on a loopback address."""
    for host in ("0.0.0.0", "127.0.0.1"):
        settings = Settings.from_env({"SOLOCRON_HOST": host, **way})
        assert settings.auth is AuthMode.ON
        assert not settings.local_names_only


def test_who_switches_authentication_off_has_said_so() -> None:
    """Then no name is asked for either, wherever it listens, and whatever else is set."""
    for host in ("0.0.0.0", "127.0.0.1"):
        settings = Settings.from_env({"SOLOCRON_HOST": host, "SOLOCRON_AUTH": "off", **ADMIN})
        assert settings.auth is AuthMode.OFF
        assert not settings.local_names_only


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_loopback_the_machines_users_are_let_in(host: str) -> None:
    """Under its own names only: the border of the machine is all there is."""
    settings = Settings.from_env({"SOLOCRON_HOST": host})

    assert settings.auth is AuthMode.OFF
    assert settings.local_names_only


@pytest.mark.parametrize("name", list(OIDC))
def test_half_an_identity_provider_is_a_fault(name: str) -> None:
    """It names the other half."""
    (other,) = set(OIDC) - {name}
    assert name in faults({name: OIDC[name]})[other]


@pytest.mark.parametrize(
    ("environ", "needed"),
    [
        ({"SOLOCRON_OIDC_CLIENT_ID": "cron"}, "SOLOCRON_OIDC_ISSUER"),
        ({"SOLOCRON_OIDC_CLI_CLIENT_ID": "cron"}, "SOLOCRON_OIDC_ISSUER"),
        ({**OIDC, "SOLOCRON_OIDC_CLIENT_SECRET": "hush"}, "SOLOCRON_OIDC_CLIENT_ID"),
        (
            {**OIDC, "SOLOCRON_OIDC_CLIENT_ID": "cron", "SOLOCRON_HOST": "0.0.0.0"},
            "SOLOCRON_URL",
        ),
    ],
)
def test_a_login_that_cannot_work_is_a_fault(environ: dict[str, str], needed: str) -> None:
    """It names what is missing, and does not show a secret."""
    message = faults(environ)[needed]

    assert "is not set" in message
    assert "hush" not in message


def test_a_login_needs_few_settings() -> None:
    """On a loopback address the service knows its own; sessions last half a day."""
    settings = Settings.from_env({**OIDC, "SOLOCRON_OIDC_CLIENT_ID": "cron"})

    assert settings.url == "http://127.0.0.1:8000"
    assert settings.session_s == 12 * 3600
    assert settings.oidc_scopes[0] == "openid"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SOLOCRON_OIDC_SCOPES", "jobs:read"),
        ("SOLOCRON_OIDC_SCOPES", 'openid "jobs"'),
        ("SOLOCRON_OIDC_CLIENT_ID", "two words"),
        ("SOLOCRON_OIDC_CLIENT_SECRET", "hush\nhush"),
        ("SOLOCRON_SESSION", "10s"),
        ("SOLOCRON_SESSION", "P31D"),
        ("SOLOCRON_ADMIN_TOKEN", "short"),
        ("SOLOCRON_ADMIN_TOKEN", "with spaces " * 4),
        ("SOLOCRON_ADMIN_TOKEN", "ü" * 40),
        ("SOLOCRON_OIDC_ISSUER", "http://id.example.com"),
        ("SOLOCRON_OIDC_ISSUER", "id.example.com"),
        ("SOLOCRON_OIDC_ISSUER", "https://id.example.com/?a=b"),
        ("SOLOCRON_OIDC_ISSUER", "https://me@id.example.com/"),
        ("SOLOCRON_OIDC_AUDIENCE", "two words"),
        ("SOLOCRON_AUTH", "maybe"),
        ("SOLOCRON_TRUSTED_PROXIES", "everybody"),
        ("SOLOCRON_AUDIT_KEEP", "1h"),
    ],
)
def test_what_cannot_be_meant_is_refused(name: str, text: str) -> None:
    """With what to write instead, and without repeating a secret."""
    message = faults({**OIDC, name: text})[name]
    assert name not in {"SOLOCRON_ADMIN_TOKEN", "SOLOCRON_OIDC_CLIENT_SECRET"} or (
        text not in message
    )


def test_the_administrators_token_is_shown_nowhere() -> None:
    """Neither in the list of settings nor in their repr."""
    settings = Settings.from_env({"SOLOCRON_ADMIN_TOKEN": "hush" * 10})

    assert "hush" not in repr(settings)
    assert "hush" not in repr(rows(settings))


def test_what_only_clients_read_is_no_fault() -> None:
    """They run in the same environment as the service."""
    Settings.from_env({"SOLOCRON_TOKEN": "x", "SOLOCRON_URL": "http://localhost:8000"})
