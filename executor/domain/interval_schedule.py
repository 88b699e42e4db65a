"""A repeating interval as a schedule: a start, a distance, and the wall clock it keeps.

Words
-----
calendar parts
    Years, months, weeks and days of the distance; the others are *time parts*.
wall
    What the clock of the schedule's zone shows, as in ``zone``.

Rules
-----
1. Run *k* is computed from START, never from the run before: nothing drifts.  START
   itself is run 0, to the second.
2. Calendar parts come first: k times the months, to the last day of the month where it
   lacks the day (31 January + P1M is 28 or 29 February, then 31 March); then k times the
   days.  They keep the time of day on the wall clock of ``timezone``, or at START's offset.
3. That wall is due the first time it is shown; where clocks skip it, as the gap ends.
   Runs that fall together are one slot, and count as one each.
4. Time parts come last, k times, as elapsed time: P1D keeps the time of day when clocks
   change, PT24H does not.
5. The number of repeats counts from START, whatever the bounds cut off.
6. Which run comes next is estimated and corrected by a step or two, so that the ten
   millionth takes as long as the first.

Source for rules 1, 2 and 4: ISO 8601 and Kala, which chains instead of anchoring.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import ClassVar

from executor.domain import schedule_fields, zone
from executor.domain.cron_days import first_of_month, month_of
from executor.domain.errors import Fault, InvalidSchedule
from executor.domain.interval import EXAMPLE, Interval, parse_interval
from executor.domain.schedule_fields import NO_JITTER, Slots

_DAY_S = 86400

#: Seconds of the average month of the Gregorian calendar.
_MONTH_S = 146_097 * _DAY_S // 4800

#: Beyond every wall; for views without an end.
_FAR = 1 << 62

_interval = lru_cache(maxsize=8192)(parse_interval)


@dataclass(frozen=True, slots=True)
class IntervalSchedule:
    """When a job with a repeating interval is due.  What exists is valid.

    Attributes:
        expression: ``R[n]/START/DURATION``, as in ``interval``.
        timezone: IANA name, or None for the offset of START.
        jitter: Longest delay of a start, an ISO 8601 duration.
        not_before: First instant at which a slot may lie, RFC 3339 in UTC.
        not_after: Last instant at which a slot may lie.
        engine: The set of rules.

    Raises:
        InvalidSchedule: lists every fault, by field.

    >>> IntervalSchedule("R/2026-12-01T00:00:00Z/PT0S")
    Traceback (most recent call last):
    executor.domain.errors.InvalidSchedule: expression: duration `PT0S`: zero repeats \
without end; write at least `PT1S`
    """

    kind: ClassVar[str] = "interval"
    #: No part of it depends on the job.
    hashed: ClassVar[bool] = False

    expression: str
    timezone: str | None = None
    jitter: str = NO_JITTER
    not_before: str | None = None
    not_after: str | None = None
    engine: int = 1

    def __post_init__(self) -> None:
        faults: list[Fault] = []
        jitter = schedule_fields.jitter(self.jitter, faults)
        first, last = schedule_fields.bounds(self.not_before, self.not_after, faults)
        schedule_fields.check_engine(self.engine, faults)
        name = self.timezone
        if name is not None and schedule_fields.is_text("timezone", name, "Europe/Berlin", faults):
            try:
                zone.zone(name)
            except InvalidSchedule as error:
                faults += error.faults
        expression = self.expression
        if schedule_fields.is_text("expression", expression, EXAMPLE, faults):
            expression = expression.strip()
            try:
                _interval(expression)
            except InvalidSchedule as error:
                faults += error.faults
        if faults:
            raise InvalidSchedule(faults)
        for field, value in (
            ("expression", expression),
            ("jitter", jitter),
            ("not_before", first),
            ("not_after", last),
        ):
            object.__setattr__(self, field, value)

    def __hash__(self) -> int:
        return hash((self.expression, self.timezone, self.jitter, self.not_before, self.not_after))

    def interval(self) -> Interval:
        """Return the expression, read."""
        return _interval(self.expression)

    def clock(self) -> tzinfo:
        """Return the zone on whose wall clock fire times are shown."""
        if self.timezone is not None:
            return zone.zone(self.timezone).info
        offset = self.interval().offset
        return timezone(timedelta(seconds=offset)) if offset else UTC

    def calendar_slots(self) -> CalendarSlots:
        """Return the slots without bounds, of an interval with calendar parts."""
        return CalendarSlots(self.interval(), self.timezone)

    def slots(self) -> Slots:
        """Return the form that computes fire times."""
        interval = self.interval()
        inner: Slots = ElapsedSlots(interval) if interval.elapsed else self.calendar_slots()
        return schedule_fields.bounded(inner, self.not_before, self.not_after)


class ElapsedSlots:
    """The fire times of an interval of time parts only, or of a single run."""

    __slots__ = ("_last", "_start", "_step")

    def __init__(self, interval: Interval) -> None:
        self._start, self._step = interval.start, interval.seconds or 1
        self._last = zone.LATEST
        if interval.repeats is not None:
            self._last = min(zone.LATEST, self._start + interval.repeats * interval.seconds)

    def next_epoch(self, after_s: int) -> int | None:
        """Return the first slot strictly later than *after_s*, None if there is none."""
        start = self._start
        if after_s < start:
            return start
        found = start + ((after_s - start) // self._step + 1) * self._step
        return found if found <= self._last else None


class CalendarSlots:
    """The fire times of an interval with calendar parts.

    Remembers the run it found last and the zone's segment it lies in.  Safe to share
    between threads: each memory is one attribute, replaced as a whole, and only saves time.
    """

    __slots__ = (
        "_average",
        "_day",
        "_days",
        "_found",
        "_month",
        "_months",
        "_of_month",
        "_repeats",
        "_second",
        "_seconds",
        "_start",
        "_view",
        "_zone",
    )

    def __init__(self, interval: Interval, name: str | None) -> None:
        """Keep the wall clock of the zone *name*, or of START's offset."""
        self._start, self._repeats = interval.start, interval.repeats
        self._months, self._days = interval.months, interval.days
        self._seconds = interval.seconds
        self._average = interval.months * _MONTH_S + interval.days * _DAY_S
        self._zone = None if name is None else zone.zone(name)
        offset = interval.offset
        if self._zone is not None:
            offset = self._zone.segment_at(interval.start).offset
        self._day, self._second = divmod(interval.start + offset, _DAY_S)
        self._month = month_of(self._day)
        self._of_month = self._day - first_of_month(self._month)
        #: Walls from, walls until, their offset.
        self._view = (-_FAR, _FAR, offset) if self._zone is None else (0, 0, 0)
        self._found = (self._start, 0)

    def next_epoch(self, after_s: int) -> int | None:
        """Return the first slot strictly later than *after_s*, None if there is none."""
        if after_s < self._start:
            return self._start
        known, k = self._found
        if after_s == known:
            k += 1
        else:
            k = (after_s - self._start) // (self._average + self._seconds)
            while k > 0 and self.instant(k - 1) > after_s:
                k -= 1
        found = self.instant(k)
        while found <= after_s:
            k += 1
            found = self.instant(k)
        if found > zone.LATEST or (self._repeats is not None and k > self._repeats):
            return None
        self._found = (found, k)
        return found

    def instant(self, k: int) -> int:
        """Return when run *k* is due, whether there are so many runs or not."""
        if k == 0:
            return self._start
        local = self.wall(k)
        low, high, offset = self._view
        if low <= local < high:
            return local - offset + k * self._seconds
        assert self._zone is not None
        found = self._zone.instant_of(local)
        segment = self._zone.segment_at(found)
        self._view = (segment.first_from, segment.end + segment.offset, segment.offset)
        return found + k * self._seconds

    def wall(self, k: int) -> int:
        """Return what the clock shows for run *k* before the time parts are added."""
        day = self._day
        if self._months:
            month = self._month + k * self._months
            first = first_of_month(month)
            day = first + min(self._of_month, first_of_month(month + 1) - first - 1)
        return (day + k * self._days) * _DAY_S + self._second

    def next_wall(self, local: int) -> int:
        """Return the first wall of a run that is not before *local*, ignoring repeats."""
        k = max((local - self.wall(0)) // self._average, 0)
        while k > 0 and self.wall(k - 1) >= local:
            k -= 1
        while self.wall(k) < local:
            k += 1
        return self.wall(k)

    def last(self) -> int | None:
        """Return the last slot in seconds since the epoch, None if there is none."""
        return None if self._repeats is None else self.instant(self._repeats)
