"""What happens when clocks change: the rules, the zones that break engines, the overrides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from executor.domain.schedule import (
    CronSchedule,
    DayRule,
    Dialect,
    Fold,
    Gap,
    fire_times,
    next_after,
    next_epoch,
)
from tests.unit.cron_oracle import BREAKING, Stretch, changes

#: A search that does not end is cut off by this, seconds.
HARD_LIMIT_S = 20

pytestmark = pytest.mark.timeout(HARD_LIMIT_S)


def local(schedule: CronSchedule, day: str, days: int = 1) -> list[str]:
    """Return the fire times of some civil days as "HH:MM +hh:mm" on the zone's clock."""
    zone = ZoneInfo(schedule.timezone)
    first = datetime.fromisoformat(day).replace(tzinfo=UTC)
    found = [
        due.astimezone(zone)
        for due in fire_times(schedule, first - timedelta(days=2), first + timedelta(days=days + 2))
    ]
    dates = {(first + timedelta(days=n)).date() for n in range(days)}
    return [f"{due:%H:%M %z}" for due in found if due.date() in dates]


NEW_YORK_FORWARD = ("America/New_York", "2027-03-14")
NEW_YORK_BACK = ("America/New_York", "2026-11-01")
BERLIN_FORWARD = ("Europe/Berlin", "2027-03-28")
BERLIN_BACK = ("Europe/Berlin", "2026-10-25")


@pytest.mark.parametrize(
    ("place", "expression", "expected"),
    [
        (NEW_YORK_FORWARD, "30 2 * * *", ["03:00 -0400"]),
        (NEW_YORK_FORWARD, "0,30 2 * * *", ["03:00 -0400"]),
        (NEW_YORK_FORWARD, "*/15 2 * * *", []),
        (NEW_YORK_FORWARD, "* 2 * * *", []),
        (NEW_YORK_FORWARD, "0-59/20 2 * * *", []),
        (NEW_YORK_FORWARD, "0 2,3 * * *", ["03:00 -0400"]),
        (NEW_YORK_FORWARD, "30 1-3 * * *", ["01:30 -0500", "03:00 -0400", "03:30 -0400"]),
        (NEW_YORK_FORWARD, "59 1 * * *", ["01:59 -0500"]),
        (NEW_YORK_FORWARD, "0 3 * * *", ["03:00 -0400"]),
        (NEW_YORK_BACK, "30 1 * * *", ["01:30 -0400"]),
        (NEW_YORK_BACK, "0 1,2 * * *", ["01:00 -0400", "02:00 -0500"]),
        (NEW_YORK_BACK, "59 0 * * *", ["00:59 -0400"]),
        (NEW_YORK_BACK, "*/40 1 * * *", [
            "01:00 -0400", "01:40 -0400", "01:00 -0500", "01:40 -0500",
        ]),
        (BERLIN_FORWARD, "30 2 * * *", ["03:00 +0200"]),
        (BERLIN_BACK, "30 2 * * *", ["02:30 +0200"]),
        (BERLIN_BACK, "0 * * * 0", [
            "00:00 +0200", "01:00 +0200", "02:00 +0200", "02:00 +0100",
            *(f"{hour:02}:00 +0100" for hour in range(3, 24)),
        ]),
        (("Africa/Cairo", "2024-04-26"), "0 0 * * *", ["01:00 +0300"]),
        (("America/Havana", "2025-03-09"), "0 0 * * *", ["01:00 -0400"]),
        (("Australia/Lord_Howe", "2026-10-04"), "15 2 * * *", ["02:30 +1100"]),
        (("Antarctica/Troll", "2026-03-29"), "0,30 1-2 * * *", ["03:00 +0200"]),
        (("Europe/Dublin", "2026-10-25"), "30 1 * * *", ["01:30 +0100"]),
        (("Europe/Dublin", "2026-03-29"), "30 1 * * *", ["02:00 +0100"]),
        (("Africa/Casablanca", "2026-02-15"), "30 2 * * *", ["02:30 +0100"]),
        (("Africa/Casablanca", "2026-03-22"), "30 2 * * *", ["03:00 +0100"]),
        (("Europe/Volgograd", "2020-12-27"), "30 1 * * *", ["01:30 +0400"]),
        (("America/Caracas", "2016-05-01"), "45 2 * * *", ["03:00 -0400"]),
        (("Asia/Pyongyang", "2018-05-04"), "45 23 * * *", []),
        (("Asia/Pyongyang", "2018-05-05"), "45 23 * * *", ["00:00 +0900", "23:45 +0900"]),
    ],
)  # fmt: skip
def test_a_day_on_which_clocks_change(
    place: tuple[str, str], expression: str, expected: list[str]
) -> None:
    """Fixed times run once: after the gap, or the first of two.  Wildcards follow real time."""
    zone, day = place

    assert local(CronSchedule(expression, timezone=zone), day) == expected


def test_every_half_hour_of_real_time_when_new_york_goes_back() -> None:
    """A wildcard neither pauses nor hurries: the day of 25 hours has 50 slots, evenly spaced."""
    schedule = CronSchedule("*/30 * * * *", timezone="America/New_York")
    start = datetime(2026, 11, 1, 4, tzinfo=UTC)

    found = list(fire_times(schedule, start - timedelta(seconds=1), start + timedelta(hours=24.9)))

    assert found == [start + timedelta(minutes=30 * n) for n in range(50)]


def test_lord_howe_goes_back_by_half_an_hour_without_an_extra_run() -> None:
    """``0 * * * *`` sees 01:00, 02:00, 03:00; the second 01:30 is not on the hour."""
    schedule = CronSchedule("0 * * * *", timezone="Australia/Lord_Howe")

    assert local(schedule, "2026-04-05")[:5] == [
        "00:00 +1100",
        "01:00 +1100",
        "02:00 +1030",
        "03:00 +1030",
        "04:00 +1030",
    ]


def test_a_day_that_did_not_exist_is_a_gap_like_any_other() -> None:
    """Apia had no 30 December 2011: what was due on it runs once, as the 31st begins."""
    nightly = CronSchedule("30 2 * * *", timezone="Pacific/Apia")
    that_day = CronSchedule("0 9 30 12 *", timezone="Pacific/Apia")
    wildcard = CronSchedule("*/10 9 30 12 *", timezone="Pacific/Apia")

    assert local(nightly, "2011-12-29") == ["02:30 -1000"]
    assert local(nightly, "2011-12-31") == ["00:00 +1400", "02:30 +1400"]
    assert local(that_day, "2011-12-29", days=3) == ["00:00 +1400"]
    assert local(wildcard, "2011-12-29", days=3) == []


@pytest.mark.parametrize(("gap", "expected"), [(Gap.RUN_AFTER, ["03:00 +0200"]), (Gap.SKIP, [])])
def test_the_gap_can_be_skipped(gap: Gap, expected: list[str]) -> None:
    """``gap: skip`` leaves out the day; the neighbours stay as they are."""
    schedule = CronSchedule("30 2 * * *", timezone="Europe/Berlin", gap=gap)

    assert local(schedule, "2027-03-28") == expected
    assert local(schedule, "2027-03-27") == ["02:30 +0100"]
    assert local(schedule, "2027-03-29") == ["02:30 +0200"]


@pytest.mark.parametrize(
    ("fold", "expected"),
    [
        (Fold.FIRST, ["02:30 +0200"]),
        (Fold.SECOND, ["02:30 +0100"]),
        (Fold.BOTH, ["02:30 +0200", "02:30 +0100"]),
    ],
)
def test_the_fold_can_be_chosen(fold: Fold, expected: list[str]) -> None:
    """``fold`` says which of two equal local times counts; other days are not touched."""
    schedule = CronSchedule("30 2 * * *", timezone="Europe/Berlin", fold=fold)

    assert local(schedule, "2026-10-25") == expected
    assert local(schedule, "2026-10-24") == ["02:30 +0200"]
    assert local(schedule, "2026-10-26") == ["02:30 +0100"]


def test_the_edges_of_a_fold_belong_to_it_exactly() -> None:
    """02:00 occurs twice when Berlin goes back from 03:00, and 03:00 does not."""
    for fold, expected in (
        (Fold.FIRST, ["02:00 +0200", "03:00 +0100"]),
        (Fold.SECOND, ["02:00 +0100", "03:00 +0100"]),
        (Fold.BOTH, ["02:00 +0200", "02:00 +0100", "03:00 +0100"]),
    ):
        schedule = CronSchedule("0 2,3 * * *", timezone="Europe/Berlin", fold=fold)
        assert local(schedule, "2026-10-25") == expected


@pytest.mark.parametrize("expression", ["*/20 * * * *", "*/20 2 * * *"])
def test_overrides_do_not_touch_wildcards(expression: str) -> None:
    """``gap`` and ``fold`` speak of fixed times only."""
    plain = CronSchedule(expression, timezone="Europe/Berlin")
    other = CronSchedule(expression, timezone="Europe/Berlin", gap=Gap.SKIP, fold=Fold.SECOND)

    for day in ("2026-10-25", "2027-03-28"):
        assert local(other, day) == local(plain, day)


def test_a_rare_fixed_time_is_not_lost_in_a_fold() -> None:
    """The search jumps far ahead for a yearly job, but not over its second occurrence."""
    schedule = CronSchedule("30 2 25 10 *", timezone="Europe/Berlin", fold=Fold.BOTH)
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)

    assert next_after(schedule, first) == first + timedelta(hours=1)
    assert next_after(schedule, first + timedelta(hours=1)) == datetime(
        2027, 10, 25, 0, 30, tzinfo=UTC
    )


def test_seconds_of_a_fixed_time_collapse_into_one_slot_after_the_gap() -> None:
    """With ``cron6s`` too a gap ends in one slot, whatever fell into it."""
    schedule = CronSchedule("*/20 30 2 * * *", Dialect.CRON6S, "Europe/Berlin")
    end_of_gap = datetime(2027, 3, 28, 1, tzinfo=UTC)

    assert list(fire_times(schedule, end_of_gap - timedelta(hours=2), end_of_gap)) == [end_of_gap]
    assert next_after(schedule, end_of_gap) == datetime(2027, 3, 29, 0, 30, tzinfo=UTC)


def test_offsets_with_seconds_are_kept_to_the_second() -> None:
    """Liberia was 44 min 30 s behind until 1972; Amsterdam 19 min 32 s ahead until 1937."""
    liberia = CronSchedule("0 0 * * *", timezone="Africa/Monrovia")
    change = datetime(1972, 1, 7, 0, 44, 30, tzinfo=UTC)
    assert list(fire_times(liberia, change - timedelta(days=2), change + timedelta(days=1))) == [
        change - timedelta(days=1),
        change,
        datetime(1972, 1, 8, tzinfo=UTC),
    ]

    paris = CronSchedule("0 12 * * *", timezone="Europe/Paris")
    assert next_after(paris, datetime(1890, 1, 1, tzinfo=UTC)) == datetime(
        1890, 1, 1, 11, 50, 39, tzinfo=UTC
    )


@pytest.mark.parametrize(("zone", "year"), BREAKING)
def test_a_zone_that_breaks_engines(zone: str, year: int) -> None:
    """Around every change of that year the slots are those of real time walked by the minute."""
    for day in changes(zone, year):
        stretch = Stretch(zone, day - timedelta(hours=12), day + timedelta(hours=48))
        for expression in (
            "*/10 */3 * * *",
            "* 1 * * *",
            "30 2 * * *",
            "0 0 * * *",
            "0,45 0-4 * * *",
            "0 9 30 12 *",
        ):
            schedule = CronSchedule(expression, timezone=zone)
            found = list(fire_times(schedule, stretch.start - timedelta(seconds=1), stretch.end))
            assert found == stretch.slots(expression), expression


@pytest.mark.parametrize(("zone", "year"), BREAKING)
def test_a_year_of_a_zone_that_breaks_engines_ends(zone: str, year: int) -> None:
    """Every search ends and moves strictly forward; no day is without a slot."""
    for expression in ("*/10 */3 * * *", "30 2 * * *", "59 59 23 * * *"):
        dialect = Dialect.CRON6S if expression.count(" ") == 5 else Dialect.CRON5
        schedule = CronSchedule(expression, dialect, zone)
        at = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
        end = at + 366 * 86400
        while at < end:
            following = next_epoch(schedule, at)
            assert following is not None
            assert 0 < following - at <= 49 * 3600
            at = following


def test_what_only_matches_skipped_times_never_fires() -> None:
    """New York always skips that hour; the search gives up instead of going on for ever."""
    never = CronSchedule("* 2 * 3 0#2", timezone="America/New_York")
    skipped = CronSchedule("30 2 * 3 0#2", timezone="America/New_York", gap=Gap.SKIP)
    made_up = CronSchedule("30 2 * 3 0#2", timezone="America/New_York")
    start = datetime(2026, 1, 1, tzinfo=UTC)

    assert next_after(never, start) is None
    assert next_after(skipped, start) is None
    assert next_after(made_up, start) == datetime(2026, 3, 8, 7, tzinfo=UTC)


def test_the_rarest_dates_are_found() -> None:
    """29 February on a Monday comes every 28 years, and 40 years apart around 2100."""
    schedule = CronSchedule("0 0 29 2 mon", timezone="Europe/Berlin", dom_dow=DayRule.AND)
    found = list(
        fire_times(schedule, datetime(2026, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
    )

    assert [due.astimezone(ZoneInfo("Europe/Berlin")).year for due in found] == [
        2044,
        2072,
        2112,
        2140,
        2168,
        2196,
    ]


def test_time_ends_where_datetimes_end() -> None:
    """Shortly before the year 10000 there is no next fire time, and no error either."""
    schedule = CronSchedule("@yearly", timezone="Pacific/Kiritimati")
    last = datetime(9999, 1, 1, tzinfo=ZoneInfo("Pacific/Kiritimati")).astimezone(UTC)

    assert next_after(schedule, datetime(9998, 6, 1, tzinfo=UTC)) == last
    assert next_after(schedule, last) is None
    assert next_after(schedule, datetime.max.replace(tzinfo=UTC)) is None
    assert next_after(schedule, datetime.min.replace(tzinfo=UTC)) is not None
