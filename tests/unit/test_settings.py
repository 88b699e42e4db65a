"""Settings: every variable, what fits each, and all faults at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from executor.config import AuthMode, LogForm, LogLevel, Proxies, QueueType, Settings
from executor.config.listing import rows
from executor.domain.address_policy import AddressPolicy
from executor.domain.faces import ALL_FACES, Face
from executor.domain.permitted_programs import CommandsMode, PermittedPrograms
from tests.servers.authority import Authority
from tests.unit.environments import (
    BOTH,
    CLOUD_FOUNDRY,
    HEROKU,
    MONGODB,
    RABBITMQ,
    faults,
)


def test_an_empty_environment_gives_the_embedded_default() -> None:
    """Nothing set: one machine, loopback only, everything in ./data."""
    settings = Settings.from_env({})

    assert (settings.host, settings.port, settings.data) == ("127.0.0.1", 8000, Path("data"))
    assert (settings.prefix, settings.queue_type) == ("solocron", QueueType.CLASSIC)
    assert (settings.grace_s, settings.run_lease_s, settings.command_timeout_s) == (25, 10, 5)
    assert (settings.threads, settings.log_form, settings.log_level) == (
        16,
        LogForm.HUMAN,
        LogLevel.INFO,
    )
    assert (settings.rabbitmq_url, settings.mongodb_uri, settings.clustered) == (None, None, False)
    assert settings.faces == ALL_FACES
    assert settings.notes == ()


def test_every_variable_reaches_its_field(tmp_path: Path) -> None:
    """All set: all values are the given ones, and none is said to be a default."""
    settings = Settings.from_env(
        BOTH
        | {
            "SOLOCRON_HOST": "[::1]",
            "SOLOCRON_RABBITMQ_CA": str(Authority(tmp_path).ca),
            "SOLOCRON_SECRET_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "SOLOCRON_SECRET_KEY_OLD": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "PORT": "9000",
            "SOLOCRON_AUTH": "on",
            "SOLOCRON_ADMIN_TOKEN": "t" * 32,
            "SOLOCRON_OIDC_ISSUER": "https://id.example.com/cron",
            "SOLOCRON_OIDC_AUDIENCE": "solocron",
            "SOLOCRON_OIDC_CLIENT_ID": "cron",
            "SOLOCRON_OIDC_CLIENT_SECRET": "hush",
            "SOLOCRON_OIDC_CLI_CLIENT_ID": "cron-cli",
            "SOLOCRON_OIDC_SCOPES": "openid, jobs:read  admin",
            "SOLOCRON_SESSION": "1h",
            "SOLOCRON_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1",
            "SOLOCRON_AUDIT_KEEP": "P30D",
            "SOLOCRON_DATA": "/srv/cron",
            "SOLOCRON_PREFIX": "cron.eu-1",
            "SOLOCRON_QUEUE_TYPE": "Quorum",
            "SOLOCRON_GRACE": "PT1M",
            "SOLOCRON_RUN_LEASE": "30",
            "SOLOCRON_COMMAND_TIMEOUT": "2.5",
            "SOLOCRON_HTTP_TARGETS": "Public",
            "SOLOCRON_HTTP_PROXIES": "environment",
            "SOLOCRON_HTTP_PER_HOST": "7",
            "SOLOCRON_URL": "https://cron.example.com",
            "SOLOCRON_COMMANDS": "Allow-List",
            "SOLOCRON_COMMANDS_ALLOWED": "/usr/bin/rsync, /opt/backup",
            "SOLOCRON_JOBS": "reports.jobs, backup",
            "SOLOCRON_PRECONDITION": "reports.database:migrate",
            "SOLOCRON_FACES": "Kala",
            "SOLOCRON_THREADS": "32",
            "SOLOCRON_INSTANCE": "eu-1a",
            "SOLOCRON_LOG": "json",
            "SOLOCRON_LOG_LEVEL": "DEBUG",
        }
    )

    assert (settings.host, settings.port, settings.data) == ("::1", 9000, Path("/srv/cron"))
    assert settings.url == "https://cron.example.com"
    assert (settings.prefix, settings.queue_type) == ("cron.eu-1", QueueType.QUORUM)
    assert (settings.grace_s, settings.run_lease_s, settings.command_timeout_s) == (60, 30, 2.5)
    assert settings.http_targets is AddressPolicy.PUBLIC
    assert (settings.http_proxies, settings.http_per_host) == (Proxies.ENVIRONMENT, 7)
    assert settings.permitted_programs == PermittedPrograms(
        CommandsMode.ALLOW_LIST, ("/usr/bin/rsync", "/opt/backup"), ("reports.jobs", "backup")
    )
    assert settings.precondition == "reports.database:migrate"
    assert settings.faces == (Face.KALA,)
    assert (settings.threads, settings.instance) == (32, "eu-1a")
    assert (settings.log_form, settings.log_level) == (LogForm.JSON, LogLevel.DEBUG)
    assert (settings.rabbitmq_url, settings.mongodb_uri) == (RABBITMQ, MONGODB)
    assert (settings.secret_key, settings.secret_key_old) == (bytes(32), bytes(32))
    assert (settings.auth, settings.admin_token) == (AuthMode.ON, "t" * 32)
    assert settings.oidc_issuer == "https://id.example.com/cron"
    assert settings.oidc_audience == "solocron"
    assert (settings.oidc_client_id, settings.oidc_client_secret) == ("cron", "hush")
    assert (settings.oidc_cli_client_id, settings.session_s) == ("cron-cli", 3600)
    assert settings.oidc_scopes == ("openid", "jobs:read", "admin")
    assert str(settings.trusted_proxies) == "10.0.0.0/8,192.0.2.1/32"
    assert settings.audit_keep_s == 30 * 86_400
    assert settings.url == "https://cron.example.com"
    assert settings.clustered
    assert "default" not in {row.origin for row in rows(settings)}


@pytest.mark.parametrize("text", ["90", "90s", "1m30s", "PT1M30S", " 90.0 "])
def test_durations_are_iso_short_or_plain_seconds(text: str) -> None:
    """All forms of 90 seconds are 90 seconds."""
    assert Settings.from_env({"SOLOCRON_GRACE": text}).grace_s == 90.0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", "٨٠٠٠"),
        ("SOLOCRON_HOST", "127.0.0.1:8000"),
        ("SOLOCRON_HOST", "http://localhost"),
        ("SOLOCRON_PREFIX", "amq.cron"),
        ("SOLOCRON_PREFIX", "two words"),
        ("SOLOCRON_QUEUE_TYPE", "mirrored"),
        ("SOLOCRON_GRACE", "-1"),
        ("SOLOCRON_GRACE", "2h"),
        ("SOLOCRON_RUN_LEASE", "1s"),
        ("SOLOCRON_COMMAND_TIMEOUT", "0"),
        ("SOLOCRON_HTTP_TARGETS", "internal"),
        ("SOLOCRON_HTTP_PROXIES", "http://proxy:3128"),
        ("SOLOCRON_HTTP_PER_HOST", "201"),
        ("SOLOCRON_COMMANDS", "some"),
        ("SOLOCRON_COMMANDS_ALLOWED", "rsync"),
        ("SOLOCRON_COMMANDS_ALLOWED", "/usr/bin/"),
        ("SOLOCRON_JOBS", "reports/jobs.py"),
        ("SOLOCRON_JOBS", "reports-jobs"),
        ("SOLOCRON_PRECONDITION", "reports.database"),
        ("SOLOCRON_FACES", "dkron"),
        ("SOLOCRON_THREADS", "1e3"),
        ("SOLOCRON_INSTANCE", "a/b"),
        ("SOLOCRON_LOG", "xml"),
        ("SOLOCRON_LOG_LEVEL", "loud"),
    ],
)
def test_a_bad_value_is_repeated_with_what_fits(name: str, text: str) -> None:
    """The fault is under the variable's name and quotes the value."""
    message = faults({name: text})[name]

    assert repr(text) in message


def test_all_faults_are_reported_at_once() -> None:
    """Six mistakes of different kinds are six faults of one error."""
    found = faults(
        {
            "PORT": "none",
            "SOLOCRON_GRACE": "25 minutes",
            "SOLOCRON_GRCE": "25",
            "RABBITMQ_URL": "rabbit.example.com",
            "CLOUDAMQP_URL_FILE": "/does/not/exist",
        }
    )

    assert set(found) == {
        *("PORT", "SOLOCRON_GRACE", "SOLOCRON_GRCE", "RABBITMQ_URL", "CLOUDAMQP_URL_FILE"),
        "MONGODB_URI",
    }


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("SOLOCRON_QUEUETYPE", "SOLOCRON_QUEUE_TYPE"),
        ("SOLOCRON_TIMEOUT", "SOLOCRON_COMMAND_TIMEOUT"),
        ("SOLOCRON_PORT", "PORT"),
        ("SOLOCRON_RABBITMQ_URL", "RABBITMQ_URL"),
        ("SOLOCRON_GRACE_FILE", "set SOLOCRON_GRACE"),
        ("SOLOCRON_XYZZY", "remove it"),
    ],
)
def test_an_unknown_name_is_a_fault_with_a_suggestion(name: str, advice: str) -> None:
    """A misspelt setting is not ignored."""
    assert advice in faults({name: "1"})[name]


def test_names_that_kubernetes_sets_are_not_ours() -> None:
    """A service called solocron puts seven SOLOCRON_* variables into every container."""
    Settings.from_env(
        {
            "SOLOCRON_SERVICE_HOST": "10.0.0.11",
            "SOLOCRON_SERVICE_PORT": "8000",
            "SOLOCRON_SERVICE_PORT_HTTP": "8000",
            "SOLOCRON_PORT": "tcp://10.0.0.11:8000",
            "SOLOCRON_PORT_8000_TCP": "tcp://10.0.0.11:8000",
            "SOLOCRON_PORT_8000_TCP_PROTO": "tcp",
            "SOLOCRON_WEB_PORT_8000_TCP_ADDR": "10.0.0.11",
            "SOLOCRON_WEB_PORT": "tcp://10.0.0.11:8000",
        }
    )


def test_no_face_is_a_choice_of_its_own() -> None:
    """``none`` switches all of them off; together with others it is a fault."""
    settings = Settings.from_env({"SOLOCRON_FACES": "none"})

    assert settings.faces == ()
    assert {row.name: row.value for row in rows(settings)}["SOLOCRON_FACES"] == "none"
    assert "none" in faults({"SOLOCRON_FACES": "none,kala"})["SOLOCRON_FACES"]


def test_a_variable_set_to_nothing_is_not_set() -> None:
    """Compose files write absent values as empty ones."""
    settings = Settings.from_env({"RABBITMQ_URL": "", "MONGODB_URI": "  ", "PORT": ""})

    assert (settings.port, settings.clustered) == (8000, False)


def test_doubtful_settings_are_noted() -> None:
    """Files on a disk that a platform empties, and a grace period longer than it grants."""
    without_servers = Settings.from_env(HEROKU)
    too_long = Settings.from_env(CLOUD_FOUNDRY | BOTH | {"SOLOCRON_GRACE": "20"})

    assert "Heroku empties at every restart" in without_servers.notes[0]
    assert "SOLOCRON_GRACE shorter" in too_long.notes[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "cron.example.com"])
def test_programs_for_whoever_comes_are_noted(host: str) -> None:
    """Somebody chose that; the note says who can do what, and how to narrow it."""
    wide = Settings.from_env(
        {"SOLOCRON_HOST": host, "SOLOCRON_AUTH": "off", "SOLOCRON_COMMANDS": "on"}
    )

    (note,) = wide.notes
    assert f"whoever reaches {host} on port 8000" in note
    for way_out in (
        "SOLOCRON_AUTH to on",
        "SOLOCRON_COMMANDS to off",
        "allow-list",
        "SOLOCRON_COMMANDS_ALLOWED",
    ):
        assert way_out in note


@pytest.mark.parametrize(
    "narrowed",
    [
        {"SOLOCRON_HOST": "127.0.0.1", "SOLOCRON_COMMANDS": "on"},
        {"SOLOCRON_HOST": "0.0.0.0", "SOLOCRON_AUTH": "on", "SOLOCRON_COMMANDS": "on"},
        {"SOLOCRON_HOST": "0.0.0.0", "SOLOCRON_AUTH": "off"},
        {"SOLOCRON_HOST": "0.0.0.0", "SOLOCRON_AUTH": "off", "SOLOCRON_COMMANDS": "off"},
        {
            "SOLOCRON_HOST": "0.0.0.0",
            "SOLOCRON_AUTH": "off",
            "SOLOCRON_COMMANDS": "allow-list",
            "SOLOCRON_COMMANDS_ALLOWED": "/usr/bin/true",
        },
    ],
)
def test_programs_for_a_few_are_nothing_to_note(narrowed: dict[str, str]) -> None:
    """Those of this machine, of who has a token, none, or those that the operator has listed."""
    assert Settings.from_env(narrowed).notes == ()


def test_two_instances_of_one_place_have_different_names() -> None:
    """An instance and its replacement with the same index run side by side for a while."""
    names = {Settings.from_env(CLOUD_FOUNDRY).instance for _ in range(5)}

    assert len(names) == 5
