"""Who may do what: every route against every scope."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from executor.domain.access import Scope
from executor.domain.callback import token_for
from executor.domain.command import CommandKind
from executor.domain.run import RunState
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.world import PLAIN, json_of, problem_of
from web.access import NEEDS, need_of

#: What is not for everybody.
CLOSED = [route for route, need in NEEDS.items() if not need.public]

#: The scopes that another one includes.
INCLUDES = {
    Scope.JOBS_WRITE: {Scope.JOBS_READ, Scope.JOBS_WRITE},
    Scope.RUNS_WRITE: {Scope.RUNS_READ, Scope.RUNS_WRITE},
    Scope.ADMIN: set(Scope),
}

#: A batch of one.
BATCH = {"items": [{"put": {**PLAIN, "name": "another"}}]}

#: Served without a look at anybody.
STATIC = "GET /static/{filename}"

#: Asks for the token of a run, whoever sends it.
CALL_BACK = "POST /v1/runs/{run}/status"

#: On the way in and out; ``test_login.py`` says what they answer.
LOGIN = {
    "GET /login",
    "POST /login",
    "GET /login/start",
    "GET /login/callback",
    "POST /logout",
}

_VARIABLE = re.compile(r"<(?:path:)?(\w+)>")


#: What answers 500 to a name that it does not know, because its clients expect that.
ODD = "DELETE /jobs/{job}"


def routes(app: Flask) -> set[str]:
    """Return every method and path that is served, as the table writes them."""
    return {
        method + " " + _VARIABLE.sub(r"{\1}", rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def address(route: str) -> tuple[str, str]:
    """Return the method and a URL of *route*, about things that are not there."""
    method, _, path = route.partition(" ")
    return method, re.sub(r"{\w+}", "unknown", path)


@pytest.fixture
def guarded() -> GuardedWorld:
    return GuardedWorld()


def test_every_route_says_what_it_needs(guarded: GuardedWorld) -> None:
    """None is forgotten, and none of the table is gone."""
    assert routes(guarded.app) - {STATIC} == set(NEEDS)


def test_a_forgotten_route_needs_everything() -> None:
    """What nobody thought of is closed."""
    assert need_of("GET", "/v1/new").scopes == (Scope.ADMIN,)


def test_public_routes_ask_nobody(guarded: GuardedWorld) -> None:
    """A platform's probes have no token; nor has who reads how to use one."""
    for route, need in NEEDS.items():
        if need.public and route not in {CALL_BACK, *LOGIN}:
            # Nobody is asked who he is, but whoever pings has to know a key.
            unknown = "/ping/" in route or "/docs/" in route
            expected = {400, 404} if unknown else {200}
            assert guarded.ask(None, *address(route)).status_code in expected, route


def test_a_call_back_needs_the_runs_token_and_no_other(guarded: GuardedWorld) -> None:
    """A token of ours, even the administrator's, is not that of the run."""
    guarded.put_run("r", state=RunState.RUNNING)
    own = token_for(guarded.store.callback_key(), "r")
    for token, status in ((None, 401), (ADMIN, 401), (guarded.token("admin"), 401), (own, 200)):
        answer = guarded.ask(token, "POST", "/v1/runs/r/status", {})
        assert answer.status_code == status, answer.text


def test_nobody_is_let_in_without_a_token(guarded: GuardedWorld) -> None:
    """401 with a challenge, and nothing is sent to the executor."""
    for route in CLOSED:
        response = guarded.ask(None, *address(route))

        assert response.status_code == 401, route
        assert response.headers["WWW-Authenticate"].startswith('Bearer realm="solocron'), route
    assert guarded.executor.received == []


@pytest.mark.parametrize("scope", list(Scope))
def test_a_scope_opens_what_needs_it_and_nothing_else(guarded: GuardedWorld, scope: Scope) -> None:
    """403 names every scope that is missing, in words and for programs."""
    token = guarded.token(scope)
    refused = set()
    for route in CLOSED:
        missing = [one for one in NEEDS[route].scopes if one not in INCLUDES.get(scope, {scope})]
        response = guarded.ask(token, *address(route))
        assert response.status_code != 401, route
        assert response.status_code != 500 or route == ODD, route
        if response.status_code == 403:
            refused.add(route)
            challenge = response.headers["WWW-Authenticate"]
            assert challenge.endswith(f'error="insufficient_scope", scope="{" ".join(missing)}"')
            words = f"this needs the scope {' and '.join(missing)};"
            assert words in response.text or json_of(response)["missing_scopes"] == missing
            assert missing, route

    expected = [r for r in CLOSED if set(NEEDS[r].scopes) - INCLUDES.get(scope, {scope})]
    assert refused == set(expected)


def test_what_is_refused_is_not_sent(guarded: GuardedWorld) -> None:
    """The executor hears of nothing that its sender may not do."""
    token = guarded.token(Scope.JOBS_READ, Scope.RUNS_READ)
    for route in CLOSED:
        guarded.ask(token, *address(route))

    assert {one.kind for one in guarded.executor.received} == {CommandKind.USE_TOKENS}


def test_what_concerns_all_jobs_needs_unnarrowed_rights(guarded: GuardedWorld) -> None:
    """A calendar, a secret and the load belong to no tag."""
    for route, need in NEEDS.items():
        if need.whole:
            token = guarded.token(*(f"{scope}#a" for scope in need.scopes))
            problem = problem_of(guarded.ask(token, *address(route)), 403)
            assert "without a tag" in problem["detail"], route


def test_lists_show_what_carries_the_tag(guarded: GuardedWorld) -> None:
    """Jobs and their runs; the rest is not there, by no address."""
    for name, tags in (("ours", ["a"]), ("theirs", ["b"]), ("both", ["b", "a"])):
        document = {**PLAIN, "name": name, "tags": tags}
        made = guarded.ask(ADMIN, "POST", "/v1/jobs", document)
        job_id = json_of(made)["id"]
        guarded.put_run(f"run-{name}", job_id=job_id, job=name)
    token = guarded.token("jobs:write#a", "runs:write#a")

    def names(url: str, field: str) -> set[str]:
        return {item[field] for item in json_of(guarded.ask(token, "GET", url))["items"]}

    assert names("/v1/jobs", "name") == {"ours", "both"}
    assert names("/v1/jobs?tag=b", "name") == {"both"}
    assert names("/v1/runs", "job") == {"ours", "both"}
    assert names("/v1/jobs/ours/runs", "job") == {"ours"}
    for method, url in (
        ("GET", "/v1/jobs/theirs"),
        ("GET", "/v1/jobs/theirs/runs"),
        ("GET", "/v1/runs?job=theirs"),
        ("GET", "/v1/jobs/theirs/revisions"),
        ("GET", "/v1/runs/run-theirs"),
        ("GET", "/v1/runs/run-theirs/output"),
        ("POST", "/v1/runs/run-theirs/cancel"),
        ("POST", "/v1/jobs/theirs/trigger"),
        ("DELETE", "/v1/jobs/theirs"),
    ):
        assert guarded.ask(token, method, url).status_code == 404, (method, url)
    page = guarded.ask(token, "GET", "/").text
    assert "ours" in page
    assert "theirs" not in page


def test_a_command_says_who_asks_and_how_far_he_reaches(guarded: GuardedWorld) -> None:
    """The executor decides by it, and the audit keeps it."""
    token = guarded.token("jobs:write#a", name="ci")
    document = {**PLAIN, "tags": ["a"]}
    guarded.ask(token, "POST", "/v1/jobs", document, X_Forwarded_For="6.6.6.6, 192.0.2.7")

    (command,) = [one for one in guarded.executor.received if one.kind == "create_job"]
    assert (command.actor, command.address, command.within) == ("token:ci", "192.0.2.7", ("a",))


def test_every_item_of_a_batch_says_so_too(guarded: GuardedWorld) -> None:
    """What may not be changed one by one may not be changed together."""
    token = guarded.token("jobs:write#a", name="ci")
    items = [{"put": {**PLAIN, "name": "one", "tags": ["a"]}}, {"delete": "theirs"}]
    assert guarded.ask(token, "POST", "/v1/batch", {"items": items}).status_code == 200

    sent = [one for one in guarded.executor.received if one.kind is not CommandKind.USE_TOKENS]
    assert [(one.kind, one.within) for one in sent] == [
        (CommandKind.CREATE_JOB, ("a",)),
        (CommandKind.DELETE_JOB, ("a",)),
    ]
    assert {(one.actor, bool(one.address)) for one in sent} == {("token:ci", True)}


def test_a_key_of_one_caller_says_nothing_to_another(guarded: GuardedWorld) -> None:
    """The same Idempotency-Key is another request when somebody else sends it."""
    tokens = [guarded.token("jobs:write") for _ in range(2)]
    answers = [
        guarded.ask(token, "POST", "/v1/jobs", PLAIN, Idempotency_Key="k") for token in tokens
    ]

    assert [answer.status_code for answer in answers] == [201, 409]
    ids = [
        json_of(guarded.ask(token, "POST", "/v1/batch", BATCH, Idempotency_Key="k"))["items"][0]
        for token in tokens
    ]
    assert ids[0]["command"] != ids[1]["command"]


def test_the_page_shows_channels_to_those_whom_the_api_shows_them(guarded: GuardedWorld) -> None:
    """Whose rights are narrowed to a tag may name them in his jobs, but not try or change them."""
    hook = {"kind": "webhook", "url": "https://example.com/hook"}
    assert guarded.ask(ADMIN, "PUT", "/v1/channels/ops", hook).status_code == 201

    def shown(*scopes: str) -> tuple[bool, bool]:
        token = guarded.token("runs:read", *scopes)
        page = guarded.ask(token, "GET", "/", Accept="text/html")
        assert page.status_code == 200, page.text
        found = guarded.ask(token, "GET", "/ui/channels", Accept="text/html")
        assert found.status_code == (200 if "/ui/channels" in page.text else 403)
        return "https://example.com/hook" in found.text, "/ui/channels/ops/test" in found.text

    assert shown("jobs:read", "jobs:write") == (True, True)
    assert shown("jobs:read") == (False, False)
    assert shown("jobs:read", "jobs:write#a") == (True, False)
