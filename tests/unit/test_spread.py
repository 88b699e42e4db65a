"""``H`` and jitter: spread over the jobs, and always the same for the same job."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest

from executor.domain.cron import DayRule, Dialect, parse
from executor.domain.errors import InvalidSchedule
from executor.domain.schedule import (
    CronSchedule,
    IntervalSchedule,
    fire_times,
    for_job,
    jitter_of,
    next_after,
    schedule_from_document,
    schedule_to_document,
)
from executor.domain.spread import every_share, share

START = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
JOBS = [f"{number:032x}" for number in range(6000)]


def column(expression: str, name: str, job: str, dialect: Dialect = Dialect.CRON5) -> set[int]:
    bits: int = getattr(parse(expression, dialect, DayRule.CRON, job), name).bits
    return {value for value in range(bits.bit_length()) if bits >> value & 1}


def test_what_a_job_gets_never_changes() -> None:
    """These values are stored nowhere: another hash would move every job that uses ``H``."""
    chosen = for_job(CronSchedule("H H * * *"), "0123456789abcdef0123456789abcdef")

    assert next_after(chosen, START) == datetime(2027, 1, 1, 14, 43, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "name", "values"),
    [
        ("H * * * *", "minute", range(60)),
        ("0 H * * *", "hour", range(24)),
        ("0 0 H * *", "day", range(1, 29)),
        ("0 0 1 H *", "month", range(1, 13)),
        ("0 0 * * H", "weekday", range(7)),
        ("H(10-19) * * * *", "minute", range(10, 20)),
        ("0 0 H(1-31) * *", "day", range(1, 32)),
        ("0 0 * * H(mon-fri)", "weekday", range(1, 6)),
    ],
)
def test_one_value_of_the_range_is_chosen_evenly(expression: str, name: str, values: range) -> None:
    """Every value is somebody's, and none is half as frequent or twice as frequent as due."""
    found = [column(expression, name, job) for job in JOBS]
    counts = Counter(value for chosen in found for value in chosen)

    assert all(len(chosen) == 1 for chosen in found)
    assert set(counts) == set(values)
    assert max(counts.values()) < 2 * len(JOBS) / len(values)
    assert min(counts.values()) > len(JOBS) / len(values) / 2


def test_all_columns_and_dialects_take_it() -> None:
    """Seconds, and the weekday of Quartz from 1 to 7, too."""
    for job in JOBS[:50]:
        six = parse("H H H H H *", Dialect.CRON6S, DayRule.CRON, job)
        quartz = parse("H H H ? H H 2027", Dialect.QUARTZ, DayRule.CRON, job)

        assert six.second.bits == quartz.second.bits
        assert quartz.weekday.bits in {1 << day for day in range(7)}
        assert six.hashed
        assert quartz.hashed


def test_columns_choose_independently() -> None:
    """Minute and hour of a job have nothing to do with each other."""
    pairs = {
        (min(column("H H * * *", "minute", job)), min(column("H H * * *", "hour", job)))
        for job in JOBS
    }

    assert len(pairs) > 1300  # of 1440 that 6,000 jobs can hit


@pytest.mark.parametrize(
    ("expression", "step", "through"),
    [("H/15 * * * *", 15, True), ("H(0-29)/10 * * * *", 10, False), ("H/7 * * * *", 7, True)],
)
def test_steps_begin_at_a_chosen_value(expression: str, step: int, through: bool) -> None:
    """Equal distances to the end of the range, and every beginning is somebody's."""
    begins = set()
    for job in JOBS[:500]:
        minutes = sorted(column(expression, "minute", job))
        begins.add(minutes[0])
        assert all(b - a == step for a, b in pairwise(minutes))
        assert parse(expression, Dialect.CRON5, DayRule.CRON, job).minute.whole is through

    assert begins == set(range(step))


def test_items_of_one_column_keep_their_distance() -> None:
    """``H(0-29),H(30-59)`` is twice an hour, half an hour apart."""
    for job in JOBS[:100]:
        first, second = sorted(column("H(0-29),H(30-59) * * * *", "minute", job))
        assert second - first == 30


def test_clock_changes_do_not_depend_on_what_was_chosen() -> None:
    """``H/30`` follows real time for every job, ``H`` is a fixed time for every job."""
    start = datetime(2027, 3, 28, tzinfo=UTC)
    for job in JOBS[:60]:
        through = for_job(CronSchedule("H/30 2 * * *", timezone="Europe/Berlin"), job)
        fixed = for_job(CronSchedule("H 2 * * *", timezone="Europe/Berlin"), job)

        assert list(fire_times(through, start, start + timedelta(hours=5))) == []
        assert list(fire_times(fixed, start, start + timedelta(hours=5))) == [
            datetime(2027, 3, 28, 1, tzinfo=UTC)
        ]


def test_only_what_has_an_h_differs_from_job_to_job() -> None:
    """Everything else is returned as it is; "thu" and "march" are no ``H``."""
    for expression in ("*/5 * * * *", "0 0 * mar thu"):
        schedule = CronSchedule(expression)
        assert for_job(schedule, JOBS[0]) is schedule
    interval = IntervalSchedule("R/2026-12-01T00:00:00Z/P1D")
    assert for_job(interval, JOBS[0]) is interval


def test_the_choice_is_not_written() -> None:
    """The document of a job keeps its ``H``; the chosen schedule is another value."""
    schedule = schedule_from_document("H H * * *")
    chosen = for_job(schedule, JOBS[1])

    assert schedule_to_document(chosen) == schedule_to_document(schedule)
    assert chosen != schedule
    assert chosen is for_job(schedule, JOBS[1])
    assert chosen != for_job(schedule, JOBS[2])


def test_a_schedule_that_is_asked_without_its_job_answers_with_an_example() -> None:
    """Previews have no job yet; the answer is stable all the same."""
    schedule = CronSchedule("H H * * *")

    assert list(islice(fire_times(schedule, START, START + timedelta(days=9)), 3)) == list(
        islice(fire_times(for_job(schedule, ""), START, START + timedelta(days=9)), 3)
    )


@pytest.mark.parametrize(
    "expression", ["0 0 H(29-30) 2 *", "0 0 31 H *", "0 0 H(28-31) 4 *", "0 0 30 H(2-3) *"]
)
def test_an_h_that_some_jobs_could_never_meet_is_refused_for_all(expression: str) -> None:
    """Whether a schedule is valid must not depend on the id a job is given later."""
    for job in ("", *JOBS[:20]):
        with pytest.raises(InvalidSchedule, match="would never fire for some jobs"):
            parse(expression, Dialect.CRON5, DayRule.CRON, job)


def test_shares_are_even_and_complete() -> None:
    """The least draw of each share belongs to it, the one before to the share before."""
    for size in (1, 2, 7, 28, 60, 1000):
        least = every_share(size)
        assert [share(drawn, size) for drawn in least] == list(range(size))
        assert [share(drawn - 1, size) for drawn in least[1:]] == list(range(size - 1))
        assert share((1 << 64) - 1, size) == size - 1


def test_jitter_is_whole_milliseconds_below_its_limit_and_never_changes() -> None:
    """Spread evenly over jobs and over slots, the same on every machine."""
    schedule = CronSchedule("0 * * * *", jitter="30s")
    delays = [jitter_of(schedule, job, START) for job in JOBS]
    of_slots = {jitter_of(schedule, JOBS[0], START + timedelta(hours=n)) for n in range(100)}

    assert schedule.jitter == "PT30S"
    assert all(timedelta(0) <= delay < timedelta(seconds=30) for delay in delays)
    assert all(delay.microseconds % 1000 == 0 for delay in delays)
    assert abs(sum(delays, timedelta(0)) / len(delays) - timedelta(seconds=15)) < timedelta(
        seconds=1
    )
    assert len(of_slots) > 95
    assert jitter_of(schedule, JOBS[0], START) == timedelta(milliseconds=19011)


def test_jitter_delays_the_start_and_not_the_slot() -> None:
    """Fire times are the same with it and without; without it there is no delay."""
    plain, spread = CronSchedule("0 * * * *"), CronSchedule("0 * * * *", jitter="PT1M")

    assert next_after(spread, START) == next_after(plain, START)
    assert jitter_of(plain, JOBS[0], START) == timedelta(0)
    assert jitter_of(CronSchedule("0 * * * *", jitter="PT0.001S"), JOBS[0], START) == timedelta(0)
