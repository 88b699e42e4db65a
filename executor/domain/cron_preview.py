"""A cron schedule in plain English: what its columns say, and what may surprise.

The words about times and days are cron-descriptor's, asked part by part about columns
rewritten so that it cannot go wrong: values instead of names and of lists that run over,
Monday to Sunday as 1 to 7 in every dialect, and the values chosen for ``H``.  How the two
day columns combine is said here, since it depends on the rule that applies.
"""

from __future__ import annotations

import re
from calendar import month_name, monthrange
from collections.abc import Iterator
from datetime import datetime, timedelta

from cron_descriptor import (  # type: ignore[import-untyped]
    CasingTypeEnum,
    DescriptionTypeEnum,
    ExpressionDescriptor,
    Options,
)

from executor.domain import zone
from executor.domain.cron import Cron, DayRule, Dialect, units_of
from executor.domain.cron_column import DAY, Column, read_column
from executor.domain.cron_schedule import CronSchedule, Fold, Gap
from executor.domain.schedule_warning import ScheduleWarning, change_warning, clock_after
from executor.domain.zone import Change

_LEADING_ZEROS = re.compile(r"\b0+(?=[0-9])")


def describe_cron(schedule: CronSchedule) -> str:
    """Return what the expression says, in one sentence without a full stop.

    Where ``H`` depends on the job and no job is known, what it says is an example.
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
        _years(cron.years),
        "for example" if schedule.hashed and not schedule.key else "",
    ]
    return ", ".join(phrase for phrase in phrases if phrase)


def _years(years: int) -> str:
    """Say in which *years*, bits from 1970 on, nothing if in every one."""
    found = [1970 + n for n in range(years.bit_length()) if years >> n & 1]
    if not found:
        return ""
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:
        return f"{found[0]} through {found[-1]}"
    texts = [str(year) for year in found]
    return "only in " + " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


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
    items += ["LW" if n == 0 else f"{n}W" for n in sorted(column.nearest) if n >= 0]
    phrases = [
        _phrase(["*", "*", item, "*", "*"], DescriptionTypeEnum.DAYOFMONTH) for item in items
    ]
    phrases += [  # which cron-descriptor does not know
        f"on the weekday nearest {-n} days before the last day of the month"
        for n in sorted(column.nearest)
        if n < 0
    ]
    return re.sub(r"\b1 days before", "1 day before", " and ".join(phrases))


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


def cron_warnings(
    schedule: CronSchedule, after: datetime, horizon: timedelta
) -> Iterator[ScheduleWarning]:
    """Yield what may surprise about *schedule* from *after* (aware) to *horizon* later."""
    cron = schedule.cron()
    yield from _day_rule(schedule, cron)
    yield from _short_months(cron)
    yield from _uneven_steps(cron, schedule.dialect)
    yield from _clock_changes(schedule, cron, after, horizon)
    if not cron.fixed and (schedule.gap is not Gap.RUN_AFTER or schedule.fold is not Fold.FIRST):
        yield ScheduleWarning(
            "no_effect",
            "`gap` and `fold` have no effect: the minute or hour runs through all of its "
            "field, so the schedule follows real time when clocks change.",
        )
    if schedule.dialect is Dialect.QUARTZ and schedule.dom_dow is not DayRule.CRON:
        yield ScheduleWarning(
            "no_effect",
            "`dom_dow` has no effect: in the dialect `quartz` one of the two day columns is `?`.",
        )


def _day_rule(schedule: CronSchedule, cron: Cron) -> Iterator[ScheduleWarning]:
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
    ("minute", 60),
    ("hour", 60),
    ("day", 24),
    ("month", 31),
    ("year", 12),
    ("week", 7),
)


def _uneven_steps(cron: Cron, dialect: Dialect) -> Iterator[ScheduleWarning]:
    for column, unit, (cycle, size) in zip(cron.columns, units_of(dialect), _CYCLES, strict=False):
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


def _clock_changes(
    schedule: CronSchedule, cron: Cron, after: datetime, horizon: timedelta
) -> Iterator[ScheduleWarning]:
    slots = schedule.inner_slots()
    start = int(after.timestamp())
    end = start + int(horizon.total_seconds())
    for change in zone.zone(schedule.timezone).changes(start, end):
        low, high = sorted((change.instant + change.before, change.instant + change.after))
        # Through whole hours of change, something that runs every hour just goes on.
        steady = cron.hour.whole and (high - low) % 3600 == 0
        if steady or slots.next_local(low) >= high:
            continue
        consequence = _consequence(schedule, cron, change)
        yield change_warning(schedule.timezone, change, f"What is due in between {consequence}.")


def _consequence(schedule: CronSchedule, cron: Cron, change: Change) -> str:
    if change.after > change.before:
        runs = cron.fixed and schedule.gap is Gap.RUN_AFTER
        return f"runs once, at {clock_after(change)}" if runs else "does not run"
    if not cron.fixed or schedule.fold is Fold.BOTH:
        return "runs both times"
    return f"runs once, the {schedule.fold} time"
