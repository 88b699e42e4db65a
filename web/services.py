"""What web is handed: everything it needs from the rest of Solocron, and nothing else.

The value is built once, by ``executor.bootstrap`` or by a test, and shared by all
threads; every member is safe to call from several of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from executor.domain.faces import ALL_FACES, Face
from executor.domain.permitted_targets import ALL_TARGETS, PermittedTargets
from executor.domain.proxies import NO_PROXIES, TrustedProxies
from executor.ports.bearers import BearerVerifier
from executor.ports.broker import CommandSender
from executor.ports.clock import Clock
from executor.ports.keys import Sealer
from executor.ports.login import LoginProvider
from executor.ports.store import Readers
from web.allowance import Allowance
from web.following import Followers

#: Longest request body, bytes.  A definition with a long body or command fits; more is a mistake.
MAX_BODY = 1_000_000

#: Pings of one job that are taken at once, and how soon, in seconds, another one is.  A run takes
#: two or three, and some lines of log; more is a loop gone wild, and each one is a write.
MOST_PINGS = 60
PING_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLineLogin:
    """What the command line has to know to get an access token for us: nothing of it is secret.

    Attributes:
        client_id: its name with the provider.
        scopes: what it asks for.
        audience: whom the token is to be for.
    """

    issuer: str
    client_id: str
    scopes: tuple[str, ...]
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Who is let in.

    Attributes:
        guarded: callers must say who they are; otherwise everybody may do everything.
        local_names_only: only requests that name this machine itself, by a loopback name or
            address, are answered: where nothing but the machine's border keeps strangers out, a
            page of theirs must not reach it under a name of their own.
        admin_token_digest: SHA-256 of the administrator's token from the environment, or None.
        verifier: judges the tokens of an identity provider; None: there is none.
        proxies: whose word about a client's address is believed.
        login: where browsers log in, if they can; that needs ``url``.
        url: where people reach this service, without a slash at its end; None: not known.
        session_s: how long a browser stays logged in, seconds.
        command_line: how the command line logs in, if it can.
    """

    guarded: bool = False
    local_names_only: bool = False
    admin_token_digest: str | None = None
    verifier: BearerVerifier | None = None
    proxies: TrustedProxies = NO_PROXIES
    login: LoginProvider | None = None
    url: str | None = None
    session_s: float = 43_200.0
    command_line: CommandLineLogin | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of this instance as it may be shown: its value is masked if it is a secret.

    Attributes:
        name: the variable that is set, or would be.
        origin: where the value comes from.
        meaning: what it is for, with code between backticks.
    """

    name: str
    value: str
    origin: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The world of one web process.

    Attributes:
        command_timeout_s: how long a write waits for the executor before it is answered with 202.
        instance_id: this instance, as ``/v1/status`` and the page name it.
        permitted: the targets of jobs that this instance sends on; the executor decides too.
        sealer: seals secrets before they are sent, and keeps them out of what is reported of runs;
            None: there is no key.
        followers: the places of those who follow the output of runs.
        pings: how often each job may be pinged.
        max_body: longest request body, bytes; longer ones are refused with 413.
        entrance: who is let in.
        faces: the protocols of other schedulers that are spoken.
        url: where this service is reached; None: nobody has said, and it cannot be known.
        settings: those of this instance, for administrators; notes: what is allowed in them and
            yet probably not meant, a sentence each.
        wait: lets so many seconds pass, in the thread of a request.
    """

    readers: Readers
    sender: CommandSender
    clock: Clock
    command_timeout_s: float
    instance_id: str
    version: str
    permitted: PermittedTargets = ALL_TARGETS
    sealer: Sealer | None = None
    followers: Followers = field(default_factory=Followers)
    pings: Allowance = field(default_factory=lambda: Allowance(MOST_PINGS, PING_EVERY_S))
    max_body: int = MAX_BODY
    entrance: Entrance = field(default_factory=Entrance)
    faces: Collection[Face] = ALL_FACES
    url: str | None = None
    settings: Sequence[Setting] = ()
    notes: Sequence[str] = ()
    wait: Callable[[float], None] = time.sleep
