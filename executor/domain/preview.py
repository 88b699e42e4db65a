"""A schedule in plain English: what it says, what may surprise, when it is due next.

For people who are about to save a schedule.  Pure: the caller says from when to look.
For a job that exists, ask about ``for_job(schedule, job.id)``.

Words
-----
description
    One sentence about the expression ("At 02:30 AM, Monday through Friday"); it leaves
    out the zone and says nothing about clock changes.
warning
    Something that is allowed but often not meant: a code for programs, a sentence for
    people.  No warning changes what the schedule does.

Codes
-----
``day_rule``      both day columns are restricted: which rule applies
``short_month``   a day that not every month has
``uneven_step``   ``*/7`` does not divide its field: the last interval is shorter
``clock_forward`` a local time of the schedule is skipped within two years
``clock_back``    a local time of the schedule occurs twice within two years
``no_effect``     ``gap``, ``fold`` or ``dom_dow`` is set where it means nothing
``start_in_utc``  START has no offset although a zone is given
``hashed``        ``H`` is chosen by the job's id, so what is shown is an example
``full_hour``     due at minute 0 of the hour, like most other jobs
``ends``          there is a last fire time, so the list may be short
``refused``       a job made now with this schedule would be refused
``never``         no fire time is left
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from executor.domain.cron_preview import cron_warnings, describe_cron
from executor.domain.instant import to_text
from executor.domain.interval_preview import (
    describe_interval,
    interval_end,
    interval_warnings,
    written,
)
from executor.domain.schedule import (
    ContinuousSchedule,
    CronSchedule,
    IntervalSchedule,
    OnceSchedule,
    Schedule,
    creation_faults,
    next_after,
)
from executor.domain.schedule_fields import NO_JITTER
from executor.domain.schedule_warning import ScheduleWarning

__all__ = [
    "HORIZON",
    "ScheduleWarning",
    "clock_name",
    "describe",
    "schedule_text",
    "upcoming",
    "warnings",
]

#: How far ahead warnings look for clock changes: twice forward and back.
HORIZON = timedelta(days=731)

_HOUR_S = 3600


def upcoming(schedule: Schedule, after: datetime, count: int) -> list[tuple[datetime, datetime]]:
    """Return up to *count* fire times later than *after*, each in UTC and in local time.

    Raises:
        ValueError: *after* is naive.
    """
    clock = schedule.clock()
    return [(due, due.astimezone(clock)) for due in islice(_following(schedule, after), count)]


def _following(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    due = next_after(schedule, after)
    while due is not None:
        yield due
        due = next_after(schedule, due)


def schedule_text(schedule: Schedule) -> str:
    """Return what somebody wrote to say when: the expression, or the one instant."""
    if isinstance(schedule, ContinuousSchedule):
        return schedule.kind
    return schedule.at if isinstance(schedule, OnceSchedule) else schedule.expression


def clock_name(schedule: Schedule) -> str:
    """Return whose wall clock fire times are shown on: a zone, or an offset as ``UTC+01:00``."""
    if isinstance(schedule, OnceSchedule | ContinuousSchedule):
        return str(schedule.clock())
    name = schedule.timezone
    return name or str(schedule.clock())


def describe(schedule: Schedule) -> str:
    """Return what the schedule says, in one sentence without a full stop.

    >>> describe(CronSchedule("30 2 13 * fri"))
    'At 02:30 AM, on day 13 of the month, or on Friday'
    >>> describe(IntervalSchedule("R5/2026-12-01T09:30:00Z/P1M"))
    'Every month from 2026-12-01 at 09:30 on, 6 times'
    """
    if isinstance(schedule, CronSchedule):
        return describe_cron(schedule)
    if isinstance(schedule, IntervalSchedule):
        return describe_interval(schedule)
    if isinstance(schedule, ContinuousSchedule):
        return f"For ever: started again {schedule.delay} after it ends"
    return f"Once, on {written(schedule.instant())}"


def warnings(schedule: Schedule, after: datetime) -> list[ScheduleWarning]:
    """Return what may surprise about *schedule* from *after* (aware) on, in a fixed order."""
    found: list[ScheduleWarning] = []
    if isinstance(schedule, CronSchedule):
        found += cron_warnings(schedule, after, HORIZON)
    elif isinstance(schedule, IntervalSchedule):
        found += interval_warnings(schedule, after, HORIZON)
    found += _hashed(schedule)
    found += _full_hour(schedule)
    found += _end(schedule)
    return [*found, *_refused(schedule, after)]


def _hashed(schedule: Schedule) -> Iterator[ScheduleWarning]:
    if isinstance(schedule, CronSchedule) and schedule.hashed and not schedule.key:
        yield ScheduleWarning("hashed", "`H` is chosen by the job's id; these are examples.")


def _full_hour(schedule: Schedule) -> Iterator[ScheduleWarning]:
    if schedule.jitter != NO_JITTER:
        return
    if isinstance(schedule, CronSchedule):
        cron = schedule.cron()
        if cron.minute.bits == 1 and not cron.minute.choices:
            yield ScheduleWarning(
                "full_hour",
                "Due at minute 0, when most jobs are.  Write `H` as minute, or set `jitter`, "
                "to spread the load.",
            )
    elif isinstance(schedule, IntervalSchedule):
        interval = schedule.interval()
        often = interval.repeats != 0 and interval.seconds % _HOUR_S == 0
        if often and interval.start % _HOUR_S == 0:
            yield ScheduleWarning(
                "full_hour",
                "Due at minute 0, when most jobs are.  Set `jitter`, or another minute in START, "
                "to spread the load.",
            )


def _end(schedule: Schedule) -> Iterator[ScheduleWarning]:
    if isinstance(schedule, IntervalSchedule):
        text = interval_end(schedule.interval(), schedule)
        if text is not None:
            yield ScheduleWarning("ends", text)
    elif isinstance(schedule, CronSchedule) and schedule.cron().years:
        last = 1969 + schedule.cron().years.bit_length()
        yield ScheduleWarning("ends", f"Ends with the year {last}.")
    elif isinstance(schedule, OnceSchedule):
        yield ScheduleWarning("ends", "Runs once.")
    if schedule.not_after is not None:
        yield ScheduleWarning("ends", f"Ends at {schedule.not_after}: `not_after` is set.")


def _refused(schedule: Schedule, after: datetime) -> Iterator[ScheduleWarning]:
    """Yield why a job would not be made with *schedule* at *after*."""
    if isinstance(schedule, ContinuousSchedule):
        return
    faults = creation_faults(schedule, after)
    if next_after(schedule, after) is None:
        where = f" in the zone {clock_name(schedule)}" if isinstance(schedule, CronSchedule) else ""
        yield ScheduleWarning("never", f"No fire time is left{where}.")
    for fault in faults:
        text = f"A job made at {to_text(after)} is refused: `{fault.field}`: {fault.message}."
        yield ScheduleWarning("refused", text)
