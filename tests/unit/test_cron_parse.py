"""What an expression is read as, and what is refused with which advice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from executor.domain.cron import ALIASES, MAX_LENGTH, Cron, DayRule, Dialect, parse
from executor.domain.errors import InvalidSchedule
from executor.domain.schedule import CronSchedule, fire_times

MINUTE, HOUR, DAY, MONTH, WEEKDAY = range(5)


def values(bits: int) -> list[int]:
    return [value for value in range(bits.bit_length()) if bits >> value & 1]


def column(text: str, place: int) -> list[int]:
    words = ["*"] * 5
    words[place] = text
    cron = parse(" ".join(words), Dialect.CRON5)
    return values((cron.minute, cron.hour, cron.day, cron.month, cron.weekday)[place].bits)


@pytest.mark.parametrize(
    ("place", "text", "expected"),
    [
        (MINUTE, "*", list(range(60))),
        (MINUTE, "*/15", [0, 15, 30, 45]),
        (MINUTE, "*/59", [0, 59]),
        (MINUTE, "*/1", list(range(60))),
        (MINUTE, "07", [7]),
        (MINUTE, "5,1,3,1", [1, 3, 5]),
        (MINUTE, "5-5", [5]),
        (MINUTE, "10-20/5", [10, 15, 20]),
        (MINUTE, "50/4", [50, 54, 58]),
        (MINUTE, "0-59/30", [0, 30]),
        (MINUTE, "1-3,30-40/5,59", [1, 2, 3, 30, 35, 40, 59]),
        (HOUR, "22-23,0-2", [0, 1, 2, 22, 23]),
        (HOUR, "0-23", list(range(24))),
        (DAY, "*/10", [1, 11, 21, 31]),
        (DAY, "31", [31]),
        (MONTH, "jan,Mar,DEC", [1, 3, 12]),
        (MONTH, "feb-apr", [2, 3, 4]),
        (MONTH, "jan-jun/2", [1, 3, 5]),
        (MONTH, "3-May", [3, 4, 5]),
        (MONTH, "*/3", [1, 4, 7, 10]),
        (MONTH, "jan-jan", [1]),
        (WEEKDAY, "0", [0]),
        (WEEKDAY, "7", [0]),
        (WEEKDAY, "sun", [0]),
        (WEEKDAY, "7-7", [0]),
        (WEEKDAY, "0-7", list(range(7))),
        (WEEKDAY, "1-7", list(range(7))),
        (WEEKDAY, "5-7", [0, 5, 6]),
        (WEEKDAY, "1-7/2", [0, 1, 3, 5]),
        (WEEKDAY, "2-7/2", [2, 4, 6]),
        (WEEKDAY, "0-7/7", [0]),
        (WEEKDAY, "mon-fri", [1, 2, 3, 4, 5]),
        (WEEKDAY, "MON-Fri/2", [1, 3, 5]),
        (WEEKDAY, "*/2", [0, 2, 4, 6]),
        (WEEKDAY, "1/2", [1, 3, 5]),
        (WEEKDAY, "6,7", [0, 6]),
    ],
)
def test_a_column_matches_exactly_its_values(place: int, text: str, expected: list[int]) -> None:
    """Names, lists, ranges and steps stand for these values and no others."""
    assert column(text, place) == expected


@pytest.mark.parametrize(("alias", "columns"), ALIASES.items())
def test_a_short_name_means_its_five_columns(alias: str, columns: str) -> None:
    """``@daily`` and the like are read as the columns they stand for, in any case."""
    assert parse(alias, Dialect.CRON5) == parse(columns, Dialect.CRON5)
    assert parse(alias.upper(), Dialect.CRON5) == parse(columns, Dialect.CRON5)
    assert parse(alias, Dialect.CRON6S) == parse(f"0 {columns}", Dialect.CRON6S)


def test_seconds_come_first_in_the_dialect_that_has_them() -> None:
    """In ``cron6s`` the first column is the second; in ``cron5`` it is second 0."""
    six = parse("*/20 30 2 * * *", Dialect.CRON6S)

    assert values(six.second.bits) == [0, 20, 40]
    assert values(six.minute.bits) == [30]
    assert values(parse("30 2 * * *", Dialect.CRON5).second.bits) == [0]


def test_any_blanks_separate_columns() -> None:
    """Tabs, several blanks and blanks at the ends change nothing, and are not kept."""
    schedule = CronSchedule("  30\t2   * * * ")

    assert schedule.expression == "30 2 * * *"
    assert schedule == CronSchedule("30 2 * * *")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("0 22-2 * * *", "hour `22-2`: the range runs backwards; write `22-23,0-2`"),
        ("0 23-2 * * *", "write `23,0-2`"),
        ("0 5-0 * * *", "write `5-23,0`"),
        ("50-10/20 * * * *", "write `50,10`"),
        ("* * * nov-feb *", "write `nov-dec,jan-feb`"),
        ("* * * * fri-sun", "write `fri-sat,sun`"),
        ("* * * * 5-1", "write `5-6,0-1`"),
        ("* * * * 7-2", "write `0-2`"),
        ("*/0 * * * *", "minute `*/0`: a step of 0 never advances; write `*`"),
        ("* 1-5/0 * * *", "write `1-5`"),
        ("*/60 * * * *", "the step 60 is larger than the range 0-59; write `0`"),
        ("* */24 * * *", "write `0`"),
        ("* * * */12 *", "write `1`"),
        ("* * * * */7", "write `0`"),
        ("* * * * 7/2", "write `7`"),
        ("10-20/11 * * * *", "the step 11 is larger than the range 10-20; write `10`"),
        ("50/15 * * * *", "the step 15 is larger than the range 50-59; write `50`"),
        ("* * * mar-may/3 *", "write `mar`"),
        ("1,,2 * * * *", "minute `1,,2`: an empty item in the list; write `1,2`"),
        (",5 * * * *", "write `5`"),
        ("5, * * * *", "write `5`"),
        (", * * * *", "write `*`"),
        ("60 * * * *", "`60` is out of range; write 0-59 (the full hour is `0`)"),
        ("0 24 * * *", "`24` is out of range; write 0-23 (midnight is `0`)"),
        ("0 0 0 * *", "day of month `0`: `0` is out of range; write 1-31"),
        ("0 0 32 * *", "write 1-31"),
        ("0 0 * 0 *", "write 1-12 or jan-dec"),
        ("0 0 * 13 *", "write 1-12 or jan-dec"),
        ("0 0 * * 8", "write 0-7 or sun-sat"),
        ("0 20-25 * * *", "`25` is out of range"),
        ("0 0 * * monday", "unknown name `monday`; write `mon`"),
        ("0 0 * sept *", "unknown name `sept`; write `sep`"),
        ("0 0 * * xyz", "the names are sun, mon, tue, wed, thu, fri, sat"),
        ("0 noon * * *", "`noon` is not a number; write 0-23"),
        ("mon * * * *", "`mon` is not a number; write 0-59"),
        ("0 0 ? * 1", "`?` is not part of this dialect; write `*`"),
        ("-5 * * * *", "not understood; write a value, a range `a-b`"),
        ("5- * * * *", "not understood"),
        ("*-5 * * * *", "not understood"),
        ("5-* * * * *", "not understood"),
        ("*/ * * * *", "not understood"),
        ("*/-5 * * * *", "not understood"),
        ("1-2-3 * * * *", "not understood"),
        ("1.5 * * * *", "not understood"),
        ("٣ * * * *", "not understood"),
        ("** * * * *", "not understood"),
        ("0 0 L-31 * *", "`L-1` to `L-30`"),
        ("0 0 L-0 * *", "write `L` for the last day"),
        ("0 0 32W * *", "`32` is out of range"),
        ("0 0 W15 * *", "`15W` as day of month"),
        ("0 0 1-5W * *", "`15W` as day of month"),
        ("0 0 5L * *", "`5L` or `5#2` as weekday"),
        ("0 0 * * L", "write the weekday before it, as in `5L`"),
        ("0 0 * * 5#6", "no month has a weekday number 6; write `5#1` to `5#5`, or `5L`"),
        ("0 0 * * 5#0", "no month has a weekday number 0"),
        ("0 0 * * 8#1", "`8` is out of range"),
        ("0 0 * * funL", "unknown name `fun`; write `sun`"),
        ("0 0 * * 1-5#2", "`5#2` as weekday"),
        ("0 0 * * 15W", "`15W` as day of month"),
        ("0 L * * *", "`L` is not a number"),
        ("", "dialect `cron5` has 5 fields, not 0; write minute, hour, day of month"),
        ("30 2 * *", "has 5 fields, not 4"),
        ("1 2 3 4 5 6 7", "has 5 fields, not 7"),
        ("@reboot", "unknown name `@reboot`; the names are @hourly, @daily"),
        ("@daily *", "has 5 fields, not 2"),
        ("1" * (MAX_LENGTH + 1), f"longer than {MAX_LENGTH} characters"),
    ],
)
def test_a_mistake_is_refused_with_what_to_write_instead(text: str, advice: str) -> None:
    """The one fault is the expression's, and its message holds the remedy."""
    with pytest.raises(InvalidSchedule) as refused:
        parse(text, Dialect.CRON5)

    (fault,) = refused.value.faults
    assert fault.field == "expression"
    assert advice in fault.message


def test_six_fields_without_the_dialect_are_refused_with_both_readings() -> None:
    """Seconds first or one column too many: the message shows what each would mean."""
    with pytest.raises(InvalidSchedule) as refused:
        parse("0 3 2 * * 1", Dialect.CRON5)

    message = str(refused.value)
    assert '`"dialect": "cron6s"`' in message
    assert "second `0`, minute `3`, hour `2`, day of month `*`, month `*`, weekday `1`" in message
    assert "write `0 3 2 * *`" in message
    assert "minute `0`, hour `3`, day of month `2`, month `*`, weekday `*`" in message


@pytest.mark.parametrize(
    ("text", "meant", "never"),
    [
        ("0 30 2 * * 1", '`"dialect": "cron6s"`', "write `0 30 2 * *`"),
        ("30 2 * * * 2026", "write `30 2 * * *`", '"dialect"'),
    ],
)
def test_of_six_fields_only_a_reading_that_is_valid_is_suggested(
    text: str, meant: str, never: str
) -> None:
    """What is suggested can be copied."""
    with pytest.raises(InvalidSchedule) as refused:
        parse(text, Dialect.CRON5)

    assert meant in str(refused.value)
    assert never not in str(refused.value)


def test_five_fields_in_the_dialect_with_seconds_are_refused() -> None:
    """The message shows the expression with its second, and the dialect without."""
    with pytest.raises(InvalidSchedule, match=r"write `0 30 2 \* \* \*`.*\"cron5\""):
        parse("30 2 * * *", Dialect.CRON6S)


def test_every_fault_of_an_expression_is_reported_at_once() -> None:
    """One attempt is enough to learn everything that is wrong."""
    with pytest.raises(InvalidSchedule) as refused:
        parse("61,*/0 25 * foo 1,,2", Dialect.CRON5)

    assert [fault.message.split(":")[0] for fault in refused.value.faults] == [
        "minute `61`",
        "minute `*/0`",
        "hour `25`",
        "month `foo`",
        "weekday `1,,2`",
    ]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("0 0 30 2 *", "cron"),
        ("0 0 31 4,6,9,11 *", "cron"),
        ("0 0 30-31 feb *", "cron"),
        ("0 0 30W 2 *", "cron"),
        ("0 0 L-29 2 *", "cron"),
        ("0 0 */30 2 5#2", "cron"),
        ("0 0 8 * 1#1", "and"),
        ("0 0 1 * 5L", "and"),
    ],
)
def test_what_no_date_can_match_is_refused(text: str, rule: str) -> None:
    """An expression that never fires is a mistake; the message names the date it asks for."""
    with pytest.raises(InvalidSchedule, match=r"never fires: no date has day of month.*write `L`"):
        parse(text, Dialect.CRON5, DayRule(rule))


@pytest.mark.parametrize("text", ["0 0 29 2 *", "0 0 29 2 1#5", "0 0 31 1,2 *", "0 0 30 2 1"])
def test_what_fires_rarely_is_accepted(text: str) -> None:
    """29 February exists, and with "or" the other day column is enough."""
    assert isinstance(parse(text, Dialect.CRON5), Cron)


def dates(expression: str, rule: str, start: datetime, end: datetime) -> list[str]:
    schedule = CronSchedule(f"0 0 {expression}", dom_dow=DayRule(rule))
    return [f"{due:%m-%d}" for due in fire_times(schedule, start, end)]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        # 2027: February has 28 days and starts on a Monday, May starts on a Saturday.
        ("L 1-4 *", ["01-31", "02-28", "03-31", "04-30"]),
        ("L-2 1-4 *", ["01-29", "02-26", "03-29", "04-28"]),
        ("L-30 * *", ["01-01", "03-01", "05-01"]),
        ("LW 1-5 *", ["01-29", "02-26", "03-31", "04-30", "05-31"]),
        ("1W 1-5 *", ["01-01", "02-01", "03-01", "04-01", "05-03"]),
        ("15W 5 *", ["05-14"]),
        ("16W 5 *", ["05-17"]),
        ("31W 1-5 *", ["01-29", "03-31", "05-31"]),
        ("1,L 2 *", ["02-01", "02-28"]),
        ("* * 1#1", ["01-04", "02-01", "03-01", "04-05", "05-03"]),
        ("* * 7#5", ["01-31", "05-30"]),
        ("* 1-2 fril", ["01-29", "02-26"]),
        ("* 2 mon#2,5L", ["02-08", "02-26"]),
    ],
)
def test_days_that_depend_on_the_month(days: str, expected: list[str]) -> None:
    """``L``, ``W`` and ``#`` find their day in each month anew and never leave it."""
    start, end = datetime(2026, 12, 31, 12, tzinfo=UTC), datetime(2027, 5, 31, 1, tzinfo=UTC)

    assert dates(days, "cron", start, end) == expected


@pytest.mark.parametrize(
    ("days", "rule", "expected"),
    [
        ("13 * fri", "cron", ["02-05", "02-12", "02-13", "02-19", "02-26"]),
        ("13 * fri", "and", []),
        ("12 * fri", "and", ["02-12"]),
        ("*/4 * fri", "cron", ["02-05"]),
        ("1 * */3", "cron", []),
        ("7 * */3", "cron", ["02-07"]),
        ("1,8 * *", "cron", ["02-01", "02-08"]),
        ("* * sat,sun", "cron", [f"02-{d:02}" for d in (6, 7, 13, 14, 20, 21, 27, 28)]),
        ("1-31 * fri", "cron", [f"02-{d:02}" for d in range(1, 29)]),
        ("L * 1#1", "cron", ["02-01", "02-28"]),
    ],
)
def test_both_day_columns_combine_by_the_rule_of_cron(
    days: str, rule: str, expected: list[str]
) -> None:
    """Either matches if both are restricted; both have to if one starts with ``*``."""
    start, end = datetime(2027, 1, 31, 12, tzinfo=UTC), datetime(2027, 2, 28, 1, tzinfo=UTC)

    assert dates(days, rule, start, end) == expected


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("30 2 * * *", True),
        ("0,30 2,3 * * *", True),
        ("0-10 2-4/2 * * *", True),
        ("5/15 2 * * *", True),
        ("* 2 * * *", False),
        ("0 * * * *", False),
        ("*/15 2 * * *", False),
        ("45,*/30 2 * * *", False),
        ("0 0-23 * * *", False),
        ("0-59/5 2 * * *", False),
        ("0/5 2 * * *", False),
        ("0 0-11,12-23 * * *", False),
    ],
)
def test_a_time_of_day_is_told_from_what_runs_through(text: str, fixed: bool) -> None:
    """A fixed time names minutes and hours; seconds have no say in it."""
    assert parse(text, Dialect.CRON5).fixed is fixed
    assert parse(f"*/10 {text}", Dialect.CRON6S).fixed is fixed
