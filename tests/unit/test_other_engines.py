"""Away from changes of clocks other cron engines find the same fire times.

Where one does not, a rule of ours says why; every such rule is listed, and none of them
may be idle.  croniter and cronsim read cron's columns; nobody else reads Quartz's here,
so those are compared through their translation.
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

from executor.domain.errors import InvalidSchedule
from executor.domain.schedule import CronSchedule, fire_times
from tests.unit.cron_oracle import Expressions

#: Random expressions per engine.  Tried with 30,000 each as well.
EXPRESSIONS = 3_000

#: Fire times compared of each.
EACH = 5

ZONES = ("UTC", "Europe/Berlin", "America/New_York")

Rule = Callable[[str, str], bool]

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


def expressions(count: int) -> Iterator[tuple[random.Random, CronSchedule]]:
    """Yield schedules of valid random expressions of five columns."""
    chance = random.Random(count)
    make = Expressions(chance, special=False)
    while count:
        try:
            schedule = CronSchedule(make.five(), timezone=chance.choice(ZONES))
        except InvalidSchedule:
            continue
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
    other = croniter(schedule.expression, local, day_or=not schedule.cron().both)
    while True:
        yield other.get_next(datetime).astimezone(UTC)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("other", "rules"),
    [(by_cronsim, CRONSIM), (by_croniter, CRONITER)],
    ids=["cronsim", "croniter"],
)
def test_another_engine_agrees_away_from_changes(
    other: Callable[[CronSchedule, datetime], Iterator[datetime]], rules: dict[str, Rule]
) -> None:
    """No disagreement is left unexplained, and every explanation is needed."""
    used: set[str] = set()
    for chance, schedule in expressions(EXPRESSIONS):
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
        _, _, day, _, weekday = schedule.expression.split()
        why = [rule for rule, holds in rules.items() if holds(day, weekday)]
        assert why, schedule
        used.update(why)

    assert used == set(rules)
