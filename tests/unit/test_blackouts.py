"""When calendars are closed, against an oracle that knows nothing but single minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from executor.domain.blackouts import (
    FARTHEST,
    MERGES,
    MOST_WINDOWS,
    Window,
    window_at,
    windows_between,
)
from executor.domain.calendar import Calendar, calendar_from_document
from executor.domain.cron_schedule import CronSchedule
from executor.domain.schedule import fire_times
from executor.domain.zone import zone

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)

#: Days around which the random calendars lie: clocks of Berlin and Lord Howe change in both.
SPRING, AUTUMN = datetime(2026, 4, 3, tzinfo=UTC), datetime(2026, 10, 20, tzinfo=UTC)


def a_calendar(**fields: Any) -> Calendar:
    """Return a calendar; *fields* are parts of its document."""
    return calendar_from_document({"name": "closed", **fields})


def window(start: str, end: str) -> Window:
    """Return a window, from texts."""
    return Window(datetime.fromisoformat(start), datetime.fromisoformat(end))


class TestWindows:
    """What a window is."""

    def test_the_start_is_part_of_it_and_the_end_is_not(self) -> None:
        """To the millisecond."""
        nights = a_calendar(windows=[{"cron": "0 2 * * *", "duration": "PT2H"}])
        night = window("2026-12-01T02:00Z", "2026-12-01T04:00Z")

        assert window_at(nights, night.start) == night
        assert window_at(nights, night.end - timedelta(milliseconds=1)) == night
        assert window_at(nights, night.end) is None
        assert window_at(nights, night.start - timedelta(milliseconds=1)) is None

    def test_windows_that_touch_or_overlap_are_one(self) -> None:
        """Whether they come from one expression or from several sources."""
        calendar = a_calendar(
            windows=[
                {"cron": "0 22 * * *", "duration": "PT2H"},
                {"cron": "0-30/10 0 * * *", "duration": "PT15M"},
            ],
            dates=[{"from": "2026-12-01T00:40:00Z", "to": "2026-12-01T05:00:00Z"}],
        )
        night = window("2026-11-30T22:00Z", "2026-12-01T05:00Z")

        for minute in range(0, 7 * 60, 10):
            assert window_at(calendar, night.start + minute * MINUTE) == night

    def test_days_are_days_of_the_calendars_zone(self) -> None:
        """The last one included; the day on which clocks go back has 25 hours."""
        calendar = a_calendar(
            timezone="Europe/Berlin", dates=[{"from": "2026-10-24", "to": "2026-10-25"}]
        )

        assert window_at(calendar, AUTUMN + timedelta(days=5)) == window(
            "2026-10-23T22:00Z", "2026-10-25T23:00Z"
        )

    def test_a_day_that_begins_after_a_gap_begins_there(self) -> None:
        """In Cairo clocks skip midnight once a year."""
        calendar = a_calendar(
            timezone="Africa/Cairo", dates=[{"from": "2026-04-24", "to": "2026-04-24"}]
        )

        assert windows_between(calendar, SPRING, AUTUMN) == [
            window("2026-04-23T22:00Z", "2026-04-24T21:00Z")
        ]

    def test_a_window_lasts_its_elapsed_time(self) -> None:
        """Whatever clocks do meanwhile; a start that they skip comes right after the gap."""
        calendar = a_calendar(
            timezone="Europe/Berlin",
            windows=[{"cron": "30 1,2 29 3 *", "duration": "PT2H"}],
        )

        assert windows_between(calendar, SPRING - timedelta(days=60), AUTUMN) == [
            window("2026-03-29T00:30Z", "2026-03-29T03:00Z")
        ]

    def test_a_calendar_without_blackouts_is_always_open(self) -> None:
        """Nothing is found, and no end is searched for."""
        assert window_at(a_calendar(), SPRING) is None
        assert windows_between(a_calendar(), SPRING, AUTUMN) == []

    def test_a_naive_instant_is_a_bug_of_the_caller(self) -> None:
        """It names no instant."""
        with pytest.raises(ValueError, match="naive"):
            window_at(a_calendar(), datetime(2026, 1, 1))  # noqa: DTZ001


class TestBounds:
    """Blackouts that end late or never."""

    def test_a_blackout_without_end_is_seen_in_parts(self) -> None:
        """A year in each direction from the instant asked about."""
        for windows, dates in (
            ([{"cron": "0 0 * * 1", "duration": "P7D"}], []),
            ([], [{"from": "1950-01-01", "to": "2900-01-01"}]),
        ):
            calendar = a_calendar(windows=windows, dates=dates)

            assert window_at(calendar, SPRING) == Window(SPRING - FARTHEST, SPRING + FARTHEST)

    def test_a_blackout_of_many_small_windows_is_seen_in_parts(self) -> None:
        """And its end is a later instant in any case, so that waiting for it comes to an end."""
        calendar = a_calendar(windows=[{"cron": "* * * * *", "duration": "PT1M"}])
        found = window_at(calendar, SPRING)

        assert found is not None
        assert found.start < SPRING < found.end
        assert timedelta(hours=4) < found.end - found.start <= (MERGES + 1) * MINUTE

    def test_the_ends_of_time_are_no_error(self) -> None:
        """Whoever asks about them."""
        calendar = a_calendar(
            windows=[{"cron": "* * * * *", "duration": "P7D"}],
            ics=(
                "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:19000101\n"
                "RRULE:FREQ=DAILY;BYDAY=MO\nEND:VEVENT\nEND:VCALENDAR\n"
            ),
        )
        for instant in ("0001-01-01", "0001-03-01", "2999-12-31", "9999-12-01", "9999-12-31"):
            found = window_at(calendar, datetime.fromisoformat(f"{instant}T23:59:59Z"))
            assert found is None or found.start <= found.end

    def test_a_list_has_a_limited_length(self) -> None:
        """The earliest windows are listed."""
        calendar = a_calendar(windows=[{"cron": "* * * * *", "duration": "PT1S"}])
        found = windows_between(calendar, SPRING, AUTUMN)

        assert len(found) == MOST_WINDOWS
        assert found[-1].start == SPRING + (MOST_WINDOWS - 1) * MINUTE

    def test_a_list_holds_what_has_a_part_in_it(self) -> None:
        """Whole windows, also those that begin before or end after; none of an empty stretch."""
        calendar = a_calendar(windows=[{"cron": "0 0 * * *", "duration": "PT2H"}])
        day = timedelta(days=1)
        nights = [Window(SPRING + n * day, SPRING + n * day + 120 * MINUTE) for n in range(4)]

        assert windows_between(calendar, SPRING + MINUTE, SPRING + 2 * day + SECOND) == nights[:3]
        assert windows_between(calendar, SPRING + MINUTE, SPRING + 2 * day) == nights[:2]
        late = SPRING + 2 * day + timedelta(milliseconds=1)
        assert windows_between(calendar, nights[0].end, late) == nights[1:3]
        assert windows_between(calendar, SPRING + MINUTE, SPRING + MINUTE) == []


#: Expressions that fire now and then, often, and all the time.
EXPRESSIONS = [
    "0 2 * * *",
    "30 2 * * *",
    "*/7 1-3 * * *",
    "0 */6 * * *",
    "15 22 * * 5,6",
    "5 4 1,20 * *",
    "*/20 * * * 0",
]

ZONES = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/New_York"]

#: Rules for events, from a start to an end of so many hours.
EVENTS = [
    ("DTSTART;TZID=Europe/Berlin:20260115T013000", "RRULE:FREQ=DAILY;INTERVAL=2"),
    ("DTSTART:20260101T230000", "RRULE:FREQ=WEEKLY;BYDAY=SA,TU"),
    ("DTSTART:20260405T120000Z", "X-NONE:1"),
]

MINUTES = st.integers(0, 14 * 24 * 60)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Calendar, datetime]:
    """Return a calendar, and the beginning of the fortnight to look at."""
    begin = draw(st.sampled_from([SPRING, AUTUMN]))
    windows = [
        {"cron": cron, "duration": f"PT{minutes}M"}
        for cron, minutes in draw(
            st.lists(
                st.tuples(st.sampled_from(EXPRESSIONS), st.sampled_from([1, 5, 7, 60, 360, 1500])),
                max_size=3,
            )
        )
    ]
    dates = []
    for start in draw(st.lists(MINUTES, max_size=2)):
        since = begin + start * MINUTE
        until = since + draw(st.integers(1, 3000)) * MINUTE
        day = draw(st.booleans())
        dates.append(
            {
                "from": since.date().isoformat() if day else since.isoformat(),
                "to": until.date().isoformat() if day else until.isoformat(),
            }
        )
    events = draw(
        st.lists(st.tuples(st.sampled_from(EVENTS), st.sampled_from([1, 24, 30])), max_size=2)
    )
    lines = "".join(
        f"BEGIN:VEVENT\n{start}\n{rule}\nDURATION:PT{hours}H\nEND:VEVENT\n"
        for (start, rule), hours in events
    )
    ics = f"BEGIN:VCALENDAR\n{lines}END:VCALENDAR\n" if events else ""
    timezone = draw(st.sampled_from(ZONES))
    return a_calendar(timezone=timezone, windows=windows, dates=dates, ics=ics), begin


class Oracle:
    """Which minutes of some weeks are closed, one by one, worked out without any shortcut."""

    def __init__(self, calendar: Calendar, begin: datetime) -> None:
        self.begin = begin - timedelta(days=30)
        self.closed = bytearray(90 * 24 * 60)
        info = zone(calendar.timezone).info
        end = self.begin + timedelta(days=90)
        for one in calendar.windows:
            schedule = CronSchedule(one.cron, timezone=calendar.timezone)
            for slot in fire_times(schedule, self.begin - timedelta(days=8), end):
                self._close(slot, slot + one.duration)
        for dates in calendar.dates:
            if "T" in dates.since:
                since, until = (datetime.fromisoformat(t) for t in (dates.since, dates.until))
            else:
                first, last = (date.fromisoformat(t) for t in (dates.since, dates.until))
                since = datetime(first.year, first.month, first.day, tzinfo=info)
                last += timedelta(days=1)
                until = datetime(last.year, last.month, last.day, tzinfo=info)
            self._close(since.astimezone(UTC), until.astimezone(UTC))
        for lines in calendar.ics.split("BEGIN:VEVENT\n")[1:]:
            self._close_events(lines, info)

    def _close_events(self, lines: str, info: Any) -> None:
        start_line, rule, length, *_ = lines.split("\n")
        hours = int(length.removeprefix("DURATION:PT").removesuffix("H"))
        text = start_line.rpartition(":")[2]
        clock = UTC if text.endswith("Z") else info
        if "TZID" in start_line:
            clock = zone("Europe/Berlin").info
        first = datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007
        for number in range(400):
            local = first + timedelta(days=number)
            if number and "DAILY" not in rule and "WEEKLY" not in rule:
                return
            if number and "DAILY" in rule and number % 2:
                continue
            if number and "WEEKLY" in rule and local.weekday() not in (1, 5):
                continue
            start = _instant(local, clock)
            # Whole days of a duration are days of the wall clock.
            days, rest = divmod(hours, 24)
            end = _instant(local + timedelta(days=days), clock) if days else start
            self._close(start, end + timedelta(hours=rest))

    def _close(self, start: datetime, end: datetime) -> None:
        first, last = ((moment - self.begin) // MINUTE for moment in (start, end))
        first, last = max(first, 0), min(last, len(self.closed))
        if first < last:
            self.closed[first:last] = b"\1" * (last - first)

    def window_at(self, instant: datetime) -> Window | None:
        """Return the run of closed minutes around *instant*."""
        here = (instant - self.begin) // MINUTE
        if not self.closed[here]:
            return None
        first, last = self.closed.rfind(0, 0, here) + 1, self.closed.find(0, here)
        if first == 0 or last < 0:
            reject()  # it leaves the weeks that are worked out
        return Window(self.begin + first * MINUTE, self.begin + last * MINUTE)


def _instant(local: datetime, clock: Any) -> datetime:
    """Return when *clock* shows *local*; for what it skips, the first minute after the gap."""
    found = local.replace(tzinfo=clock).astimezone(UTC)
    while found.astimezone(clock).replace(tzinfo=None) != local:
        local += MINUTE
        found = local.replace(tzinfo=clock).astimezone(UTC)
    return found


class TestAgainstAnOracle:
    """Random calendars around changes of clocks."""

    @settings(max_examples=150, deadline=None)
    @given(calendars(), st.lists(MINUTES, min_size=1, max_size=30))
    def test_a_window_is_the_run_of_closed_minutes(
        self, drawn: tuple[Calendar, datetime], minutes: list[int]
    ) -> None:
        """No longer and no shorter, and none where the calendar is open."""
        calendar, begin = drawn
        oracle = Oracle(calendar, begin)
        for minute in minutes:
            instant = begin + minute * MINUTE
            assert window_at(calendar, instant) == oracle.window_at(instant)

    @settings(max_examples=50, deadline=None)
    @given(calendars(), MINUTES, st.integers(1, 5000))
    def test_a_list_is_every_window_once(
        self, drawn: tuple[Calendar, datetime], start: int, length: int
    ) -> None:
        """Together they are just the closed minutes."""
        calendar, begin = drawn
        oracle = Oracle(calendar, begin)
        since = begin + start * MINUTE
        until = since + length * MINUTE
        expected: list[Window] = []
        instant = since
        while instant < until:
            found = oracle.window_at(instant)
            expected += [] if found is None else [found]
            instant = instant + MINUTE if found is None else found.end
        assert windows_between(calendar, since, until) == expected


@pytest.mark.alone
def test_asking_takes_microseconds() -> None:
    """In the median below 20 µs for windows, since every claim asks for every calendar."""
    calendar = a_calendar(
        timezone="Europe/Berlin",
        windows=[{"cron": f"{n} {n} * * {n}", "duration": "PT2H"} for n in range(5)],
    )
    taken = []
    for number in range(2_000):
        instant = SPRING + number * 37 * MINUTE
        begin = perf_counter()
        window_at(calendar, instant)
        taken.append(perf_counter() - begin)

    assert sorted(taken)[len(taken) // 2] < 20e-6
