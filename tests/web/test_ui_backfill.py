"""/ui/jobs/{job}/backfill: choose a stretch, see what would run, confirm."""

from __future__ import annotations

import html
import re

from executor.domain.command import CommandKind
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.reading import BROWSER, check_page, read, submit, visit, words
from tests.web.world import NIGHTLY, PLAIN, World, json_of

#: Three nights before the world begins.
NIGHTS = "from=2026-11-27T02:30&to=2026-11-29T02:30"

PAGE = "/ui/jobs/nightly/backfill"


def confirm(world: World, page: str) -> str:
    """Press the button of the preview; return what the page that follows says."""
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    response = submit(world, PAGE, **{name: html.unescape(value) for name, value in hidden.items()})
    assert response.status_code == 303, response.text
    return read(world, response.headers["Location"])


def test_the_page_explains_itself_before_anything_is_chosen(world: World) -> None:
    """With the last day filled in, and nothing to confirm yet."""
    world.add(NIGHTLY)

    page = visit(world, PAGE)

    assert "fire times of the past that have no record" in words(page)
    assert 'value="2026-11-30T00:00"' in page
    assert "would be started" not in page
    check_page(page)


def test_a_preview_tells_which_runs_there_would_be(world: World) -> None:
    """How many, which, and which are left out; nothing is sent."""
    job = world.add(NIGHTLY)
    night = {"from": "2026-11-28T02:30:00Z", "to": "2026-11-28T02:30:00Z"}
    world.post("/v1/jobs/nightly/backfill", night)
    sent = len(world.executor.received)

    page = visit(world, f"{PAGE}?{NIGHTS}")
    shown = words(page)

    assert "2 runs would be started" in shown
    assert "3 fire times; 1 of them has a record already and is left out" in shown
    assert "2026-11-28 02:30:00 UTC Sat 02:30:00 UTC left out: has a record" in shown
    assert shown.count("would run") == 3  # two lines, and the button that asks again
    assert f'action="/ui/jobs/{job["id"]}/backfill"' in page
    assert len(world.executor.received) == sent
    check_page(page)


def test_what_was_shown_is_confirmed(world: World) -> None:
    """It is the API's command, and the job's page says what came of it."""
    world.add(NIGHTLY)

    said = confirm(world, visit(world, f"{PAGE}?{NIGHTS}"))

    assert "3 runs wait for a turn, the oldest first." in said
    command = world.executor.received[-1]
    assert (command.kind, command.if_revision) == (CommandKind.BACKFILL_JOB, 1)
    assert command.arguments == {"from": "2026-11-27T02:30:00Z", "to": "2026-11-29T02:30:00Z"}
    assert "Nothing would be run" in read(world, f"{PAGE}?{NIGHTS}")


def test_a_job_that_was_changed_after_the_preview_is_not_backfilled(world: World) -> None:
    """Other fire times might follow; the refusal says what to do."""
    world.add(NIGHTLY)
    page = visit(world, f"{PAGE}?{NIGHTS}")
    world.send("PATCH", "/v1/jobs/nightly", {"schedule": "0 * * * *"})

    said = confirm(world, page)

    assert "revision" in said
    assert json_of(world.get("/v1/jobs/nightly/runs"))["items"] == []


def test_a_stretch_that_cannot_be_is_a_fault_beside_its_field(world: World) -> None:
    """Missing, no instant, in the wrong order, in the future, too long."""
    world.add(NIGHTLY)
    for query, said in (
        ("from=2026-11-27T02:30", "To (UTC) Is needed; choose date and time"),
        ("from=soon&to=2026-11-29T02:30", "From (UTC)"),
        ("from=2026-11-29T02:30&to=2026-11-27T02:30", "Lies before `from`; swap them"),
        ("from=2027-11-29T02:30&to=2027-11-30T02:30", "Lies in the future"),
        ("from=1990-01-01T00:00&to=2026-11-29T02:30", "There are more than 1,000 fire times"),
    ):
        page = visit(world, f"{PAGE}?{query}")
        assert said in words(page), query
        assert 'aria-invalid="true"' in page, query
        check_page(page)


def test_a_job_without_schedule_has_nothing_to_backfill(world: World) -> None:
    """Its page does not offer it, and who comes all the same is told."""
    world.add(PLAIN)
    world.add(NIGHTLY)

    assert "Backfill" not in read(world, "/ui/jobs/plain")
    assert "Backfill…" in read(world, "/ui/jobs/nightly")
    assert "it has no schedule" in read(world, f"/ui/jobs/plain/backfill?{NIGHTS}")


def test_who_may_only_read_is_offered_no_backfill() -> None:
    """Neither the link nor the page."""
    world = GuardedWorld()
    world.ask(ADMIN, "POST", "/v1/jobs", NIGHTLY)
    token = world.token("jobs:read", "runs:read")

    assert "Backfill" not in world.ask(token, "GET", "/ui/jobs/nightly", Accept="text/html").text
    headers = {**BROWSER, "Authorization": f"Bearer {token}"}
    assert world.client.get(f"{PAGE}?{NIGHTS}", headers=headers).status_code == 403
    assert world.client.post(PAGE, data={}, headers=headers).status_code == 403
