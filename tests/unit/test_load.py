"""Starts per minute over all schedules: exact where it can be, bounded where it cannot."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from executor.domain.load import MINUTES, Load, load
from executor.domain.schedule import (
    Schedule,
    fire_times,
    for_job,
    jitter_of,
    schedule_from_document,
)
from executor.ports.readers import ScheduleCount
from tests.fakes.fake_clock import START

#: Within a minute, whose beginning is that of the answer.
NOW = START + timedelta(seconds=42)


def counted(document: object, jobs: int = 1, job_id: str | None = None) -> ScheduleCount:
    """Return *jobs* jobs with a schedule, as a store counts them."""
    schedule = schedule_from_document(document)
    return ScheduleCount(schedule if job_id is None else for_job(schedule, job_id), jobs, job_id)


def one_by_one(schedule: Schedule, job_id: str) -> Counter[int]:
    """Return the starts by minute, counted the slow way."""
    until = START + timedelta(days=1)
    slots = fire_times(schedule, START - timedelta(days=2), until)
    starts = [slot + jitter_of(schedule, job_id, slot) for slot in slots]
    return Counter((start - START) // timedelta(minutes=1) for start in starts if start >= START)


def by_minute(found: Load) -> dict[int, int]:
    """Return the minutes in which anything starts."""
    return {minute: starts for minute, starts in enumerate(found.minutes) if starts}


@pytest.mark.parametrize(
    "document",
    [
        "30 2 * * *",
        "*/7 * * * *",
        "* * * * *",
        "H H(2-5) * * *",
        "R/2026-11-01T00:00:30Z/PT10S",
        "R/2026-11-01T00:00:07Z/PT13S",
        "R3/2026-12-01T05:00:00Z/PT1H",
        "R/2026-12-01T05:00:00+01:00/P1D",
        {"kind": "once", "at": "2026-12-01T23:59:59Z"},
        {"kind": "once", "at": "2026-12-02T00:00:00Z"},
        {"kind": "once", "at": "2026-11-30T23:59:59Z"},
        {"kind": "cron", "dialect": "cron6s", "expression": "*/20 * * * * *"},
        {"kind": "cron", "dialect": "quartz", "expression": "0,30 0/5 8-10 ? * 3"},
        {"kind": "cron", "expression": "0 * * * *", "jitter": "PT90M"},
        {"kind": "cron", "expression": "30 23 * * *", "jitter": "P1D"},
        {"kind": "cron", "expression": "0 9 * * *", "not_before": "2026-12-05T00:00:00Z"},
        {"kind": "cron", "expression": "0 0 * * *", "timezone": "Asia/Kolkata"},
    ],
)
def test_every_start_of_the_day_is_counted(document: object) -> None:
    """As many in each minute as there are slots, moved by the job's jitter."""
    one = counted(document, jobs=1, job_id="j1")

    found = load([one], NOW)

    assert by_minute(found) == {
        minute: starts
        for minute, starts in one_by_one(one.schedule, "j1").items()
        if minute < MINUTES
    }
    assert (found.since, found.jobs, found.estimated) == (START, 1, False)


def test_jobs_of_one_schedule_count_as_many() -> None:
    """And different schedules add up; the peak is the first of the fullest minutes."""
    found = load([counted("0 * * * *", 40), counted("0,30 * * * *", 2)], NOW)

    assert {found.minutes[minute] for minute in range(0, MINUTES, 60)} == {42}
    assert {found.minutes[minute] for minute in range(30, MINUTES, 60)} == {2}
    assert sum(found.minutes) == 24 * 44
    assert found.peak == (START, 42)


def test_without_schedules_nothing_starts() -> None:
    """No jobs, or none that is due within the day: no peak."""
    assert load([], NOW).peak is None
    assert load([counted("0 0 5 3 *")], NOW).peak is None


def many_h(jobs: int) -> list[ScheduleCount]:
    """Return jobs that each have a schedule of their own."""
    return [counted("H * * * *", 1, f"job-{number}") for number in range(jobs)]


def test_what_is_too_much_is_estimated_and_said_to_be() -> None:
    """A sample stands for the others: the sum is about right, and the same every time."""
    jobs = many_h(2_000)

    found = load(jobs, NOW, budget=10_000)

    assert found.estimated
    assert found.jobs == 2_000
    assert sum(found.minutes) == pytest.approx(24 * 2_000, rel=0.03)
    assert load(list(reversed(jobs)), NOW, budget=10_000) == found


def test_what_most_jobs_have_is_exact_beside_an_estimate() -> None:
    """The schedules of many jobs are counted first."""
    found = load([*many_h(2_000), counted("30 12 * * *", 5_000)], NOW, budget=10_000)

    assert found.peak is not None
    assert found.peak[0] == START + timedelta(hours=12, minutes=30)
    assert found.peak[1] == pytest.approx(5_000 + 2_000 / 60, rel=0.03)


def test_jitter_that_cannot_be_drawn_for_each_job_is_spread_evenly() -> None:
    """Every minute of the longest delay gets its share."""
    jittered = {"kind": "cron", "expression": "0 12 * * *", "jitter": "PT10M"}

    found = load([counted(jittered, 1, f"job-{number}") for number in range(1_000)], NOW, budget=2)

    noon = 12 * 60
    assert found.estimated
    assert sum(found.minutes) == pytest.approx(1_000, abs=5)
    assert by_minute(found).keys() == set(range(noon, noon + 10))
    assert all(99 <= found.minutes[minute] <= 101 for minute in range(noon, noon + 10))


@pytest.mark.alone
@pytest.mark.parametrize(
    "document",
    [
        lambda n: "H/2 * * * *",
        lambda n: {"kind": "cron", "expression": "* * * * *", "jitter": f"PT{n + 1}S"},
    ],
    ids=["hashed", "jittered"],
)
def test_ten_thousand_different_schedules_take_less_than_a_second(document: Any) -> None:
    """Also where each is due every minute and none was asked about before."""
    jobs = [counted(document(number), 1, f"j{number}") for number in range(10_000)]
    start = time.process_time()

    found = load(jobs, datetime(2026, 12, 1, tzinfo=UTC))

    assert time.process_time() - start < 0.7
    assert found.jobs == 10_000
