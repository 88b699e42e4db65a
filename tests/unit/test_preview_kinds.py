"""What people are told about Quartz, ``H``, intervals and single instants."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from executor.domain.preview import clock_name, describe, schedule_text, upcoming, warnings
from executor.domain.schedule import (
    CronSchedule,
    DayRule,
    Dialect,
    IntervalSchedule,
    OnceSchedule,
    Schedule,
    for_job,
    schedule_from_document,
)

AUTUMN = datetime(2026, 10, 1, tzinfo=UTC)

TOKYO = {
    "kind": "interval",
    "expression": "R/2026-12-01T00:00:00Z/P1D",
    "timezone": "Asia/Tokyo",
}

#: Berlin's changes within two years from then.
CHANGES = ["clock_back", "clock_forward", "clock_back", "clock_forward"]


def quartz(expression: str, rule: DayRule = DayRule.CRON) -> CronSchedule:
    return CronSchedule(expression, Dialect.QUARTZ, dom_dow=rule)


def told(schedule: Schedule) -> dict[str, str]:
    return {warning.code: warning.message for warning in warnings(schedule, AUTUMN)}


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("0 15 10 ? * MON-FRI", "At 10:15 AM, Monday through Friday"),
        ("0 15 10 ? * 1", "At 10:15 AM, only on Sunday"),
        ("0 15 10 ? * L", "At 10:15 AM, only on Saturday"),
        ("0 15 10 ? * 6#3", "At 10:15 AM, on the third Friday of the month"),
        ("0 15 10 ? * 6L", "At 10:15 AM, on the last Friday of the month"),
        (
            "0 15 10 L-3W * ?",
            "At 10:15 AM, on the weekday nearest 3 days before the last day of the month",
        ),
        (
            "*/20 15 10 * * ?",
            "Every 20 seconds, at 15 minutes past the hour, between 10:00 AM and 10:59 AM",
        ),
        ("0 15 10 1 1 ? 2030", "At 10:15 AM, on day 1 of the month, only in January, only in 2030"),
        ("0 15 10 * * ? 2026-2028", "At 10:15 AM, 2026 through 2028"),
        ("0 15 10 * * ? 2026-2033/3", "At 10:15 AM, only in 2026, 2029 and 2032"),
    ],
)
def test_quartz_is_described_in_the_same_words(expression: str, sentence: str) -> None:
    """Sunday is 1 only in the expression, and a year is named."""
    assert describe(quartz(expression)) == sentence


def test_what_means_nothing_in_quartz_is_told() -> None:
    """One of the day columns is always ``?``, so there is nothing to combine."""
    assert "no_effect" in told(quartz("0 15 10 ? * 2", DayRule.AND))
    assert told(quartz("0 15 10 ? * 2")) == {}
    assert "of the week" not in told(quartz("0 15 10 ? * 1/3"))["uneven_step"]


def test_the_last_year_is_told() -> None:
    """The list of fire times is short for a reason."""
    assert told(quartz("0 15 10 1 1 ? 2027,2030"))["ends"] == "Ends with the year 2030."


def test_h_is_an_example_until_there_is_a_job() -> None:
    """For a job the words and the times are its own."""
    schedule = CronSchedule("H H * * *")
    chosen = for_job(schedule, "0123456789abcdef0123456789abcdef")

    assert describe(schedule).endswith(", for example")
    assert told(schedule)["hashed"] == "`H` is chosen by the job's id; these are examples."
    assert not describe(chosen).endswith("for example")
    assert "hashed" not in told(chosen)
    assert upcoming(chosen, AUTUMN, 1) != upcoming(schedule, AUTUMN, 1)
    assert describe(CronSchedule("H/15 * * * *")).startswith("Every 15 minutes")


@pytest.mark.parametrize("expression", ["0 * * * *", "0 3 * * *", "@daily", "0 0 * * mon"])
def test_a_full_hour_is_told(expression: str) -> None:
    """Everybody is due then; ``H`` and jitter are the cures, and end the warning."""
    assert told(CronSchedule(expression))["full_hour"] == (
        "Due at minute 0, when most jobs are.  Write `H` as minute, or set `jitter`, "
        "to spread the load."
    )
    assert "full_hour" not in told(CronSchedule(expression, jitter="PT5M"))


@pytest.mark.parametrize("expression", ["H * * * *", "*/5 * * * *", "0,30 * * * *", "5 0 * * *"])
def test_other_minutes_are_not_told(expression: str) -> None:
    """Minute 0 among others, or none at all, is nothing special."""
    assert "full_hour" not in told(CronSchedule(expression))


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("R/2026-12-01T09:30:00Z/P1M", "Every month from 2026-12-01 at 09:30 on"),
        ("R5/2026-12-01T09:30:00Z/P1D", "Every day from 2026-12-01 at 09:30 on, 6 times"),
        ("R/2026-12-01T09:30:15+02:00/PT10S", "Every 10 seconds from 2026-12-01 at 09:30:15 on"),
        ("R/2026-12-01T09:30:00Z/PT36H", "Every 36 hours from 2026-12-01 at 09:30 on"),
        ("R/2026-12-01T09:30:00Z/PT1H30M", "Every 90 minutes from 2026-12-01 at 09:30 on"),
        ("R/2026-12-01T09:30:00Z/P2W", "Every 2 weeks from 2026-12-01 at 09:30 on"),
        ("R/2026-12-01T09:30:00Z/P10D", "Every 10 days from 2026-12-01 at 09:30 on"),
        (
            "R/2026-12-01T09:30:00Z/P1Y2M10DT2H",
            "Every 14 months, 10 days and 2 hours from 2026-12-01 at 09:30 on",
        ),
        ("R0/2026-12-01T09:30:00Z/", "Once, on 2026-12-01 at 09:30"),
    ],
)
def test_an_interval_is_described_in_plain_english(expression: str, sentence: str) -> None:
    """Distance, start and number of runs."""
    assert describe(IntervalSchedule(expression)) == sentence


def test_the_end_of_the_repeats_is_told() -> None:
    """The number of runs, and the last one."""
    found = told(IntervalSchedule("R5/2026-12-31T09:30:00Z/P1M"))

    assert found["ends"] == "Ends after 6 runs, the last on 2027-05-31 at 09:30 UTC."
    assert found["short_month"] == (
        "Where a month has no day 31, it is due on the month's last day."
    )
    assert "ends" not in told(IntervalSchedule("R/2026-12-01T09:30:00Z/P1D"))
    assert told(CronSchedule("5 * * * *", not_after="2027-01-01T00:00:00Z"))["ends"] == (
        "Ends at 2027-01-01T00:00:00Z: `not_after` is set."
    )


def test_a_calendar_interval_is_told_where_clocks_change() -> None:
    """What happens on each change of two years, as for a fixed time of cron."""
    schedule = IntervalSchedule("R/2026-10-02T02:30:00+02:00/P1D", "Europe/Berlin")
    found = warnings(schedule, AUTUMN)

    assert [warning.code for warning in found] == CHANGES
    assert found[0].message == (
        "On 2026-10-25 clocks in Europe/Berlin go back from 03:00 to 02:00.  "
        "What is due in between runs once, the first time."
    )
    assert found[1].message.endswith("What is due in between runs once, at 03:00.")
    assert told(IntervalSchedule("R/2026-10-02T04:30:00+02:00/P1D", "Europe/Berlin")) == {}
    assert told(IntervalSchedule("R/2026-10-02T02:30:00+02:00/P1D")) == {}


def test_24_hours_are_told_to_move_on_the_clock() -> None:
    """PT24H is not P1D; other hours follow real time anyway."""
    schedule = IntervalSchedule("R/2026-10-02T02:30:00+02:00/PT24H", "Europe/Berlin")
    found = warnings(schedule, AUTUMN)

    assert [warning.code for warning in found] == CHANGES
    assert found[0].message.endswith(
        "The time of day moves by 60 minutes from then on, since hours are elapsed time; "
        "to keep it write `P1D`."
    )
    assert told(IntervalSchedule("R/2026-10-02T02:30:00+02:00/PT5H", "Europe/Berlin")) == {}
    assert told(IntervalSchedule("R3/2026-10-02T02:30:00+02:00/PT24H", "Europe/Berlin")).keys() == {
        "ends"
    }


def test_a_start_without_offset_in_a_zone_is_told() -> None:
    """It is UTC, whatever the zone; somebody may have meant that zone's clock."""
    schedule = IntervalSchedule("R/2026-12-01T05:30:00/P1D", "Europe/Berlin")

    assert told(schedule)["start_in_utc"] == (
        "START has no offset, so it is UTC: 2026-12-01 at 06:30 in Europe/Berlin.  "
        "If 05:30 there is meant, write `2026-12-01T05:30:00+01:00`."
    )


def test_once_is_described_and_told_to_end() -> None:
    """One sentence, one fire time, on the clock it was written with."""
    schedule = OnceSchedule("2026-12-01T00:30:00+01:00")

    assert describe(schedule) == "Once, on 2026-12-01 at 00:30"
    assert told(schedule) == {"ends": "Runs once."}
    assert [local.isoformat() for _, local in upcoming(schedule, AUTUMN, 5)] == [
        "2026-12-01T00:30:00+01:00"
    ]


def test_what_creation_refuses_is_told() -> None:
    """A preview of a past START shows its times, and says that no job can be made with it."""
    past = told(IntervalSchedule("R/2026-01-01T00:30:00Z/P1D"))
    over = told(OnceSchedule("2026-01-01T00:30:00Z"))

    assert past["refused"].startswith(
        "A job made at 2026-10-01T00:00:00Z is refused: `expression`: START "
        "`2026-01-01T00:30:00Z` is not later than now"
    )
    assert "never" not in past
    assert over["never"] == "No fire time is left."
    assert "`at`" in over["refused"]


@pytest.mark.parametrize(
    ("document", "text", "clock"),
    [
        ("*/5 * * * *", "*/5 * * * *", "UTC"),
        ("R/2026-12-01T00:00:00Z/P1D", "R/2026-12-01T00:00:00Z/P1D", "UTC"),
        ("R/2026-12-01T00:00:00-03:30/P1D", "R/2026-12-01T00:00:00-03:30/P1D", "UTC-03:30"),
        (
            {"kind": "once", "at": "2026-12-01T00:00:00-01:00"},
            "2026-12-01T00:00:00-01:00",
            "UTC-01:00",
        ),
        (TOKYO, "R/2026-12-01T00:00:00Z/P1D", "Asia/Tokyo"),
    ],
)
def test_every_kind_has_a_text_and_a_clock(document: object, text: str, clock: str) -> None:
    """For lists: what was written, and whose wall clock it is read on."""
    schedule = schedule_from_document(document)

    assert schedule_text(schedule) == text
    assert clock_name(schedule) == clock
