"""The events of an iCalendar file, as stretches of time.

The library icalendar reads the text; this module says what counts and refuses what it
would otherwise have to guess.  Pure: nothing here knows the present time.

Words
-----
moment
    A time as the file has it: on a zone's wall clock, in UTC, or floating.
floating
    Without a zone: on the wall clock of the calendar that holds the file.  All-day
    events are floating.

Rules
-----
1. An event lasts from DTSTART to DTEND, which is not part of it, or for DURATION; an
   all-day event with neither lasts its day.  Between instants the length is elapsed time;
   the days of a DURATION, and of all-day events, are days of the wall clock.
2. DTSTART counts even if the rule does not name it.  RDATE adds, EXDATE takes away, an event
   with RECURRENCE-ID replaces one occurrence, STATUS:CANCELLED is as if it were not there.
3. Whether time is shown as busy (TRANSP) does not matter: holidays are often shown as free.
4. Zones are IANA zones.  A TZID that names one in another way (Windows, a path that ends with
   it) is understood; the file's own VTIMEZONE is not looked at.
5. Every fault names its event.

Source: RFC 5545.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from executor.domain import zone
from executor.domain.errors import Fault, InvalidCalendar, InvalidSchedule
from executor.domain.recurrence import BadRule, Recurrence, read_rule

#: Longest text, bytes of UTF-8; 1 KB takes 4 ms to read.
LONGEST: Final = 256 * 1024

#: Events of a file, and those of them that recur: looking half a year ahead takes up to
#: 2 ms for each of the latter.
MOST_EVENTS: Final = 2_000
MOST_RECURRING: Final = 100

#: Longest event, seconds: 366 days.
LONGEST_EVENT_S: Final = 366 * 86_400

#: Years in which an event may lie and recur; a calendar of holidays may begin long ago.
FIRST_YEAR, LAST_YEAR = 1900, 2999

#: Faults that are listed.
_MOST_FAULTS: Final = 20

_DAY_S: Final = 86_400
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001  a wall clock's
_EPOCH_DAY: Final = _EPOCH.toordinal()

#: From here on nothing recurs any more, seconds since the epoch.
_LAST_S: Final = (date(LAST_YEAR + 1, 1, 1).toordinal() - _EPOCH_DAY) * _DAY_S

#: Properties that decide when an event is; what is wrong with others does not matter.
_DECISIVE: Final = frozenset(
    {"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "STATUS"}
)


class Moment(NamedTuple):
    """Wall-clock seconds since 1970 (as in ``zone.py``) in a zone; None: floating."""

    local: int
    tz: str | None
    is_day: bool

    def instant(self, floating: zone.Zone) -> int:
        """Return the seconds since the epoch, for a calendar in the zone *floating*."""
        return self.clock(floating).instant_of(self.local)

    def clock(self, floating: zone.Zone) -> zone.Zone:
        """Return the zone on whose wall clock it is."""
        return floating if self.tz is None else zone.zone(self.tz)


class Span(NamedTuple):
    """Seconds since the epoch; the end is not part of it."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Event:
    """One event with its recurrences.

    Attributes:
        end: Of the first occurrence; the others last as long.  None: ``days`` of the wall clock,
            then ``seconds`` of elapsed time.
        until: The last moment at which it may recur.
        added: RDATE.
        excluded: EXDATE, and what other events replace.
    """

    start: Moment
    end: Moment | None
    days: int
    seconds: int
    rule: Recurrence | None
    until: Moment | None
    added: tuple[Moment, ...]
    excluded: tuple[Moment, ...]

    def listed(self, floating: zone.Zone) -> Iterator[Span]:
        """Yield the occurrences that no rule makes."""
        gone, seconds = self._gone(floating), self._seconds(floating)
        for moment in (self.start, *self.added):
            span = self._span(moment, floating, seconds)
            if span.start not in gone:
                yield span

    def recurring(self, floating: zone.Zone, low: int, high: int) -> Iterator[Span]:
        """Yield those that the rule makes and that start from *low* up to before *high*."""
        if self.rule is None or low >= _LAST_S:
            return
        gone, seconds = self._gone(floating), self._seconds(floating)
        time_of_day = self.start.local % _DAY_S
        last = high // _DAY_S + 1
        if self.until is not None:
            last = min(last, self._last_local(self.until, floating) // _DAY_S)
        # A wall clock is less than a day away from UTC.
        days = self.rule.days(low // _DAY_S - 1 + _EPOCH_DAY, last + 1 + _EPOCH_DAY)
        for day in days:
            local = (day - _EPOCH_DAY) * _DAY_S + time_of_day
            span = self._span(self.start._replace(local=local), floating, seconds)
            if low <= span.start < high and span.start not in gone:
                yield span

    def _gone(self, floating: zone.Zone) -> frozenset[int]:
        return frozenset(moment.instant(floating) for moment in self.excluded)

    def _seconds(self, floating: zone.Zone) -> int:
        if self.end is None:
            return self.seconds
        return self.end.instant(floating) - self.start.instant(floating)

    def _span(self, moment: Moment, floating: zone.Zone, seconds: int) -> Span:
        clock = moment.clock(floating)
        start = clock.instant_of(moment.local)
        end = clock.instant_of(moment.local + self.days * _DAY_S) if self.days else start
        return Span(start, end + seconds)

    def _last_local(self, until: Moment, floating: zone.Zone) -> int:
        """Return the day's beginning, on the event's wall clock, of the last start by *until*."""
        local = until.local
        if until.is_day:
            local += _DAY_S - 1
        elif until.tz != self.start.tz:
            instant = until.instant(floating)
            local = instant + self.start.clock(floating).segment_at(instant).offset
        return local - self.start.local % _DAY_S


class _Bad(ValueError):
    """What is wrong with an event."""


@lru_cache(maxsize=64)
def read_events(text: str) -> tuple[Event, ...]:
    """Read the events of *text*.

    Takes up to a second for the longest text, three for rules made to take long, and the second
    time no time.

    Raises:
        InvalidCalendar: every fault found, up to 20, each for the document as a whole.
    """
    if not text.strip():
        return ()
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidCalendar([Fault("", "holds what is not a character")]) from None
    if size > LONGEST:
        raise InvalidCalendar([Fault("", f"is longer than {LONGEST // 1024} KB")])
    faults: list[Fault] = []
    events: list[Event] = []
    replaced: dict[str, list[Moment]] = {}
    sound = []
    for part in _found(text):
        try:
            _check(part)
            if "RECURRENCE-ID" in part:
                replaced.setdefault(str(part.get("UID", "")), []).append(_replaced(part))
            if str(part.get("STATUS", "")).upper() != "CANCELLED":
                sound.append(part)
        except _Bad as error:
            faults.append(Fault("", f"{_title(part)}: {error}"))
    for part in sound:
        if len(faults) >= _MOST_FAULTS:
            break
        try:
            events.append(_event(part, replaced))
        except (_Bad, BadRule) as error:
            faults.append(Fault("", f"{_title(part)}: {error}"))
    if sum(event.rule is not None for event in events) > MOST_RECURRING:
        text = f"more than {MOST_RECURRING} events recur; write several calendars"
        faults.append(Fault("", text))
    if faults:
        raise InvalidCalendar(faults[:_MOST_FAULTS])
    return tuple(events)


def _found(text: str) -> list[Any]:
    """Return the events as icalendar reads them."""
    # Only here: its seventy modules are a twentieth of what an instance loads to start, and most
    # services have no such file.
    from icalendar import Calendar

    try:
        with warnings.catch_warnings():
            # It says that it guesses which zone a path ends with; see rule 4.
            warnings.simplefilter("ignore")
            calendars = Calendar.from_ical(text, multiple=True)
        found = [part for one in calendars for part in one.walk("VEVENT")]
    except OSError as error:  # what zoneinfo says of a folder of zones; it names ours
        text = "a TZID is no time zone; write an IANA name such as `Europe/Berlin`"
        raise InvalidCalendar([Fault("", text)]) from error
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
        raise InvalidCalendar([Fault("", f"is not iCalendar: {str(error)[:200]}")]) from error
    if not found:
        text = "has no event; write the text of an iCalendar file, BEGIN:VCALENDAR and so on"
        raise InvalidCalendar([Fault("", text)])
    if len(found) > MOST_EVENTS:
        raise InvalidCalendar([Fault("", f"has more than {MOST_EVENTS:,} events")])
    return found


def _title(part: Any) -> str:
    name = part.get("SUMMARY") or part.get("UID") or "without a name"
    text = str(name[0] if isinstance(name, list) else name)
    return f"event `{text[:100]}`"


def _check(part: Any) -> None:
    for name, message in part.errors:
        if name in _DECISIVE:
            raise _Bad(f"{name} cannot be read: {message}")
    for name in _DECISIVE - {"RDATE", "EXDATE"}:
        if isinstance(part.get(name), list):
            raise _Bad(f"{name} is given more than once")


def _event(part: Any, replaced: dict[str, list[Moment]]) -> Event:
    start = _moment(part, "DTSTART")
    if start is None:
        raise _Bad("DTSTART is missing")
    end, days, seconds = _length(part, start)
    rule, until = None, None
    excluded = _moments(part, "EXDATE", start)
    if "RECURRENCE-ID" not in part:
        excluded += [_like(moment, start) for moment in replaced.get(str(part.get("UID", "")), [])]
        rule, until = _rule(part, start)
    return Event(
        start,
        end,
        days,
        seconds,
        rule,
        until,
        tuple(_moments(part, "RDATE", start)),
        tuple(excluded),
    )


def _length(part: Any, start: Moment) -> tuple[Moment | None, int, int]:
    """Return how long the event lasts, as :class:`Event` has it."""
    end, duration = _moment(part, "DTEND"), part.get("DURATION")
    days, seconds = 0, 0
    if end is not None and duration is not None:
        raise _Bad("DTEND and DURATION are both given; leave one of them out")
    if duration is not None:
        if not isinstance(duration.dt, timedelta):
            raise _Bad("DURATION is no duration")
        days, seconds = duration.dt.days, duration.dt.seconds
    elif end is None:
        if not start.is_day:
            raise _Bad("has no end; write DTEND or DURATION")
        days = 1
    elif end.is_day != start.is_day:
        raise _Bad("DTSTART and DTEND are not both days, or both times")
    elif start.is_day:
        days, end = (end.local - start.local) // _DAY_S, None
    else:
        # For a file without zones about right, to the hour of a change of clocks.
        floating = zone.zone("UTC")
        seconds = end.instant(floating) - start.instant(floating)
    if days < 0 or (days == 0 and seconds <= 0):
        raise _Bad("ends before it has begun, or at once")
    if days * _DAY_S + seconds > LONGEST_EVENT_S:
        raise _Bad("lasts longer than 366 days; write it as `dates`")
    return end, days, seconds


def _rule(part: Any, start: Moment) -> tuple[Recurrence | None, Moment | None]:
    written = part.get("RRULE")
    if written is None:
        return None, None
    first = start.local // _DAY_S + _EPOCH_DAY
    parts = {str(name).upper(): values for name, values in written.items()}
    until = parts.pop("UNTIL", [None])[0]
    if until is not None and "COUNT" in parts:
        raise _Bad("RRULE has COUNT and UNTIL; leave one of them out")
    rule, last = read_rule(parts, first)
    if until is not None:
        return rule, _written(until, start.tz)
    if last is not None:
        return rule, start._replace(local=start.local + (last - first) * _DAY_S)
    return rule, None


def _moment(part: Any, name: str) -> Moment | None:
    value = part.get(name)
    return None if value is None else _written(value.dt, _zone_of(value))


def _moments(part: Any, name: str, start: Moment) -> list[Moment]:
    """Return the moments that EXDATE or RDATE lists."""
    value = part.get(name, [])
    return [
        _like(_written(one.dt, _zone_of(listed)), start)
        for listed in (value if isinstance(value, list) else [value])
        for one in listed.dts
    ]


def _replaced(part: Any) -> Moment:
    moment = _moment(part, "RECURRENCE-ID")
    if moment is None or "RANGE" in part["RECURRENCE-ID"].params:
        raise _Bad("RECURRENCE-ID names more than one occurrence; write the later ones as an event")
    return moment


def _like(moment: Moment, start: Moment) -> Moment:
    """Return *moment* as a start of the event: a day stands for the event's time on that day."""
    if not moment.is_day or start.is_day:
        return moment
    return start._replace(local=moment.local + start.local % _DAY_S)


def _written(value: object, clock: str | None) -> Moment:
    """Return what icalendar read, on *clock* unless it is in UTC."""
    if not isinstance(value, date):
        raise _Bad(f"`{value}` is neither a day nor a time")
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise _Bad(f"`{value}` lies outside the years {FIRST_YEAR} to {LAST_YEAR}")
    if not isinstance(value, datetime):
        return Moment((value.toordinal() - _EPOCH_DAY) * _DAY_S, None, True)
    if value.tzinfo is not None and (clock is None or str(value.tzinfo) == "UTC"):
        value, clock = value.astimezone(UTC), "UTC"
    since = value.replace(tzinfo=None) - _EPOCH
    return Moment(since.days * _DAY_S + since.seconds, clock, False)


def _zone_of(value: Any) -> str | None:
    """Return the IANA name of the zone that a property names."""
    name = value.params.get("TZID")
    return None if name is None else _iana(str(name))


def _iana(name: str) -> str:
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    rest = WINDOWS_TO_OLSON.get(name, name)
    while rest:
        try:
            return zone.zone(rest).name
        except InvalidSchedule:
            rest = rest.partition("/")[2]
    raise _Bad(f"TZID `{name[:100]}` is not known; write an IANA name such as `Europe/Berlin`")
