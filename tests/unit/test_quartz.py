"""Expressions as Quartz writes them: seconds, question marks, Sunday as 1, years."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from executor.domain.cron import Dialect, parse
from executor.domain.schedule import CronSchedule, fire_times, next_after

START = datetime(2026, 12, 31, 12, tzinfo=UTC)
END = datetime(2040, 1, 1, tzinfo=UTC)


def due(expression: str, count: int = 4, start: datetime = START) -> list[str]:
    schedule = CronSchedule(expression, Dialect.QUARTZ)
    return [f"{at:%y-%m-%d %H:%M:%S}" for at in islice(fire_times(schedule, start, END), count)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 12 * * ?", ["27-01-01 12:00:00", "27-01-02 12:00:00"]),
        ("0 15 10 ? * MON-FRI", ["27-01-01 10:15:00", "27-01-04 10:15:00"]),
        ("0 0 12 ? * 1", ["27-01-03 12:00:00", "27-01-10 12:00:00"]),
        ("0 0 12 ? * 2-6", ["27-01-01 12:00:00", "27-01-04 12:00:00"]),
        ("0 0 12 ? * 7", ["27-01-02 12:00:00", "27-01-09 12:00:00"]),
        ("0 0 12 ? * L", ["27-01-02 12:00:00", "27-01-09 12:00:00"]),
        ("0 0 12 ? * 6L", ["27-01-29 12:00:00", "27-02-26 12:00:00"]),
        ("0 0 12 ? * FRIL", ["27-01-29 12:00:00", "27-02-26 12:00:00"]),
        ("0 0 12 ? * 6#3", ["27-01-15 12:00:00", "27-02-19 12:00:00"]),
        ("0 0 12 ? * 2/2", ["27-01-01 12:00:00", "27-01-04 12:00:00"]),
        ("0 0 12 L * ?", ["26-12-31 12:00:00", "27-01-31 12:00:00"]),
        ("0 0 12 L-3 * ?", ["27-01-28 12:00:00", "27-02-25 12:00:00"]),
        ("0 0 12 LW * ?", ["26-12-31 12:00:00", "27-01-29 12:00:00"]),
        ("0 0 12 L-1W 2,5 ?", ["27-02-26 12:00:00", "27-05-31 12:00:00"]),
        ("0 0 12 15W * ?", ["27-01-15 12:00:00", "27-02-15 12:00:00"]),
        ("0/20 0 12 1 JAN ?", ["27-01-01 12:00:00", "27-01-01 12:00:20"]),
        ("0 0 12 1 1 ? *", ["27-01-01 12:00:00", "28-01-01 12:00:00"]),
        ("0 0 12 1 1 ? 2030", ["30-01-01 12:00:00"]),
        ("0 0 12 1 1 ? 2028-2032/2", ["28-01-01 12:00:00", "30-01-01 12:00:00"]),
        ("0 0 12 29 2 ? 2027-2028,2036", ["28-02-29 12:00:00", "36-02-29 12:00:00"]),
        ("0 0 0 ? 12 FRI 2029/5", ["29-12-07 00:00:00", "29-12-14 00:00:00"]),
        ("@daily", ["27-01-01 00:00:00", "27-01-02 00:00:00"]),
        ("@weekly", ["27-01-03 00:00:00", "27-01-10 00:00:00"]),
        ("@monthly", ["27-01-01 00:00:00", "27-02-01 00:00:00"]),
    ],
)
def test_an_expression_of_quartz_means_what_it_means_there(
    expression: str, expected: list[str]
) -> None:
    """Its own numbers, names and letters; a year ends what it names."""
    start = START if not expected[0].startswith("26") else datetime(2026, 12, 31, tzinfo=UTC)

    assert due(expression, len(expected) if len(expected) > 1 else 3, start) == expected


def test_a_question_mark_is_no_restriction() -> None:
    """The other column decides alone, whatever the rule for both would be."""
    for rule in ("cron", "and"):
        schedule = CronSchedule("0 0 12 ? * 2", Dialect.QUARTZ, dom_dow=rule)  # type: ignore[arg-type]
        assert next_after(schedule, START) == datetime(2027, 1, 4, 12, tzinfo=UTC)


def test_the_years_of_quartz_end_in_2099() -> None:
    """After the last year there is nothing, found at once; before the first it waits."""
    always = CronSchedule("0 0 0 1 1 ? 1970-2099", Dialect.QUARTZ)
    last = CronSchedule("0 0 0 1 1 ? 2099", Dialect.QUARTZ)

    assert next_after(last, datetime(1960, 1, 1, tzinfo=UTC)) == datetime(2099, 1, 1, tzinfo=UTC)
    assert next_after(last, datetime(2099, 1, 1, tzinfo=UTC)) is None
    assert parse(always.expression, Dialect.QUARTZ).years == 0


def test_years_are_those_of_the_wall_clock() -> None:
    """New Year in Auckland comes half a day before that of UTC."""
    schedule = CronSchedule("0 0 0 1 1 ? 2030", Dialect.QUARTZ, "Pacific/Auckland")

    assert next_after(schedule, START) == datetime(2029, 12, 31, 11, tzinfo=UTC)
