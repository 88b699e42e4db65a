"""Watermarks that were computed by other rules of a time zone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from executor.domain.run import RunState
from executor.domain.writes import JobWrite
from executor.engine.store_requests import WriteJobs
from executor.engine.timing import ADOPT_ROWS, CLAIM_AHEAD_S, TRUST_S
from tests.builders import a_job, at, every
from tests.fakes.memory_store import MemoryStore
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
            "tzdata": "",
            "former_tzdata": "",
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


def left_by_a_former_executor(cleared: float, **fields: Any) -> MemoryStore:
    """Return a store with a job of every 20 s; its former executor had cleared up to *cleared*."""
    store = with_jobs(a_job(schedule=every(20), overlap={"policy": "allow"}, **fields))
    store.mint_term("former", "2026a")
    store.clear_term(1, at(cleared))
    return store


def test_a_slot_that_only_the_new_rules_know_is_run() -> None:
    """The watermark is a fire time still, but another one comes before it now."""
    driver = Driver(left_by_a_former_executor(-30, next_fire_at=at(60)), tzdata="2026b")
    driver.take_over()
    driver.advance_to(at(70))

    (moved,) = driver.noted("fire_time_moved")
    assert (moved["was"], moved["is_now"]) == ("2026-12-01T00:01:00Z", "2026-12-01T00:00:20Z")
    assert (moved["former_tzdata"], moved["tzdata"]) == ("2026a", "2026b")
    assert [run.fire_at for run in driver.handed_off] == [at(20), at(40), at(60)]


def test_the_versions_of_both_executors_are_logged() -> None:
    """Once, also where no fire time has moved; nothing is said while they are the same."""
    driver = Driver(left_by_a_former_executor(-30), tzdata="2026b")
    driver.take_over()
    assert driver.noted("tzdata_changed") == [{"was": "2026a", "is_now": "2026b"}]
    assert not driver.noted("fire_time_moved")

    successor = Driver(driver.store, "there", tzdata="2026b")
    successor.take_over()

    assert not successor.noted("tzdata_changed")


@pytest.mark.parametrize(
    ("cleared", "first"),
    [(-30, 20), (20 - TRUST_S - CLAIM_AHEAD_S - 0.001, 20), (20, 40), (39, 60), (3_600, 60)],
)
def test_what_a_former_executor_may_have_decided_stays_decided(cleared: float, first: int) -> None:
    """Its clock may have been ahead, and the row of a slot that it ran removed meanwhile."""
    driver = Driver(left_by_a_former_executor(cleared, next_fire_at=at(60)))
    driver.take_over()
    driver.advance_to(at(70))

    assert driver.handed_off[0].fire_at == at(first)


def test_a_change_of_the_job_counts_from_its_own_time() -> None:
    """A slot before it was none of the schedule then, whatever this clock says."""
    driver = executing(a_job(schedule=every(20), next_fire_at=at(40), updated_at=at(30)))
    driver.advance_to(at(50))

    assert not driver.noted("fire_time_moved")
    assert [run.fire_at for run in driver.handed_off] == [at(40)]


def test_a_correction_that_meets_a_change_is_made_after_it() -> None:
    """A command that came in between has kept the wrong watermark, which is later."""
    job = a_job(schedule=every(20), overlap={"policy": "allow"}, next_fire_at=at(60))
    driver = Driver(with_jobs(job))
    driver.hold(WriteJobs)
    driver.take_over()
    driver.advance(1)
    changed = replace(job, revision=2, definition=replace(job.definition, description="new"))
    assert driver.store.write_jobs([JobWrite(changed, 1)]) == [None]

    driver.release()
    driver.advance(1)

    assert (driver.job().revision, driver.job().next_fire_at) == (3, at(20))
    assert driver.job().definition.description == "new"
    driver.advance_to(at(45))
    assert [run.fire_at for run in driver.handed_off] == [at(20), at(40)]


def test_a_zone_with_many_jobs_is_corrected_in_calls_that_end_in_time() -> None:
    """One that took longer than a call may would be repeated for ever."""
    jobs = [a_job(f"job-{number}", next_fire_at=at(37)) for number in range(ADOPT_ROWS + 1)]
    driver = executing(*jobs)
    driver.advance(1.5)

    assert [len(call.writes) for call in driver.called(WriteJobs)] == [ADOPT_ROWS, 1]
    assert {driver.job(job.name).next_fire_at for job in jobs} == {at(10)}


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
