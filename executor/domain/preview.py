"""A schedule in plain English: what it says, what may surprise, when it is due next.

For people who are about to save a schedule.  Pure: the caller says from when to look.

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
``no_effect``     ``gap`` or ``fold`` is set, but only fixed times heed it
``never``         no fire time is left in this zone
"""

from __future__ import annotations

import re
from calendar import month_name, monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from cron_descriptor import (  # type: ignore[import-untyped]
    CasingTypeEnum,
    DescriptionTypeEnum,
    ExpressionDescriptor,
    Options,
)

from executor.domain import zone
from executor.domain.cron import Cron, DayRule
from executor.domain.cron_column import (
    DAY,
    HOUR,
    MINUTE,
    MONTH,
    SECOND,
    WEEKDAY,
    Column,
    read_column,
)
from executor.domain.schedule import Fold, Gap, Schedule, next_after

#: How far ahead warnings look for clock changes: twice forward and back.
HORIZON = timedelta(days=731)

_LEADING_ZEROS = re.compile(r"\b0+(?=[0-9])")


@dataclass(frozen=True, slots=True)
class ScheduleWarning:
    """Something allowed but surprising: ``code`` for programs, ``message`` for people."""

    code: str
    message: str


def upcoming(schedule: Schedule, after: datetime, count: int) -> list[tuple[datetime, datetime]]:
    """Return up to *count* fire times later than *after*, each in UTC and in local time.

    Raises:
        ValueError: *after* is naive.
    """
    info = zone.zone(schedule.timezone).info
    return [(due, due.astimezone(info)) for due in islice(_following(schedule, after), count)]


def _following(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    due = next_after(schedule, after)
    while due is not None:
        yield due
        due = next_after(schedule, due)


def describe(schedule: Schedule) -> str:
    """Return what the expression says, in one sentence without a full stop.

    >>> from executor.domain.schedule import CronSchedule
    >>> describe(CronSchedule("30 2 13 * fri"))
    'At 02:30 AM, on day 13 of the month, or on Friday'
    """
    cron = schedule.cron()
    times = [_stepped(cron.minute, 60), _stepped(cron.hour, 24), "*", "*", "*"]
    if cron.second.text != "0":
        times.insert(0, _stepped(cron.second, 60))
    phrases = [
        _phrase(times, DescriptionTypeEnum.FULL),
        _days(cron),
        _phrase(
            ["*", "*", "*", _listed(cron.month.bits, range(1, 13)), "*"], DescriptionTypeEnum.MONTH
        ),
    ]
    return ", ".join(phrase for phrase in phrases if phrase)


def _phrase(columns: list[str], part: DescriptionTypeEnum) -> str:
    """Return what cron-descriptor says about one part of five or six *columns*."""
    options = Options(
        casing_type=CasingTypeEnum.Sentence,
        use_24hour_time_format=False,
        locale_code="en_US",
    )
    text = ExpressionDescriptor(" ".join(columns), options).get_description(part)
    return str(text).removeprefix(", ")


def _stepped(column: Column, size: int) -> str:
    """Write *column*, whose values are 0 to *size* - 1, as cron-descriptor words it best."""
    if column.bits == (1 << size) - 1:
        return "*"
    if "," in column.text:
        return _values(column.bits)
    whole_steps = re.fullmatch(rf"0(?:-{size - 1})?(/[0-9]+)", column.text)
    text = f"*{whole_steps[1]}" if whole_steps else column.text
    return _LEADING_ZEROS.sub("", text)


def _values(bits: int) -> str:
    return ",".join(str(value) for value in range(bits.bit_length()) if bits >> value & 1)


def _listed(bits: int, values: range) -> str:
    """Write those of *values* that are in *bits* as ``*``, as one range or as a list."""
    found = [value for value in values if bits >> value & 1]
    if len(found) == len(values):
        return "*"
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:
        return f"{found[0]}-{found[-1]}"
    return ",".join(map(str, found))


def _days(cron: Cron) -> str:
    """Say on which days, joining both day columns by the rule that applies."""
    by_day, by_weekday = _days_of_month(cron.day), _days_of_week(cron.weekday)
    if by_day and by_weekday:
        return f"{by_day}, {'and only' if cron.both else 'or'} {by_weekday.removeprefix('only ')}"
    # A column that takes every day: "or" makes that every day, "and" leaves the other one.
    everything = not cron.both and cron.day.text != "*" and cron.weekday.text != "*"
    return "" if everything else by_day or by_weekday


def _days_of_month(column: Column) -> str:
    if column.bits == 0xFFFFFFFE:
        return ""
    plain = _values(column.bits) if "," in column.text else column.text
    items = [_LEADING_ZEROS.sub("", plain)] if column.bits else []
    items += ["L" if n == 0 else f"L-{n}" for n in sorted(column.before_last)]
    items += ["LW" if n == 0 else f"{n}W" for n in sorted(column.nearest)]
    phrases = [
        _phrase(["*", "*", item, "*", "*"], DescriptionTypeEnum.DAYOFMONTH) for item in items
    ]
    return " and ".join(phrases).replace("1 days before", "1 day before")


def _days_of_week(column: Column) -> str:
    if column.bits == 0b1111111:
        return ""
    # Monday first and Sunday as 7, so that a weekend is one range.
    plain = column.bits | (column.bits & 1) << 7
    items = [_listed(plain, range(1, 8))] if plain else []
    items += [f"{day}#{n}" for day, n in sorted(column.nth)]
    items += [f"{day}L" for day in sorted(column.last)]
    phrases = [_phrase(["*", "*", "*", "*", item], DescriptionTypeEnum.DAYOFWEEK) for item in items]
    return " and ".join(phrases)


def warnings(schedule: Schedule, after: datetime) -> list[ScheduleWarning]:
    """Return what may surprise about *schedule* from *after* (aware) on, in a fixed order."""
    cron = schedule.cron()
    found = [*_day_rule(schedule, cron), *_short_months(cron), *_uneven_steps(cron)]
    found += _clock_changes(schedule, cron, after)
    if not cron.fixed and (schedule.gap is not Gap.RUN_AFTER or schedule.fold is not Fold.FIRST):
        found.append(
            ScheduleWarning(
                "no_effect",
                "`gap` and `fold` have no effect: the minute or hour runs through all of its "
                "field, so the schedule follows real time when clocks change.",
            )
        )
    if next_after(schedule, after) is None:
        found.append(
            ScheduleWarning("never", f"No fire time is left in the zone {schedule.timezone}.")
        )
    return found


def _day_rule(schedule: Schedule, cron: Cron) -> Iterator[ScheduleWarning]:
    day, weekday = cron.day.text, cron.weekday.text
    if "*" in (day, weekday):
        return
    both = f"Day of month `{day}` and weekday `{weekday}` are both set"
    if schedule.dom_dow is DayRule.AND:
        text = f"{both}: a day has to match both, because `dom_dow` is `and`."
    elif cron.both:
        star = day if cron.day.star else weekday
        text = f"{both}: a day has to match both, because `{star}` starts with `*`."
    else:
        every = ", so it runs every day" if cron.every_day else ""
        text = f"{both}: a day that matches either one is enough{every}.  "
        text += "For days that match both set `dom_dow` to `and`."
    yield ScheduleWarning("day_rule", text)


def _short_months(cron: Cron) -> Iterator[ScheduleWarning]:
    if cron.day.whole or cron.day.special or not (cron.both or cron.weekday.text == "*"):
        return
    lowest = (cron.day.bits & -cron.day.bits).bit_length() - 1
    short = [
        n for n in range(1, 13) if cron.month.bits >> n & 1 and monthrange(2023, n)[1] < lowest
    ]
    if short:
        names = ", ".join(month_name[n] for n in short)
        leap = " except in leap years" if lowest == 29 else ""
        yield ScheduleWarning(
            "short_month",
            f"Skips {names}{leap}, where there is no day {lowest}.  "
            "Write `L` for the last day of each month.",
        )


#: What starts again when a column's values have run out, and the number of its values.
_CYCLES = (
    (SECOND, "minute", 60),
    (MINUTE, "hour", 60),
    (HOUR, "day", 24),
    (DAY, "month", 31),
    (MONTH, "year", 12),
    (WEEKDAY, "week", 7),
)


def _uneven_steps(cron: Cron) -> Iterator[ScheduleWarning]:
    columns = (cron.second, cron.minute, cron.hour, cron.day, cron.month, cron.weekday)
    for column, (unit, cycle, size) in zip(columns, _CYCLES, strict=True):
        for item in column.text.split(","):
            step = re.fullmatch(r"(\*|[0-9]+)(?:-[0-9]+)?/([0-9]+)", item)
            uneven = step and (unit is DAY or size % int(step[2]) > 0) and int(step[2]) > 1
            if not step or not uneven or not read_column(unit, item).whole:
                continue
            last = size - (size - 1) // int(step[2]) * int(step[2])
            end = "depends on the month" if unit is DAY else f"is {last}, not {step[2]}"
            yield ScheduleWarning(
                "uneven_step",
                f"`{item}` ({unit.name}) starts again with every {cycle}: the last interval {end}.",
            )


def _clock_changes(schedule: Schedule, cron: Cron, after: datetime) -> Iterator[ScheduleWarning]:
    slots = schedule.slots()
    start = int(after.timestamp())
    end = start + int(HORIZON.total_seconds())
    for change in zone.zone(schedule.timezone).changes(start, end):
        low, high = sorted((change.instant + change.before, change.instant + change.after))
        # Through whole hours of change, something that runs every hour just goes on.
        steady = cron.hour.whole and (high - low) % 3600 == 0
        if steady or slots.next_local(low) >= high:
            continue
        forward = change.after > change.before
        wall = [datetime.fromtimestamp(local, UTC) for local in (low, high)]
        old, new = wall if forward else reversed(wall)
        yield ScheduleWarning(
            "clock_forward" if forward else "clock_back",
            f"On {old:%Y-%m-%d} clocks in {schedule.timezone} go "
            f"{'forward' if forward else 'back'} from {_clock(old)} to "
            f"{_clock(new)}{'' if old.date() == new.date() else f' of {new:%Y-%m-%d}'}.  "
            f"What is due in between {_consequence(schedule, cron, forward, new)}.",
        )


def _clock(wall: datetime) -> str:
    return f"{wall:%H:%M:%S}" if wall.second else f"{wall:%H:%M}"


def _consequence(schedule: Schedule, cron: Cron, forward: bool, new: datetime) -> str:
    if forward:
        runs = cron.fixed and schedule.gap is Gap.RUN_AFTER
        return f"runs once, at {_clock(new)}" if runs else "does not run"
    if not cron.fixed or schedule.fold is Fold.BOTH:
        return "runs both times"
    return f"runs once, the {schedule.fold} time"
