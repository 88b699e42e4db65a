"""A repeating interval in plain English: its distance, its start, and what may surprise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from executor.domain import zone
from executor.domain.instant import from_epoch
from executor.domain.interval import Interval
from executor.domain.interval_schedule import IntervalSchedule
from executor.domain.schedule_warning import ScheduleWarning, change_warning, clock_after

_DAY_S = 86400

#: Names of the parts of a distance and how many of the unit each stands for.
_MONTHS = (("year", 12), ("month", 1))
_DAYS = (("week", 7), ("day", 1))
_SECONDS = (("hour", 3600), ("minute", 60), ("second", 1))


def describe_interval(schedule: IntervalSchedule) -> str:
    """Return what the interval says, in one sentence without a full stop."""
    interval = schedule.interval()
    start = written(datetime.fromtimestamp(interval.start, schedule.clock()))
    if interval.repeats == 0:
        return f"Once, on {start}"
    runs = "" if interval.repeats is None else f", {interval.repeats + 1:,} times"
    return f"Every {_distance(interval)} from {start} on{runs}"


def written(moment: datetime) -> str:
    """Write *moment* to the second as people read it, without its zone."""
    return f"{moment:%Y-%m-%d} at {moment:%H:%M:%S}".removesuffix(":00")


def _distance(interval: Interval) -> str:
    parts = []
    for value, units in (
        (interval.months, _MONTHS),
        (interval.days, _DAYS),
        (interval.seconds, _SECONDS),
    ):
        parts += _parts(value, units)
    if len(parts) == 1:
        return parts[0].removeprefix("1 ")
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _parts(value: int, units: tuple[tuple[str, int], ...]) -> list[str]:
    """Write *value* in *units*, in one of them if it is a whole number of it."""
    for name, size in units:
        if value and value % size == 0:
            return [_count(value // size, name)]
    parts = []
    for name, size in units:
        count, value = divmod(value, size)
        if count:
            parts.append(_count(count, name))
    return parts


def _count(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def interval_warnings(
    schedule: IntervalSchedule, after: datetime, horizon: timedelta
) -> Iterator[ScheduleWarning]:
    """Yield what may surprise about *schedule* from *after* (aware) to *horizon* later."""
    interval = schedule.interval()
    if not interval.zoned and schedule.timezone not in (None, "UTC"):
        yield _start_in_utc(schedule, interval)
    yield from _short_months(schedule, interval)
    yield from _clock_changes(schedule, interval, after, horizon)


def _start_in_utc(schedule: IntervalSchedule, interval: Interval) -> ScheduleWarning:
    local = datetime.fromtimestamp(interval.start, schedule.clock())
    meant = datetime.fromtimestamp(interval.start, UTC).replace(tzinfo=schedule.clock())
    return ScheduleWarning(
        "start_in_utc",
        f"START has no offset, so it is UTC: {written(local)} in {schedule.timezone}.  "
        f"If {written(meant).partition(' at ')[2]} there is meant, write "
        f"`{meant.isoformat(timespec='seconds')}`.",
    )


def _short_months(schedule: IntervalSchedule, interval: Interval) -> Iterator[ScheduleWarning]:
    day = datetime.fromtimestamp(interval.start, schedule.clock()).day
    if interval.months and interval.repeats != 0 and day > 28:
        yield ScheduleWarning(
            "short_month",
            f"Where a month has no day {day}, it is due on the month's last day.",
        )


def _clock_changes(
    schedule: IntervalSchedule, interval: Interval, after: datetime, horizon: timedelta
) -> Iterator[ScheduleWarning]:
    name, repeats = schedule.timezone, interval.repeats
    if name is None or repeats == 0 or (interval.seconds % _DAY_S and interval.elapsed):
        return
    slots = None if interval.elapsed else schedule.calendar_slots()
    begin = max(int(after.timestamp()), interval.start)
    last = slots.last() if slots else None
    if repeats is not None and slots is None:
        last = interval.start + repeats * interval.seconds
    end = int(after.timestamp() + horizon.total_seconds())
    for change in zone.zone(name).changes(begin, min(end, zone.LATEST if last is None else last)):
        if slots is None:
            yield change_warning(name, change, _shifted(interval, change.after - change.before))
            continue
        low, high = sorted((change.instant + change.before, change.instant + change.after))
        if interval.seconds or slots.next_wall(low) >= high:
            continue
        forward = change.after > change.before
        when = f"at {clock_after(change)}" if forward else "the first time"
        yield change_warning(name, change, f"What is due in between runs once, {when}.")


def _shifted(interval: Interval, shift_s: int) -> str:
    minutes = abs(shift_s) // 60
    days = interval.seconds // _DAY_S
    return (
        f"The time of day moves by {minutes} minutes from then on, since hours are elapsed time; "
        f"to keep it write `P{days}D`."
    )


def interval_end(interval: Interval, schedule: IntervalSchedule) -> str | None:
    """Say when the repeats of the interval end, None if never."""
    if interval.repeats is None:
        return None
    last = interval.start + interval.repeats * interval.seconds
    if not interval.elapsed:
        last = schedule.calendar_slots().last() or last
    if last > zone.LATEST:
        return None
    moment = from_epoch(last).astimezone(UTC)
    return f"Ends after {_count(interval.repeats + 1, 'run')}, the last on {written(moment)} UTC."
