"""The one table of environment variables, and how each of them is read.

It drives reading (:mod:`executor.config.settings`), it is what ``solocron config``
prints, and the README shows it; a test compares them.  A reader takes the text as it
was written and returns the value in the unit of the table; a ``ValueError`` says what to
write instead and repeats the text only if it cannot be a secret.
"""

from __future__ import annotations

import re
from base64 import b64decode
from functools import partial
from pathlib import Path
from typing import Final

from executor.config.choices import LogForm, LogLevel, Proxies, QueueType
from executor.config.code_names import function, modules, programs
from executor.config.credentials import (
    MONGODB,
    RABBITMQ,
    ca_file,
    check_url,
    public_url,
    read_bindings,
)
from executor.config.entrance_variables import ENTRANCE
from executor.config.forms import choice, integer, name, seconds
from executor.config.variable import BINDINGS, CLOUD_FOUNDRY, HEROKU, Platform, Variable
from executor.domain.address_policy import AddressPolicy
from executor.domain.faces import faces_from_text
from executor.domain.permitted_programs import CommandsMode


def _host(text: str) -> str:
    bare = text.removeprefix("[").removesuffix("]")
    if not re.fullmatch(r"[A-Za-z0-9._:%-]+", bare) or re.fullmatch(r"[^:]+:\d+", bare):
        raise ValueError(f"{text!r} is not a host name or address; the port belongs into PORT")
    return bare


def _key(text: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ValueError("is not 32 bytes in base64; make a key with: openssl rand -base64 32")
    return key


def _folder(text: str) -> Path:
    return Path(text).expanduser()


def _both(text: str) -> dict[Platform, str]:
    return {CLOUD_FOUNDRY: text, HEROKU: text}


VARIABLES: Final = (
    Variable(
        name="SOLOCRON_HOST",
        setting="host",
        kind="host name or address",
        read=_host,
        default="127.0.0.1",
        on_platforms=_both("0.0.0.0"),
        meaning="Address that the web process listens on.",
    ),
    Variable(
        name="PORT",
        setting="port",
        kind="number, 1 to 65535",
        read=integer(1, 65535),
        default="8000",
        meaning="Port that the web process listens on.",
    ),
    Variable(
        name="SOLOCRON_URL",
        setting="url",
        kind="URL, `http://` or `https://`",
        read=public_url,
        meaning="Where people, the command line and services that call back reach this service; "
        "links in messages begin with it. If not set: this machine's own address where "
        "`SOLOCRON_HOST` is a loopback address.",
    ),
    Variable(
        name="RABBITMQ_URL",
        setting="rabbitmq_url",
        kind="URL, `amqp://` or `amqps://`; one for each node, separated by commas",
        read=partial(check_url, server=RABBITMQ),
        meaning="The broker of a cluster. Without it and `MONGODB_URI` one machine is enough.",
        secret=True,
    ),
    Variable(
        name="CLOUDAMQP_URL",
        setting="rabbitmq_url",
        kind="URL",
        read=partial(check_url, server=RABBITMQ),
        meaning="As `RABBITMQ_URL`, as the Heroku add-on sets it.",
        secret=True,
    ),
    Variable(
        name="SOLOCRON_RABBITMQ_CA",
        setting="rabbitmq_ca",
        kind="file",
        read=ca_file,
        meaning="The authorities, as PEM text, that vouch for a broker at `amqps://`. If not set: "
        "the machine's own.",
    ),
    Variable(
        name="MONGODB_URI",
        setting="mongodb_uri",
        kind="URL, `mongodb://` or `mongodb+srv://`",
        read=partial(check_url, server=MONGODB),
        meaning="The store of a cluster. The database is the URL's path, or `solocron`.",
        secret=True,
    ),
    Variable(
        name="MONGODB_URL",
        setting="mongodb_uri",
        kind="URL",
        read=partial(check_url, server=MONGODB),
        meaning="As `MONGODB_URI`.",
        secret=True,
    ),
    Variable(
        name=BINDINGS,
        setting="bindings",
        kind="JSON",
        read=read_bindings,
        meaning="Cloud Foundry's service bindings; RabbitMQ and MongoDB are found in it.",
        secret=True,
    ),
    Variable(
        name="SOLOCRON_SECRET_KEY",
        setting="secret_key",
        kind="32 bytes in base64",
        read=_key,
        meaning="The key that secrets are sealed with, the same for all instances. "
        "Make one with `openssl rand -base64 32`; without it there are no secrets.",
        secret=True,
    ),
    Variable(
        name="SOLOCRON_SECRET_KEY_OLD",
        setting="secret_key_old",
        kind="32 bytes in base64",
        read=_key,
        meaning="The former key, while secrets sealed with it are still to be put again.",
        secret=True,
    ),
    *ENTRANCE,
    Variable(
        name="SOLOCRON_AUDIT_KEEP",
        setting="audit_keep_s",
        kind="duration, 1 day to 10 years",
        read=seconds("PT24H", "P3660D"),
        unit="s",
        default="P365D",
        meaning="How long entries of the audit are kept.",
    ),
    Variable(
        name="SOLOCRON_DATA",
        setting="data",
        kind="folder",
        read=_folder,
        default="./data",
        meaning="Where everything is kept without RabbitMQ and MongoDB. Must be on a local disk.",
    ),
    Variable(
        name="SOLOCRON_PREFIX",
        setting="prefix",
        kind="name",
        read=name(r"(?!amq\.)[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "letters, digits, . _ - (not amq.)"),
        default="solocron",
        meaning="Beginning of the queues' names. Clusters on one broker need different ones.",
    ),
    Variable(
        name="SOLOCRON_QUEUE_TYPE",
        setting="queue_type",
        kind="`classic` or `quorum`",
        read=choice(QueueType),
        default="classic",
        meaning="Type of the queues. Take `quorum` on a broker of three or more nodes.",
    ),
    Variable(
        name="SOLOCRON_GRACE",
        setting="grace_s",
        kind="duration",
        read=seconds("0s", "1h"),
        unit="s",
        default="25s",
        on_platforms={CLOUD_FOUNDRY: "8s"},
        meaning="How long running work may go on after SIGTERM before it is cancelled.",
    ),
    Variable(
        name="SOLOCRON_RUN_LEASE",
        setting="run_lease_s",
        kind="duration, 3 s to 10 min",
        read=seconds("3s", "10m"),
        unit="s",
        default="10s",
        meaning="How long after its executor died a run is taken for lost.",
    ),
    Variable(
        name="SOLOCRON_COMMAND_TIMEOUT",
        setting="command_timeout_s",
        kind="duration, 0.1 s to 25 s",
        # HTTP routers of platforms give up after 30 s.
        read=seconds("0.1s", "25s"),
        unit="s",
        default="5s",
        meaning="How long a write waits for the executor before it is answered with 202.",
    ),
    Variable(
        name="SOLOCRON_HTTP_TARGETS",
        setting="http_targets",
        kind="`any`, `private` or `public`",
        read=choice(AddressPolicy),
        meaning="Where requests of jobs may go. `private`: anywhere but this machine, link-local "
        "addresses and metadata services. `public`: globally routed addresses only. If not set: "
        "`any` while `SOLOCRON_HOST` is a loopback address, else `private`.",
    ),
    Variable(
        name="SOLOCRON_HTTP_PROXIES",
        setting="http_proxies",
        kind="`environment` or `none`",
        read=choice(Proxies),
        meaning="Whether requests of jobs go through `http_proxy`, `https_proxy` and their like. "
        "Where such a request ends up is then for the proxy to restrict. If not set: "
        "`environment` if targets may be `any`, else `none`.",
    ),
    Variable(
        name="SOLOCRON_HTTP_PER_HOST",
        setting="http_per_host",
        kind="number, 1 to 200",
        read=integer(1, 200),
        unit="requests",
        default="100",
        meaning="Requests to one host and port in flight at the same time, of 200 in all. What "
        "exceeds it waits, and delays no other host's.",
    ),
    Variable(
        name="SOLOCRON_COMMANDS",
        setting="commands",
        kind="`on`, `off` or `allow-list`",
        read=choice(CommandsMode),
        meaning="Whether jobs may run programs here. If not set: `on` where `SOLOCRON_HOST` is a "
        "loopback address, `off` where others can reach it.",
    ),
    Variable(
        name="SOLOCRON_COMMANDS_ALLOWED",
        setting="commands_allowed",
        kind="absolute paths, separated by commas",
        read=programs,
        meaning="The programs that `allow-list` permits. A command must begin with one of them, "
        "written just so; a shell such as `/bin/sh` permits everything.",
    ),
    Variable(
        name="SOLOCRON_JOBS",
        setting="jobs",
        kind="names of modules, separated by commas",
        read=modules,
        meaning="Modules with Python jobs. The jobs that they declare are saved when an executor "
        "takes over, and only functions of these modules may be named by Python targets.",
    ),
    Variable(
        name="SOLOCRON_PRECONDITION",
        setting="precondition",
        kind="function, as `package.module:function`",
        read=function,
        meaning="Called when an executor takes over, before it schedules anything. While it raises "
        "an error nothing is started; it is called again, after a minute at most.",
    ),
    Variable(
        name="SOLOCRON_FACES",
        setting="faces",
        kind="`kala`, `simple-scheduler`, `ha-jobs`, separated by commas, or `none`",
        read=faces_from_text,
        default="kala,simple-scheduler,ha-jobs",
        meaning="Protocols of other schedulers that are spoken besides the service's own.",
    ),
    Variable(
        name="SOLOCRON_THREADS",
        setting="threads",
        kind="number, 1 to 256",
        read=integer(1, 256),
        unit="threads",
        default="16",
        meaning="Requests that the web process serves at the same time, beside those that follow "
        "an output.",
    ),
    Variable(
        name="SOLOCRON_INSTANCE",
        setting="instance",
        kind="name",
        read=name(r"[A-Za-z0-9._:@-]{1,100}", "1 to 100 letters, digits, . _ : @ -"),
        meaning="Name of this instance; no two may have the same. Made up from host, dyno or "
        "application index and a random part if not set.",
    ),
    Variable(
        name="SOLOCRON_LOG",
        setting="log_form",
        kind="`human` or `json`",
        read=choice(LogForm),
        default="human",
        on_platforms=_both("json"),
        meaning="Form of the log lines on standard output.",
    ),
    Variable(
        name="SOLOCRON_LOG_LEVEL",
        setting="log_level",
        kind="`debug`, `info`, `warning` or `error`",
        read=choice(LogLevel),
        default="info",
        meaning="Least important log lines that are written.",
    ),
)
