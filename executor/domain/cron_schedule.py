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
5. ``engine`` names this set of rules.  It is stored with the schedule, so that a later
   set never changes when an existing job runs.

Source for rules 1 to 3: cron(8) of Debian's cron, section on daylight saving time,
without its limit of three hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar, TypeVar

from executor.domain import zone
from executor.domain.cron import Cron, DayRule, Dialect, next_day, parse
from executor.domain.errors import Fault, InvalidSchedule

_DAY_S = 86400

#: Seconds after which a search gives up, see rule 4.
SEARCH_LIMIT_S = 36525 * _DAY_S

#: The sets of rules this version knows, see rule 5.
ENGINES = (1,)


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
        dom_dow: ``cron`` combines the two day columns as cron(8) does.
        engine: The set of rules, see the module's rule 5.

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
    engine: int = 1

    def __post_init__(self) -> None:
        faults: list[Fault] = []
        dialect = _choice("dialect", Dialect, self.dialect, faults)
        gap = _choice("gap", Gap, self.gap, faults)
        fold = _choice("fold", Fold, self.fold, faults)
        dom_dow = _choice("dom_dow", DayRule, self.dom_dow, faults)
        _check_engine(self.engine, faults)
        if _is_text("timezone", self.timezone, faults):
            try:
                zone.zone(self.timezone)
            except InvalidSchedule as error:
                faults += error.faults
        expression = self.expression
        if _is_text("expression", expression, faults):
            expression = " ".join(expression.split())
            # A wrong dialect is one fault; the expression is still read for its own.
            likely = Dialect.CRON6S if expression.count(" ") == 5 else Dialect.CRON5
            try:
                parse(expression, dialect or likely, dom_dow or DayRule.CRON)
            except InvalidSchedule as error:
                faults += error.faults
        if faults:
            raise InvalidSchedule(faults)
        for name, value in (
            ("expression", expression),
            ("dialect", dialect),
            ("gap", gap),
            ("fold", fold),
            ("dom_dow", dom_dow),
        ):
            object.__setattr__(self, name, value)

    def __hash__(self) -> int:
        # Strings remember their hash: a third of the time of hashing all seven fields,
        # and this is on the path of every next fire time.
        return hash((self.expression, self.timezone))

    def cron(self) -> Cron:
        """Return the expression, read."""
        return parse(self.expression, self.dialect, self.dom_dow)

    def slots(self) -> CronSlots:
        """Return the form that computes fire times; making it takes about 15 µs."""
        return CronSlots(self)


_E = TypeVar("_E", bound=StrEnum)


def _choice(field: str, choices: type[_E], value: object, faults: list[Fault]) -> _E | None:
    try:
        return choices(str(value))
    except ValueError:
        names = " or ".join(f"`{choice}`" for choice in choices)
        faults.append(Fault(field, f"`{value}` is not known; write {names}"))
        return None


def _check_engine(value: object, faults: list[Fault]) -> None:
    if type(value) is not int or value not in ENGINES:
        faults.append(Fault("engine", f"`{value}` is not known to this version; write 1"))


def _is_text(field: str, value: object, faults: list[Fault]) -> bool:
    if isinstance(value, str):
        return True
    faults.append(Fault(field, "is missing" if value is None else "has to be a string"))
    return False


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
        "_make_up",
        "_minutes",
        "_months",
        "_second",
        "_seconds",
        "_view",
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
        self._zone = zone.zone(schedule.timezone)
        self._fold = schedule.fold if cron.fixed else Fold.BOTH
        self._make_up = cron.fixed and schedule.gap is Gap.RUN_AFTER
        self._view: _View = (0, 0, 0, 0, 0, 0)

    def next_epoch(self, after_s: int) -> int | None:
        """Return the first slot strictly later than *after_s*, None if there is none.

        Both are seconds since the epoch.  Takes a few microseconds; a search that finds
        nothing takes some milliseconds, and a hundred the first time in a zone.
        """
        instant = after_s + 1
        limit = min(instant + SEARCH_LIMIT_S, zone.LATEST)
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
            matching = next_day(self._months, self._days, day)
            if matching > day:
                day = matching
                second = self._first
        return day * _DAY_S + second


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1
