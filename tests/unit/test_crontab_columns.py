"""Columns mean here what they mean to cron, held against a reader of its own grammar."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from executor.client.crontab.columns import Columns, read_schedule
from executor.client.imported import Kind
from executor.domain.schedule import CronSchedule, schedule_from_document

#: Least and greatest value, and names, of the columns: as in cron's own tables.
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"]
NAMES: tuple[list[str], ...] = ([], [], [], MONTHS, DAYS)


class Unreadable(Exception):
    """cron would refuse the line."""


def oracle(word: str, place: int) -> set[int]:
    """Return the values of a column, as Vixie's cron 4.1 collects them."""
    low, high = LIMITS[place]
    found: set[int] = set()
    for item in word.split(","):
        span, slash, step = item.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            start, end = low, high
        elif dash:
            start, end = number(first, place), number(last, place)
        else:
            start = end = number(first, place)
            if slash:
                raise Unreadable
        if end > high:
            # cron takes it where no step lands beyond; we ask for what is meant.
            raise Unreadable
        if start > end or (slash and (not step.isdecimal() or int(step) == 0)):
            raise Unreadable
        found |= set(range(start, end + 1, int(step) if slash else 1))
    if any(not low <= value <= high for value in found):
        raise Unreadable
    return {value % 7 for value in found} if place == 4 else found


def number(text: str, place: int) -> int:
    """Return a number or a name of a column."""
    if text.isdecimal():
        return int(text)
    names = NAMES[place]
    if text.lower() not in names:
        raise Unreadable
    return names.index(text.lower()) + LIMITS[place][0]


def items(place: int) -> st.SearchStrategy[str]:
    """Return items of a column, some of them wrong."""
    low, high = LIMITS[place]
    value = st.integers(low, high + 1).map(str)
    if NAMES[place]:
        value |= st.sampled_from(NAMES[place]).map(str.upper) | st.sampled_from(NAMES[place])
    step = st.integers(0, high + 5).map(str)
    span = st.tuples(value, value).map("-".join)
    stepped = st.tuples(span | st.just("*"), step).map("/".join)
    return st.just("*") | value | span | stepped


COLUMNS = st.tuples(
    *(st.lists(items(place), min_size=1, max_size=3).map(",".join) for place in range(5))
)


def bits(values: set[int]) -> int:
    """Return *values* as a set of bits."""
    return sum(1 << value for value in values)


@given(COLUMNS)
@example(("*", "*", "*", "*", "*/7"))
@example(("*", "*", "*", "*", "0-7/7"))
def test_columns_match_what_cron_matches(words: tuple[str, ...]) -> None:
    """Every value of every column; what cron refuses is refused, or matches no date at all."""
    read = read_schedule(" ".join(words), "UTC", "PT0S", datetime(2026, 11, 22, tzinfo=UTC))
    try:
        meant = [oracle(word, place) for place, word in enumerate(words)]
    except Unreadable:
        assert not isinstance(read, Columns)
        return
    if not isinstance(read, Columns):
        assert read.kind is Kind.REFUSED
        assert "never fires" in read.message
        return
    schedule = schedule_from_document(read.schedule)
    assert isinstance(schedule, CronSchedule)
    cron = schedule.cron()
    ours = [cron.minute, cron.hour, cron.day, cron.month, cron.weekday]
    assert [column.bits for column in ours] == [bits(values) for values in meant]
    assert cron.both is (words[2].startswith("*") or words[4].startswith("*"))
