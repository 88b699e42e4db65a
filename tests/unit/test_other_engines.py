"""Away from changes of clocks other cron engines find the same fire times.

Where one does not, a rule of ours says why; every such rule is listed, and none of them
may be idle.  What an engine does not know by its own documentation is not asked of it.
croniter and cronsim read cron's columns, with seconds or without; nobody else reads
Quartz's here, so those are compared through their translation.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from cronsim import CronSim

from executor.domain.cron import Dialect
from executor.domain.errors import InvalidSchedule
from executor.domain.schedule import CronSchedule, fire_times
from tests.unit.cron_oracle import Expressions

#: Random expressions per engine.  Tried with 30,000 each as well.
EXPRESSIONS = 3_000

#: Fire times compared of each.
EACH = 5

ZONES = ("UTC", "Europe/Berlin", "America/New_York")

Rule = Callable[[str, str], bool]


def not_of_cronsim(day: str, weekday: str) -> bool:
    """Whether it has no such day: one before the last one, or a working day nearest to another."""
    return re.search(r"L-|[0-9]W", day) is not None


def not_of_croniter(day: str, weekday: str) -> bool:
    """Whether it knows the columns not, or by its own word in another sense.

    It has no ``L-2`` and ``LW``, takes W, # and a last weekday only alone in their column, and
    lets both columns count then, where cron(8) is content with one.
    """
    nearest, of_month = "W" in day, re.search(r"[L#]", weekday) is not None
    listed = (nearest and "," in day) or (of_month and "," in weekday)
    either = (nearest or of_month) and not (day[0] == "*" or weekday[0] == "*")
    return re.search(r"L-|LW", day) is not None or listed or either


#: Why an engine disagrees, and of which day of month and weekday columns that is true.
CRONSIM: dict[str, Rule] = {
    "a weekday a/n runs to Saturday, not on to 7, the Sunday after it": (
        lambda day, weekday: re.search(r"(^|,)[0-9]+/", weekday) is not None
    ),
}
CRONITER: dict[str, Rule] = {
    "a day column is unrestricted only if it starts with *, not if it has one": (
        lambda day, weekday: ",*" in day or ",*" in weekday
    ),
}


def expressions(count: int, foreign: Rule) -> Iterator[tuple[random.Random, CronSchedule]]:
    """Yield schedules of valid random expressions of five and six columns, but for *foreign*."""
    chance = random.Random(count)
    make = Expressions(chance)
    while count:
        dialect, text = chance.choice([(Dialect.CRON5, make.five()), (Dialect.CRON6S, make.six())])
        try:
            schedule = CronSchedule(text, dialect, timezone=chance.choice(ZONES))
        except InvalidSchedule:
            continue
        day, _, weekday = text.split()[-3:]
        if not foreign(day, weekday):
            yield chance, schedule
            count -= 1


def july(chance: random.Random) -> datetime:
    """Return a minute in a July: between the changes of the zones asked here."""
    return datetime(chance.randint(2020, 2030), 7, 1, tzinfo=UTC) + timedelta(
        minutes=chance.randrange(20 * 1440)
    )


def by_cronsim(schedule: CronSchedule, start: datetime) -> Iterator[datetime]:
    local = start.astimezone(ZoneInfo(schedule.timezone))
    return (due.astimezone(UTC) for due in CronSim(schedule.expression, local))


def by_croniter(schedule: CronSchedule, start: datetime) -> Iterator[datetime]:
    local = start.astimezone(ZoneInfo(schedule.timezone))
    text = re.sub(r"([0-7])L", r"L\1", schedule.expression)
    seconds_first = schedule.dialect == "cron6s"
    both = schedule.cron().both
    other = croniter(text, local, day_or=not both, second_at_beginning=seconds_first)
    while True:
        yield other.get_next(datetime).astimezone(UTC)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("other", "foreign", "rules"),
    [(by_cronsim, not_of_cronsim, CRONSIM), (by_croniter, not_of_croniter, CRONITER)],
    ids=["cronsim", "croniter"],
)
def test_another_engine_agrees_away_from_changes(
    other: Callable[[CronSchedule, datetime], Iterator[datetime]],
    foreign: Rule,
    rules: dict[str, Rule],
) -> None:
    """No disagreement is left unexplained, and every explanation is needed."""
    used: set[str] = set()
    forms: set[str] = set()
    for chance, schedule in expressions(EXPRESSIONS, foreign):
        forms |= {schedule.dialect, *re.findall("[LW#]", schedule.expression)}
        start = july(chance)
        # In a zone only up to its next change, in UTC as far as it takes.
        end = start + timedelta(days=60 if schedule.timezone != "UTC" else 36_500)
        expected = []
        for due in islice(other(schedule, start), EACH):
            if due > end:
                break
            expected.append(due)
        if list(islice(fire_times(schedule, start, end), EACH)) == expected:
            continue
        day, _, weekday = schedule.expression.split()[-3:]
        why = [rule for rule, holds in rules.items() if holds(day, weekday)]
        assert why, schedule
        used.update(why)

    assert used == set(rules)
    assert forms == {"cron5", "cron6s", "L", "W", "#"}
