"""What people are told about a schedule before they save it."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from executor.domain.errors import InvalidSchedule
from executor.domain.preview import ScheduleWarning, describe, upcoming, warnings
from executor.domain.schedule import CronSchedule, DayRule, Dialect, Fold, Gap
from tests.unit.cron_oracle import Expressions

AUTUMN = datetime(2026, 10, 1, tzinfo=UTC)


def schedule(expression: str, zone: str = "UTC", **fields: object) -> CronSchedule:
    dialect = Dialect.CRON6S if expression.count(" ") == 5 else Dialect.CRON5
    return CronSchedule(expression, dialect, zone, **fields)  # type: ignore[arg-type]


def told(expression: str, zone: str = "UTC", **fields: object) -> list[tuple[str, str]]:
    found = warnings(schedule(expression, zone, **fields), AUTUMN)
    return [(warning.code, warning.message) for warning in found]


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("30 2 * * *", "At 02:30 AM"),
        ("05 07 * * *", "At 07:05 AM"),
        ("15 30 2 * * *", "At 02:30:15 AM"),
        ("0 30 2 * * *", "At 02:30 AM"),
        ("* * * * *", "Every minute"),
        ("0-59 * * * *", "Every minute"),
        ("* * * * * *", "Every second"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("0/5 * * * *", "Every 5 minutes"),
        ("@hourly", "Every hour"),
        ("@daily", "At 12:00 AM"),
        ("0 2,14 * * *", "At 02:00 AM and 02:00 PM"),
        ("0 22-23,0-1 * * *", "At 12:00 AM, 01:00 AM, 10:00 PM and 11:00 PM"),
        ("0 9 * * 1-5", "At 09:00 AM, Monday through Friday"),
        ("0 9 * * MON-fri/1", "At 09:00 AM, Monday through Friday"),
        ("0 9 * * 6,7", "At 09:00 AM, only on Saturday and Sunday"),
        ("0 9 * * 0-7", "At 09:00 AM"),
        ("0 9 * * 5-7", "At 09:00 AM, Friday through Sunday"),
        ("0 9 * * mon-fri/2", "At 09:00 AM, only on Monday, Wednesday, and Friday"),
        ("0 9 * * 5#2", "At 09:00 AM, on the second Friday of the month"),
        ("0 9 * * sunL", "At 09:00 AM, on the last Sunday of the month"),
        ("0 9 1 * *", "At 09:00 AM, on day 1 of the month"),
        ("0 9 L * *", "At 09:00 AM, on the last day of the month"),
        ("0 9 L-1 * *", "At 09:00 AM, 1 day before the last day of the month"),
        ("0 9 LW * *", "At 09:00 AM, on the last weekday of the month"),
        (
            "0 9 1,15W * *",
            "At 09:00 AM, on day 1 of the month and on the weekday nearest day 15 of the month",
        ),
        ("0 9 1 jan *", "At 09:00 AM, on day 1 of the month, only in January"),
        ("0 9 * jan-mar *", "At 09:00 AM, January through March"),
        ("0 9 * */6 *", "At 09:00 AM, only in January and July"),
        ("0 9 13 * fri", "At 09:00 AM, on day 13 of the month, or on Friday"),
        ("0 9 */2 * fri", "At 09:00 AM, every 2 days, and only on Friday"),
        ("0 9 1-31 * fri", "At 09:00 AM"),
    ],
)
def test_an_expression_is_described_in_plain_english(expression: str, sentence: str) -> None:
    """The sentence says when, with the word that fits the day rule."""
    assert describe(schedule(expression)) == sentence


def test_every_readable_expression_has_a_description() -> None:
    """Whatever can be saved can be described, and all warnings are sentences."""
    chance = random.Random(2)
    make = Expressions(chance)
    for _ in range(150):
        try:
            some = schedule(chance.choice([make.five, make.six])(), "Europe/Berlin")
        except InvalidSchedule:
            continue
        text = describe(some)
        assert text
        assert not set(text) & set("?*{}/"), some
        assert all(warning.message.endswith(".") for warning in warnings(some, AUTUMN))


@pytest.mark.parametrize("expression", ["*/5 * * * *", "7 * * * *", "30 12 * * 1-5", "1 0 L * *"])
def test_an_ordinary_schedule_has_no_warnings(expression: str) -> None:
    """Warnings are for surprises only."""
    assert told(expression, "Europe/Berlin") == []


@pytest.mark.parametrize(
    ("expression", "rule", "message"),
    [
        (
            "0 12 13 * 5",
            "cron",
            (
                "Day of month `13` and weekday `5` are both set: a day that matches either one is "
                "enough.  For days that match both set `dom_dow` to `and`."
            ),
        ),
        (
            "0 12 1-31 * 5",
            "cron",
            (
                "Day of month `1-31` and weekday `5` are both set: a day that matches either one "
                "is enough, so it runs every day.  For days that match both set `dom_dow` to `and`."
            ),
        ),
        (
            "0 12 13 * */2",
            "cron",
            (
                "Day of month `13` and weekday `*/2` are both set: a day has to match both, "
                "because `*/2` starts with `*`."
            ),
        ),
        (
            "0 12 13 * 5",
            "and",
            (
                "Day of month `13` and weekday `5` are both set: a day has to match both, because "
                "`dom_dow` is `and`."
            ),
        ),
    ],
)
def test_the_day_rule_that_applies_is_told(expression: str, rule: str, message: str) -> None:
    """With both day columns set people expect "and" about as often as "or"."""
    assert ("day_rule", message) in told(expression, dom_dow=DayRule(rule))


@pytest.mark.parametrize(
    ("expression", "messages"),
    [
        (
            "*/7 * * * *",
            ["`*/7` (minute) starts again with every hour: the last interval is 4, not 7."],
        ),
        (
            "0 */5 * * *",
            ["`*/5` (hour) starts again with every day: the last interval is 4, not 5."],
        ),
        (
            "0 12 */2 * *",
            [
                (
                    "`*/2` (day of month) starts again with every month: "
                    "the last interval depends on the month."
                )
            ],
        ),
        (
            "0 12 * * */3",
            ["`*/3` (weekday) starts again with every week: the last interval is 1, not 3."],
        ),
        (
            "*/40 0/50 * * * *",
            [
                (
                    "`*/40` (second) starts again with every minute: "
                    "the last interval is 20, not 40."
                ),
                ("`0/50` (minute) starts again with every hour: the last interval is 10, not 50."),
            ],
        ),
        ("*/15 */6 * */3 *", []),
        ("*/1 */1 */1 */1 */1", []),
        ("10-50/7 3 * * *", []),
    ],
)
def test_steps_that_do_not_divide_are_told(expression: str, messages: list[str]) -> None:
    """``*/7`` is not every seven minutes: it starts again with the hour."""
    found = [message for code, message in told(expression) if code == "uneven_step"]

    assert found == messages


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 12 31 1-6 *", "Skips February, April, June, where there is no day 31."),
        ("0 12 29 * *", "Skips February except in leap years, where there is no day 29."),
        ("0 12 30,31 1-3 *", "Skips February, where there is no day 30."),
    ],
)
def test_months_without_the_day_are_told(expression: str, expected: str) -> None:
    """A job for the 31st runs seven times a year; ``L`` is what was meant."""
    advice = "  Write `L` for the last day of each month."

    assert ("short_month", expected + advice) in told(expression)


@pytest.mark.parametrize("expression", ["0 12 28 * *", "0 12 31,L * *", "0 12 31 1,3 *"])
def test_a_day_that_every_month_has_is_not_told(expression: str) -> None:
    """Nothing is skipped, so nothing is said."""
    assert "short_month" not in dict(told(expression))


def test_the_changes_of_two_years_that_touch_the_schedule_are_told() -> None:
    """02:30 in Berlin is skipped in spring and repeated in autumn, each with its date."""
    assert told("30 2 * * *", "Europe/Berlin") == [
        (
            "clock_back",
            (
                "On 2026-10-25 clocks in Europe/Berlin go back from 03:00 to 02:00.  "
                "What is due in between runs once, the first time."
            ),
        ),
        (
            "clock_forward",
            (
                "On 2027-03-28 clocks in Europe/Berlin go forward from 02:00 to 03:00.  "
                "What is due in between runs once, at 03:00."
            ),
        ),
        (
            "clock_back",
            (
                "On 2027-10-31 clocks in Europe/Berlin go back from 03:00 to 02:00.  "
                "What is due in between runs once, the first time."
            ),
        ),
        (
            "clock_forward",
            (
                "On 2028-03-26 clocks in Europe/Berlin go forward from 02:00 to 03:00.  "
                "What is due in between runs once, at 03:00."
            ),
        ),
    ]


@pytest.mark.parametrize(
    ("expression", "fields", "back", "forward"),
    [
        ("30 2 * * *", {"gap": Gap.SKIP, "fold": Fold.SECOND}, "once, the second", "does not run"),
        ("30 2 * * *", {"fold": Fold.BOTH}, "runs both times", "runs once, at 03:00"),
        ("*/30 2 * * *", {}, "runs both times", "does not run"),
    ],
)
def test_what_a_change_does_depends_on_the_schedule(
    expression: str, fields: dict[str, object], back: str, forward: str
) -> None:
    """Overrides and wildcards are told as they will act."""
    found = dict(told(expression, "Europe/Berlin", **fields))

    assert back in found["clock_back"]
    assert forward in found["clock_forward"]


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("30 4 * * *", "Europe/Berlin"),
        ("30 2 * * 1", "Europe/Berlin"),
        ("30 2 * * *", "Asia/Tokyo"),
        ("*/10 * * * *", "Europe/Berlin"),
    ],
)
def test_changes_that_do_not_touch_the_schedule_are_not_told(expression: str, zone: str) -> None:
    """Other hours, other days, no changes, or a rhythm that just goes on: nothing to say."""
    assert told(expression, zone) == []


def test_half_an_hour_of_change_touches_an_hourly_rhythm() -> None:
    """Lord Howe's half hour can swallow 02:15, so that one is told even with ``*`` hours."""
    assert {code for code, _ in told("15 * * * *", "Australia/Lord_Howe")} == {"clock_forward"}


def test_a_lost_day_is_told_with_both_dates() -> None:
    """When clocks jump to another date the message names it."""
    found = warnings(schedule("0 9 * * *", "Pacific/Apia"), datetime(2011, 12, 1, tzinfo=UTC))

    assert found[0] == ScheduleWarning(
        "clock_forward",
        "On 2011-12-30 clocks in Pacific/Apia go forward from 00:00 to 00:00 of 2011-12-31.  "
        "What is due in between runs once, at 00:00.",
    )


def test_overrides_without_effect_are_told() -> None:
    """Somebody who sets ``fold`` on a wildcard expects something that will not happen."""
    assert "no_effect" in dict(told("*/5 * * * *", fold=Fold.BOTH))
    assert "no_effect" in dict(told("*/5 * * * *", gap=Gap.SKIP))
    assert "no_effect" not in dict(told("5 2 * * *", fold=Fold.BOTH))


def test_a_schedule_without_any_fire_time_left_is_told() -> None:
    """The zone always skips what the expression asks for."""
    assert dict(told("* 2 * 3 0#2", "America/New_York"))["never"] == (
        "No fire time is left in the zone America/New_York."
    )


def test_upcoming_shows_utc_and_the_local_clock() -> None:
    """Both are the same instant; the local one carries its zone and offset."""
    found = upcoming(schedule("30 2 * * *", "Europe/Berlin"), datetime(2026, 10, 24, tzinfo=UTC), 3)

    assert [f"{utc:%m-%d %H:%M} {local:%m-%d %H:%M %z}" for utc, local in found] == [
        "10-24 00:30 10-24 02:30 +0200",
        "10-25 00:30 10-25 02:30 +0200",
        "10-26 01:30 10-26 02:30 +0100",
    ]
    # By timestamp: Python calls no time in a fold equal to one of another zone.
    assert all(utc.timestamp() == local.timestamp() for utc, local in found)
    assert all(utc.tzinfo is UTC for utc, _ in found)
    assert {local.tzinfo for _, local in found} == {ZoneInfo("Europe/Berlin")}


def test_upcoming_ends_when_nothing_is_left() -> None:
    """Fewer than asked for, or none, is an answer."""
    never = schedule("* 2 * 3 0#2", "America/New_York")

    assert upcoming(never, AUTUMN, 5) == []
    assert len(upcoming(schedule("@yearly"), datetime(9997, 6, 1, tzinfo=UTC), 5)) == 2
