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
5. An expression that no date can match (``0 0 30 2 *``) is refused, and so is one with
   an ``H`` that would match none for some jobs (``0 0 H(28-31) 2 *``).
6. ``quartz``: exactly one of the two day columns is ``?``, so rule 3 never applies.
   Quartz itself refuses everything else, ``0 0 12 * * *`` too.  A weekday alone ``L`` is
   Saturday.  Backward ranges, which Quartz reads as running over the end of the field,
   are refused under rule 2; ``31W`` follows rule 4, where Quartz leaves the month.

Sources: crontab(5) and cron(8) of Debian's cron for rule 3; ``CronExpression`` of
Quartz 2.3 for rule 6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import product

from executor.domain.cron_column import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    QUARTZ_WEEKDAY,
    SECOND,
    WEEKDAY,
    YEAR,
    Column,
    ColumnError,
    Unit,
    is_hashed,
    outcomes,
    read_column,
)
from executor.domain.cron_days import (
    EVERY_DAY,
    EVERY_MONTH,
    NEVER,
    ever_match,
    matching_days,
    next_day_of_years,
)
from executor.domain.errors import Fault, InvalidSchedule
from executor.domain.spread import draw


class Dialect(StrEnum):
    """Which columns an expression has, and in which order."""

    CRON5 = "cron5"
    CRON6S = "cron6s"
    QUARTZ = "quartz"


class DayRule(StrEnum):
    """How day of month and weekday combine: by cron(8)'s rule, or both have to match."""

    CRON = "cron"
    AND = "and"


_FIVE = (MINUTE, HOUR, DAY, MONTH, WEEKDAY)
_COLUMNS = {
    Dialect.CRON5: _FIVE,
    Dialect.CRON6S: (SECOND, *_FIVE),
    Dialect.QUARTZ: (SECOND, MINUTE, HOUR, DAY, MONTH, QUARTZ_WEEKDAY, YEAR),
}

#: Short names and the five columns they stand for; where there are seconds, at second 0.
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

    ``both`` is True when a day has to match both day columns.  ``days`` holds the mask
    of each kind of month and ``years`` the matching years, both as in ``cron_days``.
    """

    second: Column
    minute: Column
    hour: Column
    day: Column
    month: Column
    weekday: Column
    year: Column
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
        return self.month.bits == EVERY_MONTH and self.days == EVERY_DAY and not self.years

    @property
    def years(self) -> int:
        """The matching years, 0 if every one."""
        return 0 if self.year.whole else self.year.bits

    @property
    def hashed(self) -> bool:
        """Whether an ``H`` makes it differ from job to job."""
        return any(column.choices for column in self.columns)

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, from second to year."""
        return (
            self.second,
            self.minute,
            self.hour,
            self.day,
            self.month,
            self.weekday,
            self.year,
        )


def units_of(dialect: Dialect) -> tuple[Unit, ...]:
    """Return what the columns of :attr:`Cron.columns` may hold in *dialect*."""
    weekday = QUARTZ_WEEKDAY if dialect is Dialect.QUARTZ else WEEKDAY
    return (SECOND, MINUTE, HOUR, DAY, MONTH, weekday, YEAR)


@lru_cache(maxsize=2048)
def parse(text: str, dialect: Dialect, dom_dow: DayRule = DayRule.CRON, key: str = "") -> Cron:
    """Read the expression *text*; *key*, a job's id, chooses the values of ``H``.

    Raises:
        InvalidSchedule: every fault found, each for the field ``expression``.  The same
            for every *key*.
    """
    words = _words(text, dialect)
    faults = []
    if dialect is Dialect.QUARTZ:
        faults += _quartz_days(words)
        words = ["*" if "?" in word else word for word in words]
    units = _COLUMNS[dialect]
    columns: list[Column] = []
    for unit, word in zip(units, words, strict=False):
        try:
            drawn = draw("H", key, unit.name) if is_hashed(word) else 0
            columns.append(read_column(unit, word, drawn))
        except ColumnError as error:
            faults += error.faults
    if faults:
        raise InvalidSchedule([Fault("expression", fault) for fault in faults])
    if dialect is Dialect.CRON5:
        columns.insert(0, Column("0", 1))
    if len(columns) < len(_COLUMNS[Dialect.QUARTZ]):
        columns.append(Column("*", whole=True))
        words.append("*")
    second, minute, hour, day, month, weekday, year = columns
    both = dom_dow is DayRule.AND or day.star or weekday.star
    if fault := _refused(tuple(words[-4:]), dialect, both):
        raise _refusal(fault)
    days = matching_days(day, month, weekday, both)
    return Cron(second, minute, hour, day, month, weekday, year, both, days)


def _words(text: str, dialect: Dialect) -> list[str]:
    """Split *text* into as many words as *dialect* has columns, short names resolved."""
    if len(text) > MAX_LENGTH:
        raise _refusal(f"longer than {MAX_LENGTH} characters")
    words = _WORD.findall(text)
    if len(words) == 1 and words[0].startswith("@"):
        words = _alias(words[0], dialect)
    units = _COLUMNS[dialect]
    if len(words) == len(units) or (dialect is Dialect.QUARTZ and len(words) == 6):
        return words
    if dialect is Dialect.CRON5 and len(words) == 6:
        raise _refusal(_six_for_five(words))
    count = "6 or 7" if dialect is Dialect.QUARTZ else len(units)
    raise _refusal(
        f"dialect `{dialect}` has {count} fields, not {len(words)}; {_fix(words, dialect)}"
    )


def _six_for_five(words: list[str]) -> str:
    """Say how six fields may be meant where five are wanted; a reading has to be valid."""
    other = Dialect.QUARTZ if "?" in words else Dialect.CRON6S
    with_seconds = (
        f'the first is the second: add `"dialect": "{other}"`, and it reads '
        f"{_reading(_COLUMNS[other], words)}"
    )
    without_last = (
        f"the last does not belong: write `{' '.join(words[:5])}`, and it reads "
        f"{_reading(_FIVE, words[:5])}"
    )
    tried = ((words, other, with_seconds), (words[:5], Dialect.CRON5, without_last))
    meant = [text for fields, dialect, text in tried if _is_valid(fields, dialect)]
    known = meant or [with_seconds, without_last]
    either = f"Either {known[0]}.  Or {known[1]}" if len(known) > 1 else f"Perhaps {known[0]}"
    return f"six fields, but dialect `cron5` has five.  {either}"


def _is_valid(words: list[str], dialect: Dialect) -> bool:
    try:
        parse(" ".join(words), dialect)
    except InvalidSchedule:
        return False
    return True


def _fix(words: list[str], dialect: Dialect) -> str:
    """Say how *words*, too many or too few, become an expression of *dialect*."""
    if dialect is Dialect.CRON6S and len(words) == 5:
        return f'write `0 {" ".join(words)}`, or set `"dialect": "cron5"`'
    names = [unit.name for unit in _COLUMNS[dialect]]
    if dialect is Dialect.QUARTZ:
        names[-1] = "perhaps year"
    other = {5: Dialect.CRON5, 7: Dialect.QUARTZ}.get(len(words))
    return f"write {', '.join(names)}" + (f', or set `"dialect": "{other}"`' if other else "")


def _alias(name: str, dialect: Dialect) -> list[str]:
    columns = ALIASES.get(name.lower())
    if columns is None:
        raise _refusal(f"unknown name `{name}`; the names are {', '.join(ALIASES)}")
    return _with_seconds(columns.split(), dialect)


def _with_seconds(words: list[str], dialect: Dialect) -> list[str]:
    """Write five columns in *dialect*, at second 0."""
    if dialect is Dialect.CRON5:
        return words
    if dialect is Dialect.CRON6S:
        return ["0", *words]
    *times, day, month, weekday = words
    if weekday == "*":
        return ["0", *times, day, month, "?"]
    return ["0", *times, "?" if day == "*" else day, month, re.sub("[07]", "1", weekday)]


_DAYS = (DAY, QUARTZ_WEEKDAY)


def _pairs(words: list[str]) -> list[tuple[Unit, str]]:
    return list(zip(_COLUMNS[Dialect.QUARTZ], words, strict=False))


def _quartz_days(words: list[str]) -> list[str]:
    """Say what is wrong with the question marks among the columns of Quartz."""
    faults = [
        f"{unit.name} `{word}`: `?` stands alone, and only as day of month or weekday; write `*`"
        for unit, word in _pairs(words)
        if "?" in word and (word != "?" or unit not in _DAYS)
    ]
    day, weekday = words[3], words[5]
    if day == weekday == "?":
        faults.append("day of month and weekday are both `?`; write `*` as day of month")
    elif not faults and "?" not in (day, weekday):
        fault = f"day of month `{day}` and weekday `{weekday}`: Quartz wants `?` as one of them; "
        if day == "*" or weekday == "*":
            place = 5 if weekday == "*" else 3
            fixed = " ".join([*words[:place], "?", *words[place + 1 :]])
            faults.append(f"{fault}write `{fixed}`")
        else:
            faults.append(f'{fault}for days that match both or either set `"dialect": "cron6s"`')
    return faults


def _reading(units: tuple[Unit, ...], words: list[str]) -> str:
    pairs = zip(units, words, strict=False)
    return ", ".join(f"{unit.name} `{word}`" for unit, word in pairs)


def _refusal(message: str) -> InvalidSchedule:
    return InvalidSchedule([Fault("expression", message)])


@lru_cache(maxsize=4096)
def _refused(words: tuple[str, ...], dialect: Dialect, both: bool) -> str | None:
    """Say why the last four columns may match no date, for some draw; None if they always do."""
    units = units_of(dialect)[-4:]
    every = [outcomes(unit, word) for unit, word in zip(units, words, strict=True)]
    for day, month, weekday, year in product(*every):
        years = 0 if year.whole else year.bits
        if ever_match(day, month, weekday, both):
            days = matching_days(day, month, weekday, both) if years else ()
            if not years or next_day_of_years(month.bits, days, years, 0) != NEVER:
                continue
        asked = f"day of month `{day.text}`"
        if both and weekday.text != "*":
            asked += f" and weekday `{weekday.text}`"
        asked += f" in month `{month.text}`" + (f" of year `{year.text}`" if years else "")
        if max(map(len, every)) == 1:
            fix = "for the last day of a month write `L` as day of month"
            return f"never fires: no date has {asked}; {fix}"
        return (
            f"would never fire for some jobs: `H` may become {_picked((day, month, weekday))}, "
            f"and no date has {asked}; narrow the range of `H`"
        )
    return None


def _picked(columns: tuple[Column, ...]) -> str:
    return " and ".join(f"`{column.text}`" for column in columns if column.choices)
