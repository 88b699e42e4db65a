"""/ui/tokens: made, shown once, listed, revoked."""

from __future__ import annotations

import re
from typing import Any

from executor.domain.api_token import is_well_formed
from executor.domain.instant import to_text
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.reading import BROWSER, check_page, read, submit, visit, words
from tests.web.world import World, json_of

PAGE = "/ui/tokens"

FORM: dict[str, Any] = {"name": "ci", "scope": ["jobs:read", "runs:read"], "lifetime": "P30D"}


def tokens(world: World) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json_of(world.get("/v1/tokens"))["items"]
    return items


def test_a_token_is_shown_once(world: World) -> None:
    """On the answer to the form; on no page after that, and in no cookie."""
    made = submit(world, PAGE, **FORM)

    [text] = re.findall(r"slc_\w+", made.text)
    assert made.status_code == 201
    assert is_well_formed(text)
    assert text not in str(made.headers)
    assert text not in visit(world, PAGE)
    check_page(made.text)
    [token] = tokens(world)
    assert token["scopes"] == ["jobs:read", "runs:read"]
    assert token["expires_at"] == to_text(world.later(days=30))


def test_a_token_may_be_for_some_jobs_only(world: World) -> None:
    """Every chosen scope for every tag; and it may be for ever."""
    submit(world, PAGE, **{**FORM, "tags": "a, b", "lifetime": "never"})

    [token] = tokens(world)
    assert sorted(token["scopes"]) == ["jobs:read#a", "jobs:read#b", "runs:read#a", "runs:read#b"]
    assert token["expires_at"] is None


def test_what_is_wrong_is_said_at_the_field_and_nothing_is_lost(world: World) -> None:
    """What was typed and ticked is still there."""
    submit(world, PAGE, **FORM)
    for change, says in (
        ({"name": "a b"}, "use a letter or digit"),
        ({"scope": []}, "Choose one at least."),
        ({"scope": ["admin"], "tags": "a"}, "admin cannot be narrowed"),
        ({"scope": ["sudo"]}, "'sudo' is no scope"),
        ({"lifetime": "P1000Y"}, "Choose one of those"),
        ({}, "exists already"),
    ):
        refused = submit(world, PAGE, **{**FORM, **change})
        assert refused.status_code in {409, 422}, change
        assert says.lower() in words(refused.text).lower(), change
        assert f'value="{change.get("name", "ci")}"' in refused.text
        check_page(refused.text)
    kept = submit(world, PAGE, **{**FORM, "name": "a b"}).text
    assert re.search(r'value="runs:read" checked', kept)
    assert not re.search(r'value="admin" checked', kept)
    assert len(tokens(world)) == 1


def test_tokens_are_listed_with_their_last_use(world: World) -> None:
    """And with who made them, what they may, and when they end."""
    submit(world, PAGE, **FORM)
    submit(world, PAGE, name="old", scope=["admin"], lifetime="P7D")
    world.clock.advance(8 * 86_400)
    world.store.note_token_uses({"ci": world.clock.now()})

    page = visit(world, PAGE)
    shown = words(page)

    assert "ci made 2026-12-01 00:00:00 UTC by local jobs:read runs:read 2026-12-09" in shown
    assert "admin never expired" in shown
    check_page(page)


def test_revoking_asks_once_more(world: World) -> None:
    """Then the token lets nobody in."""
    submit(world, PAGE, **FORM)

    asked = submit(world, f"{PAGE}/ci/revoke")
    assert "Revoke ci?" in asked.text
    assert len(tokens(world)) == 1
    check_page(asked.text)

    done = submit(world, f"{PAGE}/ci/revoke", sure="yes")
    assert (done.status_code, done.headers["Location"]) == (303, PAGE)
    assert "ci lets nobody in any more." in read(world, PAGE)
    assert tokens(world) == []
    assert submit(world, f"{PAGE}/ci/revoke").status_code == 404


def test_a_token_whose_making_is_not_confirmed_is_not_shown(world: World) -> None:
    """It may or may not count: it is better made anew."""
    world.executor.silent = True

    response = submit(world, PAGE, **FORM)

    assert response.status_code == 303
    assert "revoke it, and make another" in read(world, PAGE)


def test_where_nobody_logs_in_the_page_says_that_tokens_do_not_count(world: World) -> None:
    """And an empty list says what they are for."""
    shown = read(world, PAGE)

    assert "Nobody has to say who he is here" in shown
    assert "No tokens yet." in shown


def test_only_administrators_make_tokens() -> None:
    """Nobody gives himself more than he has; and no other site has it done."""
    world = GuardedWorld()
    token = world.token("jobs:write", "runs:write")
    for path in (PAGE, f"{PAGE}/t1/revoke"):
        headers = {**BROWSER, "Authorization": f"Bearer {token}"}
        assert world.client.post(path, data=FORM, headers=headers).status_code == 403
    foreign = {"Authorization": f"Bearer {ADMIN}", "Sec-Fetch-Site": "cross-site"}
    assert world.client.post(PAGE, data=FORM, headers=foreign).status_code == 403
