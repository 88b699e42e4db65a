"""On which days an event recurs: the RRULE of iCalendar, within bounds of time and work.

dateutil finds the days.  Times of day, zones and exceptions are the event's business,
in ``ics.py``.

Rules
-----
1. An event recurs daily, weekly, monthly or yearly, at its own time of day.  What recurs
   more often is refused: a calendar's ``windows`` say that better.
2. Left to itself dateutil searches up to the year 9999, and from the first day however long
   ago that is.  So a search begins with the period at hand (:meth:`Recurrence.days`), and is
   made at the end of time: the Gregorian calendar, weekdays included, repeats itself every
   400 years.  The costliest search, for a rule that never comes true, takes some 0.5 s;
   and such a rule is refused.
3. The parts that RFC 5545 takes from DTSTART are written into the rule when it is read, so
   that it may be asked from any day.

Source: RFC 5545, 3.3.10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule, weekday

#: Most occurrences a COUNT may ask for: they are found when the file is read, 10 µs each.
MOST_COUNTED: Final = 1_000

#: Longest distance of two periods.
_LONGEST_INTERVAL: Final = 1_000

Frequency: TypeAlias = Literal[0, 1, 2, 3]

_FREQUENCIES: Final[Mapping[str, Frequency]] = {
    "DAILY": DAILY,
    "WEEKLY": WEEKLY,
    "MONTHLY": MONTHLY,
    "YEARLY": YEARLY,
}
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

#: Parts that hold numbers -> dateutil's name, the largest number, whether it counts from the end
#: too, and the frequencies that know it.
_NUMBERS: Final = {
    "BYMONTH": ("bymonth", 12, False, {DAILY, WEEKLY, MONTHLY, YEARLY}),
    # Of a daily rule, too: it may come true so seldom that a search takes long.
    "BYMONTHDAY": ("bymonthday", 31, True, {MONTHLY, YEARLY}),
    "BYYEARDAY": ("byyearday", 366, True, {YEARLY}),
    "BYWEEKNO": ("byweekno", 53, True, {YEARLY}),
    "BYSETPOS": ("bysetpos", 366, True, {WEEKLY, MONTHLY, YEARLY}),
}
_KNOWN: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", *_NUMBERS})

#: Days after which the calendar repeats itself, and years.
_CYCLE_DAYS: Final = 146_097
_CYCLE_YEARS: Final = 400

#: The last years in which a search ends that is for a stretch of days, and in which one begins
#: that takes at least 200 years.
_LATE, _EARLY = 9_990, 9_799


class BadRule(ValueError):
    """What is wrong with a rule, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule that comes true.  Days are numbered as by :meth:`datetime.date.toordinal`.

    Attributes:
        first: The event's own day.
        parts: dateutil's arguments beside these.
    """

    frequency: Frequency
    first: int
    interval: int
    first_weekday: int
    parts: Mapping[str, Any]

    def days(self, low: int, high: int) -> Iterator[int]:
        """Yield the days from *low* up to but not including *high*, in order."""
        if high <= self.first:
            return
        for day in self._from(self._period(low), _cycles(high, _LATE)):
            if day >= high:
                return
            if day >= low:
                yield day

    def _period(self, day: int) -> int:
        """Return the first day of the last period that begins by *day*: a whole one, or the first.

        Periods lie ``interval`` apart; from the middle of one, its days would be miscounted.
        """
        if day <= self.first:
            return self.first
        if self.frequency in (DAILY, WEEKLY):
            start, step = self.first, self.interval
            if self.frequency == WEEKLY:
                start -= (date.fromordinal(start).weekday() - self.first_weekday) % 7
                step *= 7
            begin = start + (day - start) // step * step
        else:
            start, step = _month(self.first), self.interval
            if self.frequency == YEARLY:
                start -= start % 12
                step *= 12
            year, month = divmod(start + (_month(day) - start) // step * step, 12)
            begin = date(year, month + 1, 1).toordinal()
        return max(begin, self.first)

    def _from(self, begin: int, cycles: int) -> Iterator[int]:
        """Yield the days from *begin* on, looked for *cycles* later, up to the year 9999 there."""
        found = rrule(
            self.frequency,
            dtstart=date.fromordinal(begin + cycles * _CYCLE_DAYS),
            interval=self.interval,
            wkst=self.first_weekday,
            **self.parts,
        )
        return (moment.toordinal() - cycles * _CYCLE_DAYS for moment in found)

    def first_days(self, number: int) -> list[int]:
        """Return the first *number* days, fewer if there are not as many in 200 years."""
        return list(islice(self._from(self.first, _cycles(self.first, _EARLY)), number))


def _cycles(day: int, latest: int) -> int:
    """Return how often the calendar can repeat itself until *day* lies in the year *latest*."""
    return (latest - date.fromordinal(day).year) // _CYCLE_YEARS


def _month(day: int) -> int:
    at = date.fromordinal(day)
    return at.year * 12 + at.month - 1


def read_rule(written: Mapping[str, Sequence[Any]], first: int) -> tuple[Recurrence, int | None]:
    """Read the parts of an RRULE, all but UNTIL.

    Args:
        written: As icalendar has read them: lists of values under names in capitals.
        first: The event's own day.

    Returns:
        The rule, and its last day if it has a COUNT.

    Raises:
        BadRule: it is none, or none that is kept here.
    """
    unknown = sorted(set(written) - _KNOWN)
    if unknown:
        raise BadRule(f"RRULE has `{unknown[0]}`, which is not known here; leave it out")
    name = str(written.get("FREQ", [""])[0])
    if name not in _FREQUENCIES:
        raise BadRule(
            f"RRULE has FREQ `{name}`; write {' or '.join(f'`{n}`' for n in _FREQUENCIES)}"
        )
    frequency = _FREQUENCIES[name]
    rule = Recurrence(
        frequency,
        first,
        _number(written, "INTERVAL", _LONGEST_INTERVAL) or 1,
        _WEEKDAYS.index(str(written.get("WKST", ["MO"])[0])),
        {**_numbers(written, name), **_weekdays(written, name)},
    )
    rule = replace(rule, parts=_completed(rule))
    count = _number(written, "COUNT", MOST_COUNTED)
    days = rule.first_days(count or 1)
    if not days:
        raise BadRule("RRULE never comes true; write another rule, or dates")
    return rule, days[-1] if count == len(days) else None


def _number(written: Mapping[str, Sequence[Any]], name: str, most: int) -> int | None:
    if name not in written:
        return None
    value = int(written[name][0])
    if not 1 <= value <= most:
        raise BadRule(f"RRULE has {name} `{value}`; write 1 to {most:,}")
    return value


def _numbers(written: Mapping[str, Sequence[Any]], frequency: str) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for name, (argument, most, from_end, known) in _NUMBERS.items():
        if name not in written:
            continue
        if _FREQUENCIES[frequency] not in known:
            raise BadRule(f"RRULE has {name}, which does not go with FREQ `{frequency}`")
        for value in written[name]:
            # A leap month of another calendar is written 5L.
            number = int(value) if re.fullmatch(r"-?\d+", str(value)) else 0
            if not (1 <= number <= most or (from_end and -most <= number <= -1)):
                least = f"-{most} to -1 or " if from_end else ""
                raise BadRule(f"RRULE has {name} `{value}`; write {least}1 to {most}")
        parts[argument] = tuple(int(value) for value in written[name])
    return parts


def _weekdays(written: Mapping[str, Sequence[Any]], frequency: str) -> dict[str, Any]:
    if "BYDAY" not in written:
        return {}
    days = []
    # No month has more; dateutil stumbles over what no year has.
    most = 5 if frequency == "MONTHLY" or "BYMONTH" in written else 53
    for value in map(str, written["BYDAY"]):
        number = int(value[:-2] or 0)
        if number and (frequency not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in written):
            raise BadRule(f"RRULE has BYDAY `{value}`; write `{value[-2:]}`")
        if abs(number) > most:
            text = f"write -{most} to -1 or 1 to {most} before the day"
            raise BadRule(f"RRULE has BYDAY `{value}`; {text}")
        days.append(weekday(_WEEKDAYS.index(value[-2:]), number or None))
    if any(day.n for day in days) and not all(day.n for day in days):
        # dateutil takes them for alternatives of which both have to be true.
        raise BadRule("RRULE has BYDAY with and without numbers; write two events")
    return {"byweekday": tuple(days)}


def _completed(rule: Recurrence) -> Mapping[str, Any]:
    """Return the parts with those that RFC 5545 takes from the first day."""
    first, parts = date.fromordinal(rule.first), dict(rule.parts)
    if "byweekno" in parts:
        parts.setdefault("byweekday", (first.weekday(),))
    if {"byweekno", "byyearday", "bymonthday", "byweekday"} & set(parts):
        return parts
    if rule.frequency == YEARLY:
        parts.setdefault("bymonth", (first.month,))
    if rule.frequency in (MONTHLY, YEARLY):
        parts["bymonthday"] = (first.day,)
    elif rule.frequency == WEEKLY:
        parts["byweekday"] = (first.weekday(),)
    return parts
