"""/v1/calendars: named blackouts, read, made, replaced and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.calendar import CALENDARS
from executor.domain.command import CommandKind
from tests.web.world import World, faults_of, json_of, problem_of

FROST = {"description": "No changes", "dates": [{"from": "2026-12-24", "to": "2026-12-26"}]}


def put(world: World, document: Any = FROST, name: str = "frost", **headers: str) -> dict[str, Any]:
    """Put a calendar and return its document."""
    response = world.send("PUT", f"/v1/calendars/{name}", document, **headers)
    assert response.status_code in {200, 201}, response.text
    return json_of(response)


def test_put_creates_a_calendar(world: World) -> None:
    """201 with its address and ETag; the name may be left to the address."""
    response = world.send("PUT", "/v1/calendars/winter%20frost", FROST)

    assert response.status_code == 201
    assert response.headers["ETag"] == '"1"'
    assert response.headers["Location"] == "/v1/calendars/winter%20frost"
    assert json_of(world.get(response.headers["Location"])) == json_of(response)
    command = world.executor.received[-1]
    assert (command.kind, command.subject) == (CommandKind.PUT_CALENDAR, "winter frost")


def test_a_calendar_shows_its_definition_and_its_next_windows(world: World) -> None:
    """Canonical, with revision, and the windows of the next 60 days."""
    found = put(world, {**FROST, "timezone": "Europe/Berlin"})

    assert found == {
        "revision": 1,
        "name": "frost",
        "description": "No changes",
        "timezone": "Europe/Berlin",
        "windows": [],
        "dates": [{"from": "2026-12-24", "to": "2026-12-26"}],
        "ics": "",
        "updated_at": "2026-12-01T00:00:00Z",
        "upcoming": [{"from": "2026-12-23T23:00:00Z", "to": "2026-12-26T23:00:00Z"}],
    }


def test_windows_are_shown_for_sixty_days_and_a_hundred_at_most(world: World) -> None:
    """One that has begun is among them."""
    nightly = put(world, {"windows": [{"cron": "0 22 * * *", "duration": "PT4H"}]})["upcoming"]
    often = put(world, {"windows": [{"cron": "* * * * *", "duration": "PT30S"}]})["upcoming"]

    assert nightly[0] == {"from": "2026-11-30T22:00:00Z", "to": "2026-12-01T02:00:00Z"}
    assert len(nightly) == 61
    assert len(often) == 100


def test_put_replaces_a_calendar(world: World) -> None:
    """200; what is left out goes back to its default."""
    put(world)

    response = world.send("PUT", "/v1/calendars/frost", {"timezone": "Asia/Tokyo"})

    found = json_of(response)
    assert response.status_code == 200
    assert response.headers["ETag"] == '"2"'
    assert (found["timezone"], found["dates"], found["description"]) == ("Asia/Tokyo", [], "")


def test_what_get_shows_may_be_put_back(world: World) -> None:
    """Read, change one field, put: the service's own fields are ignored."""
    put(world)
    found = json_of(world.get("/v1/calendars/frost"))

    again = put(world, {**found, "description": "new"})

    assert again == {**found, "description": "new", "revision": 2}


def test_changes_check_the_revision_that_was_read(world: World) -> None:
    """If-Match with an old revision is 412, for PUT and DELETE."""
    put(world)
    put(world, {}, If_Match='"1"')

    problem_of(world.send("PUT", "/v1/calendars/frost", FROST, If_Match='"1"'), 412)
    problem_of(world.send("DELETE", "/v1/calendars/frost", If_Match='"1"'), 412)
    problem_of(world.send("PUT", "/v1/calendars/new", FROST, If_Match='"1"'), 412)
    assert world.send("DELETE", "/v1/calendars/frost", If_Match='"2"').status_code == 204


def test_a_deleted_calendar_is_gone_and_can_be_made_again(world: World) -> None:
    """404 afterwards; made again, its revisions go on."""
    put(world)

    response = world.send("DELETE", "/v1/calendars/frost")

    assert (response.status_code, response.data) == (204, b"")
    problem_of(world.get("/v1/calendars/frost"), 404)
    problem_of(world.send("DELETE", "/v1/calendars/frost"), 404)
    assert json_of(world.get("/v1/calendars"))["items"] == []
    assert put(world)["revision"] == 3


def test_calendars_are_listed_by_name(world: World) -> None:
    """In short: neither their files nor their windows."""
    put(world, name="b")
    put(world, {"ics": ICS}, name="a")

    listed = json_of(world.get("/v1/calendars"))

    assert listed["next"] is None
    assert [one["name"] for one in listed["items"]] == ["a", "b"]
    assert set(listed["items"][0]) == {
        "name",
        "revision",
        "description",
        "timezone",
        "updated_at",
    }


def test_a_broken_calendar_hides_no_other_and_is_mended_by_put(world: World) -> None:
    """It is shown as broken, with the reason, and without an ETag."""
    put(world)
    put(world, name="other")
    world.store.break_named(CALENDARS, "frost")

    shown = world.get("/v1/calendars/frost")

    assert json_of(shown) == {"name": "frost", "state": "broken", "error": "broken on purpose"}
    assert "ETag" not in shown.headers
    assert len(json_of(world.get("/v1/calendars"))["items"]) == 2
    assert put(world)["revision"] == 2


ICS = "\r\n".join(
    (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//test//EN",
        "BEGIN:VEVENT",
        "UID:1",
        "DTSTART:20261210T080000Z",
        "DTEND:20261210T100000Z",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
)


def test_a_file_is_a_calendar(world: World) -> None:
    """Every event of an iCalendar file is a blackout."""
    found = put(world, {"ics": ICS})

    assert found["upcoming"] == [{"from": "2026-12-10T08:00:00Z", "to": "2026-12-10T10:00:00Z"}]


@pytest.mark.parametrize(
    ("document", "field", "says"),
    [
        ({"name": "other"}, "name", "differs from the name in the address"),
        ({"zone": "UTC"}, "zone", "unknown field"),
        ({"timezone": "Moscow"}, "timezone", "`Europe/Moscow`"),
        ({"windows": [{"cron": "0 2 * *", "duration": "1h"}]}, "windows.0.cron", "5 fields"),
        ({"windows": [{"cron": "H 2 * * *", "duration": "1h"}]}, "windows.0.cron", "a number"),
        ({"windows": [{"cron": "0 2 * * *"}]}, "windows.0.duration", "required"),
        ({"windows": [{"cron": "0 2 * * *", "duration": "P9D"}]}, "windows.0.duration", "7 days"),
        ({"dates": [{"from": "2026-12-24"}]}, "dates.0.to", "is required"),
        ({"dates": [{"from": "2026-12-24", "to": "2026-12-23"}]}, "dates.0.to", "swap them"),
        ({"ics": "BEGIN:NOTHING"}, "ics", ""),
        ({"ics": 5}, "ics", "string"),
    ],
)
def test_a_wrong_calendar_is_refused(
    world: World, document: dict[str, Any], field: str, says: str
) -> None:
    """422 names the place and what to write; nothing is sent."""
    faults = faults_of(world.send("PUT", "/v1/calendars/frost", document), 422)

    assert says in faults[field]
    assert world.executor.received == []


def test_a_calendar_needs_a_sound_name(world: World) -> None:
    """The one in the address is judged like that of a job."""
    assert "name" in faults_of(world.send("PUT", "/v1/calendars/a%25b", {}), 422)


def test_an_unknown_calendar_is_not_found(world: World) -> None:
    """404."""
    problem_of(world.get("/v1/calendars/none"), 404)
