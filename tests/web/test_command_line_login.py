"""``solocron login``: real commands, a real provider, and a service that judges what they send."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from executor.adapters.oidc import Issuer, OidcVerifier
from executor.adapters.system_clock import SystemClock
from executor.client.connection import Connection, NoAnswer
from executor.client.logging_in import Announced, ask, by_browser, by_device
from executor.client.logins import Login, Logins, StoredLogin, revoke
from executor.client.way_back import ADDRESS, PORT, WayBack
from tests.servers.openid_person import Person
from tests.servers.openid_provider import AUDIENCE, CLI_CLIENT, OpenIdProvider
from tests.servers.reservation import ROOT
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.serving import served
from tests.web.world import World
from web.services import CommandLineLogin

#: Seconds that a command may take on a machine with much else to do.
PATIENCE_S = 60


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    with OpenIdProvider() as found:
        yield found


@pytest.fixture
def service(provider: OpenIdProvider) -> Iterator[str]:
    """The address of a service whose users come from *provider*."""
    clock = SystemClock()
    scopes = ("openid", "jobs:read", "jobs:write", "runs:read")
    world = GuardedWorld(
        verifier=OidcVerifier(Issuer(provider.issuer, clock), AUDIENCE, clock),
        command_line=CommandLineLogin(
            issuer=provider.issuer, client_id=CLI_CLIENT, scopes=scopes, audience=AUDIENCE
        ),
    )
    with served(world.app) as url:
        yield url


@pytest.fixture
def way_back() -> Iterator[None]:
    """Keep the port that browsers come back to from other tests of this machine."""
    ROOT.mkdir(exist_ok=True)
    with (ROOT / f"port-{PORT}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def logins(tmp_path: Path) -> Logins:
    return Logins(tmp_path / "solocron")


def environ_of(home: Path, **more: str) -> dict[str, str]:
    root = str(Path(__file__).parents[2])
    browser = f"{sys.executable} -m tests.servers.openid_person %s"
    own = {"HOME": str(home), "PYTHONPATH": root, "BROWSER": browser, "PERSON": "admin"}
    return {"PATH": os.environ["PATH"], **own, **more}


def solocron(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "executor.cli", *words],
        env=environ_of(home, **more),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def announced_by(url: str) -> Announced:
    with Connection(url) as connection:
        return ask(connection)


def log_in(url: str, name: str = "admin") -> Login:
    """Log in as by ``--device``, with somebody who lets the device in the second time it asks."""
    asked: list[str] = []

    def pause(seconds: float) -> None:
        asked.append("")
        if len(asked) == 2:
            Person(name).confirm_device(address[0])

    address: list[str] = []
    return by_device(announced_by(url), lambda where, code: address.append(where), pause)


def caller_of(url: str, token: str) -> str:
    with Connection(url, token) as connection:
        return str(connection.get("/v1/caller")["actor"])


# The commands -----------------------------------------------------------------------------


@pytest.mark.usefixtures("way_back")
def test_who_logs_in_is_known_to_the_other_commands(service: str, tmp_path: Path) -> None:
    """Until he logs out; nobody else can read what is kept."""
    done = solocron(tmp_path, "login", service)
    assert (done.returncode, done.stderr.count("code_challenge_method=S256")) == (0, 1), done.stderr
    assert done.stdout == f"Logged in to {service} as oidc:admin: jobs:read jobs:write runs:read\n"
    file = tmp_path / ".config/solocron/logins.json"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert solocron(tmp_path, "export", "--url", f"{service}/").returncode == 0
    elsewhere = solocron(tmp_path, "export", "--url", service.replace("127.0.0.1", "localhost"))
    assert "run: solocron login" in elsewhere.stderr

    done = solocron(tmp_path, "logout", service)
    assert (done.returncode, done.stdout) == (0, f"Logged out of {service}\n")
    assert json.loads(file.read_text()) == {}
    refused = solocron(tmp_path, "export", "--url", service)
    assert refused.returncode == 1
    assert f"run: solocron login {service}" in refused.stderr
    assert solocron(tmp_path, "logout", service).stdout.startswith("You were not logged in")
    told = json.loads(solocron(tmp_path, "logout", service, "--json").stdout)
    assert told == {"url": service, "was_logged_in": False}


def test_a_device_is_let_in_from_elsewhere(service: str, tmp_path: Path) -> None:
    """By a short code; no browser is needed here, and no port."""
    with subprocess.Popen(
        [sys.executable, "-m", "executor.cli", "login", "--device", "--json", service],
        env=environ_of(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stderr is not None
        assert command.stdout is not None
        said = command.stderr.readline()
        address = re.search(r"http://\S+user_code=(\S+)", said)
        assert address, said
        code = command.stderr.readline() + command.stderr.readline()
        assert address[1] in code
        Person("alice").confirm_device(address[0])
        told = json.loads(command.stdout.read())
        assert (told["actor"], told["url"]) == ("oidc:alice", service)
        assert {"jobs:read", "runs:read"} <= set(told["scopes"])
    assert command.returncode == 0


def test_a_token_of_the_environment_counts_before_the_login(
    service: str, tmp_path: Path, logins: Logins
) -> None:
    """A pipeline says who it is, whoever has logged in on its machine."""
    logins.keep(replace(log_in(service), access_token="x", expires_at=time.time() + 1e6))
    config = {"XDG_CONFIG_HOME": str(tmp_path)}

    assert solocron(tmp_path, "export", "--url", service, **config).returncode == 1
    admin = {**config, "SOLOCRON_TOKEN": ADMIN, "SOLOCRON_URL": service}
    assert solocron(tmp_path, "export", **admin).returncode == 0


# Coming back from the browser ---------------------------------------------------------------


@pytest.mark.usefixtures("way_back")
def test_an_answer_to_somebody_elses_login_is_passed_over(service: str) -> None:
    """Nobody is logged in under another's name by a link; the right answer still counts."""
    strangers = (
        "/callback?code=x",
        "/callback?code=x&state=Lw.AAAA",
        "/other",
        "/callback?error=access_denied",
    )

    def show(address: str) -> None:
        for path in strangers:
            with pytest.raises(HTTPError, match="404") as caught:
                urlopen(f"http://localhost:{PORT}{path}", timeout=10)
            caught.value.close()
        back = Person("alice").follow(address, to=ADDRESS)
        with urlopen(back, timeout=10) as page:
            assert b"You are logged in" in page.read()

    login = by_browser(announced_by(service), show)
    assert caller_of(service, login.access_token) == "oidc:alice"


@pytest.mark.usefixtures("way_back")
def test_who_does_not_log_in_is_told(service: str) -> None:
    """By the provider's word for it, or when his time is up."""
    announced = announced_by(service)

    def refuse(address: str) -> None:
        state = re.search(r"state=([^&]+)", address)
        assert state
        urlopen(f"{ADDRESS}?error=access_denied&state={state[1]}", timeout=10).close()

    with pytest.raises(NoAnswer, match=r"has not logged you in \(access_denied"):
        by_browser(announced, refuse)
    with pytest.raises(NoAnswer, match="within"):
        by_browser(announced, lambda address: None, patience_s=0.01)


@pytest.mark.usefixtures("way_back")
def test_a_port_in_use_is_named() -> None:
    """With the other way to log in."""
    taken = socket.create_server(("127.0.0.1", PORT))
    with taken, pytest.raises(NoAnswer, match=r"port 5556 .* --device"):
        WayBack(lambda answer: True)


# What is kept ---------------------------------------------------------------------------------


def test_a_login_is_renewed_in_time(service: str, logins: Logins) -> None:
    """Once for all commands: a refresh token that was used twice would end the login."""
    login = log_in(service)
    logins.keep(login)
    late = login.expires_at - 10
    first, second = (StoredLogin(logins, login, lambda: late) for _ in range(2))

    token = first()
    assert token != login.access_token
    assert second() == token
    kept = logins.find(service)
    assert kept is not None
    assert kept.refresh_token != login.refresh_token
    assert caller_of(service, token) == "oidc:admin"
    assert StoredLogin(logins, login)() == login.access_token


def test_a_login_that_has_ended_says_what_to_do(service: str, logins: Logins) -> None:
    """Logged out at the provider, or never meant to last."""
    login = log_in(service)
    logins.keep(login)
    revoke(login)
    with pytest.raises(NoAnswer, match=f"has ended .* run: solocron login {service}"):
        StoredLogin(logins, login, lambda: login.expires_at)()

    short = replace(login, refresh_token="")
    logins.keep(short)
    with pytest.raises(NoAnswer, match=f"has expired; run: solocron login {service}"):
        StoredLogin(logins, short, lambda: login.expires_at)()


def test_a_provider_that_is_away_ends_no_login(service: str, logins: Logins) -> None:
    """What is kept stays as it is."""
    login = replace(log_in(service), issuer="http://127.0.0.1:1")
    logins.keep(login)

    with pytest.raises(NoAnswer, match="does not renew your login"):
        StoredLogin(logins, login, lambda: login.expires_at)()
    assert logins.find(service) == login


@contextmanager
def _spoilt(file: Path, how: str) -> Iterator[None]:
    if how == "readable":
        file.chmod(0o644)
    else:
        file.write_text({"damaged": "{", "a list": "[]", "odd": '{"http://s": {"x": 1}}'}[how])
        file.chmod(0o600)
    yield


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("readable", "can be read by others; chmod 600"),
        ("damaged", "is damaged"),
        ("a list", "holds something else"),
        ("odd", "holds something else"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_not_used(
    tmp_path: Path, logins: Logins, how: str, words: str
) -> None:
    """The words say what to do about it."""
    facts: Mapping[str, str] = dict.fromkeys(
        ("issuer", "client_id", "access_token", "refresh_token"), "x"
    )
    logins.keep(Login(url="http://s", expires_at=1.0, **facts))

    with _spoilt(tmp_path / "solocron/logins.json", how), pytest.raises(NoAnswer, match=words):
        logins.find("http://s")


def test_no_login_shows_what_lets_anybody_in(service: str) -> None:
    """Neither in a message nor in a traceback."""
    login = log_in(service)
    assert login.access_token not in repr(login)
    assert login.refresh_token not in repr(login)


# Services without a login -----------------------------------------------------------------------


def test_a_service_without_a_provider_says_what_to_do() -> None:
    """A token where one is asked for, nothing where nobody is asked."""
    with served(GuardedWorld().app) as url, pytest.raises(NoAnswer, match="set SOLOCRON_TOKEN"):
        announced_by(url)
    with served(World().app) as url, pytest.raises(NoAnswer, match="no need to log in"):
        announced_by(url)


def test_a_service_cannot_lead_to_an_unprotected_provider() -> None:
    """Whoever sits in between could log in instead."""
    told = CommandLineLogin(
        issuer="http://id.example", client_id="x", scopes=("openid",), audience="x"
    )
    world = GuardedWorld(command_line=told)
    with served(world.app) as url, pytest.raises(NoAnswer, match="no https:// URL"):
        announced_by(url)
