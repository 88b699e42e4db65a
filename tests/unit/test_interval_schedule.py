"""Repeating intervals: anchored, clamped, counted, and found directly."""

from __future__ import annotations

import random
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from executor.domain.errors import InvalidSchedule
from executor.domain.interval import Interval
from executor.domain.interval_schedule import CalendarSlots, IntervalSchedule
from executor.domain.schedule import fire_times, next_after, next_epoch, schedule_from_document

LOS_ANGELES = "America/Los_Angeles"
LONG_AGO = datetime(1900, 1, 1, tzinfo=UTC)
FAR = datetime(9998, 1, 1, tzinfo=UTC)


def due(expression: str, zone: str | None, count: int) -> list[str]:
    """Return the first fire times on the schedule's clock."""
    schedule = IntervalSchedule(expression, zone)
    found = islice(fire_times(schedule, LONG_AGO, FAR), count)
    return [f"{at.astimezone(schedule.clock()):%Y-%m-%d %H:%M}" for at in found]


@pytest.mark.parametrize(
    ("start", "distance", "expected"),
    [
        (
            "2020-01-13T14:09:00-08:00",
            "P1D",
            ["2020-01-13 14:09", "2020-01-14 14:09", "2020-01-15 14:09"],
        ),
        (
            "2020-03-05T14:09:00-08:00",
            "P1D",
            [
                "2020-03-05 14:09",
                "2020-03-06 14:09",
                "2020-03-07 14:09",
                "2020-03-08 14:09",
                "2020-03-09 14:09",
            ],
        ),
        (
            "2020-03-05T14:09:00-08:00",
            "PT24H",
            [
                "2020-03-05 14:09",
                "2020-03-06 14:09",
                "2020-03-07 14:09",
                "2020-03-08 15:09",
                "2020-03-09 15:09",
            ],
        ),
        (
            "2020-01-13T14:09:00-08:00",
            "P1W",
            ["2020-01-13 14:09", "2020-01-20 14:09", "2020-01-27 14:09", "2020-02-03 14:09"],
        ),
        (
            "2020-01-20T14:09:00-08:00",
            "P1M",
            [*(f"2020-{month:02}-20 14:09" for month in range(1, 13)), "2021-01-20 14:09"],
        ),
        # Kala normalises 31 September to 1 October and stays there; this clamps from START.
        (
            "2020-07-31T14:09:00-07:00",
            "P1M",
            [
                "2020-07-31 14:09",
                "2020-08-31 14:09",
                "2020-09-30 14:09",
                "2020-10-31 14:09",
                "2020-11-30 14:09",
            ],
        ),
        (
            "2020-01-20T14:09:00-08:00",
            "P1Y",
            [f"{year}-01-20 14:09" for year in range(2020, 2026)],
        ),
    ],
)
def test_the_runs_of_kalas_own_table(start: str, distance: str, expected: list[str]) -> None:
    """Daily and 24 hours over daylight saving, weekly, monthly, yearly over leap years."""
    found = due(f"R/{start}/{distance}", LOS_ANGELES, len(expected))

    assert found == expected


@pytest.mark.parametrize(
    ("start", "distance", "expected"),
    [
        (
            "2023-01-31T00:00:00Z",
            "P1M",
            ["2023-02-28 00:00", "2023-03-31 00:00", "2023-04-30 00:00"],
        ),
        ("2024-01-31T00:00:00Z", "P1M", ["2024-02-29 00:00"]),
        ("2024-02-29T12:00:00Z", "P1Y", ["2025-02-28 12:00", "2026-02-28 12:00"]),
        ("2024-02-29T12:00:00Z", "P4Y", ["2028-02-29 12:00", "2032-02-29 12:00"]),
        ("2023-10-31T09:00:00Z", "P1M", ["2023-11-30 09:00", "2023-12-31 09:00"]),
        ("2023-12-31T23:59:00Z", "P2M", ["2024-02-29 23:59", "2024-04-30 23:59"]),
        ("2024-02-28T23:30:00Z", "P1DT1H", ["2024-03-01 00:30", "2024-03-02 01:30"]),
        (
            "2015-06-04T19:25:16Z",
            "P1Y2M10DT2H30M15S",
            ["2016-08-14 21:55", "2017-10-25 00:25", "2019-01-04 02:56"],
        ),
        ("2023-01-01T00:00:00Z", "P2W", ["2023-01-15 00:00", "2023-01-29 00:00"]),
        ("2024-03-31T10:00:00Z", "P3M", ["2024-06-30 10:00", "2024-09-30 10:00"]),
        ("2023-11-30T00:00:00Z", "P3M", ["2024-02-29 00:00", "2024-05-30 00:00"]),
        ("2024-01-30T00:00:00Z", "P1M1D", ["2024-03-01 00:00", "2024-04-01 00:00"]),
        ("1960-05-31T00:00:00Z", "P1M", ["1960-06-30 00:00", "1960-07-31 00:00"]),
    ],
)
def test_calendar_arithmetic_from_start(start: str, distance: str, expected: list[str]) -> None:
    """Months clamp, then days are added, then time; each run from START, none from another."""
    assert due(f"R/{start}/{distance}", None, len(expected) + 1)[1:] == expected


def test_the_wall_clock_is_that_of_the_zone_or_of_starts_offset() -> None:
    """Without a zone nothing changes in summer; a wall in a gap is due as the gap ends."""
    assert due("R/2027-03-27T02:30:00+01:00/P1D", None, 3)[1:] == [
        "2027-03-28 02:30",
        "2027-03-29 02:30",
    ]
    assert due("R/2027-03-27T02:30:00+01:00/P1D", "Europe/Berlin", 4)[1:] == [
        "2027-03-28 03:00",
        "2027-03-29 02:30",
        "2027-03-30 02:30",
    ]


def test_a_wall_that_occurs_twice_is_due_the_first_time() -> None:
    """But START is the instant that was written, even if it is the second one."""
    daily = IntervalSchedule("R/2026-10-24T02:30:00+02:00/P1D", "Europe/Berlin")
    second = IntervalSchedule("R/2026-10-25T02:30:00+01:00/P1D", "Europe/Berlin")

    assert list(islice(fire_times(daily, LONG_AGO, FAR), 3)) == [
        datetime(2026, 10, 24, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
        datetime(2026, 10, 26, 1, 30, tzinfo=UTC),
    ]
    assert next_after(second, LONG_AGO) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_runs_that_fall_together_are_one_slot() -> None:
    """Apia had no 30 December 2011: its run and the next midnight's are the same instant."""
    schedule = IntervalSchedule("R3/2011-12-29T00:00:00-10:00/P1D", "Pacific/Apia")

    assert due(schedule.expression, "Pacific/Apia", 9) == [
        "2011-12-29 00:00",
        "2011-12-31 00:00",
        "2012-01-01 00:00",
    ]


@pytest.mark.parametrize(("repeats", "runs"), [("R0", 1), ("R1", 2), ("R5", 6), ("R005", 6)])
@pytest.mark.parametrize("distance", ["PT10S", "P1D", "P1M"])
def test_n_repeats_are_n_plus_one_runs(repeats: str, runs: int, distance: str) -> None:
    """After the last one there is none, and the job is done."""
    schedule = IntervalSchedule(f"{repeats}/2026-12-01T00:00:00Z/{distance}")
    found = list(fire_times(schedule, LONG_AGO, FAR))

    assert len(found) == runs
    assert next_after(schedule, found[-1]) is None


def test_r0_needs_no_duration() -> None:
    """``R0/START/`` is one run, in the short form too."""
    schedule = schedule_from_document("R0/2026-12-01T00:00:00/")

    assert list(fire_times(schedule, LONG_AGO, FAR)) == [datetime(2026, 12, 1, tzinfo=UTC)]


@pytest.mark.parametrize("k", [1, 9_999, 10_000, 10_000_000, 10**9])
def test_ten_million_repeats_neither_drift_nor_take_longer(k: int) -> None:
    """Run *k* of an elapsed interval is START + k times the distance, exactly."""
    start = datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)
    schedule = IntervalSchedule(f"R/{start:%Y-%m-%dT%H:%M:%S}Z/PT17S")
    at = start + k * timedelta(seconds=17)

    assert next_after(schedule, at - timedelta(seconds=1)) == at
    assert next_after(schedule, at - timedelta(microseconds=1)) == at
    assert next_after(schedule, at) == at + timedelta(seconds=17)


def test_after_ten_thousand_months_it_is_still_the_last_of_the_month() -> None:
    """Chained months would have stayed at the 28th; these never do."""
    schedule = IntervalSchedule("R/2026-01-31T08:00:00Z/P1M")
    found = list(islice(fire_times(schedule, LONG_AGO, FAR), 10_001))

    assert len(found) == 10_001
    assert all(at.day == monthrange(at.year, at.month)[1] for at in found)
    assert all(at.hour == 8 for at in found)
    assert found[-1].year == 2026 + 10_000 // 12


class CountedSlots(CalendarSlots):
    """Counts how many runs were computed."""

    __slots__ = ("computed",)

    def __init__(self, interval: Interval, name: str | None) -> None:
        super().__init__(interval, name)
        self.computed = 0

    def instant(self, k: int) -> int:
        """Count and compute."""
        self.computed += 1
        return super().instant(k)


@pytest.mark.parametrize(
    "distance", ["P1D", "P1DT1S", "P6DT23H", "P1W", "P1M", "P1M1DT1H", "P7M", "P1Y", "P100Y"]
)
@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "Pacific/Apia", "Australia/Lord_Howe"])
def test_any_run_is_found_in_a_few_steps(distance: str, zone: str | None) -> None:
    """From any instant of eight thousand years, as quickly as the first: a bound on the work."""
    interval = IntervalSchedule(f"R/1980-01-31T23:30:00Z/{distance}", zone).interval()
    chance = random.Random(distance)
    for _ in range(60):
        slots = CountedSlots(interval, zone)
        after = interval.start + chance.randrange(8000 * 366 * 86400 // 20)
        found = slots.next_epoch(after)
        assert found is not None
        assert found > after
        assert slots.computed <= 8


@pytest.mark.parametrize(
    ("expression", "zone"),
    [
        ("R40/2026-10-20T02:30:00Z/P1D", "Europe/Berlin"),
        ("R40/2026-01-31T01:30:00-05:00/P1MT45M", "America/New_York"),
        ("R40/2011-12-01T12:00:00Z/P1DT1H", "Pacific/Apia"),
        ("R40/2026-03-01T00:00:00Z/PT7H", "Australia/Lord_Howe"),
        ("R40/2024-02-29T00:00:00Z/P1Y", None),
    ],
)
def test_the_next_run_is_the_least_that_is_later(expression: str, zone: str | None) -> None:
    """From every instant, in any order of asking, the answer is that of the list of all runs."""
    schedule = IntervalSchedule(expression, zone)
    runs = list(fire_times(schedule, LONG_AGO, FAR))
    assert all(a < b for a, b in pairwise(runs))

    chance = random.Random(expression)
    span = int((runs[-1] - runs[0]).total_seconds()) + 86400
    for _ in range(300):
        at = runs[0] + timedelta(seconds=chance.randrange(-86400, span))
        later = [run for run in runs if run > at]
        assert next_after(schedule, at) == (later[0] if later else None)


def test_runs_of_a_mixed_distance_are_days_on_the_wall_and_hours_of_real_time() -> None:
    """P1DT2H over the change in spring: the wall first, then two hours for each repeat."""
    schedule = IntervalSchedule("R2/2027-03-27T12:00:00+01:00/P1DT2H", "Europe/Berlin")
    berlin = ZoneInfo("Europe/Berlin")

    assert [at.astimezone(berlin).isoformat() for at in fire_times(schedule, LONG_AGO, FAR)] == [
        "2027-03-27T12:00:00+01:00",
        "2027-03-28T14:00:00+02:00",
        "2027-03-29T16:00:00+02:00",
    ]


def test_an_endless_text_is_not_repeated_in_the_message() -> None:
    """A megabyte of digits costs nothing and is not sent back."""
    with pytest.raises(InvalidSchedule, match="longer than 200 characters") as refused:
        IntervalSchedule(f"R{'9' * 1_000_000}/2026-12-01T00:00:00Z/P1D")

    assert len(str(refused.value)) < 200


def test_time_ends_where_datetimes_end() -> None:
    """Shortly before the year 10000 there is no next run, and no error either."""
    for expression in ("R/2026-01-31T00:00:00Z/P1M", "R/2026-01-01T00:00:00Z/PT1H"):
        schedule = IntervalSchedule(expression, "Pacific/Kiritimati")
        assert next_after(schedule, datetime.max.replace(tzinfo=UTC)) is None
        assert next_epoch(schedule, -(10**12)) == schedule.interval().start
