"""30,000 random expressions around changes of clocks, against a walk through every minute."""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta

import pytest

from executor.domain.errors import InvalidSchedule
from executor.domain.schedule import CronSchedule, DayRule, Dialect, Fold, Gap, next_epoch
from tests.unit.cron_oracle import BREAKING, Expressions, Stretch, transitions

#: Random expressions in all, spread over the changes.
EXPRESSIONS = 30_000

#: Changes of other kinds than those of BREAKING: abolished, moved by politics, by two hours.
MORE_CHANGES = (
    ("America/Sao_Paulo", 2018),
    ("America/Scoresbysund", 2024),
    ("Asia/Tehran", 2022),
    ("Asia/Beirut", 2023),
    ("Asia/Amman", 2022),
    ("Pacific/Norfolk", 2015),
    ("Europe/Istanbul", 2016),
    ("Atlantic/Azores", 1993),
    ("Africa/Juba", 2021),
    ("Asia/Kathmandu", 1985),
    ("Pacific/Kiritimati", 1994),
    ("Europe/London", 1971),
    ("America/Argentina/San_Luis", 2008),
    ("Europe/Lisbon", 1992),
)

#: Real time walked before and after a change: a fold's other half is always in it.
BEFORE, AFTER = timedelta(hours=3), timedelta(hours=4)

PLACES = [
    (zone, change) for zone, year in BREAKING + MORE_CHANGES for change in transitions(zone, year)
]

EACH = -(-EXPRESSIONS // len(PLACES))


def test_there_are_enough_changes_of_clocks() -> None:
    """At least 32, over 30 zones."""
    assert len(PLACES) >= 32
    assert len({zone for zone, _ in PLACES}) == len(BREAKING + MORE_CHANGES)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("zone", "change"), PLACES, ids=lambda part: str(part).replace(" ", "T"))
def test_slots_around_a_change_are_those_of_real_time(zone: str, change: datetime) -> None:
    """Random expressions with random overrides agree with a walk through every minute."""
    chance = random.Random(f"{zone} {change}")
    stretch = Stretch(zone, change - BEFORE, change + AFTER)
    hours = tuple(sorted({wall.hour for wall, _ in stretch.skipped} | stretch.twice | {0, 2}))
    make, compared = Expressions(chance), 0
    start, end = int(stretch.start.timestamp()) - 1, int(stretch.end.timestamp())

    while compared < EACH:
        expression = make.five(hours)
        if compared % 20 == 19:
            expression = f"{chance.choice(['0', '7', '*/20', '5,50', '30-40/5'])} {expression}"
        gap, fold = chance.choice(list(Gap)), chance.choice(list(Fold))
        rule = chance.choice(list(DayRule))
        written, dialect = written_in_some_dialect(expression, chance)
        try:
            schedule = CronSchedule(written, dialect, zone, gap, fold, rule)
        except InvalidSchedule as refused:
            assert "never fires" in str(refused)  # noqa: PT017
            continue
        found, at = [], next_epoch(schedule, start)
        while at is not None and at <= end:
            found.append(at)
            at = next_epoch(schedule, at)
        assert found == stretch.epochs(expression, gap, fold, rule), schedule
        compared += 1


def written_in_some_dialect(expression: str, chance: random.Random) -> tuple[str, Dialect]:
    """Return *expression* as it is, or sometimes, where Quartz can say it, in its words."""
    words = expression.split()
    if len(words) == 6:
        return expression, Dialect.CRON6S
    if chance.random() < 0.7 or "*" not in (words[2], words[4]):
        return expression, Dialect.CRON5
    *times, day, month, weekday = words
    if weekday == "*":
        weekday = "?"
    else:
        day, weekday = "?", ",".join(quartz_weekday(item) for item in weekday.split(","))
    return " ".join(["0", *times, day, month, weekday]), Dialect.QUARTZ


def quartz_weekday(item: str) -> str:
    """Return an item of cron's weekdays in the numbers of Quartz, Sunday as 1."""
    if item == "5-7":
        return "fri-sat,1"
    span, slash, step = item.partition("/")
    day, sharp, n = span.partition("#")
    day = re.sub(r"[0-9]", lambda found: str(int(found[0]) % 7 + 1), day)
    return f"{day}{sharp}{n}{slash}{step}"
