"""Settings: every variable, all faults at once, platforms, and no secret in sight."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from executor.config import LogForm, LogLevel, Proxies, QueueType, Settings
from executor.config.credentials import mask_url
from executor.config.listing import rows
from executor.config.variables import VARIABLES
from executor.domain.address_policy import AddressPolicy
from executor.domain.errors import ConfigError
from executor.domain.permitted_programs import CommandsMode, PermittedPrograms
from tests.unit import service_bindings as bindings

RABBITMQ = "amqps://cron:s3cret@rabbit.example.com:5671/cron"
MONGODB = "mongodb://cron:s3cret@m0.example.com,m1.example.com:27018/cron?replicaSet=rs0"
BOTH = {"RABBITMQ_URL": RABBITMQ, "MONGODB_URI": MONGODB}

VCAP_APPLICATION = json.dumps(
    {"application_name": "cron service", "instance_index": 1, "limits": {"mem": 512}}
)
CLOUD_FOUNDRY = {
    "VCAP_APPLICATION": VCAP_APPLICATION,
    "CF_INSTANCE_INDEX": "1",
    "PORT": "8080",
}
HEROKU = {"DYNO": "web.2", "PORT": "33507", "WEB_CONCURRENCY": "2"}


def faults(environ: dict[str, str]) -> dict[str, str]:
    """Return the faults of *environ* by the variable they name."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(environ)
    return {fault.field: fault.message for fault in caught.value.faults}


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
    assert settings.notes == ()


def test_every_variable_reaches_its_field() -> None:
    """All set: all values are the given ones, and none is said to be a default."""
    settings = Settings.from_env(
        BOTH
        | {
            "SOLOCRON_HOST": "[::1]",
            "SOLOCRON_SECRET_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "SOLOCRON_SECRET_KEY_OLD": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "PORT": "9000",
            "SOLOCRON_DATA": "/srv/cron",
            "SOLOCRON_PREFIX": "cron.eu-1",
            "SOLOCRON_QUEUE_TYPE": "Quorum",
            "SOLOCRON_GRACE": "PT1M",
            "SOLOCRON_RUN_LEASE": "30",
            "SOLOCRON_COMMAND_TIMEOUT": "2.5",
            "SOLOCRON_HTTP_TARGETS": "Public",
            "SOLOCRON_HTTP_PROXIES": "environment",
            "SOLOCRON_HTTP_PER_HOST": "7",
            "SOLOCRON_COMMANDS": "Allow-List",
            "SOLOCRON_COMMANDS_ALLOWED": "/usr/bin/rsync, /opt/backup",
            "SOLOCRON_THREADS": "32",
            "SOLOCRON_URL": "https://cron.example.com/",
            "SOLOCRON_INSTANCE": "eu-1a",
            "SOLOCRON_LOG": "json",
            "SOLOCRON_LOG_LEVEL": "DEBUG",
        }
    )

    assert (settings.host, settings.port, settings.data) == ("::1", 9000, Path("/srv/cron"))
    assert (settings.prefix, settings.queue_type) == ("cron.eu-1", QueueType.QUORUM)
    assert (settings.grace_s, settings.run_lease_s, settings.command_timeout_s) == (60, 30, 2.5)
    assert settings.http_targets is AddressPolicy.PUBLIC
    assert (settings.http_proxies, settings.http_per_host) == (Proxies.ENVIRONMENT, 7)
    assert settings.permitted_programs == PermittedPrograms(
        CommandsMode.ALLOW_LIST, ("/usr/bin/rsync", "/opt/backup")
    )
    assert (settings.threads, settings.instance) == (32, "eu-1a")
    assert (settings.log_form, settings.log_level) == (LogForm.JSON, LogLevel.DEBUG)
    assert (settings.rabbitmq_url, settings.mongodb_uri) == (RABBITMQ, MONGODB)
    assert (settings.secret_key, settings.secret_key_old) == (bytes(32), bytes(32))
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


def test_a_variable_set_to_nothing_is_not_set() -> None:
    """Compose files write absent values as empty ones."""
    settings = Settings.from_env({"RABBITMQ_URL": "", "MONGODB_URI": "  ", "PORT": ""})

    assert (settings.port, settings.clustered) == (8000, False)


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


def test_doubtful_settings_are_noted() -> None:
    """Files on a disk that a platform empties, and a grace period longer than it grants."""
    without_servers = Settings.from_env(HEROKU)
    too_long = Settings.from_env(CLOUD_FOUNDRY | BOTH | {"SOLOCRON_GRACE": "20"})

    assert "Heroku empties at every restart" in without_servers.notes[0]
    assert "SOLOCRON_GRACE shorter" in too_long.notes[0]


def test_two_instances_of_one_place_have_different_names() -> None:
    """An instance and its replacement with the same index run side by side for a while."""
    names = {Settings.from_env(CLOUD_FOUNDRY).instance for _ in range(5)}

    assert len(names) == 5


def test_what_is_left_over_of_a_platforms_document_does_not_matter() -> None:
    """VCAP_APPLICATION only says where we are; a form that we do not know is no fault."""
    settings = Settings.from_env({"VCAP_APPLICATION": "?", "CF_INSTANCE_INDEX": "0"})

    assert settings.host == "0.0.0.0"
    assert settings.instance.startswith("solocron-0-")
