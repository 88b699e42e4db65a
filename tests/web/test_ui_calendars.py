"""/ui/calendars: when they are closed, drawn; made and changed with a form."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from executor.domain.calendar import calendar_from_document
from executor.domain.command import CommandKind
from executor.domain.zone import zone
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.reading import BROWSER, check_page, read, submit, visit, words
from tests.web.world import PLAIN, World, json_of
from web.ui.months import Month, outlook

PAGE = "/ui/calendars"

HOLIDAYS = "\r\n".join(
    [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", "BEGIN:VEVENT", "UID:1"),
        *("DTSTAMP:20260101T000000Z", "DTSTART;VALUE=DATE:20261225", "SUMMARY:Christmas"),
        *("END:VEVENT", "END:VCALENDAR", ""),
    ]
)

FORM = {
    "name": "freeze",
    "description": "No changes",
    "timezone": "Europe/Berlin",
    "dates": "2026-12-24 to 2026-12-26\r\n\r\n2026-12-31\r\n",
    "windows": "0 22 * * fri for 8h\r\nquartz: 0 0 3 ? * 2 for 90m",
    "ics": "",
}


def shown_by_api(world: World, name: str = "freeze") -> dict[str, Any]:
    return json_of(world.get(f"/v1/calendars/{name}"))


def drawn(document: dict[str, Any], now: datetime, months: int = 1) -> list[Month]:
    calendar = calendar_from_document({"name": "x", **document})
    return list(outlook(calendar, zone(calendar.timezone).info, now, months).months)


def test_a_calendar_is_made_with_a_form(world: World) -> None:
    """A line for each window, and for each day or stretch of days."""
    response = submit(world, "/ui/calendar", **FORM)

    assert (response.status_code, response.headers["Location"]) == (303, f"{PAGE}/freeze")
    found = shown_by_api(world)
    assert found["dates"] == [
        {"from": "2026-12-24", "to": "2026-12-26"},
        {"from": "2026-12-31", "to": "2026-12-31"},
    ]
    assert found["windows"] == [
        {"dialect": "cron5", "cron": "0 22 * * fri", "duration": "PT8H"},
        {"dialect": "quartz", "cron": "0 0 3 ? * 2", "duration": "PT1H30M"},
    ]
    page = visit(world, f"{PAGE}/freeze")
    assert "freeze was saved; it counts from now on." in words(page)
    check_page(page)


def test_a_form_shows_the_calendar_as_it_could_be_typed(world: World) -> None:
    """Saving it unchanged changes nothing but the revision."""
    submit(world, "/ui/calendar", **FORM)
    before = shown_by_api(world)
    page = visit(world, f"{PAGE}/freeze")

    typed = dict(re.findall(r'<textarea id="(\w+)"[^>]*>([^<]*)</textarea>', page))
    assert typed["dates"] == "2026-12-24 to 2026-12-26\n2026-12-31"
    assert typed["windows"] == "0 22 * * fri for 8h\nquartz: 0 0 3 ? * 2 for 90m"
    submit(world, f"{PAGE}/freeze", **{**FORM, **typed, "revision": "1"})
    assert {**shown_by_api(world), "revision": 1} == before
    assert shown_by_api(world)["revision"] == 2


def test_holidays_are_pasted_kept_replaced_and_taken_out(world: World) -> None:
    """The text itself is not sent back with the form."""
    submit(world, "/ui/calendar", **{**FORM, "dates": "", "windows": "", "ics": HOLIDAYS})
    page = visit(world, f"{PAGE}/freeze")
    assert "There is one with 1 event, which stays if this is empty." in words(page)
    assert "SUMMARY" not in page
    assert "2026-12-24 23:00:00 UTC for 1 d" in words(page)

    submit(world, f"{PAGE}/freeze", **{**FORM, "revision": "1"})
    assert "Christmas" in shown_by_api(world)["ics"]
    submit(world, f"{PAGE}/freeze", **{**FORM, "revision": "2", "forget": "yes"})
    assert shown_by_api(world)["ics"] == ""


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"name": "a/b"}, "name", "without control characters"),
        ({"timezone": "Europe/Berln"}, "timezone", "Europe/Berlin"),
        ({"windows": "0 22 * * *"}, "windows", "Line 1: write when it begins"),
        ({"windows": "0 22 * * * for 8h\n\n61 * * * * for 1h"}, "windows", "Line 2, cron:"),
        ({"windows": "0 22 * * * for ever"}, "windows", "is not a duration"),
        ({"dates": "2026-12-24\n2026-12-32"}, "dates", "Line 2, from:"),
        ({"dates": "2026-12-26 to 2026-12-24"}, "dates", "swap them"),
        ({"ics": "hello"}, "ics", ""),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    world: World, change: dict[str, str], field: str, says: str
) -> None:
    """With the number of its line; what was typed stays."""
    refused = submit(world, "/ui/calendar", **{**FORM, **change})

    assert refused.status_code == 422
    [said] = re.findall(rf'id="{field}-fault">([^<]+)<', refused.text)
    assert says in said
    assert "No changes" in refused.text
    check_page(refused.text)
    assert json_of(world.get("/v1/calendars"))["items"] == []


def test_a_new_calendar_replaces_none(world: World) -> None:
    """Whoever chooses a name that is taken is told so."""
    submit(world, "/ui/calendar", **FORM)
    refused = submit(world, "/ui/calendar", **FORM)

    assert refused.status_code == 422
    assert "There is one of this name already" in words(refused.text)
    assert shown_by_api(world)["revision"] == 1


def test_a_change_of_what_somebody_else_has_changed_is_refused(world: World) -> None:
    """With what was typed, so that nothing is lost on either side."""
    submit(world, "/ui/calendar", **FORM)
    submit(world, f"{PAGE}/freeze", **{**FORM, "revision": "1"})

    refused = submit(world, f"{PAGE}/freeze", **{**FORM, "revision": "1", "description": "mine"})

    assert refused.status_code == 412
    assert 'value="mine"' in refused.text
    assert shown_by_api(world)["revision"] == 2


def test_the_list_says_what_is_closed(world: World) -> None:
    """Now, and when that changes."""
    submit(world, "/ui/calendar", **{**FORM, "name": "a", "windows": "", "dates": "2026-12-01"})
    submit(world, "/ui/calendar", **{**FORM, "name": "b", "windows": "", "dates": "2026-12-24"})
    submit(world, "/ui/calendar", **{**FORM, "name": "c", "windows": "", "dates": "2027-12-24"})

    page = visit(world, PAGE)
    shown = words(page)

    assert "a No changes closed opens 2026-12-01 23:00:00 UTC" in shown
    assert "b No changes open closes 2026-12-23 23:00:00 UTC" in shown
    assert "c No changes open nothing for 60 days" in shown
    check_page(page)


def test_a_calendar_says_who_uses_it_and_is_not_deleted_unasked(world: World) -> None:
    """The names of the jobs; then a page that asks once more."""
    submit(world, "/ui/calendar", **FORM)
    world.add(PLAIN, name="user", calendars=[{"name": "freeze"}])
    world.add(PLAIN, name="other")

    assert "Used by user Changed" in read(world, f"{PAGE}/freeze")
    asked = submit(world, f"{PAGE}/freeze/delete")
    assert "Delete freeze?" in asked.text
    check_page(asked.text)
    done = submit(world, f"{PAGE}/freeze/delete", sure="yes")
    assert done.headers["Location"] == PAGE
    assert world.executor.received[-1].kind is CommandKind.DELETE_CALENDAR
    assert "freeze was deleted." in read(world, PAGE)


def test_a_month_is_drawn_by_days_and_hours() -> None:
    """What is closed for a part of a day fills a part of its cell."""
    now = datetime(2026, 12, 1, 12, tzinfo=UTC)
    document = {
        "dates": [{"from": "2026-12-24", "to": "2026-12-26"}],
        "windows": [{"cron": "0 12 8 12 *", "duration": "PT6H"}],
    }

    [month] = drawn(document, now)

    assert month.words == "December 2026: 3 of 31 days closed, 1 more for a part"
    assert [day.number for day in month.days if day.closed == "wholly"] == [24, 25, 26]
    assert [day.number for day in month.days if day.today] == [1]
    assert month.days[7].title == "Tuesday, 8 December: closed for a part"
    # Tuesday: the second column; a quarter of thirty units from noon on.
    assert "M48 29h7.5v26h-7.5z" in month.path


def test_a_day_is_as_long_as_its_clock_says() -> None:
    """One of 25 hours is closed wholly, one that is closed for all but its last hour is not."""
    now = datetime(2026, 10, 1, tzinfo=UTC)
    day = {"timezone": "Europe/Berlin", "dates": [{"from": "2026-10-25", "to": "2026-10-25"}]}
    window = {"cron": "0 0 25 10 *", "duration": "PT24H"}
    most = {"timezone": "Europe/Berlin", "windows": [window]}

    for document, closed in ((day, "wholly"), (most, "partly")):
        [month] = drawn(document, now)
        assert month.days[24].closed == closed


def test_windows_without_end_are_drawn_within_bounds(world: World) -> None:
    """A minute each hour is seen, and the page stays short."""
    submit(world, "/ui/calendar", **{**FORM, "windows": "0 */2 * * * for 1m"})
    submit(world, "/ui/calendar", **{**FORM, "name": "b", "windows": "* * * * * for 30s"})

    page = visit(world, f"{PAGE}/freeze")
    check_page(page)
    assert "December 2026: 4 of 31 days closed, 27 more for a part" in page
    often = visit(world, f"{PAGE}/b")
    check_page(often)
    assert "There are too many windows to draw them all" in often


def test_who_may_only_look_is_told_so() -> None:
    """No form, no buttons; and no page of another site has anything changed."""
    world = GuardedWorld()
    world.ask(ADMIN, "PUT", "/v1/calendars/freeze", {"dates": []})
    headers = {**BROWSER, "Authorization": f"Bearer {world.token('jobs:read', 'jobs:write#a')}"}

    for address in (PAGE, f"{PAGE}/freeze"):
        page = world.client.get(address, headers=headers).text
        assert "one needs jobs:write for all jobs" in words(page)
        assert 'method="post"' not in page.partition("<main")[2]
    for address in ("/ui/calendar", f"{PAGE}/freeze", f"{PAGE}/freeze/delete"):
        assert world.client.post(address, data=FORM, headers=headers).status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site", "Authorization": f"Bearer {ADMIN}"}
    assert world.client.post("/ui/calendar", data=FORM, headers=foreign).status_code == 403


def test_what_users_write_is_text_never_markup(world: World) -> None:
    """Neither in the list, nor in the form, nor in a drawing."""
    evil = "\"><script>alert(1)</script>'"
    submit(world, "/ui/calendar", **{**FORM, "description": evil})
    refused = submit(world, "/ui/calendar", **dict.fromkeys(FORM, evil))

    for page in (visit(world, PAGE), visit(world, f"{PAGE}/freeze"), refused.text):
        assert "<script>" not in page


def test_an_empty_list_says_what_calendars_are_for(world: World) -> None:
    """With the way to the first one."""
    page = visit(world, PAGE)

    assert "No calendars yet." in words(page)
    assert 'href="/ui/calendar"' in page
    check_page(visit(world, "/ui/calendar"))
