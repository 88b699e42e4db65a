"""Which dates a cron expression matches, and the first of them from a given day on.

Days are counted from 1970-01-01.  A month is one of 28 kinds, by its length and the
weekday of its first; what an expression matches is the same in months of one kind, so
28 masks of 31 bits hold the whole calendar.

Words
-----
mask
    The matching days of a month; bit 0 is the first.
years
    Bit *n* is set if the year 1970 + *n* matches; 0 stands for every year.
"""

from __future__ import annotations

from bisect import bisect_right
from calendar import isleap, monthrange
from functools import lru_cache
from itertools import product

from executor.domain.cron_column import Column

#: The lengths that each month can have.
_LENGTHS = {n: {monthrange(2023, n)[1], monthrange(2024, n)[1]} for n in range(1, 13)}

#: A day later than any date: the answer where nothing matches any more.
NEVER = 1 << 40

#: Length and weekday of the first (0 = Sunday) of each kind of month.
_KINDS = tuple(product(range(28, 32), range(7)))

EVERY_MONTH = sum(1 << number for number in range(1, 13))
EVERY_DAY = tuple((1 << length) - 1 for length, _ in _KINDS)


def matching_days(day: Column, month: Column, weekday: Column, both: bool) -> tuple[int, ...]:
    """Return the mask for each kind of month, nothing if no date of any year matches."""
    dates, weekdays = _by_date(day), _by_weekday(weekday)
    if both:
        masks = tuple(one & other for one, other in zip(dates, weekdays, strict=True))
    else:
        masks = tuple(one | other for one, other in zip(dates, weekdays, strict=True))
    return masks if any(masks[kind] for kind in _kinds_of(month.bits)) else ()


def ever_match(day: Column, month: Column, weekday: Column, both: bool) -> bool:
    """Whether any date of any year matches; the quicker question."""
    dates, weekdays = _by_date(day), _by_weekday(weekday)
    for kind in _kinds_of(month.bits):
        found = dates[kind] & weekdays[kind] if both else dates[kind] | weekdays[kind]
        if found:
            return True
    return False


@lru_cache(maxsize=8192)
def _kinds_of(months: int) -> tuple[int, ...]:
    lengths = {length for n, some in _LENGTHS.items() if months >> n & 1 for length in some}
    return tuple(kind for kind, (length, _) in enumerate(_KINDS) if length in lengths)


@lru_cache(maxsize=4096)
def _by_date(column: Column) -> tuple[int, ...]:
    return tuple(_days_of_month(column, length, first) for length, first in _KINDS)


@lru_cache(maxsize=4096)
def _by_weekday(column: Column) -> tuple[int, ...]:
    return tuple(_days_of_week(column, length, first) for length, first in _KINDS)


def _days_of_month(column: Column, length: int, first: int) -> int:
    plain = column.bits >> 1 & (1 << length) - 1
    found = {length - n for n in column.before_last if n < length}
    for n in column.nearest:
        wanted = n if n > 0 else length + n
        if not 1 <= wanted <= length:
            continue
        weekday = (first + wanted - 1) % 7
        if weekday == 6:  # Saturday: the Friday before, unless that is another month
            wanted += -1 if wanted > 1 else 2
        elif weekday == 0:  # Sunday: the Monday after, unless that is another month
            wanted += 1 if wanted < length else -2
        found.add(wanted)
    return plain | sum(1 << n - 1 for n in found)


def _days_of_week(column: Column, length: int, first: int) -> int:
    week = column.bits >> first | column.bits << 7 - first
    mask = (week & 0x7F) * _FIVE_WEEKS & (1 << length) - 1
    for weekday, n in column.nth:
        mask |= 1 << (weekday - first) % 7 + 7 * (n - 1) & (1 << length) - 1
    for weekday in column.last:
        mask |= 1 << length - 1 - (first + length - 1 - weekday) % 7
    return mask


#: A week repeated five times, as a factor.
_FIVE_WEEKS = sum(1 << 7 * n for n in range(5))

#: Days after which the Gregorian calendar repeats, weekdays included: 400 years.
_CYCLE = 146_097


#: The weekday of January 1, 1970, a Thursday, counted from Sunday.
_FIRST_WEEKDAY = 4


def _months() -> tuple[list[int], list[int], list[int]]:
    """Tabulate one cycle from January 1970: first days (since 1970-01-01), numbers, kinds."""
    lengths = [monthrange(2023, number)[1] for number in range(1, 13)]
    kind_of = {kind: place for place, kind in enumerate(_KINDS)}
    starts, numbers, kinds, day = [], [], [], 0
    for year in range(1970, 2370):
        for number, usual in enumerate(lengths, 1):
            length = usual + (number == 2 and isleap(year))
            starts.append(day)
            numbers.append(number)
            kinds.append(kind_of[length, (_FIRST_WEEKDAY + day) % 7])
            day += length
    return starts, numbers, kinds


_STARTS, _NUMBERS, _KIND = _months()


def month_of(day: int) -> int:
    """Return the month that *day* lies in, counted from January 1970; may be negative."""
    cycle, within = divmod(day, _CYCLE)
    return cycle * len(_STARTS) + bisect_right(_STARTS, within) - 1


def first_of_month(month: int) -> int:
    """Return the first day of *month*, counted from January 1970; may be negative."""
    cycle, within = divmod(month, len(_STARTS))
    return cycle * _CYCLE + _STARTS[within]


def next_day(months: int, days: tuple[int, ...], day: int) -> int:
    """Return the first matching day not before *day*, both counted from 1970-01-01.

    Args:
        months: Bit *n* is set if month *n* matches; never 0.
        days: A mask for each kind of month; some month has a matching day.
        day: May be negative.

    Ends because every kind of month comes up within one cycle.
    """
    within = day % _CYCLE
    base = day - within
    index = bisect_right(_STARTS, within) - 1
    rest = days[_KIND[index]] >> within - _STARTS[index] if months >> _NUMBERS[index] & 1 else 0
    if rest:
        return day + (rest & -rest).bit_length() - 1
    while True:
        index += 1
        if index == len(_STARTS):
            index, base = 0, base + _CYCLE
        if months >> _NUMBERS[index] & 1 and (rest := days[_KIND[index]]):
            return base + _STARTS[index] + (rest & -rest).bit_length() - 1


def year_of(day: int) -> int:
    """Return the year that *day* lies in."""
    return 1970 + month_of(day) // 12


def next_day_of_years(months: int, days: tuple[int, ...], years: int, day: int) -> int:
    """Return the first matching day of *years* (not 0) not before *day*, or :data:`NEVER`."""
    while True:
        offset = max(year_of(day) - 1970, 0)
        rest = years >> offset
        if not rest:
            return NEVER
        offset += (rest & -rest).bit_length() - 1
        found = next_day(months, days, max(day, _STARTS[offset * 12]))
        if year_of(found) == offset + 1970:
            return found
        day = found
