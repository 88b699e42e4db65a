"""``/v1/tokens``: made, shown once, listed, revoked."""

from __future__ import annotations

import pytest

from executor.domain.api_token import TOKENS, digest_of, is_well_formed
from executor.domain.instant import to_text
from tests.web.world import World, faults_of, json_of, problem_of

ASKED = {"name": "ci", "scopes": ["jobs:write#team-a", "runs:read"]}


def test_a_token_is_shown_once(world: World) -> None:
    """The answer has it; after that nothing has, and the executor got its digest."""
    made = world.post("/v1/tokens", ASKED)
    assert made.status_code == 201
    token = json_of(made)["token"]
    assert is_well_formed(token)

    assert world.executor.received[-1].arguments["digest"] == digest_of(token)
    assert token not in repr(world.executor.received)
    assert token not in world.get("/v1/tokens").text
    assert digest_of(token) not in world.get("/v1/tokens").text


def test_tokens_are_listed_by_name_with_what_they_may(world: World) -> None:
    """And when they end, who made them, and when they were used last."""
    world.post("/v1/tokens", {**ASKED, "lifetime": "PT1H"})
    world.post("/v1/tokens", {"name": "backup", "scopes": ["admin"], "lifetime": None})
    world.clock.advance(3600)
    world.store.note_token_uses({"backup": world.clock.now()})

    backup, ci = json_of(world.get("/v1/tokens"))["items"]
    assert (backup["name"], backup["state"], backup["expires_at"]) == ("backup", "active", None)
    assert backup["last_used_at"] == to_text(world.clock.now())
    assert ci == {
        "name": "ci",
        "state": "expired",
        "scopes": ["jobs:write#team-a", "runs:read"],
        "created_at": to_text(world.later(hours=-1)),
        "created_by": "local",
        "expires_at": to_text(world.clock.now()),
        "last_used_at": None,
    }


def test_a_token_lives_for_a_quarter_unless_told_otherwise(world: World) -> None:
    """One that nobody thinks of any more ends by itself."""
    document = json_of(world.post("/v1/tokens", ASKED))

    assert document["expires_at"] == to_text(world.later(days=90))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": 7}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["jobs:read", "root"]}, "scopes.1"),
        ({"lifetime": "PT0S"}, "lifetime"),
        ({"lifetime": "P9999999D"}, "lifetime"),
        ({"token": "mine"}, "token"),
    ],
)
def test_a_faulty_request_names_the_field(
    world: World, change: dict[str, object], field: str
) -> None:
    """And nothing is sent."""
    assert field in faults_of(world.post("/v1/tokens", {**ASKED, **change}), 422)
    assert world.executor.received == []


def test_a_name_in_use_is_refused(world: World) -> None:
    """409; revoked it is free."""
    world.post("/v1/tokens", ASKED)
    problem_of(world.post("/v1/tokens", ASKED), 409)

    assert world.client.delete("/v1/tokens/ci").status_code == 204
    problem_of(world.client.delete("/v1/tokens/ci"), 404)
    assert world.post("/v1/tokens", ASKED).status_code == 201


def test_a_broken_token_is_shown_as_such(world: World) -> None:
    """It hides no other, and can be revoked."""
    world.post("/v1/tokens", ASKED)
    world.store.break_named(TOKENS, "ci")

    (broken,) = json_of(world.get("/v1/tokens"))["items"]
    assert (broken["name"], broken["state"]) == ("ci", "broken")
    assert world.client.delete("/v1/tokens/ci").status_code == 204
