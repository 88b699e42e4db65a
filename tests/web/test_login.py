"""Logging in and out with a browser: sessions, where one ends up, and what is refused."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import TestResponse

from executor.domain.api_token import written
from executor.domain.command import CommandKind
from executor.domain.errors import NoExecutor
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.world import PLAIN, World, json_of, problem_of
from web.gate import MOST_FAILURES as MOST
from web.known_tokens import FRESH_S, STALE_S

#: What a browser says of a request that a page of the same origin makes it send.
OWN = {"Sec-Fetch-Site": "same-origin"}

#: What a browser says that it wants when somebody follows a link.
LINK = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Site": "none"}

#: Where the service is, behind a proxy that speaks HTTPS.
HTTPS = "https://cron.example"


@pytest.fixture
def guarded() -> GuardedWorld:
    return GuardedWorld()


@pytest.fixture
def provided() -> GuardedWorld:
    return GuardedWorld(login=True, url=HTTPS)


def fill_in(world: World, token: str, headers: dict[str, str] = OWN, **more: str) -> TestResponse:
    """Send the form of the login page."""
    return world.client.post("/login", data={"token": token, **more}, headers=headers)


def follow(world: World, url: str, **how: Any) -> TestResponse:
    """Go to *url* as by a link."""
    return world.client.get(url, headers=LINK, **how)


def text_of(response: TestResponse, status: int) -> str:
    """Return what a page says."""
    assert response.status_code == status, response.text
    assert response.mimetype == "text/html"
    body = response.text.partition("<body>")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def place_of(response: TestResponse) -> str:
    """Return where a browser is sent."""
    assert response.status_code == 303, response.text
    return response.headers["Location"]


def begin(world: GuardedWorld, url: str = "/login/start") -> str:
    """Begin a login at the provider; return its state."""
    address = urlsplit(place_of(follow(world, url, base_url=HTTPS)))
    assert address.hostname == "id.example"
    return parse_qs(address.query)["state"][0]


def come_back(world: GuardedWorld, **answer: str) -> TestResponse:
    """Come back from the provider, by its redirect."""
    headers = {**LINK, "Sec-Fetch-Site": "cross-site"}
    return world.client.get("/login/callback", query_string=answer, headers=headers, base_url=HTTPS)


# With a token ----------------------------------------------------------------------------


def test_nobody_sees_the_page_without_a_login(guarded: GuardedWorld) -> None:
    """People are led to the login and back again; programs are told in their own way."""
    assert place_of(follow(guarded, "/")) == "/login"
    assert (
        place_of(follow(guarded, "/?q=a&state=failed"))
        == "/login?next=%2F%3Fq%3Da%26state%3Dfailed"
    )
    problem_of(guarded.get("/"), 401)
    shown = follow(guarded, "/login?next=%2F%3Fq%3Da")
    assert "API token" in text_of(shown, 200)
    assert 'name="next" value="/?q=a"' in shown.text


def test_who_pastes_a_token_is_logged_in(guarded: GuardedWorld) -> None:
    """With the rights of the token and under its name; the cookie is all the browser has."""
    token = guarded.token("jobs:write", "runs:read", name="alice")
    response = fill_in(guarded, token, next="/?q=a")

    assert place_of(response) == "/?q=a"
    page = follow(guarded, "/")
    assert "token:alice" in text_of(page, 200)
    assert guarded.client.post("/v1/jobs", json=PLAIN, headers=OWN).status_code == 201
    assert guarded.executor.received[-1].actor == "token:alice"
    problem_of(guarded.client.get("/v1/tokens"), 403)
    assert token not in page.text


def test_the_cookie_is_out_of_reach(guarded: GuardedWorld) -> None:
    """Of scripts and of other sites' requests; what is stored and sent on does not hold it."""
    cookie = fill_in(guarded, ADMIN).headers["Set-Cookie"]

    value = re.match(r"solocron=([\w-]{43});", cookie)
    assert value
    assert {"HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    (sent,) = [one for one in guarded.executor.received if one.kind is CommandKind.OPEN_SESSION]
    assert value[1] not in repr(sent)
    assert ADMIN not in repr(sent)


@pytest.mark.parametrize(
    ("url", "base", "headers"),
    [
        (HTTPS, "https://cron.example", {}),
        (HTTPS, "http://10.0.0.1", {}),
        (None, "https://cron.example", {}),
        (None, "http://cron.example", {"X-Forwarded-Proto": "https"}),
    ],
)
def test_behind_https_the_cookie_is_for_this_host_alone(
    url: str | None, base: str, headers: dict[str, str]
) -> None:
    """No host beside it can plant one, and no unprotected line carries it."""
    world = GuardedWorld(url=url)
    response = world.client.post(
        "/login", data={"token": ADMIN}, base_url=base, headers={**OWN, **headers}
    )

    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("__Host-solocron=")
    assert "Secure" in cookie


def test_a_cookie_without_the_prefix_does_not_count_behind_https() -> None:
    """A neighbour may have planted it."""
    world = GuardedWorld(url=HTTPS)
    world.client.post("/login", data={"token": ADMIN}, headers=OWN, base_url=HTTPS)
    cookie = world.client.get_cookie("__Host-solocron", domain="cron.example")
    assert cookie is not None
    assert world.client.get("/v1/jobs", base_url=HTTPS).status_code == 200

    world.client.delete_cookie("__Host-solocron", domain="cron.example")
    world.client.set_cookie("solocron", cookie.value, domain="cron.example")
    problem_of(world.client.get("/v1/jobs", base_url=HTTPS), 401)


@pytest.mark.parametrize("token", ["", "x", written(b"\xff" * 32), written(bytes(32))[:-1] + "0"])
def test_a_token_that_does_not_count_logs_nobody_in(guarded: GuardedWorld, token: str) -> None:
    """The page says so, and shows nothing of it."""
    response = fill_in(guarded, token)

    assert "token" in text_of(response, 401)
    assert "Set-Cookie" not in response.headers
    assert len(token) < 2 or token not in response.text
    assert guarded.executor.received == []


def test_guesses_are_limited(guarded: GuardedWorld) -> None:
    """As everywhere; the store is not asked beyond that."""
    for _ in range(MOST):
        assert fill_in(guarded, written(b"\xff" * 32)).status_code == 401
    response = fill_in(guarded, written(b"\xff" * 32))

    assert "wait" in text_of(response, 429)
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_nobody_is_logged_in_by_a_foreign_page(
    guarded: GuardedWorld, headers: dict[str, str]
) -> None:
    """He would work under a name that is not his."""
    response = fill_in(guarded, ADMIN, headers)

    assert response.status_code == 403
    assert guarded.executor.received == []


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "evil.example",
        "/é",
        "/" + "x" * 2_000,
        "",
    ],
)
def test_nobody_is_sent_elsewhere(provided: GuardedWorld, path: str) -> None:
    """Whatever a link says: by the form, past the login page, and by way of the provider."""
    answer = provided.client.post(
        "/login", data={"token": ADMIN, "next": path}, headers=OWN, base_url=HTTPS
    )
    assert place_of(answer) == "/"
    shown = provided.client.get("/login", query_string={"next": path}, base_url=HTTPS)
    assert place_of(shown) == "/"
    provided.client.delete_cookie("__Host-solocron", domain="cron.example")
    started = provided.client.get("/login/start", query_string={"next": path}, base_url=HTTPS)
    state = parse_qs(urlsplit(place_of(started)).query)["state"][0]
    assert place_of(come_back(provided, state=state, code="good")) == "/"


# Sessions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "http://localhost"}, 201),
        ({}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
    ],
)
def test_a_cookie_changes_things_for_our_own_page_only(
    guarded: GuardedWorld, headers: dict[str, str], status: int
) -> None:
    """What does not show where it comes from is refused; a token needs no such proof."""
    fill_in(guarded, ADMIN)

    response = guarded.client.post("/v1/jobs", json=PLAIN, headers=headers)
    assert response.status_code == status
    made = [one for one in guarded.executor.received if one.kind is CommandKind.CREATE_JOB]
    assert len(made) == (status == 201)
    other = {**PLAIN, "name": "other"}
    assert guarded.ask(ADMIN, "POST", "/v1/jobs", other).status_code == 201


def test_who_logs_out_is_out_everywhere(guarded: GuardedWorld) -> None:
    """The cookie is worth nothing any more, also for who has copied it."""
    fill_in(guarded, ADMIN)
    kept = guarded.client.get_cookie("solocron")
    assert kept is not None
    response = guarded.client.post("/logout", headers=OWN)

    assert place_of(response) == "/login?left=1"
    assert "You are logged out" in text_of(follow(guarded, place_of(response)), 200)
    assert guarded.client.get_cookie("solocron") is None
    guarded.client.set_cookie("solocron", kept.value)
    assert "session has ended" in problem_of(guarded.get("/v1/jobs"), 401)["detail"]
    sent = [one.kind for one in guarded.executor.received]
    assert sent == [CommandKind.OPEN_SESSION, CommandKind.CLOSE_SESSION]
    assert {one.actor for one in guarded.executor.received} == {"admin"}


def test_nobody_is_logged_out_by_a_foreign_page(guarded: GuardedWorld) -> None:
    """Nor by an image in one."""
    fill_in(guarded, ADMIN)
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert guarded.client.post("/logout", headers=headers).status_code == 403
    assert guarded.client.get("/logout").status_code == 405

    assert guarded.get("/v1/jobs").status_code == 200


def test_a_session_ends_at_its_expiry(guarded: GuardedWorld) -> None:
    """However busy it was; the page leads to the login then, and forgets the cookie there."""
    fill_in(guarded, ADMIN)
    guarded.clock.advance(43_199)
    assert guarded.get("/v1/jobs").status_code == 200

    guarded.clock.advance(1)
    problem_of(guarded.get("/v1/jobs"), 401)
    assert place_of(follow(guarded, "/")) == "/login"
    assert "solocron=;" in follow(guarded, "/login").headers["Set-Cookie"]


def test_a_session_ends_with_its_token(guarded: GuardedWorld) -> None:
    """Within seconds, as for who sends the token itself; and its rights are the token's."""
    token = guarded.token("jobs:read", "runs:read", name="ci", expires_at=guarded.later(hours=1))
    fill_in(guarded, token)
    assert guarded.get("/v1/jobs").status_code == 200
    assert guarded.ask(ADMIN, "DELETE", "/v1/tokens/ci").status_code == 204

    guarded.clock.advance(FRESH_S)
    assert "revoked" in problem_of(guarded.get("/v1/jobs"), 401)["detail"]


def test_a_session_closed_elsewhere_is_refused_within_seconds(guarded: GuardedWorld) -> None:
    """Although the store is not asked for every request."""
    fill_in(guarded, ADMIN)
    guarded.get("/v1/jobs")
    guarded.store.close_sessions([guarded.executor.received[0].subject])
    guarded.store.answers = None

    guarded.clock.advance(FRESH_S)
    problem_of(guarded.get("/v1/jobs"), 401)


def test_known_sessions_outlast_a_store_that_is_away_for_a_while(guarded: GuardedWorld) -> None:
    """Who is logged in sees that the store is away; then nobody can tell who he is."""
    fill_in(guarded, ADMIN)
    guarded.get("/v1/status")
    guarded.store.down = True
    guarded.clock.advance(STALE_S - 1)
    assert json_of(guarded.get("/v1/status"))["state"] == "store_unavailable"

    guarded.clock.advance(FRESH_S)
    problem_of(guarded.get("/v1/status"), 503)
    for path in ("/", "/ui/jobs"):
        page = guarded.client.get(path, headers={"Accept": "text/html"})
        assert (page.status_code, page.mimetype) == (503, "text/html"), path
        assert page.headers["Retry-After"]


def test_what_is_sent_as_a_header_counts_before_the_cookie(guarded: GuardedWorld) -> None:
    """Who means to be somebody else is not taken for who is logged in."""
    fill_in(guarded, ADMIN)

    problem_of(guarded.ask("wrong", "GET", "/v1/jobs"), 401)
    caller = guarded.ask(guarded.token("runs:read", name="b"), "GET", "/v1/caller")
    assert json_of(caller) == {"actor": "token:b", "scopes": ["runs:read"]}


def test_each_login_is_a_session_of_its_own(guarded: GuardedWorld) -> None:
    """A value that somebody has planted before never becomes one."""
    guarded.client.set_cookie("solocron", "planted")
    fill_in(guarded, ADMIN)
    first = guarded.client.get_cookie("solocron")
    fill_in(guarded, ADMIN)
    second = guarded.client.get_cookie("solocron")

    assert first is not None
    assert second is not None
    assert len({"planted", first.value, second.value}) == 3


@pytest.mark.parametrize("cookie", ["x", "x" * 43, "x" * 4_000, "é", "\x00"])
def test_an_unknown_cookie_is_nobody(guarded: GuardedWorld, cookie: str) -> None:
    """401, never an error in the service."""
    guarded.client.set_cookie("solocron", cookie)

    problem_of(guarded.get("/v1/jobs"), 401)
    assert place_of(follow(guarded, "/")) == "/login"


def test_who_lacks_rights_is_told_and_may_leave(guarded: GuardedWorld) -> None:
    """The page says which scope is missing, and does not lead round in circles."""
    fill_in(guarded, guarded.token("runs:read"))
    response = follow(guarded, "/")

    assert "jobs:read" in text_of(response, 403)
    assert 'action="/logout"' in response.text


@pytest.mark.parametrize(
    "trouble",
    [
        lambda world: setattr(world.executor, "away", NoExecutor("nobody executes")),
        lambda world: setattr(world.executor, "silent", True),
        lambda world: setattr(world.store, "down", True),
    ],
    ids=["no executor", "no answer", "no store"],
)
def test_nobody_is_logged_in_who_is_not_known_to_all(
    guarded: GuardedWorld, trouble: Callable[[GuardedWorld], None]
) -> None:
    """503, on the page; who has a token can send it."""
    token = guarded.token("jobs:read")
    trouble(guarded)
    response = fill_in(guarded, token)

    text_of(response, 503)
    assert response.headers["Retry-After"]
    assert "Set-Cookie" not in response.headers


def test_who_logs_out_while_nobody_executes_is_told(guarded: GuardedWorld) -> None:
    """The browser forgets the session; that it goes on elsewhere is not kept from him."""
    fill_in(guarded, ADMIN)
    guarded.executor.away = NoExecutor("nobody executes")
    response = guarded.client.post("/logout", headers=OWN)

    assert "ends at its expiry" in text_of(response, 503)
    assert guarded.client.get_cookie("solocron") is None


def test_where_nobody_has_to_log_in_there_is_no_login(world: World) -> None:
    """All its addresses lead to the page."""
    for path in ("/login", "/login?next=/v1/jobs", "/login/start", "/login/callback?code=x"):
        assert place_of(follow(world, path)) == "/"
    assert place_of(world.client.post("/login", headers=OWN)) == "/"
    assert "Log out" not in follow(world, "/").text
    assert json_of(world.get("/v1/login")) == {"guarded": False, "provider": None}


# With an identity provider ------------------------------------------------------------------


def test_who_is_vouched_for_is_logged_in(provided: GuardedWorld) -> None:
    """Without a page in between, with what the provider grants, and back where he wanted to go."""
    assert place_of(follow(provided, "/?q=a", base_url=HTTPS)) == "/login/start?next=%2F%3Fq%3Da"
    state = begin(provided, "/login/start?next=%2F%3Fq%3Da")
    response = come_back(provided, state=state, code="good")

    assert place_of(response) == "/?q=a"
    assert provided.login.redeemed[0][1:] == (f"{HTTPS}/login/callback", "good")
    caller = provided.client.get("/v1/caller", base_url=HTTPS)
    assert json_of(caller) == {"actor": "oidc:alice", "scopes": ["jobs:write", "runs:read"]}
    (sent,) = provided.executor.received
    assert (sent.actor, sent.arguments["scopes"]) == ("oidc:alice", ["jobs:write", "runs:read"])
    gone = [c for c in response.headers.getlist("Set-Cookie") if "solocron-login=;" in c]
    assert len(gone) == 1


def test_who_is_granted_nothing_is_told(provided: GuardedWorld) -> None:
    """He is logged in, and sees that nothing is for him."""
    provided.login.scopes = ("openid",)
    come_back(provided, state=begin(provided), code="good")

    assert "jobs:read" in text_of(follow(provided, "/", base_url=HTTPS), 403)


@pytest.mark.parametrize(
    "answer",
    [
        {"code": "good"},
        {"code": "good", "state": ""},
        {"code": "good", "state": "x"},
        {"code": "good", "state": "Lw.é"},
        {"code": "good", "state": "Lw.AAAA"},
        {"code": "good", "state": "."},
    ],
)
def test_an_answer_without_the_state_is_refused(
    provided: GuardedWorld, answer: dict[str, str]
) -> None:
    """Nothing is redeemed, and nobody is logged in."""
    begin(provided)
    response = come_back(provided, **answer)

    assert "not begun with this browser" in text_of(response, 401)
    assert provided.login.redeemed == []


def test_an_answer_that_another_browser_asked_for_is_refused(provided: GuardedWorld) -> None:
    """Nobody can be logged in under somebody else's name by a link."""
    state = begin(provided)
    provided.client.delete_cookie("__Host-solocron-login", domain="cron.example")
    assert come_back(provided, state=state, code="good").status_code == 401
    begin(provided)

    assert come_back(provided, state=state, code="good").status_code == 401
    assert provided.login.redeemed == []


@pytest.mark.parametrize(
    "answer", [{"error": "access_denied"}, {"code": "good", "iss": "https://evil.example"}, {}]
)
def test_what_is_no_answer_of_the_provider_is_refused(
    provided: GuardedWorld, answer: dict[str, str]
) -> None:
    """Its own words are not shown: anybody could have written them into the address."""
    evil = {"error_description": "call 0900-evil"}
    response = come_back(provided, state=begin(provided), **{**evil, **answer})

    assert "has not logged you in" in text_of(response, 401)
    assert "evil" not in response.text
    assert provided.login.redeemed == []


def test_codes_are_not_guessed(provided: GuardedWorld) -> None:
    """The provider is not asked beyond the limit."""
    for _ in range(MOST + 3):
        come_back(provided, state=begin(provided), code="bad")

    assert len(provided.login.redeemed) == MOST
    assert come_back(provided, state=begin(provided), code="good").status_code == 429


def test_windows_that_log_in_together_all_get_there(provided: GuardedWorld) -> None:
    """A browser that opens several at once goes to the provider with each of them."""
    states = [begin(provided, f"/login/start?next=/?q={name}") for name in "ab"]
    assert place_of(come_back(provided, state=states[0], code="good")) == "/?q=a"

    assert place_of(come_back(provided, state=states[1], code="good")) == "/"
    assert provided.client.get("/v1/jobs", base_url=HTTPS).status_code == 200


def test_a_provider_that_is_away_is_named(provided: GuardedWorld) -> None:
    """503, and the form for API tokens beside it."""
    state = begin(provided)
    provided.login.away = True

    for response in (follow(provided, "/login/start"), come_back(provided, state=state, code="g")):
        assert "The provider does not answer. " in text_of(response, 503)
        assert 'name="token"' in response.text


def test_the_login_page_leads_to_the_provider(provided: GuardedWorld) -> None:
    """By its name, with where to go; after logging out nobody is sent there unasked."""
    shown = follow(provided, "/login?left=1&next=/?q=a", base_url=HTTPS)

    assert "Log in with id.example" in text_of(shown, 200)
    assert 'href="/login/start?next=%2F%3Fq%3Da"' in shown.text


def test_without_a_provider_its_addresses_lead_nowhere(guarded: GuardedWorld) -> None:
    """The page says what to do instead."""
    for path in ("/login/start", "/login/callback?code=good&state=x"):
        text_of(follow(guarded, path), 401)


@pytest.mark.parametrize("path", ["/login", "/login/start", "/login/callback", "/logout"])
def test_the_pages_of_the_login_are_hardened(provided: GuardedWorld, path: str) -> None:
    """Nothing inline, no frames, nothing kept."""
    response = follow(provided, path)

    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<style|\sstyle=|<script|\son\w+=", response.text)
