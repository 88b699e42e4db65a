"""What a pause holds, and what goes on in spite of it.

A job is paused at at(5), half way to its first slot, and never resumed unless a test says so.
"""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.command import CommandKind, ResultStatus
from executor.domain.run import AWAITING, Cause, Reason, Run, RunState
from executor.engine.store_requests import InsertRuns
from tests.builders import a_command, a_job, at, trigger
from tests.unit.desk_driver import Driver, executing, successor_of

RETRY = {"attempts": 1, "delay": "10s", "backoff": "fixed", "jitter": 0}
QUEUE = {"policy": "queue"}


def pause(driver: Driver, job: str = "backup") -> None:
    driver.advance_to(at(5))
    driver.ask(a_command(CommandKind.PAUSE_JOB, job))


def resume(driver: Driver, job: str = "backup") -> None:
    driver.ask(a_command(CommandKind.RESUME_JOB, job))


def triggered(driver: Driver, job: str = "backup") -> Run:
    driver.ask(trigger(job))
    run = driver.handed_off[-1]
    driver.begin(run)
    return run


def finish(driver: Driver, run: Run, state: RunState = RunState.SUCCEEDED) -> None:
    driver.end(run, state)
    driver.advance(0.2)


def fates(driver: Driver, job: str) -> list[tuple[RunState, Reason | None]]:
    return [(row.state, row.reason) for row in driver.rows(job)]


def family(**child: Any) -> Driver:
    """Return an executor of a parent, of a child that follows it, and of its failure handler."""
    return executing(
        a_job(schedule=None, on_failure="alarm"),
        a_job("child", schedule=None, after={"jobs": ["backup"], "when": "finished"}, **child),
        a_job("alarm", schedule=None),
    )


PAUSED = [(RunState.SKIPPED, Reason.PAUSED)]


@pytest.mark.parametrize("job", ["child", "alarm"])
def test_what_the_end_of_another_job_would_start_is_skipped_as_paused(job: str) -> None:
    """Dependent and failure handler alike; neither is made up for after the pause."""
    driver = family()
    pause(driver, job)
    finish(driver, triggered(driver), RunState.FAILED)

    assert fates(driver, job) == PAUSED
    assert not driver.rows(job)[0].is_open
    resume(driver, job)
    driver.advance(60)
    assert job not in {run.job for run in driver.handed_off}


def test_what_would_have_to_wait_for_its_turn_is_skipped_as_paused_as_well() -> None:
    """A line does not carry it over the pause."""
    driver = family(overlap=QUEUE)
    running = triggered(driver, "child")
    pause(driver, "child")
    finish(driver, triggered(driver))
    resume(driver, "child")
    finish(driver, running)

    assert [row.reason for row in driver.rows("child")] == [None, Reason.PAUSED]


def test_a_dependent_that_is_about_to_start_when_its_job_is_paused_is_skipped() -> None:
    """The hand-off has the last word, as with slots."""
    driver = family()
    run = triggered(driver)
    driver.hold(InsertRuns)
    driver.end(run)
    driver.advance(0.1)
    assert [row.state for row in driver.awaited(InsertRuns).runs] == [RunState.PENDING]
    driver.ask(a_command(CommandKind.PAUSE_JOB, "child"))
    driver.release()
    driver.advance(0.1)

    assert fates(driver, "child") == PAUSED


def test_what_waits_for_all_of_its_parents_is_decided_when_the_last_one_ends() -> None:
    """Ends during the pause count; a run that would start in it is skipped."""
    both = a_job("both", schedule=None, after={"jobs": ["one", "two"], "mode": "all"})
    for resumed in (False, True):
        driver = executing(a_job("one", schedule=None), a_job("two", schedule=None), both)
        pause(driver, "both")
        finish(driver, triggered(driver, "one"))
        assert [row.clear_at for row in driver.rows("both")] == [AWAITING]
        if resumed:
            resume(driver, "both")
        finish(driver, triggered(driver, "two"))

        last = driver.rows("both")[1]
        assert last.reason is (None if resumed else Reason.PAUSED)
        assert ("both" in {run.job for run in driver.handed_off}) is resumed


def test_a_retry_goes_on_during_the_pause() -> None:
    """It belongs to a run from before; also by the next executor."""
    for dies in (False, True):
        driver = executing(a_job(schedule=None, retry=RETRY))
        finish(driver, triggered(driver), RunState.FAILED)
        pause(driver)
        if dies:
            driver = successor_of(driver)
        driver.advance(10)

        assert driver.handed_off[-1].cause is Cause.RETRY


def test_a_lost_run_is_repeated_during_the_pause() -> None:
    """Nobody asked for half of it."""
    driver = executing(a_job(schedule=None))
    run = triggered(driver)
    pause(driver)
    driver.advance(1)
    successor = successor_of(driver)
    successor.advance(30)

    (again,) = successor.handed_off
    assert (again.cause, again.parent_run_id) == (Cause.RETRIGGER, run.id)


def test_a_retry_that_waits_for_its_turn_gets_it_during_the_pause() -> None:
    """The line is not closed, it lets through what goes on."""
    driver = executing(a_job(schedule=None, retry=RETRY, overlap=QUEUE))
    finish(driver, triggered(driver), RunState.FAILED)
    pause(driver)
    other = triggered(driver)
    driver.advance_to(at(20))
    assert driver.handed_off[-1].id == other.id
    finish(driver, other)

    assert driver.handed_off[-1].cause is Cause.RETRY


def test_slots_that_are_being_caught_up_go_on_during_the_pause() -> None:
    """They are from before; the slots of the pause itself are not opened."""
    job = a_job(misfire={"policy": "all"}, next_fire_at=at(-30))
    driver = executing(job)
    pause(driver)
    driver.work_everything(10)

    caught_up = [run.fire_at for run in driver.handed_off if run.cause is Cause.CATCH_UP]
    assert caught_up == [at(-30), at(-20), at(-10)]
    assert max(run.fire_at for run in driver.handed_off if run.fire_at) < at(5)


def test_what_somebody_asks_for_runs_during_the_pause() -> None:
    """Now, in its turn, or for the past."""
    driver = executing(a_job(overlap=QUEUE))
    pause(driver)
    first = triggered(driver)
    assert driver.ask(trigger()).status is ResultStatus.CREATED
    past = {"from": "2026-11-30T23:59:50Z", "to": "2026-11-30T23:59:50Z"}
    driver.ask(a_command(CommandKind.BACKFILL_JOB, "backup", **past))
    finish(driver, first)
    driver.work_everything(5)

    causes = [run.cause for run in driver.handed_off]
    assert sorted(causes) == [Cause.BACKFILL, Cause.MANUAL, Cause.MANUAL]


def test_a_slot_in_line_keeps_its_place_during_the_pause() -> None:
    """What comes behind it and goes on overtakes it; at the end it has its turn."""
    driver = executing(a_job(overlap=QUEUE))
    driver.advance_to(at(10.1))
    (run,) = driver.handed_off
    driver.begin(run)
    driver.advance_to(at(21))
    driver.ask(a_command(CommandKind.PAUSE_JOB, "backup"))
    driver.ask(trigger())
    finish(driver, run)
    driver.advance_to(at(24))
    asked_for = driver.handed_off[-1]
    assert asked_for.cause is Cause.MANUAL
    driver.work(asked_for)

    resume(driver)
    driver.advance(1.5)

    assert driver.handed_off[-1].fire_at == at(20)
