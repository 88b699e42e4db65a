"""Credentials: those that count, those that do not, and those that nobody can judge."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta

import pytest

from executor.domain.api_token import written
from executor.domain.errors import NoExecutor
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.world import PLAIN, World, faults_of, json_of, problem_of
from web.known_tokens import FRESH_S, STALE_S
from web.services import Entrance


@pytest.fixture
def guarded() -> GuardedWorld:
    return GuardedWorld()


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def test_the_token_of_the_environment_may_do_everything(guarded: GuardedWorld) -> None:
    """Also while the store does not answer: it is for emergencies."""
    assert guarded.ask(ADMIN, "GET", "/v1/tokens").status_code == 200
    guarded.store.down = True
    assert json_of(guarded.ask(ADMIN, "GET", "/v1/status"))["state"] == "store_unavailable"


@pytest.mark.parametrize("user", ["", "anybody", "ü"])
def test_a_program_may_send_the_token_as_a_password(guarded: GuardedWorld, user: str) -> None:
    """Whatever name goes with it."""
    header = basic(user, guarded.token("jobs:read", "runs:read"))

    assert guarded.ask(None, "GET", "/", Authorization=header).status_code == 200
    assert guarded.ask(None, "GET", "/v1/jobs", Authorization=header).status_code == 200


def test_a_password_in_a_browser_does_not_let_other_sites_write(guarded: GuardedWorld) -> None:
    """It is sent along without anybody asking for it, so the origin is looked at all the same."""
    headers = {"Authorization": basic("", ADMIN), "Origin": "https://evil.example"}

    assert guarded.ask(None, "POST", "/v1/jobs", PLAIN, **headers).status_code == 403


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer " + "a" * 33,
        "Bearer " + written(bytes(31) + b"\xff"),
        "Bearer " + written(bytes(32))[:-1] + "#",
        "Bearer bad.to.ken",
        "Bearer " + "x" * 9_000,
        "Digest x",
        "Basic !",
        "Basic " + b64encode(b"no colon").decode(),
        "Basic " + b64encode(b"\xff\xfe:x").decode(),
        basic("admin", "wrong"),
        f"{ADMIN}",
    ],
)
def test_other_credentials_are_refused(guarded: GuardedWorld, header: str) -> None:
    """401, a challenge, and nothing of what was sent comes back."""
    response = guarded.ask(None, "GET", "/v1/jobs", Authorization=header)

    assert problem_of(response, 401)["detail"]
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="solocron"')
    secret = header.partition(" ")[2]
    assert len(secret) < 3 or secret not in response.text


def test_an_expired_token_is_refused_from_that_instant_on(guarded: GuardedWorld) -> None:
    """And the answer says that it is its age."""
    token = guarded.token("jobs:read", name="old", expires_at=guarded.later(seconds=1))
    assert guarded.ask(token, "GET", "/v1/jobs").status_code == 200

    guarded.clock.advance(1)
    response = guarded.ask(token, "GET", "/v1/jobs")
    assert "token 'old' has expired" in problem_of(response, 401)["detail"]
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_a_new_token_counts_at_once_and_a_revoked_one_not_for_long(guarded: GuardedWorld) -> None:
    """Although the store is not asked for every request."""
    guarded.ask(guarded.token("jobs:read"), "GET", "/v1/jobs")
    made = guarded.ask(ADMIN, "POST", "/v1/tokens", {"name": "new", "scopes": ["jobs:read"]})
    token = json_of(made)["token"]
    assert guarded.ask(token, "GET", "/v1/jobs").status_code == 200

    assert guarded.ask(ADMIN, "DELETE", "/v1/tokens/new").status_code == 204
    guarded.clock.advance(FRESH_S)
    problem = problem_of(guarded.ask(token, "GET", "/v1/jobs"), 401)
    assert "revoked or never made" in problem["detail"]


def test_known_tokens_outlast_a_store_that_is_away_for_a_while(guarded: GuardedWorld) -> None:
    """So that its holders can see that it is; then nobody can tell who they are."""
    token = guarded.token("jobs:read")
    guarded.ask(token, "GET", "/v1/status")
    guarded.store.down = True
    guarded.clock.advance(STALE_S - 1)
    assert guarded.ask(token, "GET", "/v1/status").status_code == 200

    guarded.clock.advance(1)
    for _ in range(2):
        problem_of(guarded.ask(token, "GET", "/v1/status"), 503)


def test_the_providers_tokens_count_by_their_scopes(guarded: GuardedWorld) -> None:
    """Scopes of other services grant nothing."""
    assert guarded.ask("good.to.ken", "GET", "/v1/jobs").status_code == 200
    assert guarded.ask("good.to.ken", "GET", "/v1/runs").status_code == 200
    assert guarded.ask("good.to.ken", "GET", "/v1/load").status_code == 200
    problem = problem_of(guarded.ask("good.to.ken", "DELETE", "/v1/jobs/x"), 403)
    assert "oidc:alice has jobs:read, runs:read#a" in problem["detail"]


def test_a_provider_that_is_away_concerns_its_own_tokens_only(guarded: GuardedWorld) -> None:
    """503 for them; API tokens go on."""
    guarded.verifier.away = True
    response = guarded.ask("good.to.ken", "GET", "/v1/jobs")

    problem_of(response, 503)
    assert response.headers["Retry-After"]
    assert guarded.ask(guarded.token("jobs:read"), "GET", "/v1/jobs").status_code == 200


def test_the_last_use_is_told_once_a_minute(guarded: GuardedWorld) -> None:
    """By one command for all tokens, not by one for each request."""
    first, second = guarded.token("jobs:read", name="a"), guarded.token("jobs:read", name="b")
    for _ in range(3):
        for token in (first, second):
            assert guarded.ask(token, "GET", "/v1/jobs").status_code == 200
    assert [one.kind for one in guarded.executor.received] == ["use_tokens"]

    guarded.clock.advance(60)
    guarded.ask(first, "GET", "/v1/jobs")
    assert len(guarded.executor.received) == 2
    uses = guarded.store.token_uses()
    assert uses["a"] == guarded.clock.now()
    assert uses["b"] == guarded.later(minutes=-1)


def test_a_use_that_cannot_be_told_does_not_fail_the_request(guarded: GuardedWorld) -> None:
    """It is told with the next ones."""
    token = guarded.token("jobs:read", name="a")
    guarded.executor.away = NoExecutor("nobody executes")
    assert guarded.ask(token, "GET", "/v1/jobs").status_code == 200

    guarded.executor.away = None
    guarded.clock.advance(60)
    assert guarded.ask(token, "GET", "/v1/jobs").status_code == 200
    assert guarded.store.token_uses() == {"a": guarded.clock.now()}


LOCAL = Entrance(local_names_only=True)


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "127.0.0.1:8000", "127.1.2.3", "[::1]:8000", "a.localhost"],
)
def test_an_unguarded_instance_answers_under_local_names(host: str) -> None:
    """For this machine's own users and programs."""
    assert World(entrance=LOCAL).get("/v1/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0"]
)
def test_an_unguarded_instance_answers_under_no_other_name(host: str) -> None:
    """A page of another site that has pointed its name at this machine reads nothing either."""
    world = World(entrance=LOCAL)
    for method, url in (("GET", "/v1/jobs"), ("GET", "/"), ("POST", "/v1/jobs")):
        response = world.client.open(url, method=method, headers={"Host": host})
        assert "Host" in faults_of(response, 403)
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_who_has_switched_authentication_off_is_asked_for_no_name() -> None:
    """Something else keeps strangers out, and may give the service any name."""
    world = World(entrance=Entrance())
    assert world.get("/v1/jobs", headers={"Host": "cron.example"}).status_code == 200
    world.add()
    assert world.executor.received[-1].actor == "local"


def test_a_clock_that_jumps_back_does_not_silence_uses(guarded: GuardedWorld) -> None:
    """The wall clock is for people only; it must not stop anything for long."""
    token = guarded.token("jobs:read", name="a")
    guarded.ask(token, "GET", "/v1/jobs")
    guarded.clock.step(-timedelta(days=1).total_seconds())
    guarded.clock.advance(60)

    assert guarded.ask(token, "GET", "/v1/jobs").status_code == 200
