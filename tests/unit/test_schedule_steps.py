"""Searching for the next fire time is bounded: in steps, which do not depend on the machine."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from executor.domain.cron_schedule import CronSlots
from executor.domain.schedule import CronSchedule, Dialect, Fold, Gap
from tests.unit.cron_oracle import BREAKING

#: Steps of an ordinary search; those that find something are done within ten.
ORDINARY = 40

#: Steps after which a search for what never comes has given up: a hundred years of changes.
WORST = 3_000


class CountedSlots(CronSlots):
    """Counts how often the local calendar is searched."""

    __slots__ = ("steps",)

    def __init__(self, schedule: CronSchedule) -> None:
        super().__init__(schedule)
        self.steps = 0

    def next_local(self, local: int) -> int:
        """Count and search."""
        self.steps += 1
        return super().next_local(local)


def steps(schedule: CronSchedule, after: int) -> int:
    slots = CountedSlots(schedule)
    slots.next_epoch(after)
    return slots.steps


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("zone", "year"), BREAKING)
@pytest.mark.parametrize(
    "expression",
    ["* * * * *", "*/10 */3 * * *", "30 2 * * *", "0 0 1 * *", "0 0 L 2 *", "0 9 30 12 *"],
)
def test_an_ordinary_search_takes_few_steps(expression: str, zone: str, year: int) -> None:
    """From any instant of the year in which the zone breaks engines."""
    schedule = CronSchedule(expression, timezone=zone)
    start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    chance = random.Random(zone)

    taken = [steps(schedule, start + chance.randrange(366 * 86400)) for _ in range(20)]
    assert max(taken) <= ORDINARY


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "schedule",
    [
        CronSchedule("* 2 * 3 0#2", timezone="America/New_York"),
        CronSchedule("30 2 * 3 0#2", timezone="America/New_York", gap=Gap.SKIP),
        CronSchedule("30 2 * 3 0#2", timezone="America/New_York", gap=Gap.SKIP, fold=Fold.BOTH),
        CronSchedule("0 0 0 1 1 ? 1971", Dialect.QUARTZ, "Europe/Berlin"),
        CronSchedule("0 0 0 29 2 ? 2096", Dialect.QUARTZ, "Africa/Casablanca"),
    ],
)
def test_a_search_for_what_never_comes_ends(schedule: CronSchedule) -> None:
    """After a hundred years at the latest, whatever the zone does in them."""
    for year in (1980, 2026, 2090):
        assert steps(schedule, int(datetime(year, 1, 1, tzinfo=UTC).timestamp())) <= WORST
