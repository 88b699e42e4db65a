"""A second opinion on cron schedules: slow, obvious, and without any production code.

Reads an expression into plain sets, walks real time minute by minute and asks zoneinfo
for the wall clock of each.  Knows only whole-minute offsets, so it is for 1970 onwards.
Also makes the random expressions the comparisons run on.
"""

from __future__ import annotations

import calendar
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

#: Zones and years that are known to break cron engines.
BREAKING = (
    ("America/New_York", 2027),
    ("Europe/Berlin", 2026),
    ("Africa/Cairo", 2024),
    ("America/Havana", 2025),
    ("Australia/Lord_Howe", 2026),
    ("Pacific/Chatham", 2026),
    ("Pacific/Apia", 2011),
    ("Antarctica/Troll", 2026),
    ("Africa/Casablanca", 2026),
    ("Europe/Volgograd", 2020),
    ("Europe/Dublin", 2026),
    ("America/Caracas", 2016),
    ("Asia/Pyongyang", 2018),
    ("Asia/Gaza", 2040),
    ("Antarctica/Casey", 2010),
    ("Pacific/Kwajalein", 1993),
)


@dataclass(frozen=True)
class Expression:
    """The columns of an expression as sets, and what its text says about its nature."""

    seconds: set[int]
    minutes: set[int]
    hours: set[int]
    months: set[int]
    day: str
    weekday: str
    wildcard: bool
    both: bool

    def on(self, date: datetime) -> bool:
        """Whether the date matches."""
        if date.month not in self.months:
            return False
        by_day = any(_is_day(item, date) for item in self.day.split(","))
        by_weekday = any(_is_weekday(item, date) for item in self.weekday.split(","))
        return by_day and by_weekday if self.both else by_day or by_weekday


def read(text: str, dom_dow: str = "cron") -> Expression:
    """Read five columns, or six with seconds first; no faults are expected."""
    words = text.lower().split()
    second = words.pop(0) if len(words) == 6 else "0"
    minute, hour, day, month, weekday = words
    return Expression(
        _values(second, 0, 59),
        _values(minute, 0, 59),
        _values(hour, 0, 23),
        _values(month, 1, 12, MONTHS),
        day,
        weekday,
        wildcard=_runs_through(minute, 59) or _runs_through(hour, 23),
        both=dom_dow == "and" or day[0] == "*" or weekday[0] == "*",
    )


def _values(column: str, low: int, high: int, names: list[str] | None = None) -> set[int]:
    found: set[int] = set()
    for item in column.split(","):
        span, _, step = item.partition("/")
        first, _, last = span.partition("-")
        if first == "*":
            first, last = str(low), str(high)
        elif not last:
            last = str(high) if step else first
        start, end = (
            names.index(word) + low if names and word in names else int(word)
            for word in (first, last)
        )
        found.update(range(start, end + 1, int(step or 1)))
    return found


def _runs_through(column: str, high: int) -> bool:
    items = [item.partition("/") for item in column.split(",")]
    spans = {span for span, _, step in items if span != "0" or step}
    return bool(spans & {"*", f"0-{high}", "0"}) or len(_values(column, 0, high)) == high + 1


def _is_day(item: str, date: datetime) -> bool:
    length = calendar.monthrange(date.year, date.month)[1]
    if item == "l":
        return date.day == length
    if item.startswith("l-"):
        return date.day == length - int(item[2:])
    if item.endswith("w"):
        return date.day == _workday(date, length if item == "lw" else int(item[:-1]), length)
    return date.day in _values(item, 1, 31)


def _workday(date: datetime, wanted: int, length: int) -> int | None:
    """Return the Monday to Friday of the month that is nearest to the day *wanted*."""
    if wanted > length:
        return None
    days = [d for d in range(1, length + 1) if date.replace(day=d).weekday() < 5]
    return min(days, key=lambda d: abs(d - wanted))


def _is_weekday(item: str, date: datetime) -> bool:
    number = date.isoweekday() % 7
    if "#" in item:
        name, _, n = item.partition("#")
        return number in _weekdays(name) and (date.day + 6) // 7 == int(n)
    if item.endswith("l"):
        return number in _weekdays(item[:-1]) and (date + timedelta(days=7)).month != date.month
    return number in _weekdays(item)


def _weekdays(item: str) -> set[int]:
    high = 7 if "-7" in item or item == "7" else 6
    return {value % 7 for value in _values(item, 0, high, WEEKDAYS)}


@dataclass(frozen=True)
class Moment:
    """One minute of real time: its instant, its date, and whether its wall clock repeats."""

    epoch: int
    date: datetime
    first: bool
    last: bool


class Stretch:
    """A stretch of real time in one zone, minute by minute, with its wall clock."""

    def __init__(self, zone: str, start: datetime, end: datetime) -> None:
        """Walk from *start* to *end*, both aware and whole minutes, *end* included."""
        info = ZoneInfo(zone)
        self.start, self.end = start, end
        self.walls: list[tuple[datetime, datetime]] = []
        self.skipped: list[tuple[datetime, datetime]] = []
        instant, previous = start, None
        while instant <= end:
            wall = instant.astimezone(info).replace(tzinfo=None)
            missing = wall if previous is None else previous + MINUTE
            while missing < wall:
                self.skipped.append((missing, instant))
                missing += MINUTE
            self.walls.append((instant, wall))
            instant, previous = instant + MINUTE, wall
        first = {wall: instant for instant, wall in reversed(self.walls)}
        last = {wall: instant for instant, wall in self.walls}
        self.twice = {wall.hour for wall in first if first[wall] != last[wall]}
        self.by_time: dict[tuple[int, int], list[Moment]] = {}
        for instant, wall in self.walls:
            epoch, date = int(instant.timestamp()), wall.replace(hour=0, minute=0)
            moment = Moment(epoch, date, first[wall] == instant, last[wall] == instant)
            self.by_time.setdefault((wall.hour, wall.minute), []).append(moment)

    def slots(self, text: str) -> list[datetime]:
        """Return the instants of the stretch at which *text* is due, in order."""
        return [datetime.fromtimestamp(epoch, UTC) for epoch in self.epochs(text)]

    def epochs(
        self, text: str, gap: str = "run_after", fold: str = "first", dom_dow: str = "cron"
    ) -> list[int]:
        """Return the same in seconds since the epoch, with overrides."""
        cron = read(text, dom_dow)
        days: dict[datetime, bool] = {}

        def on(date: datetime) -> bool:
            if date not in days:
                days[date] = cron.on(date)
            return days[date]

        minutes = {moment.epoch for moment in self._matching(cron, fold) if on(moment.date)}
        found = {epoch + second for epoch in minutes for second in cron.seconds}
        if not cron.wildcard and gap == "run_after":
            for wall, instant in self.skipped:
                timely = wall.minute in cron.minutes and wall.hour in cron.hours
                if timely and on(wall.replace(hour=0, minute=0)):
                    found.add(int(instant.timestamp()))
        end = int(self.end.timestamp())
        return sorted(slot for slot in found if slot <= end)

    def _matching(self, cron: Expression, fold: str) -> Iterator[Moment]:
        """Yield the minutes whose time of day matches and counts in a fold."""
        every = cron.wildcard or fold == "both"
        for time in product(cron.hours, cron.minutes):
            for moment in self.by_time.get(time, ()):
                if every or (moment.first if fold == "first" else moment.last):
                    yield moment


def transitions(zone: str, year: int) -> list[datetime]:
    """Return the whole minutes (UTC) at which the zone's offset changes in *year*."""
    info, found = ZoneInfo(zone), []
    for day in changes(zone, year):
        instant, before = day, day.astimezone(info).utcoffset()
        while instant.astimezone(info).utcoffset() == before:
            instant += MINUTE
        found.append(instant)
    return found


def changes(zone: str, year: int) -> list[datetime]:
    """Return the midnights (UTC) before each change of the zone's offset in *year*."""
    info, found = ZoneInfo(zone), []
    day = datetime(year, 1, 1, tzinfo=UTC)
    while day.year == year:
        after = day + timedelta(days=1)
        if day.astimezone(info).utcoffset() != after.astimezone(info).utcoffset():
            found.append(day)
        day = after
    return found


class Expressions:
    """Random expressions that are all valid."""

    def __init__(self, random: random.Random, special: bool = True) -> None:
        """*special*: also items with L, W and #."""
        self.random, self.special = random, special

    def five(self, hours: tuple[int, ...] = ()) -> str:
        """Return five columns; an hour column often takes its values from *hours*."""
        minute = self.column(0, 59)
        hour = self.column(0, 23)
        if hours and self.random.random() < 0.85:
            some = self.random.sample(hours, self.random.randint(1, min(3, len(hours))))
            hour = ",".join(map(str, sorted(some)))
        day, month, weekday = "*", "*", "*"
        if self.random.random() < 0.3:
            day = self.column(1, 31, ("L", "L-2", "LW", "15W", "1W", "30W"))
        if self.random.random() < 0.2:
            month = self.column(1, 12, ("jan-jun", "MAR,Oct,nov"))
        if self.random.random() < 0.3:
            weekday = self.column(0, 6, ("5L", "sun#2", "0L", "7#5", "mon-fri", "5-7", "Sun"))
        return f"{minute} {hour} {day} {month} {weekday}"

    def six(self, hours: tuple[int, ...] = ()) -> str:
        """Return six columns, seconds first."""
        return f"{self.column(0, 59)} {self.five(hours)}"

    def column(self, low: int, high: int, special: tuple[str, ...] = ()) -> str:
        """Return one column of one to three items."""
        count = self.random.choice((1, 1, 1, 2, 3))
        return ",".join(self.item(low, high, special) for _ in range(count))

    def item(self, low: int, high: int, special: tuple[str, ...]) -> str:
        """Return one item."""
        if self.special and special and self.random.random() < 0.3:
            return self.random.choice(special)
        first = self.random.randint(low, high - 1)
        last = self.random.randint(first + 1, high)
        step = self.random.randint(1, last - first)
        whole = self.random.choice((2, 3, 5, 7, 10, 15, 30))
        return self.random.choice(
            (
                str(self.random.randint(low, high)),
                str(self.random.randint(low, high)),
                "*",
                f"*/{whole if whole <= high - low else 2}",
                f"{first}-{last}",
                f"{first}-{last}/{step}",
                f"{first}/{self.random.randint(1, high - first)}",
            )
        )
