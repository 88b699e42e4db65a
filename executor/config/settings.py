"""Reading the settings.

Rules
-----
1. All faults are reported at once; each names the variable and says what to write.
2. An unknown ``SOLOCRON_*`` variable is a fault: a misspelt setting must not be ignored.
3. A variable that is set to nothing counts as not set; Compose files write them so.
4. Every secret can be given as a file, ``<NAME>_FILE``.  Secrets are in no message and in
   no ``repr``.
5. Our own names win over those of platforms: ``RABBITMQ_URL``, then ``CLOUDAMQP_URL``,
   then a service binding.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Self

from executor.config.choices import LogForm, LogLevel, Proxies, QueueType
from executor.config.credentials import (
    MONGODB,
    RABBITMQ,
    Binding,
    ca_fault,
    check_url,
    choose_binding,
)
from executor.config.entrance import AuthMode, oidc_faults
from executor.config.instance_name import made_up_name
from executor.config.variable import BINDINGS, CLOUD_FOUNDRY, HEROKU, Platform, Variable
from executor.config.variables import VARIABLES
from executor.domain.address_policy import AddressPolicy
from executor.domain.errors import ConfigError, Fault
from executor.domain.faces import Face
from executor.domain.loopback import is_loopback
from executor.domain.permitted_programs import CommandsMode, PermittedPrograms
from executor.domain.permitted_targets import PermittedTargets
from executor.domain.proxies import TrustedProxies

#: Seconds that an instance gets beyond the grace period, before it is killed: more than
#: the executor allows itself (8 s) for cancelling what still runs and writing it down.
MARGIN_S: Final = 10.0

#: Seconds before a platform's SIGKILL at which an instance has ended by itself.
PLATFORM_MARGIN_S: Final = 0.5

#: The two servers of a cluster: field, kind, and the variable that always wins.
_SERVERS: Final = (
    ("rabbitmq_url", RABBITMQ, "RABBITMQ_URL"),
    ("mongodb_uri", MONGODB, "MONGODB_URI"),
)

#: A variable of ours that is no setting of the service: who its clients say that they are.
_CLIENTS_TOKEN: Final = "SOLOCRON_TOKEN"

#: What Kubernetes sets in every container for a service whose name begins with
#: "solocron", as name=value.  Source: kubernetes.io, "Service", "Discovering services".
_KUBERNETES: Final = re.compile(
    r"SOLOCRON_(\w+_)?"
    r"(SERVICE_(HOST|PORT(_\w+)?)=.+|PORT=\w+://.+|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?=.+)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decided.

    Seconds are floats.  The two servers are both given or both None.

    Attributes:
        platform: where we run, None for anywhere that needs no special treatment.
        origins: for every field of the table, where its value comes from, for people.
    """

    host: str
    port: int
    url: str | None
    rabbitmq_url: str | None = field(repr=False)
    rabbitmq_ca: Path | None
    mongodb_uri: str | None = field(repr=False)
    secret_key: bytes | None = field(repr=False)
    secret_key_old: bytes | None = field(repr=False)
    auth: AuthMode
    admin_token: str | None = field(repr=False)
    oidc_issuer: str | None
    oidc_audience: str | None
    oidc_client_id: str | None
    oidc_client_secret: str | None = field(repr=False)
    oidc_cli_client_id: str | None
    oidc_scopes: tuple[str, ...]
    session_s: float
    trusted_proxies: TrustedProxies
    audit_keep_s: float
    data: Path
    prefix: str
    queue_type: QueueType
    grace_s: float
    run_lease_s: float
    command_timeout_s: float
    http_targets: AddressPolicy
    http_proxies: Proxies
    http_per_host: int
    commands: CommandsMode
    commands_allowed: tuple[str, ...] | None
    jobs: tuple[str, ...] | None
    precondition: str | None
    faces: tuple[Face, ...]
    threads: int
    instance: str
    log_form: LogForm
    log_level: LogLevel
    platform: Platform | None = None
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, worker: bool = False) -> Self:
        """Read *environ*, and the files that it names for secrets.

        Args:
            worker: they are a worker's, which needs a broker and no store.

        Raises:
            ConfigError: with every fault found.
        """
        reading = _Reading(environ, worker)
        values = reading.settings()
        if reading.faults:
            raise ConfigError(reading.faults)
        return cls(**values, platform=reading.platform, origins=reading.origins)

    @property
    def clustered(self) -> bool:
        """Whether RabbitMQ and MongoDB are used, rather than files in :attr:`data`."""
        return self.rabbitmq_url is not None

    @property
    def permitted_programs(self) -> PermittedPrograms:
        """What command targets and Python targets may run on this instance."""
        return PermittedPrograms(self.commands, self.commands_allowed or (), self.jobs or ())

    @property
    def permitted_targets(self) -> PermittedTargets:
        """The targets of jobs that may be saved on this instance."""
        return PermittedTargets(
            self.permitted_programs,
            workers=self.rabbitmq_url is not None,
            call_backs=self.url is not None,
        )

    @property
    def local_names_only(self) -> bool:
        """Whether the machine's border is all that keeps strangers out, and nobody said so."""
        return self.auth is AuthMode.OFF and self.origins["auth"].startswith("default")

    @property
    def notes(self) -> tuple[str, ...]:
        """What is allowed and yet probably not meant, one sentence each; logged at start."""
        return (*self._notes_on_reach(), *self._notes_on_platform())

    def _notes_on_reach(self) -> Iterator[str]:
        everybody = self.auth is AuthMode.OFF and not is_loopback(self.host)
        if everybody and self.commands is CommandsMode.ON:
            yield (
                f"whoever reaches {self.host} on port {self.port} can have any program run as this "
                "service's user; set SOLOCRON_AUTH to on, or SOLOCRON_COMMANDS to off, or to "
                "allow-list with the programs in SOLOCRON_COMMANDS_ALLOWED, or let something in "
                "front decide who comes through"
            )

    def _notes_on_platform(self) -> Iterator[str]:
        if self.platform is None:
            return
        name, given_s = self.platform.name, self.platform.given_s
        if not self.clustered:
            yield (
                f"jobs are kept in {self.data}, which {name} empties at every restart and shares "
                "with no instance; set RABBITMQ_URL and MONGODB_URI"
            )
        if self.grace_s >= given_s:
            yield f"{name} kills {given_s:g} s after SIGTERM; make SOLOCRON_GRACE shorter"

    @property
    def kill_after_s(self) -> float:
        """Seconds after SIGTERM at which a process that has not ended is killed."""
        if self.platform is None:
            return self.grace_s + MARGIN_S
        return max(self.grace_s, self.platform.given_s - PLATFORM_MARGIN_S)


class _Reading:
    """One pass over the environment: collects values, where they came from, and faults."""

    def __init__(self, environ: Mapping[str, str], worker: bool) -> None:
        self._worker = worker
        self._environ = {name: text.strip() for name, text in environ.items() if text.strip()}
        self.platform = next((p for p in (CLOUD_FOUNDRY, HEROKU) if p.marker in environ), None)
        self.values: dict[str, Any] = {}
        self.origins: dict[str, str] = {}
        self.faults: list[Fault] = []
        #: Fields that somebody meant to set, be it in vain.
        self._given: set[str] = set()

    def settings(self) -> dict[str, Any]:
        """Return a value for each field of the table; meaningless if there are faults."""
        for variable in VARIABLES:
            value, origin = self._read(variable)
            if variable.name == BINDINGS:
                self._bind(value or ())
            elif self.values.get(variable.setting) is None:
                self.values[variable.setting] = value
                self.origins[variable.setting] = origin
        self.values["instance"] = self.values["instance"] or made_up_name(self._environ)
        self._choose_url()
        self._choose_reach()
        self._decide_commands()
        self._decide_auth()
        self._check_pair()
        self._check_broker_ca()
        self._check_keys()
        self._check_names()
        return self.values

    def _read(self, variable: Variable) -> tuple[Any, str]:
        """Return the value of *variable* and its origin; a faulty one is None."""
        name, text = self._text(variable)
        if text:
            self._given.add(variable.setting)
            origin = name if name == variable.name else f"{name}={self._environ[name]}"
        else:
            text = variable.default_on(self.platform)
            special = self.platform and text != variable.default
            origin = f"default on {self.platform.name}" if self.platform and special else "default"
        try:
            return (variable.read(text) if text else None), origin
        except ValueError as error:
            self.faults.append(Fault(name, str(error)))
            return None, origin

    def _text(self, variable: Variable) -> tuple[str, str]:
        """Return the name under which *variable* is set, and its text: empty if it is not."""
        names = [name for name in (variable.name, *variable.file_names) if name in self._environ]
        if len(names) > 1:
            self.faults.append(Fault(names[0], f"is set, and so is {names[1]}; remove one of them"))
        if not names or names[0] == variable.name:
            return variable.name, self._environ.get(variable.name, "")
        self._given.add(variable.setting)
        try:
            text = Path(self._environ[names[0]]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            self.faults.append(Fault(names[0], f"the file cannot be read: {reason}"))
            return names[0], ""
        if not text:
            self.faults.append(Fault(names[0], "the file is empty; write the value into it"))
        return names[0], text

    def _bind(self, bindings: tuple[Binding, ...]) -> None:
        """Take from service bindings the servers that are not given otherwise."""
        for setting, server, name in _SERVERS:
            if setting in self._given:
                continue
            try:
                found = choose_binding(bindings, server)
                if found is not None:
                    self._given.add(setting)
                    self.values[setting] = check_url(found[1], server)
                    self.origins[setting] = f"{BINDINGS}: {found[0]}"
            except ValueError as error:
                self._given.add(setting)
                self.faults.append(Fault(BINDINGS, f"{server.title}: {error}; or set {name}"))

    def _choose_url(self) -> None:
        """Where only this machine reaches the service, it knows its own address."""
        host, port = self.values["host"], self.values["port"]
        if "url" not in self._given and host and is_loopback(host):
            place = f"[{host}]" if ":" in host else host
            self.values["url"] = f"http://{place}:{port}"
            self.origins["url"] = "default on loopback"

    def _choose_reach(self) -> None:
        """Let requests go anywhere only where nobody but this machine's users can ask for them."""
        if self.values["http_targets"] is None:
            alone = is_loopback(self.values["host"] or "")
            self.values["http_targets"] = AddressPolicy.ANY if alone else AddressPolicy.PRIVATE
        if self.values["http_proxies"] is None:
            anywhere = self.values["http_targets"] is AddressPolicy.ANY
            self.values["http_proxies"] = Proxies.ENVIRONMENT if anywhere else Proxies.NONE

    def _decide_commands(self) -> None:
        """Switch commands on or off if nobody did, and refuse a list without its mode."""
        if "commands" not in self._given:
            here = is_loopback(self.values["host"] or "")
            self.values["commands"] = CommandsMode.ON if here else CommandsMode.OFF
            self.origins["commands"] = f"default {'on' if here else 'beyond'} loopback"
        mode = self.values["commands"]
        listing = mode is CommandsMode.ALLOW_LIST
        if listing and "commands_allowed" not in self._given:
            message = "is not set, but SOLOCRON_COMMANDS is allow-list; write the programs' paths"
            self.faults.append(Fault("SOLOCRON_COMMANDS_ALLOWED", message))
        # What could not be read is a fault of its own already.
        if mode is not None and not listing and self.values["commands_allowed"]:
            message = "has no effect; set SOLOCRON_COMMANDS to allow-list as well, or remove it"
            self.faults.append(Fault("SOLOCRON_COMMANDS_ALLOWED", message))

    def _decide_auth(self) -> None:
        """Let everybody in only where nobody but this machine's users comes, or if told to."""
        self.faults += oidc_faults(self._given)
        if "oidc_client_id" in self._given and not (self.values["url"] or "url" in self._given):
            text = (
                "is not set; SOLOCRON_OIDC_CLIENT_ID needs it, for who logs in is sent back there"
            )
            self.faults.append(Fault("SOLOCRON_URL", text))
        if "auth" in self._given:
            return
        if "admin_token" in self._given or "oidc_issuer" in self._given:
            self.values["auth"], why = AuthMode.ON, "default with a token or an issuer"
        else:
            self.values["auth"], why = AuthMode.OFF, "default on loopback"
            # A worker lets nobody in: it listens nowhere.
            if not self._worker and not is_loopback(self.values["host"] or ""):
                self.faults.append(Fault("SOLOCRON_AUTH", _open_to_all(self.values["host"])))
        self.origins["auth"] = why

    def _check_pair(self) -> None:
        """Refuse one server without the other: a token is no use without a term."""
        missing = [entry for entry in _SERVERS if entry[0] not in self._given]
        if len(missing) == 1 and not self._worker:
            (_, absent, name), (present,) = missing[0], [e[1] for e in _SERVERS if e not in missing]
            self.faults.append(
                Fault(
                    name,
                    f"is not set, but {present.title} is given: a cluster needs both; set it, or "
                    f"remove {present.title} to run on one machine without {absent.title} too",
                )
            )

    def _check_broker_ca(self) -> None:
        """Refuse authorities that would vouch for nobody."""
        # A broken URL is a fault of its own already.
        broken = "rabbitmq_url" in self._given and not self.values["rabbitmq_url"]
        if self.values["rabbitmq_ca"] and not broken:
            self.faults += ca_fault(self.values["rabbitmq_url"])

    def _check_keys(self) -> None:
        """Refuse a former key without a present one: nothing could be sealed."""
        if "secret_key_old" in self._given and "secret_key" not in self._given:
            text = "is not set, but SOLOCRON_SECRET_KEY_OLD is; set the present key too"
            self.faults.append(Fault("SOLOCRON_SECRET_KEY", text))

    def _check_names(self) -> None:
        """Refuse names that look like ours and are not."""
        known = {name for v in VARIABLES for name in (v.name, *v.file_names)} | {_CLIENTS_TOKEN}
        for name, text in sorted(self._environ.items()):
            if not name.startswith("SOLOCRON_") or name in known:
                continue
            if _KUBERNETES.fullmatch(f"{name}={text}"):
                continue
            self.faults.append(Fault(name, f"is not a setting; {_advice(name, known)}"))


def _open_to_all(host: str | None) -> str:
    return (
        f"is not set, and on {host} everybody who reaches this port could change jobs and run "
        "programs. Choose: set SOLOCRON_ADMIN_TOKEN (make one with: openssl rand -hex 32) or "
        "SOLOCRON_OIDC_ISSUER, so that callers must send a token; or set "
        "SOLOCRON_HOST=127.0.0.1, so that only this machine reaches it; or set SOLOCRON_AUTH=on "
        "and, once it runs, make a token here with the same settings: solocron token create NAME "
        "--scope admin; or set SOLOCRON_AUTH=off, if something else keeps strangers out"
    )


def _advice(name: str, known: Collection[str]) -> str:
    """Say what may have been meant by *name*."""
    plain = name.removesuffix("_FILE")
    if plain in known and plain != name:
        return f"only secrets are read from files; set {plain}"
    bare = {n.removeprefix("SOLOCRON_"): n for n in sorted(known)}
    close = get_close_matches(name.removeprefix("SOLOCRON_"), bare, n=2)
    return f"did you mean {' or '.join(bare[match] for match in close)}?" if close else "remove it"
