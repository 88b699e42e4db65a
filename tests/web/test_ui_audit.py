"""/ui/audit: who changed what, and what it was before."""

from __future__ import annotations

import html
import re
from typing import Any

from executor.domain.audit import Change
from executor.domain.command import CommandKind
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.reading import BROWSER, check_page, read, visit, words
from tests.web.world import World
from web.ui.audit import ROWS

PAGE = "/ui/audit"

JOB = "0" * 32


def enter(world: World, **facts: Any) -> None:
    """Append an entry of *facts*; revisions of one job unless they say otherwise."""
    number = len(world.store.every_change())
    fields: dict[str, Any] = {
        "id": f"job:{JOB}:{facts.get('revision', f'x{number}')}",
        "at": world.later(seconds=number),
        "actor": "token:ci",
        "address": "192.0.2.1",
        "action": CommandKind.UPDATE_JOB,
        "subject": "nightly",
        "job_id": JOB,
    }
    world.store.append_changes([Change(**{**fields, **facts})])


def test_a_change_is_shown_field_by_field(world: World) -> None:
    """Before and since; what has not changed is left out."""
    first = {"name": "nightly", "schedule": {"expression": "0 2 * * *"}, "owner": "", "tags": []}
    enter(world, action=CommandKind.CREATE_JOB, revision=1, after=first)
    enter(world, revision=2, after={**first, "schedule": {"expression": "0 4 * * *"}})

    page = visit(world, PAGE)
    shown = words(page)

    assert "update job nightly by token:ci from 192.0.2.1" in shown
    assert 'schedule.expression before: "0 2 * * *" since: "0 4 * * *"' in shown
    assert "as it was made name since: nightly schedule.expression" in shown
    assert "owner" not in shown.partition("as it was made")[2]
    assert f'href="/ui/jobs/{JOB}"' in page
    check_page(page)


def test_what_was_deleted_is_shown_as_it_was(world: World) -> None:
    """So that it can be made again."""
    enter(world, revision=1, after={"name": "nightly", "owner": "data"})
    enter(world, revision=2, action=CommandKind.DELETE_JOB)

    assert "as it was name before: nightly owner before: data" in read(world, PAGE)


def test_a_long_text_is_shown_by_the_lines_that_differ(world: World) -> None:
    """Not as two texts to be compared by eye."""
    lines = [f"line {number}" for number in range(40)]
    enter(world, revision=1, after={"name": "n", "body": "\n".join(lines)})
    changed = [*lines[:20], "new", *lines[21:]]
    enter(world, revision=2, after={"name": "n", "body": "\n".join(changed)})

    page = visit(world, PAGE)

    assert "-line 20" in page
    assert "+new" in page
    assert "line 30" not in page.partition("<li>")[2].partition("</li>")[0]


def test_of_a_secret_there_is_its_name(world: World) -> None:
    """Its value is nowhere, sealed or not."""
    enter(world, id="secret:KEY:1", action=CommandKind.PUT_SECRET, subject="KEY", job_id=None)

    shown = visit(world, PAGE)

    assert "its value is shown to nobody" in shown
    assert 'href="/ui/secrets"' in shown


def test_the_audit_is_narrowed(world: World) -> None:
    """By job, actor, action and time, which is meant in UTC."""
    world.put_job("plain")
    enter(world, subject="first", job_id="id-of-plain")
    enter(world, subject="second", actor="local", at=world.later(hours=1))
    enter(world, subject="third", action=CommandKind.DELETE_JOB, at=world.later(hours=2))

    for query, expected in (
        ("job=plain", {"first"}),
        (f"job={JOB}", {"second", "third"}),
        ("actor=local", {"second"}),
        ("action=delete_job", {"third"}),
        ("from=2026-12-01T01:00", {"second", "third"}),
        ("from=2026-12-01T00:30&to=2026-12-01T01:30:00Z", {"second"}),
    ):
        shown = read(world, f"{PAGE}?{query}")
        assert {name for name in ("first", "second", "third") if name in shown} == expected, query
    assert "No change matches." in read(world, f"{PAGE}?actor=nobody")


def test_a_filter_that_cannot_be_read_is_said_where_it_is(world: World) -> None:
    """And nothing is shown as if it had been asked for."""
    enter(world)
    for query, says in (
        ("from=soon", "'soon'"),
        ("action=nothing", "nothing that can be done"),
        ("job=unknown", "There is no job 'unknown'"),
    ):
        page = visit(world, f"{PAGE}?{query}", 422)
        assert says in words(page)
        assert 'aria-invalid="true"' in page
        assert "token:ci" not in words(page)
        check_page(page)


def test_the_audit_comes_page_by_page(world: World) -> None:
    """Newest first, every change once, the filters kept."""
    for number in range(ROWS + 2):
        enter(world, subject=f"job-{number:03}")

    first = visit(world, f"{PAGE}?actor=token:ci")
    [following] = re.findall(r'href="([^"]+)" rel="next"', first)
    second = visit(world, html.unescape(following))

    assert "actor=token" in following
    found = [re.findall(r"job-\d{3}", page) for page in (first, second)]
    assert [len(names) for names in found] == [ROWS, 2]
    assert len({*found[0], *found[1]}) == ROWS + 2
    assert "job-" in visit(world, f"{PAGE}?cursor=bad")


def test_no_change_makes_the_page_long(world: World) -> None:
    """However large what was changed is, and whatever has to be written otherwise in HTML."""
    for number in range(ROWS):
        after = {f"f{n}": '<"é"&>' * 30 for n in range(200)}
        enter(world, revision=number + 1, after={**after, "body": "&\n" * 5_000 + str(number)})

    page = visit(world, PAGE)

    assert "There is more of it; the API shows everything" in page
    check_page(page)


def test_an_empty_audit_says_what_it_is_for(world: World) -> None:
    """And for how long entries are kept."""
    assert "No changes yet." in read(world, PAGE)


def test_the_audit_is_for_administrators() -> None:
    """Others are not offered it, and are told what they lack."""
    world = GuardedWorld()
    headers = {**BROWSER, "Authorization": f"Bearer {world.token('jobs:write', 'runs:write')}"}

    assert PAGE not in world.client.get("/ui/jobs", headers=headers).text
    refused = world.client.get(PAGE, headers=headers)
    assert refused.status_code == 403
    assert "This needs the scope admin" in words(refused.text)
    everything = {**BROWSER, "Authorization": f"Bearer {ADMIN}"}
    assert PAGE in world.client.get("/ui/jobs", headers=everything).text
