"""Months, drawn: on which days, and at which hours of them, a calendar is closed.

Each day is a cell whose width stands for its hours, from midnight to midnight on the calendar's
own wall clock; what is closed is filled.  Templates draw it, the style sheet colours it.

Rules
-----
1. Pure; whoever asks says which day it is.
2. Closed stretches with less than an hour between them are drawn as one, and none is narrower
   than an hour: so a month is some hundred shapes at most, and a minute is seen.
3. A day lasts from its first instant to the first of the next one, whatever the clocks do.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from calendar import Calendar as Weeks
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from executor.domain.blackouts import MOST_WINDOWS, Window, windows_between
from executor.domain.calendar import Calendar

#: Size of a day's cell and of the gap between two, in units of the drawing.
WIDE: Final = 30.0
HIGH: Final = 26.0
GAP: Final = 3.0

#: The box of a month: a week is a row.
MONTH_WIDTH: Final = 7 * WIDE + 6 * GAP

#: See rule 2; a part of a day.
_HOUR: Final = 1 / 24

_MONDAY: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A cell: where it is, and what it says; ``closed``: ``no``, ``partly`` or ``wholly``."""

    number: int
    x: float
    y: float
    closed: str
    today: bool
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A month; ``path`` is what is closed in it, ``words`` says it."""

    name: str
    days: Sequence[Day]
    path: str
    words: str
    height: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """Some months, and whether there were too many windows to draw them all."""

    months: Sequence[Month]
    cut: bool


def outlook(calendar: Calendar, zone: tzinfo, now: datetime, number: int) -> Outlook:
    """Return *number* months of *calendar*, from the one of *now* (aware) on."""
    today = now.astimezone(zone).date()
    firsts = [_plus_months(today, count) for count in range(number + 1)]
    windows = windows_between(calendar, _midnight(firsts[0], zone), _midnight(firsts[-1], zone))
    months = [_month(first, windows, zone, today) for first in firsts[:-1]]
    return Outlook(months, len(windows) >= MOST_WINDOWS)


def _plus_months(day: date, count: int) -> date:
    """Return the first day of the month *count* months after that of *day*."""
    months = day.year * 12 + day.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _month(first: date, windows: Sequence[Window], zone: tzinfo, today: date) -> Month:
    days, path = [], []
    last = monthrange(first.year, first.month)[1]
    weeks = Weeks(_MONDAY).monthdayscalendar(first.year, first.month)
    for row, week in enumerate(weeks):
        for column, number in enumerate(week):
            if not number:
                continue
            day = first.replace(day=number)
            x, y = column * (WIDE + GAP), row * (HIGH + GAP)
            parts = list(_parts(windows, day, zone))
            path += [_box(x + since * WIDE, y, (until - since) * WIDE) for since, until in parts]
            days.append(_day(day, x, y, parts, today))
    closed = [day for day in days if day.closed != "no"]
    whole = sum(day.closed == "wholly" for day in closed)
    words = f"{first:%B %Y}: {whole} of {last} days closed"
    if len(closed) > whole:
        words += f", {len(closed) - whole} more for a part"
    height = len(weeks) * (HIGH + GAP) - GAP
    return Month(name=f"{first:%B %Y}", days=days, path="".join(path), words=words, height=height)


def _box(x: float, y: float, width: float) -> str:
    return f"M{x:.5g} {y:g}h{width:.4g}v{HIGH:g}h-{width:.4g}z"


def _day(day: date, x: float, y: float, parts: Sequence[tuple[float, float]], today: date) -> Day:
    closed = "no" if not parts else "wholly" if parts == [(0.0, 1.0)] else "partly"
    how = {"no": "open", "partly": "closed for a part", "wholly": "closed"}[closed]
    title = f"{day:%A}, {day.day} {day:%B}: {how}"
    return Day(number=day.day, x=x, y=y, closed=closed, today=day == today, title=title)


def _parts(windows: Sequence[Window], day: date, zone: tzinfo) -> Iterator[tuple[float, float]]:
    """Yield the closed parts of *day*, as parts of it from 0 to 1, in order."""
    start, end = (_midnight(one, zone) for one in (day, day + timedelta(days=1)))
    length = (end - start) / timedelta(seconds=1)
    current: tuple[float, float] | None = None
    first = bisect_right(windows, start, key=lambda window: window.end)
    beyond = bisect_left(windows, end, key=lambda window: window.start)
    for window in windows[first:beyond]:
        since = max((window.start - start) / timedelta(seconds=1) / length, 0.0)
        until = min((window.end - start) / timedelta(seconds=1) / length, 1.0)
        if current is not None and since - current[1] < _HOUR:
            current = current[0], max(until, current[1])
            continue
        if current is not None:
            yield _wide(current)
        current = since, until
    if current is not None:
        yield _wide(current)


def _wide(part: tuple[float, float]) -> tuple[float, float]:
    """Return *part* at least an hour wide, and within its day."""
    since, until = part
    until = min(max(until, since + _HOUR), 1.0)
    return min(since, 1.0 - _HOUR) if until - since < _HOUR else since, until
