"""When is a calendar closed?  The blackouts that a calendar means, one after the other.

Pure: no clock is read here.

Words
-----
span
    Seconds since the epoch from a start up to but not including an end.
window
    A longest blackout: spans that overlap or touch are one.

Rules
-----
1. A window begins and ends at whole seconds; its end is not part of it.
2. At most :data:`MERGES` spans are put together, and a window reaches at most
   :data:`FARTHEST` from the instant asked about, in each direction.  A longer blackout is seen
   in parts: whoever waits for an end asks again when it has come.
3. A source of spans answers two questions only: which span holds an instant, and when does
   the next one begin.  Nothing is computed for times that nobody asks about.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol

from executor.domain import zone
from executor.domain.calendar import Calendar, Dates, read_date
from executor.domain.ics import LONGEST_EVENT_S, Event, Span, read_events
from executor.domain.schedule_fields import Slots

#: See rule 2.
MERGES: Final = 1_000
FARTHEST: Final = timedelta(days=366)

#: Windows that one call of :func:`windows_between` returns at most.
MOST_WINDOWS: Final = 1_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Later than every slot.
_NEVER: Final = 2 * zone.LATEST
_FARTHEST_S: Final = FARTHEST // timedelta(seconds=1)

#: Events that recur are spelt out for ``2 ** _CHUNK_BITS`` seconds at a time, half a year; kept
#: are so many chunks of a calendar, some KB each.
_CHUNK_BITS: Final = 24
_CHUNKS: Final = 16


@dataclass(frozen=True, slots=True)
class Window:
    """A blackout from ``start`` up to but not including ``end``, aware UTC."""

    start: datetime
    end: datetime


class _Source(Protocol):
    def around(self, instant: int) -> Span | None:
        """Return a span that holds *instant*, None if there is none."""
        ...

    def next_start(self, instant: int, before: int) -> int | None:
        """Return the first start of a span at or after *instant*, None if not before *before*."""
        ...


def window_at(calendar: Calendar, instant: datetime) -> Window | None:
    """Return the window that holds *instant* (aware), None if the calendar is open then.

    Some microseconds once the calendar was asked before; up to 0.3 s if its file has a hundred
    events that recur and half a year begins about which nobody has asked yet.

    Raises:
        ValueError: *instant* is naive.

    Two windows that touch are one:

    >>> from executor.domain.calendar import calendar_from_document
    >>> nights = {"cron": "0 22 * * *", "duration": "PT2H"}
    >>> mornings = {"cron": "0 0 * * *", "duration": "PT6H"}
    >>> calendar = calendar_from_document({"name": "nights", "windows": [nights, mornings]})
    >>> window_at(calendar, datetime(2026, 12, 1, 23, tzinfo=UTC)).end.isoformat()
    '2026-12-02T06:00:00+00:00'
    >>> window_at(calendar, datetime(2026, 12, 1, 6, tzinfo=UTC)) is None
    True
    """
    found = _around(_sources(calendar), _epoch(instant))
    return None if found is None else Window(_instant(found.start), _instant(found.end))


def windows_between(calendar: Calendar, start: datetime, end: datetime) -> list[Window]:
    """Return the windows that have a part between *start* and *end* (aware), in order.

    At most :data:`MOST_WINDOWS`, the earliest.

    Raises:
        ValueError: *start* or *end* is naive.
    """
    sources = _sources(calendar)
    windows: list[Window] = []
    instant, before = _epoch(start), _epoch(end) + bool(end.microsecond)
    while instant < before and len(windows) < MOST_WINDOWS:
        found = _around(sources, instant)
        if found is not None:
            windows.append(Window(_instant(found.start), _instant(found.end)))
            instant = found.end
        else:
            starts = [one.next_start(instant, before) for one in sources]
            instant = min([one for one in starts if one is not None], default=before)
    return windows


def _around(sources: Sequence[_Source], instant: int) -> Span | None:
    """Return the longest span that holds *instant*, of all sources together."""
    found = next((span for one in sources if (span := one.around(instant)) is not None), None)
    if found is None:
        return None
    earliest = max(instant - _FARTHEST_S, min(instant, zone.EARLIEST))
    latest = min(instant + _FARTHEST_S, max(instant, zone.LATEST))
    start, end = found
    merged = 0
    grows = True
    while grows and merged < MERGES:
        grows = False
        for one in sources:
            if end < latest and (span := one.around(end)) is not None:
                end, grows, merged = span.end, True, merged + 1
            if start > earliest and (span := one.around(start - 1)) is not None:
                start, grows, merged = span.start, True, merged + 1
    return Span(max(start, earliest), min(end, latest))


class _Repeated:
    """Spans of one length that begin at the slots of a schedule.

    Remembers the slot it last found.  Safe to share between threads: the memory is one
    attribute, replaced as a whole, and only saves time.
    """

    __slots__ = ("_length", "_memory", "_slots")

    def __init__(self, slots: Slots, length: int) -> None:
        self._slots, self._length = slots, length
        self._memory = (0, 0)

    def _following(self, after: int) -> int:
        """Return the first slot later than *after*, :data:`_NEVER` if there is none."""
        asked, slot = self._memory
        if asked <= after < slot:
            return slot
        found = self._slots.next_epoch(after)
        slot = _NEVER if found is None else found
        self._memory = (after, slot)
        return slot

    def around(self, instant: int) -> Span | None:
        """Return all the spans that hold *instant* as one: they overlap there."""
        first = self._following(instant - self._length)
        if first > instant:
            return None
        last = self._following(first)
        last = first if last > instant else self._last_slot(last, instant)
        return Span(first, last + self._length)

    def _last_slot(self, slot: int, instant: int) -> int:
        """Return the last slot from *slot* to *instant*, by halving: each second may be one."""
        last, beyond = slot, instant
        while last < beyond:
            middle = (last + beyond) // 2
            found = self._following(middle)
            if found <= instant:
                last = found
            else:
                beyond = middle
        return last

    def next_start(self, instant: int, before: int) -> int | None:
        """Return the first slot at or after *instant*."""
        found = self._following(instant - 1)
        return found if found < before else None


class _Listed:
    """Spans that are known beforehand."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(spans):
            if start >= end:
                continue  # clocks skipped all of it
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(end, self._ends[-1])
            else:
                self._starts.append(start)
                self._ends.append(end)

    def around(self, instant: int) -> Span | None:
        """Return the span that holds *instant*."""
        place = bisect_right(self._starts, instant) - 1
        if place < 0 or self._ends[place] <= instant:
            return None
        return Span(self._starts[place], self._ends[place])

    def next_start(self, instant: int, before: int) -> int | None:
        """Return the first start at or after *instant*."""
        place = bisect_left(self._starts, instant)
        if place == len(self._starts) or self._starts[place] >= before:
            return None
        return self._starts[place]


class _Recurring:
    """The occurrences of events, spelt out in chunks."""

    __slots__ = ("_chunk", "_events", "_zone")

    def __init__(self, events: Sequence[Event], floating: zone.Zone) -> None:
        self._events, self._zone = events, floating
        self._chunk = lru_cache(maxsize=_CHUNKS)(self._spelt_out)

    def _spelt_out(self, number: int) -> _Listed:
        """Return the occurrences that start in a chunk."""
        low, high = number << _CHUNK_BITS, (number + 1) << _CHUNK_BITS
        return _Listed(
            span for event in self._events for span in event.recurring(self._zone, low, high)
        )

    def around(self, instant: int) -> Span | None:
        """Return a span that holds *instant*: it may have begun some chunks ago."""
        newest = instant >> _CHUNK_BITS
        oldest = (instant - LONGEST_EVENT_S - 86_400) >> _CHUNK_BITS
        for number in range(newest, oldest - 1, -1):
            found = self._chunk(number).around(instant)
            if found is not None:
                return found
        return None

    def next_start(self, instant: int, before: int) -> int | None:
        """Return the first start at or after *instant*."""
        for number in range(instant >> _CHUNK_BITS, ((before - 1) >> _CHUNK_BITS) + 1):
            found = self._chunk(number).next_start(instant, before)
            if found is not None:
                return found
        return None


@lru_cache(maxsize=1024)
def _sources(calendar: Calendar) -> tuple[_Source, ...]:
    floating = zone.zone(calendar.timezone)
    sources: list[_Source] = []
    for window in calendar.windows:
        length = window.duration // timedelta(seconds=1)
        sources.append(_Repeated(window.schedule(calendar.timezone).slots(), length))
    events = read_events(calendar.ics)
    known = [_span(dates, floating) for dates in calendar.dates]
    known += [span for event in events for span in event.listed(floating)]
    if known:
        sources.append(_Listed(known))
    recurring = [event for event in events if event.rule is not None]
    if recurring:
        sources.append(_Recurring(recurring, floating))
    return tuple(sources)


def _span(dates: Dates, floating: zone.Zone) -> Span:
    return Span(_edge(dates.since, floating, 0), _edge(dates.until, floating, 1))


def _edge(text: str, floating: zone.Zone, days: int) -> int:
    """Return an instant as it is, and of a day its first instant, or that of *days* later."""
    found = read_date(text)
    if isinstance(found, datetime):
        return _epoch(found)
    return floating.instant_of((found - date(1970, 1, 1)).days * 86_400 + days * 86_400)


def _epoch(moment: datetime) -> int:
    """Return the last whole second not after *moment*."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no instant; attach a zone")
    since = moment - _EPOCH
    return since.days * 86_400 + since.seconds


def _instant(epoch_s: int) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC)
