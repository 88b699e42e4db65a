"""POST /v1/schedules/preview."""

from typing import Any

import pytest

from tests.web.world import World, faults_of, json_of


def preview(world: World, **asked: Any) -> dict[str, Any]:
    """Return the preview of a request."""
    return json_of(world.post("/v1/schedules/preview", asked))


def test_a_preview_says_what_a_schedule_means(world: World) -> None:
    """Plain words, ten fire times in both clocks, no executor needed."""
    shown = preview(world, schedule="30 2 * * *")

    assert shown["description"] == "At 02:30 AM"
    assert len(shown["fire_times"]) == 10
    assert shown["fire_times"][0]["utc"] == "2026-12-01T02:30:00Z"
    assert shown["warnings"] == []
    assert world.executor.received == []


def test_a_preview_starts_and_ends_where_told(world: World) -> None:
    """`after` and `count` choose the fire times."""
    shown = preview(world, schedule="@hourly", after="2030-01-01T00:00:00Z", count=2)

    times = [time["utc"] for time in shown["fire_times"]]
    assert times == ["2030-01-01T01:00:00Z", "2030-01-01T02:00:00Z"]


def test_a_preview_warns(world: World) -> None:
    """What may surprise has a code and a sentence."""
    schedule = {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Berlin"}

    warnings = preview(world, schedule=schedule)["warnings"]

    assert {warning["code"] for warning in warnings} == {"clock_forward", "clock_back"}
    assert all(warning["message"] for warning in warnings)


def test_no_schedule_is_a_schedule(world: World) -> None:
    """null means only on request."""
    assert preview(world, schedule=None) == {
        "description": "Only on request",
        "fire_times": [],
        "warnings": [],
    }


@pytest.mark.parametrize("after", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_the_ends_of_time_are_no_failure(world: World, after: str) -> None:
    """The first and the last instant there is are answered like any other."""
    shown = preview(world, schedule="0 0 1 1 *", after=after)

    assert len(shown["fire_times"]) in {0, 10}


@pytest.mark.parametrize(
    ("asked", "field", "says"),
    [
        ({}, "schedule", "required"),
        ({"schedule": "61 * * * *"}, "schedule.expression", "write 0-59"),
        ({"schedule": "* * *"}, "schedule.expression", "5 fields"),
        ({"schedule": "0 0 30 2 *"}, "schedule.expression", ""),
        ({"schedule": 5}, "schedule", "object"),
        ({"schedule": {"kind": "sun"}}, "schedule.kind", "`cron`"),
        ({"schedule": {"kind": "cron"}}, "schedule.expression", "missing"),
        (
            {"schedule": {"kind": "cron", "expression": "0 2 * * *", "timezone": "Berlin"}},
            "schedule.timezone",
            "`Europe/Berlin`",
        ),
        (
            {"schedule": {"kind": "cron", "expression": "0 2 * * *", "tz": "UTC"}},
            "schedule.tz",
            "unknown field",
        ),
        ({"schedule": None, "count": 0}, "count", "at least 1"),
        ({"schedule": None, "count": 10**30}, "count", "at most 1,000"),
        ({"schedule": None, "count": "many"}, "count", "whole number"),
        ({"schedule": None, "after": "now"}, "after", "RFC 3339"),
        ({"schedule": None, "befor": 1}, "befor", "unknown field"),
    ],
)
def test_a_wrong_preview_names_field_and_fix(
    world: World, asked: dict[str, Any], field: str, says: str
) -> None:
    """422 with the path of the field in the request."""
    faults = faults_of(world.post("/v1/schedules/preview", asked), 422)

    assert says in faults[field]


@pytest.mark.parametrize(
    ("schedule", "description", "first", "codes"),
    [
        (
            "R2/2026-12-24T18:30:00Z/P1D",
            "Every day from 2026-12-24 at 18:30 on, 3 times",
            {"utc": "2026-12-24T18:30:00Z", "local": "2026-12-24T18:30:00+00:00"},
            {"ends"},
        ),
        (
            {"kind": "interval", "expression": "R/2026-12-24T18:30:00+01:00/P1M"},
            "Every month from 2026-12-24 at 18:30 on",
            {"utc": "2026-12-24T17:30:00Z", "local": "2026-12-24T18:30:00+01:00"},
            set(),
        ),
        (
            {"kind": "once", "at": "2026-12-24T18:30:00+01:00", "jitter": "5m"},
            "Once, on 2026-12-24 at 18:30",
            {"utc": "2026-12-24T17:30:00Z", "local": "2026-12-24T18:30:00+01:00"},
            {"ends"},
        ),
        (
            {"kind": "cron", "expression": "0 30 18 ? * 2", "dialect": "quartz"},
            "At 06:30 PM, only on Monday",
            {"utc": "2026-12-07T18:30:00Z", "local": "2026-12-07T18:30:00+00:00"},
            set(),
        ),
        (
            {"kind": "cron", "expression": "0 3 * * *", "not_before": "2027-01-01T00:00:00Z"},
            "At 03:00 AM",
            {"utc": "2027-01-01T03:00:00Z", "local": "2027-01-01T03:00:00+00:00"},
            {"full_hour"},
        ),
    ],
)
def test_every_kind_and_dialect_has_a_preview(
    world: World, schedule: object, description: str, first: dict[str, str], codes: set[str]
) -> None:
    """Words, times on the schedule's own clock, and what may surprise."""
    shown = preview(world, schedule=schedule)

    assert shown["description"] == description
    assert shown["fire_times"][0] == first
    assert {warning["code"] for warning in shown["warnings"]} == codes


def test_what_would_be_refused_is_shown_and_told(world: World) -> None:
    """A START in the past has fire times, but no job can be made with it."""
    shown = preview(world, schedule="R/2020-01-01T00:30:00Z/P1D", count=1)

    assert shown["fire_times"][0]["utc"] == "2026-12-01T00:30:00Z"
    assert [warning["code"] for warning in shown["warnings"]] == ["refused"]


def test_an_h_is_previewed_as_an_example(world: World) -> None:
    """The job's id is not known yet."""
    shown = preview(world, schedule="H H * * *", count=1)

    assert {warning["code"] for warning in shown["warnings"]} == {"hashed"}
    assert shown["description"].endswith("for example")
