"""Watermarks that were computed by other rules of a time zone."""

from __future__ import annotations

from dataclasses import replace

from executor.domain.run import RunState
from tests.builders import a_job, at, every
from tests.unit.desk_driver import Driver, executing, with_jobs


def test_a_watermark_that_is_no_fire_time_is_computed_anew() -> None:
    """It is logged, written, and executed; nothing fires at the old time."""
    driver = executing(replace(a_job(schedule=every(20)), next_fire_at=at(30)))
    driver.advance(1.5)

    assert driver.noted("fire_time_moved") == [
        {
            "job": "backup",
            "job_id": "job-backup",
            "was": "2026-12-01T00:00:30Z",
            "is_now": "2026-12-01T00:00:20Z",
        }
    ]
    assert (driver.job().next_fire_at, driver.job().revision) == (at(20), 2)
    driver.advance_to(at(45))
    assert [row.fire_at for row in driver.rows()] == [at(20), at(40)]


def test_a_watermark_in_the_past_is_moved_forward_only() -> None:
    """No slot before it comes into being."""
    driver = executing(replace(a_job(schedule=every(20)), next_fire_at=at(-30)))
    driver.advance(1.5)

    assert [(row.fire_at, row.state) for row in driver.rows()] == [
        (at(-20), RunState.SKIPPED),
        (at(0), RunState.PENDING),
    ]


def test_watermarks_that_are_fire_times_are_left_alone() -> None:
    """Whichever schedule they are of."""
    job = a_job(schedule={"kind": "cron", "expression": "H H * * *", "timezone": "Europe/Berlin"})
    once = a_job("once", schedule={"kind": "once", "at": "2027-01-01T00:00:00Z"})
    driver = Driver(with_jobs(job, once))
    driver.take_over()
    driver.advance(1.5)

    assert driver.noted("fire_time_moved") == []
    assert driver.job() == job
    assert driver.job("once") == once
