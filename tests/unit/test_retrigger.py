"""Runs that were lost or shut down are repeated, as far as their jobs allow and only once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from executor.domain.identity import retrigger_run_id
from executor.domain.job import Job
from executor.domain.run import Cause, Reason, Run, RunState
from executor.engine.store_requests import InsertRuns, ReadAllJobs, SettleFollowUps, WatchOpenRuns
from tests.builders import a_claim, a_job, at, every, update
from tests.unit.desk_driver import Driver
from tests.unit.left_rows import JOB, ended, finding, running, taking_over


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(ended(), id="lost"),
        pytest.param(ended(state=RunState.CANCELLED, reason=Reason.SHUTDOWN), id="shut down"),
        pytest.param(
            ended(state=RunState.CANCELLED, reason=Reason.SUPERSEDED, started_at=None),
            id="given up unstarted",
        ),
    ],
)
def test_what_demands_a_follow_up_is_repeated(row: Run) -> None:
    """A new row of the same chain runs; the demand is settled when that row is written."""
    driver = taking_over(row)

    (again,) = driver.handed_off
    assert again.id == retrigger_run_id(row.id)
    assert (again.cause, again.term, again.scheduled) == (Cause.RETRIGGER, 2, False)
    assert (again.trigger_id, again.parent_run_id) == (row.trigger_id, row.id)
    assert (again.attempt, again.retriggers, again.fire_at) == (2, 1, row.fire_at)
    driver.advance(0.1)
    assert not driver.row(row).follow_up


def test_a_repeated_slot_keeps_its_fire_time() -> None:
    """The target is told which slot it is for, and the slot's own row stays the only one."""
    row = a_claim(JOB, at(-60), 1, state=RunState.LOST, follow_up=True)
    driver = taking_over(row, jobs=(replace(JOB, next_fire_at=at(60)),))

    (again,) = driver.handed_off

    assert (again.fire_at, again.scheduled, again.trigger_id) == (at(-60), False, row.id)


@pytest.mark.parametrize(
    ("done", "allowed", "repeated"), [(0, 1, 1), (1, 1, 0), (2, 3, 1), (0, 0, 0)]
)
def test_a_run_is_repeated_up_to_the_jobs_limit(done: int, allowed: int, repeated: int) -> None:
    """``retrigger`` counts repetitions in the chain; beyond it the demand is settled unheard."""
    job = a_job(schedule=every(60), retrigger=allowed)
    row = replace(ended(), retriggers=done)

    driver = taking_over(row, jobs=(job,))
    driver.advance(0.1)

    assert len(driver.handed_off) == repeated
    assert not driver.row(row).follow_up


def test_a_row_that_was_never_started_is_repeated_beyond_the_limit() -> None:
    """A hand-over that came between the clearance and the start costs no repetition."""
    job = a_job(schedule=every(60), retrigger=0)
    row = ended(state=RunState.CANCELLED, reason=Reason.SUPERSEDED, started_at=None)

    driver = taking_over(row, jobs=(job,))

    assert [run.parent_run_id for run in driver.handed_off] == [row.id]


def test_a_superseded_run_that_was_started_counts_against_the_limit() -> None:
    """Its work may have happened."""
    job = a_job(schedule=every(60), retrigger=0)
    row = ended(state=RunState.CANCELLED, reason=Reason.SUPERSEDED)

    driver = taking_over(row, jobs=(job,))

    assert driver.handed_off == []


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(a_job(schedule=every(60), enabled=False), id="disabled"),
        pytest.param(a_job("other"), id="gone"),
    ],
)
def test_nothing_is_repeated_for_a_job_that_is_disabled_or_gone(job: Job) -> None:
    """The demand is settled all the same, so that nobody looks at it again."""
    row = ended()

    driver = taking_over(row, jobs=(job,))
    driver.advance(2)

    assert driver.handed_off == []
    assert not driver.row(row).follow_up


def test_a_repetition_waits_until_its_job_is_loaded() -> None:
    """Whether and how often is the job's to say, and it may be read last."""
    row = ended()
    driver = finding(row, jobs=(replace(JOB, next_fire_at=at(3600)),))
    driver.hold(ReadAllJobs)
    driver.take_over()
    driver.advance(3)
    assert driver.inserted() == []
    assert driver.row(row).follow_up

    driver.release()
    driver.advance(0.1)

    assert [run.parent_run_id for run in driver.handed_off] == [row.id]
    assert not driver.row(row).follow_up


def test_a_demand_is_settled_after_the_repeating_row_is_written() -> None:
    """Whatever is interrupted in between, the next executor still finds the demand."""
    row = ended()
    driver = finding(row)
    driver.hold(InsertRuns)
    driver.take_over()
    driver.advance(3)

    assert driver.called(SettleFollowUps) == []
    driver.release()
    driver.advance(0.1)

    assert [call.run_ids for call in driver.called(SettleFollowUps)] == [(row.id,)]


def test_a_takeover_in_the_middle_of_a_repetition_repeats_once() -> None:
    """The row is written, the demand not settled: the next executor meets the row and goes on."""
    row = ended()
    first = finding(row)
    first.hold(SettleFollowUps)
    first.take_over()
    (again,) = first.handed_off
    first.work(again)

    second = Driver(first.store, "second")
    second.take_over()
    second.advance(2)

    assert second.handed_off == []
    assert not second.row(row).follow_up
    assert len(second.rows()) == 2


def test_a_demand_seen_again_before_it_is_settled_is_met_once() -> None:
    """The look of the next second finds the row as it was; nothing is claimed anew."""
    row = ended()
    driver = finding(row)
    driver.hold(SettleFollowUps)
    driver.take_over()

    driver.advance(5)

    assert len(driver.called(WatchOpenRuns)) >= 4
    assert len(driver.inserted()) == 1


def test_a_settling_that_fails_is_repeated() -> None:
    """The demand must not stand for ever."""
    row = ended()
    driver = finding(row)
    driver.hold(SettleFollowUps)
    driver.take_over()
    driver.fail(driver.awaited(SettleFollowUps))

    driver.release()
    driver.advance(1)

    assert not driver.row(row).follow_up


def test_a_repetition_is_subject_to_overlap() -> None:
    """A run that is going on elsewhere keeps the repeating one from starting."""
    driver = taking_over(ended(), running(lease_until=at(3600)))
    driver.advance(0.1)

    assert driver.handed_off == []
    (again,) = [row for row in driver.rows() if row.cause is Cause.RETRIGGER]
    assert (again.state, again.reason) == (RunState.SKIPPED, Reason.OVERLAP)


def test_a_run_that_is_over_and_demands_nothing_is_not_looked_at() -> None:
    """Cancelled on request, failed, succeeded: nobody repeats it."""
    rows = [
        ended(state=state, follow_up=False)
        for state in (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.SKIPPED)
    ]

    driver = taking_over(*rows)
    driver.advance(5)

    assert driver.inserted() == []


def test_a_job_edited_meanwhile_repeats_by_its_new_definition() -> None:
    """The repetition is a run of the job as it is now."""
    row = running()
    driver = taking_over(row)
    driver.ask(update(schedule=every(60), timeout="7s"))

    driver.advance_to(at(7))

    ((again, definition),) = driver.works
    assert again.revision == 2
    assert definition.timeout.total_seconds() == 7


def test_broken_jobs_do_not_keep_others_from_being_repeated() -> None:
    """Supervision goes on although a record cannot be read."""
    broken = a_job("broken")
    row = replace(ended(), id="x", job_id=broken.id, job="broken")
    driver = finding(ended(), row, jobs=(JOB, broken))
    driver.store.break_job(broken.id)

    driver.take_over()

    assert [run.job for run in driver.handed_off] == ["backup"]
