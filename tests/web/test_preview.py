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
