"""One column of a cron expression, read item by item into a set of bits.

Words
-----
column
    One of the blank-separated parts of an expression (minute, hour, ...).
item
    One of the comma-separated parts of a column: ``*``, ``5``, ``mon-fri``, ``*/10``.
whole
    Said of a column that runs through all of its field: ``*``, ``*/n``, ``0-59``,
    ``0-59/n``, ``0/n``, or a list that happens to hold every value.

Rules
-----
1. Whatever is probably a mistake is refused, and the message says what to write.
2. croniter expands every item it can read without ambiguity.  It is never shown a
   range of one value (it takes ``5-5`` for the whole field), a backward range, or the
   forms it does not know: ``L-n``, ``LW``, ``dL``, and ``nW`` in a list.
3. ``a/n`` runs from *a* to the end of the field, for weekdays to Saturday.  A weekday
   range may end in 7: ``5-7`` is Friday to Sunday, while ``fri-sun`` runs backwards.
4. ``H`` is one value of the field, ``H(a-b)`` one of the range; with ``/n`` it is where
   the steps begin.  A draw chooses: the same for all items of a column, so that
   ``H(0-29),H(30-59)`` are half an hour apart.  As day of month ``H`` is 1 to 28, days that
   every month has.  ``H/n`` counts as running through its field just as ``*/n`` does.

Sources: crontab(5) of Debian's cron; ``L``, ``W`` and ``#`` as the cron trigger
tutorial of Quartz describes them, with cron's numbers for the weekdays; ``H`` as in the
help of Jenkins, except that a step wider than the range is refused.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from functools import lru_cache

from croniter import CroniterError, croniter

from executor.domain.spread import every_share, share


@dataclass(frozen=True, slots=True)
class Unit:
    """What one column may hold.

    ``top`` is the greatest value that is not a second name for another one (weekday 7
    is Sunday again); ``place`` is the column's place in croniter's five, None if it has
    none; the value *v* as written is bit *v* - ``shift``; ``H`` ranges up to ``spread``,
    and is refused where that is 0.
    """

    name: str
    low: int
    high: int
    top: int
    place: int | None
    names: tuple[str, ...] = ()
    shift: int = 0
    spread: int = 0

    @property
    def domain(self) -> str:
        """The values allowed, in words."""
        words = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
        return f"{self.low}-{self.high}{words}"

    def number(self, token: str) -> int:
        """Return the value that *token*, a number or one of the names, stands for."""
        if token.isdecimal():
            return int(token)
        return self.names.index(token.lower()) + self.low

    def fault(self, token: str) -> str | None:
        """Say what is wrong with *token* as a value, None if nothing."""
        if token.isdecimal():
            if self.low <= int(token) <= self.high:
                return None
            extra = _COMMON_SLIPS.get((self.name, int(token)), "")
            return f"`{token}` is out of range; write {self.domain}{extra}"
        if not self.names:
            return f"`{token}` is not a number; write {self.domain}"
        if token.lower() in self.names:
            return None
        close = difflib.get_close_matches(token.lower()[:3], self.names, n=1)
        fix = f"write `{close[0]}`" if close else f"the names are {', '.join(self.names)}"
        return f"unknown name `{token}`; {fix}"


_COMMON_SLIPS = {
    ("hour", 24): " (midnight is `0`)",
    ("minute", 60): " (the full hour is `0`)",
    ("second", 60): " (the full minute is `0`)",
    ("weekday", 0): " (in this dialect Sunday is `1`)",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")

# croniter wants five columns; seconds have the range of minutes and borrow their place.
SECOND = Unit("second", 0, 59, 59, 0, spread=59)
MINUTE = Unit("minute", 0, 59, 59, 0, spread=59)
HOUR = Unit("hour", 0, 23, 23, 1, spread=23)
DAY = Unit("day of month", 1, 31, 31, 2, spread=28)
MONTH = Unit("month", 1, 12, 12, 3, _MONTHS, spread=12)
WEEKDAY = Unit("weekday", 0, 7, 6, 4, _WEEKDAYS, spread=6)

# Quartz: Sunday is 1; a year, which croniter is not asked about.
QUARTZ_WEEKDAY = replace(WEEKDAY, low=1, top=7, shift=1, spread=7)
YEAR = Unit("year", 1970, 2099, 2099, None, shift=1970)

_ITEM = re.compile(r"(\*|[0-9]+|[a-z]+)(?:-([0-9]+|[a-z]+))?(?:/([0-9]+))?", re.I | re.A)
_HASH = re.compile(r"h(?:\(([0-9]+|[a-z]+)-([0-9]+|[a-z]+)\))?(?:/([0-9]+))?", re.I | re.A)
_HASH_LIKE = re.compile(r"h(?![a-z]).*", re.I | re.A)
_HASHED = re.compile(r"(?:^|,)h(?![a-z])", re.I)
_LAST_DAY = re.compile(r"L(?:-([0-9]+))?", re.I | re.A)
_NEAREST = re.compile(r"([0-9]+)W", re.I | re.A)
_NEAREST_LAST = re.compile(r"L(?:-([0-9]+))?W", re.I | re.A)
_NTH = re.compile(r"([0-9]+|[a-z]{3,})#([0-9]+)", re.I | re.A)
_LAST_WEEKDAY = re.compile(r"([0-9]+|[a-z]{3,})L", re.I | re.A)


@dataclass(frozen=True, slots=True)
class Column:
    """One column, read.  Bit *v* of ``bits`` is set if the plain value *v* matches.

    ``text`` is the column as written, with the values chosen in place of ``H``.
    """

    text: str
    bits: int = 0
    whole: bool = False
    #: ``L`` and ``L-n``: days before the last of the month.
    before_last: frozenset[int] = frozenset()
    #: ``nW``: the day nearest to which a Monday to Friday is wanted; 0 is ``LW``, -n ``L-nW``.
    nearest: frozenset[int] = frozenset()
    #: ``d#n``: the weekday and which one of the month.
    nth: frozenset[tuple[int, int]] = frozenset()
    #: ``dL``: weekdays of which the last in the month is wanted.
    last: frozenset[int] = frozenset()
    #: For each ``H``, among how many values the draw chooses.
    choices: tuple[int, ...] = ()

    def __hash__(self) -> int:
        return hash((self.text, self.bits))

    @property
    def star(self) -> bool:
        """Whether it starts with ``*``: for cron(8) such a day column is unrestricted."""
        return self.text.startswith("*")

    @property
    def special(self) -> bool:
        """Whether it holds an item with ``L``, ``W`` or ``#``."""
        return bool(self.before_last or self.nearest or self.nth or self.last)

    def merged(self, other: Column) -> Column:
        """Return the union of both, under this one's text."""
        return Column(
            self.text,
            self.bits | other.bits,
            self.whole or other.whole,
            self.before_last | other.before_last,
            self.nearest | other.nearest,
            self.nth | other.nth,
            self.last | other.last,
            self.choices + other.choices,
        )


class ColumnError(ValueError):
    """A column that cannot be read; ``faults`` has a sentence for each thing wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = list(dict.fromkeys(faults))
        super().__init__(*self.faults)


def is_hashed(text: str) -> bool:
    """Whether the column *text* has an ``H``, so that a draw decides what it matches."""
    return _HASHED.search(text) is not None


def outcomes(unit: Unit, text: str) -> list[Column]:
    """Return what the sound column *text* can become, for every draw there is."""
    draws = {drawn for size in read_column(unit, text).choices for drawn in every_share(size)}
    return [read_column(unit, text, drawn) for drawn in sorted(draws or {0})]


@lru_cache(maxsize=8192)
def read_column(unit: Unit, text: str, drawn: int = 0) -> Column:
    """Read *text* as a column of *unit*; *drawn* (64 bits) chooses the values of ``H``.

    Raises:
        ColumnError: with every fault; unlike what was read, it is not remembered.
    """
    column, faults, said = Column(text), [], []
    for item in text.split(","):
        read = _read_item(unit, item, text, drawn)
        if isinstance(read, Column):
            column = column.merged(read)
            said.append(read.text if read.choices else item)
        else:
            faults.append(f"{unit.name} `{item or text}`: {read}")
    if faults:
        raise ColumnError(faults)
    if column.choices:
        column = replace(column, text=",".join(said))
    if column.bits == _span(unit, unit.low, unit.top, 1).bits:
        column = replace(column, whole=True)
    return column


def _read_item(unit: Unit, item: str, text: str, drawn: int) -> Column | str:
    """Return what *item* matches, or what to write instead."""
    if not item:
        kept = ",".join(part for part in text.split(",") if part)
        return f"an empty item in the list; write `{kept or '*'}`"
    if "?" in item:
        return "`?` is not part of this dialect; write `*`"
    if _HASH_LIKE.fullmatch(item):
        return _read_hash(unit, item, drawn)
    special = _read_special(unit, item)
    if special is not None:
        return special
    match = _ITEM.fullmatch(item)
    if match and not (match[1] == "*" and match[2]):
        return _read_range(unit, match[1], match[2], match[3])
    if re.search(r"[0-9L][LW]|[LW][0-9-]|#", item, re.IGNORECASE):
        return "write `L`, `L-3`, `LW` or `15W` as day of month, `5L` or `5#2` as weekday"
    return "not understood; write a value, a range `a-b`, a step `*/n`, or a list of these"


def _read_special(unit: Unit, item: str) -> Column | str | None:
    """Read the items with ``L``, ``W`` and ``#``; None if *item* is none of them."""
    if unit is DAY:
        return _read_day(item)
    if unit in (WEEKDAY, QUARTZ_WEEKDAY):
        return _read_weekday(unit, item)
    return None


def _read_hash(unit: Unit, item: str, drawn: int) -> Column | str:
    """Read ``H``, ``H(a-b)``, each with ``/n`` or without."""
    if not unit.spread:
        return "`H` chooses no year; write the year, or `*`"
    match = _HASH.fullmatch(item)
    if match is None:
        return "not understood; write `H`, `H/15`, `H(0-29)` or `H(0-29)/10`"
    first, last, step_text = match.groups()
    for token in (first, last):
        if token is not None and (fault := unit.fault(token)):
            return fault
    low = unit.low if first is None else unit.number(first)
    high = unit.spread if last is None else unit.number(last)
    if low > high:
        step_part = f"/{step_text}" if step_text else ""
        return f"the range runs backwards; write `H({last}-{first}){step_part}`"
    span = "H" if first is None else f"H({first}-{last})"
    step = int(step_text or 1)
    if step == 0:
        return f"a step of 0 never advances; write `{span}`"
    if step_text and step > high - low:
        return f"the step {step} is larger than the range {low}-{high}; write `{span}`"
    if step_text is None:
        chosen = low + share(drawn, high - low + 1)
        return replace(_span(unit, chosen, chosen, 1), text=str(chosen), choices=(high - low + 1,))
    start = low + share(drawn, step)
    end = start + (high - start) // step * step
    text = f"{start}-{end}/{step}" if end > start else str(start)
    through = low == unit.low and high >= unit.top
    if through and end > start:
        text = f"{start}/{step}"
    return replace(_span(unit, start, end, step), text=text, whole=through, choices=(step,))


def _read_range(unit: Unit, first: str, last: str | None, step_text: str | None) -> Column | str:
    """Read ``*``, ``a`` or ``a-b``, each with ``/n`` or without."""
    for token in (first, last):
        if token is not None and token != "*" and (fault := unit.fault(token)):
            return fault
    low = unit.low if first == "*" else unit.number(first)
    if last is not None:
        high = unit.number(last)
    else:
        high = max(low, unit.top) if first == "*" or step_text else low
    step = int(step_text or 1)
    if step == 0:
        return f"a step of 0 never advances; write `{first}{f'-{last}' if last else ''}`"
    if last is not None and low > high:
        return f"the range runs backwards; write `{_turned(unit, first, last, step)}`"
    if step_text and step > high - low:
        single = low if first == "*" else first
        return f"the step {step} is larger than the range {low}-{high}; write `{single}`"
    return _span(unit, low, high, step)


def _turned(unit: Unit, first: str, last: str, step: int) -> str:
    """Return the items that say what the backward range *first*-*last* was meant to say."""
    low, high = unit.number(first), unit.number(last)
    if low > unit.top:  # 7-2: the week starts with Sunday as 0
        return f"{unit.low}-{last}"
    if step > 1:
        values = [*range(low, unit.top + 1), *range(unit.low, high + 1)]
        return ",".join(map(str, values[::step]))
    named = not first.isdecimal()
    end, start = (unit.names[-1], unit.names[0]) if named else (str(unit.top), str(unit.low))
    before = first if low == unit.top else f"{first}-{end}"
    after = last if high == unit.low else f"{start}-{last}"
    return f"{before},{after}"


def _read_day(item: str) -> Column | str | None:
    """Read ``L``, ``L-n``, ``LW``, ``L-nW`` and ``nW``; None if *item* is none of these."""
    if match := _LAST_DAY.fullmatch(item) or _NEAREST_LAST.fullmatch(item):
        if match[1] is not None and not 1 <= int(match[1]) <= 30:
            return "write `L` for the last day, `L-1` to `L-30` for a day before it"
        if item.upper() == "L":
            return _expand(DAY, "L")
        before = int(match[1] or 0)
        if item.upper().endswith("W"):
            return Column("", nearest=frozenset({-before}))
        return Column("", before_last=frozenset({before}))
    if match := _NEAREST.fullmatch(item):
        return DAY.fault(match[1]) or Column("", nearest=frozenset({int(match[1])}))
    return None


def _read_weekday(unit: Unit, item: str) -> Column | str | None:
    """Read ``d#n`` and ``dL``, in Quartz also ``L``; None if *item* is neither."""
    if match := _NTH.fullmatch(item):
        day, n = match[1], match[2]
        if not 1 <= int(n) <= 5:
            return f"no month has a weekday number {n}; write `{day}#1` to `{day}#5`, or `{day}L`"
        return unit.fault(day) or _expand(unit, f"{unit.number(day) - unit.shift}#{int(n)}")
    if item.upper() == "L":
        if unit is QUARTZ_WEEKDAY:
            return _span(unit, unit.top, unit.top, 1)
        return "write the weekday before it, as in `5L`"
    if match := _LAST_WEEKDAY.fullmatch(item):
        # croniter writes the letter first, and takes numbers only.
        return unit.fault(match[1]) or _expand(unit, f"L{unit.number(match[1]) - unit.shift}")
    return None


def _span(unit: Unit, low: int, high: int, step: int) -> Column:
    """Return what the values *low* to *high*, as written, match by steps of *step*."""
    whole = low == unit.low and high >= unit.top
    low, high = low - unit.shift, high - unit.shift
    if unit.place is None:
        return Column("", sum(1 << value for value in range(low, high + 1, step)), whole)
    if low == high:
        return _expand(unit, str(low))
    span = "*" if whole else f"{low}-{high}"
    bits = _expand(unit, f"{span}/{step}" if step > 1 else span).bits
    return Column("", bits, whole)


@lru_cache(maxsize=8192)
def _expand(unit: Unit, item: str) -> Column:
    """Return what croniter makes of one sound *item*, in cron's numbers.

    Remembered, since croniter takes a quarter of a millisecond and items recur.
    """
    assert unit.place is not None
    places = ["*"] * 5
    places[unit.place] = item
    try:
        expanded, nth = croniter.expand(" ".join(places))
    except CroniterError as error:  # the item was checked: croniter's grammar has changed
        raise RuntimeError(f"croniter does not read {unit.name} {item!r}") from error
    values = [str(value) for value in expanded[unit.place]]
    if nth:
        pairs = [(int(day), str(n)) for day, numbers in nth.items() for n in numbers]
        return Column(
            "",
            nth=frozenset((day, int(n)) for day, n in pairs if n != "l"),
            last=frozenset(day for day, n in pairs if n == "l"),
        )
    if values == ["l"]:
        return Column("", before_last=frozenset({0}))
    every = range(unit.low - unit.shift, unit.top - unit.shift + 1)
    return Column(
        "", sum(1 << number for number in (every if values == ["*"] else map(int, values)))
    )
