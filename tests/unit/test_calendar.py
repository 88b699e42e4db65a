"""Calendars as documents: what is written, what is filled in, and every fault by name."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from executor.domain.calendar import (
    Calendar,
    CronWindow,
    Dates,
    calendar_from_document,
    calendar_to_document,
)
from executor.domain.errors import InvalidCalendar

CHRISTMAS = """BEGIN:VCALENDAR
BEGIN:VEVENT
SUMMARY:Christmas
DTSTART;VALUE=DATE:20261225
RRULE:FREQ=YEARLY
END:VEVENT
END:VCALENDAR
"""


def faults(**document: Any) -> dict[str, str]:
    """Return what is wrong with a calendar named ``closed``, by field."""
    with pytest.raises(InvalidCalendar) as refused:
        calendar_from_document({"name": "closed", **document})
    found = refused.value.faults
    assert len({fault.field for fault in found}) == len(found), found
    return {fault.field: fault.message for fault in found}


def test_only_a_name_is_needed_and_the_rest_has_documented_defaults() -> None:
    """The canonical form of the smallest calendar shows every field."""
    assert calendar_to_document(calendar_from_document({"name": "closed"})) == {
        "name": "closed",
        "description": "",
        "timezone": "UTC",
        "windows": [],
        "dates": [],
        "ics": "",
    }


def test_a_calendar_is_read_whole() -> None:
    """Texts become canonical: blanks in expressions, durations, instants."""
    calendar = calendar_from_document(
        {
            "name": "closed",
            "description": "d",
            "timezone": "Europe/Berlin",
            "windows": [{"cron": " 0  2 * * 6 ", "duration": "2h"}],
            "dates": [
                {"from": "2026-12-24", "to": "2026-12-24"},
                {"from": "2026-12-31T20:00:00+01:00", "to": "2027-01-01T06:00:00Z"},
            ],
            "ics": CHRISTMAS,
        }
    )

    assert calendar == Calendar(
        name="closed",
        description="d",
        timezone="Europe/Berlin",
        windows=(CronWindow(cron="0 2 * * 6", duration=timedelta(hours=2)),),
        dates=(
            Dates("2026-12-24", "2026-12-24"),
            Dates("2026-12-31T19:00:00Z", "2027-01-01T06:00:00Z"),
        ),
        ics=CHRISTMAS,
    )


def test_the_canonical_form_is_read_as_the_same_calendar() -> None:
    """Through JSON, too; stores and the API rely on it."""
    calendar = calendar_from_document(
        {
            "name": "closed",
            "windows": [{"cron": "0 0 2 * * ?", "duration": "PT2H", "dialect": "quartz"}],
            "dates": [{"from": "2026-12-24", "to": "2026-12-26"}],
            "ics": CHRISTMAS,
        }
    )
    document = json.loads(json.dumps(calendar_to_document(calendar)))

    assert calendar_from_document(document) == calendar


def test_every_fault_is_reported_at_once_under_its_path() -> None:
    """In lists, with the place."""
    found = faults(
        timezone="Berlin",
        windows=[
            {"cron": "0 25 * * *", "duration": "8d"},
            {"cron": "0 2 * * *", "duration": "PT1.5S", "dialect": "cron"},
            {"crn": "0 2 * * *"},
        ],
        dates=[{"from": "2026-12-24", "to": "2026-12-23"}, {"from": "24.12.2026", "too": 1}],
        windowz=1,
    )

    assert found == {
        "timezone": "there is no zone `Berlin`; write `Europe/Berlin`",
        "windows.0.cron": "hour `25`: `25` is out of range; write 0-23",
        "windows.0.duration": "is longer than 7 days; write `dates`",
        "windows.1.dialect": "write 'cron5', 'cron6s' or 'quartz'",
        "windows.1.duration": "has parts of a second; write whole seconds",
        "windows.2.cron": "is required",
        "windows.2.duration": "is required",
        "windows.2.crn": "unknown field; write `cron`",
        "dates.0.to": "`2026-12-23` is not after `2026-12-24`; swap them",
        "dates.1.too": "unknown field; the fields here are from, to",
        "dates.1.from": "'24.12.2026' is no day; write 2026-12-24, or 2026-12-24T18:00:00Z",
        "dates.1.to": "is required",
        "windowz": "unknown field; write `windows`",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-02-30", "'2026-02-30' is not a day that exists"),
        ("2026-12-24T10:00:00", "has no zone; add Z or an offset"),
        ("2026-12-24T10:00:00.5Z", "has parts of a second; write whole seconds"),
        ("1899-12-31", "lies outside the years 1900 to 2999"),
        ("", "write 2026-12-24, or 2026-12-24T18:00:00Z"),
        (7, "has to be a string"),
    ],
)
def test_an_edge_that_is_neither_a_day_nor_an_instant_is_refused(text: Any, message: str) -> None:
    """The fault says what to write."""
    assert message in faults(dates=[{"from": text, "to": "2999-12-31"}])["dates.0.from"]


def test_instants_have_to_be_in_order() -> None:
    """Equal ones have nothing between them; a day and an instant are compared by their days."""
    noon = "2026-12-24T12:00:00Z"

    assert "dates.0.to" in faults(dates=[{"from": noon, "to": noon}])
    assert "dates.0.to" in faults(dates=[{"from": noon, "to": "2026-12-23"}])
    calendar_from_document({"name": "a", "dates": [{"from": "2026-12-24", "to": noon}]})
    calendar_from_document({"name": "a", "dates": [{"from": noon, "to": "2026-12-24"}]})


def test_h_has_no_job_to_depend_on() -> None:
    """A calendar is the same for all jobs."""
    assert faults(windows=[{"cron": "H 2 * * *", "duration": "2h"}]) == {
        "windows.0.cron": "`H` stands for another value in each job; write a number"
    }


def test_what_is_no_object_is_refused() -> None:
    """Whatever it is, and wherever."""
    assert faults(windows=[7]) == {"windows.0": "has to be an object: {...}"}
    assert faults(dates=[7]).keys() == {"dates.0"}
    assert faults(dates={}) == {"dates": "has to be a list: [...]"}
    documents: list[object] = [None, 7, "closed", []]
    for document in documents:
        with pytest.raises(InvalidCalendar):
            calendar_from_document(document)


def test_a_calendar_has_a_limited_size() -> None:
    """In every list."""
    window = {"cron": "0 2 * * *", "duration": "2h"}
    day = {"from": "2026-12-24", "to": "2026-12-24"}

    assert faults(windows=[window] * 101) == {"windows": "is longer than 100 items"}
    assert faults(dates=[day] * 1001) == {"dates": "is longer than 1,000 items"}
    assert faults(ics=" " * 5 + "x" * 262_140) == {"ics": "is longer than 256 KB"}


def test_a_fault_of_the_file_is_one_of_its_field() -> None:
    """It names the event."""
    file = CHRISTMAS.replace("FREQ=YEARLY", "FREQ=HOURLY")

    assert faults(ics=file) == {
        "ics": (
            "event `Christmas`: RRULE has FREQ `HOURLY`; "
            "write `DAILY` or `WEEKLY` or `MONTHLY` or `YEARLY`"
        )
    }
