"""Cron expressions: which seconds, minutes, hours and days they match, as sets of bits.

Knows dates and wall-clock times only; zones and instants belong to the schedule.

Rules
-----
1. The dialect is named, never guessed from the number of columns.
2. Whatever is probably a mistake is refused, and the message says what to write.
   Every fault of an expression is reported at once.
3. Day of month and weekday, as cron(8) has it: a day has to match either column, but
   both as soon as one of them starts with ``*`` (``*/2`` too).  ``dom_dow: and`` always
   asks for both.
4. A month that lacks a day skips it: ``31`` and ``31W`` do nothing in April.
   ``nW`` never leaves its month: ``1W`` on a Saturday is Monday the 3rd.
5. An expression that no date can match (``0 0 30 2 *``) is refused.

Source for rule 3: crontab(5) and cron(8) of Debian's cron.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from calendar import monthrange
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from executor.domain.cron_column import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    SECOND,
    WEEKDAY,
    Column,
    ColumnError,
    Unit,
    read_column,
)
from executor.domain.errors import Fault, InvalidSchedule


class Dialect(StrEnum):
    """Which columns an expression has, and in which order."""

    CRON5 = "cron5"
    CRON6S = "cron6s"


class DayRule(StrEnum):
    """How day of month and weekday combine: by cron(8)'s rule, or both have to match."""

    CRON = "cron"
    AND = "and"


#: The lengths that each month can have.
_LENGTHS = {n: {monthrange(2023, n)[1], monthrange(2024, n)[1]} for n in range(1, 13)}

_FIVE = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)
_COLUMNS = {Dialect.CRON5: _FIVE, Dialect.CRON6S: (SECOND, *_FIVE)}

#: Short names and the five columns they stand for; in ``cron6s`` at second 0.
ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

_WORD = re.compile(r"\S+", re.ASCII)

#: Longest expression read, characters; every minute of the hour spelled out takes 170.
MAX_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Cron:
    """A readable expression that matches at least one date.

    ``both`` is True when a day has to match both day columns.  ``days`` holds the
    matching days for each of the 28 kinds of month; bit 0 is the first of the month.
    """

    second: Column
    minute: Column
    hour: Column
    day: Column
    month: Column
    weekday: Column
    both: bool
    days: tuple[int, ...]

    @property
    def fixed(self) -> bool:
        """Whether it names times of day, rather than running through hours or minutes.

        Seconds have no say: ``*/10 30 2 * * *`` is a fixed time with six slots.
        """
        return not (self.minute.whole or self.hour.whole)

    @property
    def every_day(self) -> bool:
        """Whether every date matches, so that the calendar need not be asked."""
        return self.month.bits == _EVERY_MONTH and self.days == _EVERY_DAY


@lru_cache(maxsize=2048)
def parse(text: str, dialect: Dialect, dom_dow: DayRule = DayRule.CRON) -> Cron:
    """Read the expression *text*.

    Raises:
        InvalidSchedule: every fault found, each for the field ``expression``.
    """
    units = _COLUMNS[dialect]
    columns: list[Column] = []
    faults: list[str] = []
    for unit, word in zip(units, _words(text, dialect), strict=True):
        try:
            columns.append(read_column(unit, word))
        except ColumnError as error:
            faults += error.faults
    if faults:
        raise InvalidSchedule([Fault("expression", fault) for fault in faults])
    second = columns[0] if dialect is Dialect.CRON6S else Column("0", 1)
    minute, hour, day, month, weekday = columns[-5:]
    both = dom_dow is DayRule.AND or day.star or weekday.star
    days = _days(day, month, weekday, both)
    if not days:
        raise _refusal(_never(day, month, weekday, both))
    return Cron(second, minute, hour, day, month, weekday, both, days)


def _words(text: str, dialect: Dialect) -> list[str]:
    """Split *text* into as many words as *dialect* has columns, short names resolved."""
    if len(text) > MAX_LENGTH:
        raise _refusal(f"longer than {MAX_LENGTH} characters")
    words = _WORD.findall(text)
    if len(words) == 1 and words[0].startswith("@"):
        alias = ALIASES.get(words[0].lower())
        if alias is None:
            raise _refusal(f"unknown name `{words[0]}`; the names are {', '.join(ALIASES)}")
        words = alias.split() if dialect is Dialect.CRON5 else ["0", *alias.split()]
    units = _COLUMNS[dialect]
    if len(words) == len(units):
        return words
    if dialect is Dialect.CRON5 and len(words) == 6:
        raise _refusal(
            "six fields, but dialect `cron5` has five.  Either the first is the second: add "
            f'`"dialect": "cron6s"`, and it reads {_reading(_COLUMNS[Dialect.CRON6S], words)}.  '
            f"Or the last does not belong: write `{' '.join(words[:5])}`, and it reads "
            f"{_reading(_FIVE, words[:5])}"
        )
    fix = f"write {', '.join(unit.name for unit in units)}"
    if dialect is Dialect.CRON6S and len(words) == 5:
        fix = f'write `0 {" ".join(words)}`, or set `"dialect": "cron5"`'
    raise _refusal(f"dialect `{dialect}` has {len(units)} fields, not {len(words)}; {fix}")


def _reading(units: tuple[Unit, ...], words: list[str]) -> str:
    pairs = zip(units, words, strict=True)
    return ", ".join(f"{unit.name} `{word}`" for unit, word in pairs)


def _refusal(message: str) -> InvalidSchedule:
    return InvalidSchedule([Fault("expression", message)])


def _kind(length: int, first: int) -> int:
    """Number the kinds of month: *length* 28 to 31, weekday of the *first* (0 = Sunday)."""
    return (length - 28) * 7 + first


_EVERY_MONTH = sum(1 << number for number in range(1, 13))
_EVERY_DAY = tuple((1 << length) - 1 for length in range(28, 32) for _ in range(7))


@lru_cache(maxsize=4096)
def _days(day: Column, month: Column, weekday: Column, both: bool) -> tuple[int, ...]:
    """Return the mask of matching days for each kind of month, nothing if no date matches."""
    masks = []
    for length in range(28, 32):
        for first in range(7):
            by_day = _days_of_month(day, length, first)
            by_weekday = _days_of_week(weekday, length, first)
            masks.append(by_day & by_weekday if both else by_day | by_weekday)
    kinds = {
        _kind(length, first)
        for number, lengths in _LENGTHS.items()
        if month.bits >> number & 1
        for length in lengths
        for first in range(7)
    }
    return tuple(masks) if any(masks[kind] for kind in kinds) else ()


def _days_of_month(column: Column, length: int, first: int) -> int:
    found = {n for n in range(1, length + 1) if column.bits >> n & 1}
    found |= {length - n for n in column.before_last if n < length}
    for n in column.nearest:
        wanted = n or length
        if wanted > length:
            continue
        weekday = (first + wanted - 1) % 7
        if weekday == 6:  # Saturday: the Friday before, unless that is another month
            wanted += -1 if wanted > 1 else 2
        elif weekday == 0:  # Sunday: the Monday after, unless that is another month
            wanted += 1 if wanted < length else -2
        found.add(wanted)
    return sum(1 << n - 1 for n in found)


def _days_of_week(column: Column, length: int, first: int) -> int:
    mask = 0
    for index in range(length):
        weekday = (first + index) % 7
        if (
            column.bits >> weekday & 1
            or (weekday, index // 7 + 1) in column.nth
            or (weekday in column.last and index + 7 >= length)
        ):
            mask |= 1 << index
    return mask


def _never(day: Column, month: Column, weekday: Column, both: bool) -> str:
    asked = f"day of month `{day.text}`"
    if both and weekday.text != "*":
        asked += f" and weekday `{weekday.text}`"
    return (
        f"never fires: no date has {asked} in month `{month.text}`; "
        "for the last day of a month write `L` as day of month"
    )


#: Days after which the Gregorian calendar repeats, weekdays included: 400 years.
_CYCLE = 146_097


def _months() -> tuple[list[int], list[int], list[int]]:
    """Tabulate one cycle from January 1970: first days (since 1970-01-01), numbers, kinds."""
    starts, numbers, kinds, day = [], [], [], 0
    for year in range(1970, 2370):
        for number in range(1, 13):
            first, length = monthrange(year, number)
            starts.append(day)
            numbers.append(number)
            kinds.append(_kind(length, (first + 1) % 7))
            day += length
    return starts, numbers, kinds


_STARTS, _NUMBERS, _KINDS = _months()


def next_day(months: int, days: tuple[int, ...], day: int) -> int:
    """Return the first matching day not before *day*, both counted from 1970-01-01.

    Args:
        months: Bit *n* is set if month *n* matches; never 0.
        days: As in :class:`Cron`, so that some month has a matching day.
        day: May be negative.

    Ends because every kind of month comes up within one cycle.
    """
    within = day % _CYCLE
    base = day - within
    index = bisect_right(_STARTS, within) - 1
    rest = days[_KINDS[index]] >> within - _STARTS[index] if months >> _NUMBERS[index] & 1 else 0
    if rest:
        return day + (rest & -rest).bit_length() - 1
    while True:
        index += 1
        if index == len(_STARTS):
            index, base = 0, base + _CYCLE
        if months >> _NUMBERS[index] & 1 and (rest := days[_KINDS[index]]):
            return base + _STARTS[index] + (rest & -rest).bit_length() - 1
