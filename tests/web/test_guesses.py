"""Failed logins are limited, whatever they look like; what counts is let in all the same."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from executor.domain.api_token import digest_of, written
from executor.domain.session import Session
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.world import problem_of
from web.gate import FAILURE_EVERY_S as EVERY_S
from web.gate import LOOK_EVERY_S, LOOKS_AT_ONCE
from web.gate import MOST_FAILURES as MOST

#: A well-formed API token that nobody ever made.
UNKNOWN = written(b"\xff" * 32)

#: Guesses of every shape that credentials have.
GUESSES = {
    "administrator's": "b" * 32,
    "hexadecimal": "0123456789abcdef" * 4,
    "malformed": UNKNOWN[:-1] + "#",
    "well-formed": UNKNOWN,
    "forged": "bad.to.ken",
    "too long": "x" * 9_000,
    "short": "x",
}


@pytest.fixture
def guarded() -> GuardedWorld:
    return GuardedWorld()


def status_of(world: GuardedWorld, token: str, **headers: str) -> int:
    return world.ask(token, "GET", "/v1/jobs", **headers).status_code


def fail(world: GuardedWorld, times: int = 3 * MOST, guess: str = GUESSES["malformed"]) -> None:
    """Bring the usual address beyond the limit."""
    for _ in range(times):
        world.ask(guess, "GET", "/v1/jobs")


@pytest.mark.parametrize("guess", GUESSES.values(), ids=GUESSES)
def test_guesses_of_every_shape_are_limited(guarded: GuardedWorld, guess: str) -> None:
    """401 for the first ones, then 429, and 401 again once in a while; not so for others."""
    for _ in range(MOST):
        problem_of(guarded.ask(guess, "GET", "/v1/jobs"), 401)

    response = guarded.ask(guess, "GET", "/v1/jobs")
    assert "wait" in problem_of(response, 429)["detail"]
    assert 0 < int(response.headers["Retry-After"]) <= EVERY_S
    assert status_of(guarded, guess, X_Forwarded_For="192.0.2.9") == 401

    guarded.clock.advance(EVERY_S)
    assert [status_of(guarded, guess) for _ in range(2)] == [401, 429]


def test_hundreds_of_guesses_cost_no_longer_wait_than_eleven(guarded: GuardedWorld) -> None:
    """Nor do they for the neighbours."""
    fail(guarded, 200, "x" * 9_000)

    guarded.clock.advance(EVERY_S)
    assert status_of(guarded, UNKNOWN) == 401


def test_a_change_of_shape_is_no_way_out(guarded: GuardedWorld) -> None:
    """All that does not count is counted together."""
    fail(guarded)

    assert {status_of(guarded, guess) for guess in GUESSES.values()} == {429}


@pytest.mark.parametrize("guess", GUESSES.values(), ids=GUESSES)
def test_what_counts_is_let_in_between_any_number_of_guesses(
    guarded: GuardedWorld, guess: str
) -> None:
    """Of every kind, from the same address, and also what this process has not met before."""
    made = guarded.token("jobs:read")
    fail(guarded, guess=guess)

    for token in (ADMIN, made, "good.to.ken"):
        assert status_of(guarded, token) == 200
        fail(guarded, MOST, guess)


def test_a_token_that_has_just_been_made_counts_at_once(guarded: GuardedWorld) -> None:
    """Although the store has to be asked for it, on behalf of an address beyond the limit."""
    status_of(guarded, guarded.token("jobs:read"))
    fail(guarded)

    assert status_of(guarded, guarded.token("jobs:read")) == 200


def test_a_token_that_has_just_been_made_counts_soon_among_well_formed_guesses(
    guarded: GuardedWorld,
) -> None:
    """They use up what the store is asked, but each answer of the store holds all tokens."""
    status_of(guarded, guarded.token("jobs:read"))
    fail(guarded, guess=UNKNOWN)
    made = guarded.token("jobs:read")
    response = guarded.ask(made, "GET", "/v1/jobs")
    problem_of(response, 429)
    assert response.headers["Retry-After"] == "1"

    guarded.clock.advance(LOOK_EVERY_S)
    fail(guarded, 5, UNKNOWN)
    assert status_of(guarded, made) == 200


def test_the_store_is_not_asked_about_every_guess(guarded: GuardedWorld) -> None:
    """Beyond the limit some questions are left, for all such addresses together."""
    places = ["192.0.2.8", "192.0.2.9"]
    for place in places * MOST:
        status_of(guarded, UNKNOWN, X_Forwarded_For=place)
    guarded.store.answers = plenty = 1_000_000

    for place in places * 20:
        assert status_of(guarded, UNKNOWN, X_Forwarded_For=place) == 429
    # Each look reads the tokens, and their uses.
    assert plenty - guarded.store.answers == 2 * LOOKS_AT_ONCE


def browse(world: GuardedWorld, cookie: str) -> int:
    """Ask for something as a browser with a session does."""
    world.client.set_cookie("solocron", cookie)
    return world.client.get("/v1/jobs").status_code


def open_session(world: GuardedWorld, cookie: str) -> None:
    """Log a browser in, elsewhere."""
    session = Session(
        digest=digest_of(cookie),
        actor="oidc:alice",
        scopes=("jobs:read",),
        token="",
        expires_at=world.later(hours=1),
    )
    world.store.open_sessions([session])


def test_a_session_that_this_process_has_not_met_counts(guarded: GuardedWorld) -> None:
    """A browser that another instance has logged in is not kept out by its neighbours."""
    fail(guarded, guess=UNKNOWN)
    open_session(guarded, "met elsewhere")

    assert browse(guarded, "met elsewhere") == 200


def test_guesses_of_sessions_are_limited(guarded: GuardedWorld) -> None:
    """A few are told that they have ended, so that people get to the login; then 429 for a moment.

    Whose session is known here goes on.
    """
    open_session(guarded, "known")
    browse(guarded, "known")

    statuses = [browse(guarded, f"guess {number}") for number in range(40)]
    assert statuses == [401] * (MOST + LOOKS_AT_ONCE) + [429] * (40 - MOST - LOOKS_AT_ONCE)
    assert browse(guarded, "known") == 200
    guarded.clock.advance(LOOK_EVERY_S)
    assert [browse(guarded, "guess") for _ in range(2)] == [401, 429]


def test_an_old_cookie_leads_to_the_login_whatever_neighbours_do(guarded: GuardedWorld) -> None:
    """And there a token is taken."""
    fail(guarded)
    guarded.client.set_cookie("solocron", "ended")
    page = guarded.client.get("/", headers={"Accept": "text/html"})
    assert page.headers["Location"] == "/login"

    own = {"Sec-Fetch-Site": "same-origin"}
    response = guarded.client.post("/login", data={"token": ADMIN}, headers=own)
    assert response.headers["Location"] == "/"


def test_wrong_tokens_keep_nobody_from_logging_in_at_the_provider() -> None:
    """Its codes are counted on their own."""
    world = GuardedWorld(login=True, url="http://localhost")
    fail(world)
    begun = world.client.get("/login/start").headers["Location"]
    state = parse_qs(urlsplit(begun).query)["state"][0]

    answer = {"state": state, "code": "good"}
    assert world.client.get("/login/callback", query_string=answer).status_code == 303


def test_neighbours_in_one_ipv6_network_are_counted_together(guarded: GuardedWorld) -> None:
    """One customer has as many addresses as he likes."""
    for number in range(MOST):
        status_of(guarded, UNKNOWN, X_Forwarded_For=f"2001:db8::{number}:1")

    assert status_of(guarded, UNKNOWN, X_Forwarded_For="2001:db8::ffff") == 429
    assert status_of(guarded, UNKNOWN, X_Forwarded_For="2001:db8:0:1::1") == 401
