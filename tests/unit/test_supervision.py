"""What former executors left behind: adopted, watched, declared lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from executor.domain.command import CommandKind
from executor.domain.run import Cause, Reason, Run, RunChange, RunState
from executor.engine.store_requests import ReadAllJobs
from tests.builders import a_claim, a_command, a_job, a_run, at
from tests.unit.left_rows import JOB, LEASE_S, finding, running, taking_over


def test_a_row_that_has_certainly_not_started_is_adopted() -> None:
    """A manual run that nobody cleared starts under the new term, as the same run."""
    row = a_run(JOB, 1, clear_at=at(-1))

    driver = taking_over(row, cleared=at(-2))

    (run,) = driver.handed_off
    assert (run.id, run.term) == (row.id, 2)
    driver.work(run)
    assert (driver.row(row).state, driver.row(row).term) == (RunState.SUCCEEDED, 2)


def test_an_adopted_slot_waits_for_its_second() -> None:
    """Taking over early does not make a run early."""
    row = a_claim(JOB, at(60), 1)
    driver = taking_over(row)

    driver.advance_to(at(59.9))
    assert driver.row(row).term == 2
    assert driver.handed_off == []
    driver.advance_to(at(60))

    assert [run.id for run in driver.handed_off] == [row.id]
    assert len(driver.rows()) == 1


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(a_run(JOB, 1), id="manual"),
        pytest.param(a_run(JOB, 1, cause=Cause.RETRIGGER, fire_at=at(-60)), id="retrigger"),
    ],
)
def test_a_row_is_adopted_by_its_jobs_rules_even_if_its_job_is_read_later(row: Run) -> None:
    """A job that is not due soon is loaded after the takeover; until then its rows wait."""
    hourly = replace(JOB, next_fire_at=at(3600))
    driver = finding(row, jobs=(hourly,))
    driver.hold(ReadAllJobs)
    driver.take_over()
    driver.advance(2)
    assert driver.row(row).state is RunState.PENDING

    driver.release()
    driver.advance(2)

    assert [run.id for run in driver.handed_off] == [row.id]


def test_a_row_of_a_job_that_is_gone_is_skipped() -> None:
    """Once all jobs are known and this one is not among them, nothing can be run for it."""
    row = a_run(a_job("deleted"), 1)

    driver = taking_over(row)
    driver.advance(0.1)

    assert (driver.row(row).state, driver.row(row).reason) == (RunState.SKIPPED, Reason.DELETED)


def test_a_row_that_may_have_started_is_left_to_its_lease() -> None:
    """It is neither started nor changed, and it occupies its job while the lease lasts."""
    row = running(lease_until=at(70))
    driver = taking_over(row)

    driver.advance_to(at(61))

    assert driver.row(row) == row
    assert [(r.fire_at, r.reason) for r in driver.rows()[1:]] == [(at(60), Reason.OVERLAP)]


def test_a_row_whose_lease_is_renewed_is_never_lost() -> None:
    """Its executor lives: it lost the token, and works on."""
    row = running()
    driver = taking_over(row)

    for _ in range(20):
        driver.advance(2)
        driver.store.renew_leases(1, [row.id], LEASE_S)

    assert driver.row(row).state is RunState.RUNNING
    assert driver.handed_off == []


def test_a_row_without_a_lease_is_given_one_when_it_is_first_seen() -> None:
    """Its owner has a whole lease's time to show that it lives, counted from the takeover."""
    row = running(lease_until=None)
    driver = taking_over(row)

    driver.advance(1.5)
    stamped = driver.row(row).lease_until
    assert stamped is not None
    assert stamped >= at(LEASE_S)
    driver.advance_to(at(LEASE_S))
    assert driver.row(row).state is RunState.RUNNING

    driver.advance_to(at(LEASE_S + 3))
    assert driver.row(row).state is RunState.LOST


def test_a_claim_that_may_have_been_started_is_stamped_and_lost_as_well() -> None:
    """Nobody recorded a start, but its term was cleared up to it: the outcome is unknown."""
    row = a_claim(JOB, at(-1), 1)
    driver = taking_over(row, cleared=at(0), jobs=(replace(JOB, next_fire_at=at(60)),))

    driver.advance(LEASE_S + 3)

    assert driver.row(row).state is RunState.LOST
    assert [run.parent_run_id for run in driver.handed_off] == [row.id]


def test_a_lease_that_ends_makes_the_run_lost() -> None:
    """By the store's clock; the loss is told, the job is free again and the run is repeated."""
    row = running()
    driver = taking_over(row)

    driver.advance_to(at(4.9))
    assert driver.row(row).state is RunState.RUNNING
    driver.advance_to(at(6.5))

    assert driver.row(row).state is RunState.LOST
    assert driver.row(row).finished_at is not None
    assert [facts["run_id"] for facts in driver.noted("run_lost")] == [row.id]
    assert [run.parent_run_id for run in driver.handed_off] == [row.id]


def test_the_engines_own_clock_does_not_make_runs_lost() -> None:
    """However this machine's clock jumps, the lease is judged where it is kept."""
    row = running(lease_until=at(3600))
    driver = taking_over(row)
    store_time = driver.store.clock

    class Standing:
        def now(self) -> datetime:
            return at(0)

        def monotonic(self) -> float:
            return store_time.monotonic()

    driver.store.clock = Standing()
    driver.clock.step(36_000)
    driver.advance(5)

    assert driver.row(row).state is RunState.RUNNING


def test_a_run_that_its_executor_ends_is_not_repeated() -> None:
    """The former executor finished it under its lease: that was all."""
    row = running()
    driver = taking_over(row)
    driver.advance(2)
    failed = RunChange(run_id=row.id, term=1, state=RunState.FAILED, finished_at=at(2))
    driver.store.change_runs([failed])

    driver.advance_to(at(60))

    assert [run.fire_at for run in driver.handed_off] == [at(60)]
    assert len(driver.rows()) == 2


def test_a_silent_store_delays_supervision_and_no_more() -> None:
    """The look is repeated until it is answered."""
    row = running()
    driver = taking_over(row)
    driver.silent = True
    driver.advance(8)
    driver.silent = False

    driver.advance(3)

    assert driver.row(row).state is RunState.LOST
    assert len(driver.handed_off) == 1


def test_a_run_elsewhere_cannot_be_cancelled_and_the_answer_says_why() -> None:
    """Nobody reaches it: it ends, or is declared lost, by itself."""
    row = running()
    driver = taking_over(row)

    answer = driver.ask(a_command(CommandKind.CANCEL_RUN, row.id))

    assert "declared lost, within its lease" in answer.message
