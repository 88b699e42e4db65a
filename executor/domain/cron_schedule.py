"""A cron schedule: an expression, a time zone, and what to do when clocks change.

Words
-----
fixed time
    An expression in which neither the minute nor the hour runs through all of its
    field; everything else is a *wildcard* expression.  Seconds have no say.
gap, fold
    Local times skipped when clocks go forward; local times that occur twice when they
    go back.

Rules
-----
1. A fixed time that falls into a gap is due at the first instant after the gap
   (``gap: run_after``) or not at all (``gap: skip``).  Several in one gap are one slot,
   as is one that coincides with a regular time: the UTC instant identifies the slot.
   A day that did not exist (Apia, 2011-12-30) is a gap like any other.
2. A fixed time in a fold is due the first time, the second time, or both (``fold``).
3. A wildcard expression is due at every instant whose local time matches: never in a
   gap, twice in a fold.  ``gap`` and ``fold`` do not apply to it.
4. The search for the next slot ends after 100 years.  Without clock changes no
   expression pauses for more than 40 (29 February on a given weekday, around 2100).
   What has no slot by then has none: ``* 2 * 3 0#2`` in New York only matches times
   that are skipped.
   With a year column it ends after the last year there is.
5. ``engine`` names this set of rules.  It is stored with the schedule, so that a later
   set never changes when an existing job runs.
6. ``H`` is chosen by ``key``, the job's id.  The key is no field of the document: a
   schedule is read without it, and what ``for_job`` returns has it.

Source for rules 1 to 3: cron(8) of Debian's cron, section on daylight saving time,
without its limit of three hours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar

from executor.domain import schedule_fields, zone
from executor.domain.cron import Cron, DayRule, Dialect, parse
from executor.domain.cron_days import next_day, next_day_of_years
from executor.domain.errors import Fault, InvalidSchedule
from executor.domain.schedule_fields import NO_JITTER, Slots

_DAY_S = 86400

#: Seconds after which a search gives up, see rule 4.
SEARCH_LIMIT_S = 36525 * _DAY_S

#: The same where years are restricted: more than from the first year to the last.
_YEARS_LIMIT_S = 140 * 366 * _DAY_S


class Gap(StrEnum):
    """What happens to a fixed time that clocks skip."""

    RUN_AFTER = "run_after"
    SKIP = "skip"


class Fold(StrEnum):
    """Which occurrence of a fixed time counts when clocks repeat it."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """When a cron job is due.  What exists is valid: creating it checks every field.

    Attributes:
        expression: In *dialect*; blanks between columns are reduced to one.
        timezone: IANA name; the expression is read on that zone's wall clock.
        gap: For fixed times only.
        fold: For fixed times only.
        dom_dow: ``cron`` combines the two day columns as cron(8) does; Quartz has no use
            for it.
        jitter: Longest delay of a start, an ISO 8601 duration.
        not_before: First instant at which a slot may lie, RFC 3339 in UTC.
        not_after: Last instant at which a slot may lie.
        engine: The set of rules, see the module's rule 5.
        key: The job's id, see the module's rule 6; it is not written.
        hashed: Whether ``key`` matters.

    Raises:
        InvalidSchedule: lists every fault, by field.

    >>> CronSchedule("0 22-2 * * *", timezone="Moscow")
    Traceback (most recent call last):
    executor.domain.errors.InvalidSchedule: timezone: there is no zone `Moscow`; write \
`Europe/Moscow`; expression: hour `22-2`: the range runs backwards; write `22-23,0-2`
    """

    kind: ClassVar[str] = "cron"

    expression: str
    dialect: Dialect = Dialect.CRON5
    timezone: str = "UTC"
    gap: Gap = Gap.RUN_AFTER
    fold: Fold = Fold.FIRST
    dom_dow: DayRule = DayRule.CRON
    jitter: str = NO_JITTER
    not_before: str | None = None
    not_after: str | None = None
    engine: int = 1
    key: str = field(default="", repr=False)
    hashed: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        faults: list[Fault] = []
        read: dict[str, object] = {}
        read["dialect"] = schedule_fields.choice("dialect", Dialect, self.dialect, faults)
        read["gap"] = schedule_fields.choice("gap", Gap, self.gap, faults)
        read["fold"] = schedule_fields.choice("fold", Fold, self.fold, faults)
        read["dom_dow"] = schedule_fields.choice("dom_dow", DayRule, self.dom_dow, faults)
        read["jitter"] = schedule_fields.jitter(self.jitter, faults)
        read["not_before"], read["not_after"] = schedule_fields.bounds(
            self.not_before, self.not_after, faults
        )
        schedule_fields.check_engine(self.engine, faults)
        if schedule_fields.is_text("timezone", self.timezone, "Europe/Berlin", faults):
            try:
                zone.zone(self.timezone)
            except InvalidSchedule as error:
                faults += error.faults
        if schedule_fields.is_text("expression", self.expression, "30 2 * * *", faults):
            read["expression"] = text = " ".join(self.expression.split())
            try:
                cron = _read(text, read["dialect"], read["dom_dow"], self.key)
                read["hashed"] = cron.hashed
            except InvalidSchedule as error:
                faults += error.faults
        if faults:
            raise InvalidSchedule(faults)
        for name, value in read.items():
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        # Strings remember their hash: a third of the time of hashing every field, and
        # this is on the path of every next fire time.
        return hash(
            (self.expression, self.timezone, self.key, self.jitter, self.not_before, self.not_after)
        )

    def cron(self) -> Cron:
        """Return the expression, read."""
        return parse(self.expression, self.dialect, self.dom_dow, self.key)

    def clock(self) -> tzinfo:
        """Return the zone on whose wall clock fire times are shown."""
        return zone.zone(self.timezone).info

    def inner_slots(self) -> CronSlots:
        """Return the slots without bounds; making them takes about 15 µs."""
        return CronSlots(self)

    def slots(self) -> Slots:
        """Return the form that computes fire times."""
        return schedule_fields.bounded(CronSlots(self), self.not_before, self.not_after)


def _read(text: str, dialect: object, dom_dow: object, key: str) -> Cron:
    """Read the expression, also where the dialect is wrong: that is one fault of its own."""
    if not isinstance(dialect, Dialect):
        dialect = {6: Dialect.CRON6S, 7: Dialect.QUARTZ}.get(len(text.split()), Dialect.CRON5)
        dialect = Dialect.QUARTZ if "?" in text else dialect
    return parse(text, dialect, dom_dow if isinstance(dom_dow, DayRule) else DayRule.CRON, key)


@lru_cache(maxsize=16384)
def _minutes_of_day(minutes: int, hours: int) -> int:
    """Return 1440 bits: bit *n* is set if the *n*-th minute of the day matches."""
    return sum(minutes << hour * 60 for hour in range(24) if hours >> hour & 1)


#: One segment of a zone as seen by one schedule: first instant, end, offset, first local
#: time that counts, end of the local times that count, length of the gap to make up for.
_View = tuple[int, int, int, int, int, int]


class CronSlots:
    """The fire times of one cron schedule, compiled.

    Remembers the zone's segment it last looked at.  Safe to share between threads: the
    memory is one attribute, replaced as a whole, and only saves time.
    """

    __slots__ = (
        "_days",
        "_every_day",
        "_first",
        "_fold",
        "_limit_s",
        "_make_up",
        "_minutes",
        "_months",
        "_second",
        "_seconds",
        "_view",
        "_years",
        "_zone",
    )

    def __init__(self, schedule: CronSchedule) -> None:
        cron = schedule.cron()
        self._seconds = cron.second.bits
        self._minutes = _minutes_of_day(cron.minute.bits, cron.hour.bits)
        self._second = _lowest(self._seconds)
        self._first = _lowest(self._minutes) * 60 + self._second
        self._every_day = cron.every_day
        self._months = cron.month.bits
        self._days = cron.days
        self._years = cron.years
        self._limit_s = _YEARS_LIMIT_S if cron.years else SEARCH_LIMIT_S
        self._zone = zone.zone(schedule.timezone)
        self._fold = schedule.fold if cron.fixed else Fold.BOTH
        self._make_up = cron.fixed and schedule.gap is Gap.RUN_AFTER
        self._view: _View = (0, 0, 0, 0, 0, 0)

    def next_epoch(self, after_s: int) -> int | None:
        """Return the first slot strictly later than *after_s*, None if there is none.

        Both are seconds since the epoch.  Takes a few microseconds; a search that finds
        nothing takes some milliseconds, and the first time in a zone, of which a century is
        read then, up to 150 of processor time: on a busy machine several times as long.
        """
        instant = after_s + 1
        limit = min(instant + self._limit_s, zone.LATEST)
        while instant <= limit:
            view = self._view
            if not view[0] <= instant < view[1]:
                view = self._view = self._view_at(instant)
            start, end, offset, counts_from, counts_until, gap = view
            if gap and instant == start and self.next_local(start + offset - gap) < start + offset:
                return instant
            local = instant + offset
            found = self.next_local(local if local > counts_from else counts_from)
            if found < counts_until:
                return found - offset
            # Local times up to *found* hold no match, so the search may go on shortly before
            # it, unless a fold close by repeats local times that were passed already.
            near = end - instant < 2 * _DAY_S
            instant = end if near else max(end, found - offset - 3 * _DAY_S)
        return None

    def _view_at(self, instant: int) -> _View:
        segment = self._zone.segment_at(instant)
        start, end, offset = segment.start, segment.end, segment.offset
        return (
            start,
            end,
            offset,
            segment.first_from if self._fold is Fold.FIRST else start + offset,
            min(
                segment.last_until if self._fold is Fold.SECOND else end + offset,
                zone.LATEST + offset,
            ),
            segment.gap if self._make_up else 0,
        )

    def next_local(self, local: int) -> int:
        """Return the first matching local time not before *local*."""
        day, second = divmod(local, _DAY_S)
        minute, spare = divmod(second, 60)
        if self._minutes >> minute & 1 and (rest := self._seconds >> spare):
            second += (rest & -rest).bit_length() - 1
        elif rest := self._minutes >> minute + 1:
            second = (minute + (rest & -rest).bit_length()) * 60 + self._second
        else:
            day += 1
            second = self._first
        if not self._every_day:
            if self._years:
                matching = next_day_of_years(self._months, self._days, self._years, day)
            else:
                matching = next_day(self._months, self._days, day)
            if matching > day:
                day = matching
                second = self._first
        return day * _DAY_S + second


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1
