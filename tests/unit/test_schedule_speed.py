"""How long it takes to find the next fire time; a measurement, made on request.

    deploy/test tests/unit/test_schedule_speed.py -m bench -s

prints the median of many searches for each of some common schedules.  Processor time, so
that what else the machine does counts little, though not for nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import median
from time import process_time

import pytest

from executor.domain.schedule import Schedule, next_after, schedule_from_document

#: The most that a search may take in the median of all common schedules, seconds.
MEDIAN_S = 5e-6

#: How often all searches of a schedule are timed, together: one is too short for the clock.
TIMES = 100

BERLIN = "Europe/Berlin"

COMMON: list[dict[str, str]] = [
    {"kind": "cron", "expression": expression, "timezone": timezone}
    for expression, timezone in [
        ("* * * * *", "UTC"),
        ("*/5 * * * *", BERLIN),
        ("0 * * * *", BERLIN),
        ("30 2 * * *", BERLIN),
        ("0 9 * * mon-fri", "America/New_York"),
        ("0 0 1 * *", BERLIN),
        ("0 4 8-14 * *", "UTC"),
        ("15 3 L * *", BERLIN),
        ("H H * * *", "UTC"),
    ]
] + [
    {"kind": "interval", "expression": "R/2026-12-01T00:00:00Z/PT10S"},
    {"kind": "interval", "expression": "R/2026-12-31T00:00:00Z/P1M", "timezone": BERLIN},
]


#: Where the searches begin: all over a year, whose changes of clocks they come across in order.
STARTS = [datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=43, seconds=7) * n for n in range(200)]


def searches(schedule: Schedule) -> float:
    """Return the median time of a search, seconds."""
    taken = []
    for _ in range(TIMES):
        begin = process_time()
        for start in STARTS:
            next_after(schedule, start)
        taken.append((process_time() - begin) / len(STARTS))
    return median(taken)


@pytest.mark.bench
def test_the_next_fire_time_of_a_common_schedule_is_found_at_once() -> None:
    """In the median within five microseconds, whatever its zone."""
    figures = {
        f"{one['expression']}  {one.get('timezone', '')}": searches(schedule_from_document(one))
        for one in COMMON
    }

    for what, seconds in figures.items():
        print(f"{seconds * 1e6:6.2f} µs  {what}")
    whole = median(figures.values())
    print(f"{whole * 1e6:6.2f} µs  all of them")
    assert whole <= MEDIAN_S
