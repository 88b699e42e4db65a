"""Reports about remote runs: where they belong, what they may say, when they are done with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from executor.domain.command import CommandKind, CommandResult, ResultStatus
from executor.domain.job import Job
from executor.domain.run import Reason, Run, RunChange, RunState
from executor.engine.events import RunHandedOver
from executor.engine.store_requests import AdoptRuns, ClearTerm, InsertRuns, Record
from tests.builders import a_claim, a_command, a_job, a_run, at, every, trigger
from tests.unit.desk_driver import Driver, executing, successor_of
from tests.unit.left_rows import finding
from tests.unit.remote_driver import a_remote_job, handed_over, recalled, report, settled

JOB = a_remote_job()


def left(state: RunState = RunState.RUNNING, **fields: Any) -> Run:
    """Return a row of term 1 that was handed over."""
    started = at(-3) if state is not RunState.PENDING else None
    given: dict[str, Any] = {"remote": True, "started_at": started, "lease_until": at(-1)}
    return a_run(JOB, 1, state=state, **{**given, **fields})


def taking_over(*rows: Run, job: Job = JOB) -> Driver:
    """Return the executor of term 2, which has found *rows* and knows its jobs."""
    driver = finding(*rows, jobs=(job,), cleared=at(0))
    driver.take_over()
    driver.advance(0.1)
    return driver


def call_back(driver: Driver, run: Run, **arguments: Any) -> CommandResult:
    """Return how the command is answered by which a service calls back about *run*."""
    (tag,) = driver.send(a_command(CommandKind.REPORT_RUN, run.id, **arguments))
    driver.advance(1.5)
    return driver.answers[tag]


# Where it belongs ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["running", "completed"])
def test_a_report_that_is_faster_than_its_launcher_is_not_lost(status: str) -> None:
    """It counts as handed over from then on; what the launcher says later changes nothing."""
    driver = executing(JOB)
    driver.ask(trigger())
    (run,) = driver.handed_off

    tag = report(driver, run, status)
    driver.advance(0.1)
    state = driver.row(run).state
    driver.tell(RunHandedOver(run.id, driver.clock.now(), True))
    driver.advance(1.5)

    assert state is (RunState.RUNNING if status == "running" else RunState.SUCCEEDED)
    assert (driver.row(run).state, driver.row(run).remote) == (state, True)
    assert settled(driver) == [tag]


@pytest.mark.parametrize("state", [RunState.PENDING, RunState.RUNNING, RunState.CANCELLING])
def test_every_remote_row_of_a_former_term_is_adopted_at_the_takeover(state: RunState) -> None:
    """It has this term from then on, goes on as it was, and is never lost by a lease."""
    row = left(state)

    driver = taking_over(row)
    driver.advance(20)

    assert (driver.row(row).term, driver.row(row).state) == (2, state)


def test_an_adopted_run_ends_by_its_report() -> None:
    """As if there had been no change of executors."""
    row = left()
    driver = taking_over(row)

    report(driver, row, "completed")
    driver.advance(0.1)

    assert driver.row(row).state is RunState.SUCCEEDED


def test_an_adopted_run_occupies_its_job_until_it_is_over() -> None:
    """However often supervision looks; then the job is free."""
    row = left()
    driver = taking_over(row, job=replace(JOB, next_fire_at=at(60)))

    driver.advance_to(at(60.5))
    report(driver, row, "completed")
    driver.advance_to(at(120.5))

    assert [one.state for one in driver.rows()[1:]] == [RunState.SKIPPED, RunState.PENDING]


def test_an_adopted_run_that_was_being_cancelled_is_called_back_again() -> None:
    """Its former executor may have died before it asked anybody."""
    row = left(RunState.CANCELLING)
    driver = taking_over(row)

    assert recalled(driver) == [(row.id, "requested")]
    driver.advance(31)

    assert driver.row(row).state is RunState.CANCELLED


def test_heartbeats_of_an_adopted_run_count_from_the_adoption() -> None:
    """How long ago the last one was nobody knows."""
    job = a_remote_job(heartbeat_timeout="PT10S")
    row = left(started_at=at(-3000))
    driver = taking_over(row, job=replace(job, definition=replace(job.definition)))

    driver.advance(9)
    assert driver.handed_off == []
    driver.advance(2)

    assert [one.id for one in driver.handed_off] == [row.id]


def test_a_row_that_changes_while_it_is_adopted_is_read_again() -> None:
    """Its former executor records, at that very moment, that somebody has begun it."""
    row = left(RunState.PENDING)
    driver = finding(row, jobs=(JOB,), cleared=at(0))
    driver.hold(AdoptRuns)
    driver.take_over()
    driver.advance(0.1)
    began = RunChange(run_id=row.id, term=1, state=RunState.RUNNING, started_at=at(0))
    driver.store.change_runs([began])

    driver.release()
    assert driver.row(row).term == 1
    tag = report(driver, row, "completed")
    driver.advance(2.5)

    assert (driver.row(row).term, driver.row(row).state) == (2, RunState.SUCCEEDED)
    assert settled(driver) == [tag]


def test_a_report_adopts_a_row_whose_hand_over_was_never_recorded() -> None:
    """Its executor died between the two; whoever has the run proves that it lives."""
    row = left(remote=False, lease_until=at(8))
    driver = taking_over(row)

    report(driver, row, "running")
    driver.advance(30)

    assert (driver.row(row).state, driver.row(row).term) == (RunState.RUNNING, 2)
    assert driver.row(row).remote


def test_a_row_of_which_nobody_reports_is_lost_with_its_lease() -> None:
    """It is not known that it was handed over at all."""
    row = left(remote=False, lease_until=at(8))
    driver = taking_over(row)

    driver.advance(10)

    assert driver.row(row).state is RunState.LOST


def test_what_a_superseded_executor_learns_is_left_to_its_successor() -> None:
    """The report is settled by neither until the row shows it."""
    driver, run = handed_over()
    successor = successor_of(driver)
    successor.advance(0.1)

    lost = report(driver, run, "completed")
    driver.advance(5)
    again = report(successor, run, "completed")
    successor.advance(1.5)

    assert lost not in settled(driver)
    assert settled(successor) == [again]
    assert driver.row(run).state is RunState.SUCCEEDED


# What it may say ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["running", "completed", "failed", "cancelled", None])
def test_a_report_about_a_run_that_is_over_changes_nothing(status: str | None) -> None:
    """It is counted as late, and forgotten at once."""
    driver, run = handed_over()
    report(driver, run, "completed")
    driver.advance(1.5)

    tag = report(driver, run, status)

    assert driver.row(run).state is RunState.SUCCEEDED
    assert settled(driver)[-1] is tag
    driver.advance(6)
    assert driver.store.list_instances()[0].reports == {"applied": 1, "late": 1}


def test_a_report_about_a_run_of_another_job_is_illegal() -> None:
    """Whoever sends it has mixed something up; it is told in the log."""
    driver, run = handed_over()

    tag = report(driver, run, "completed", job="other")

    assert settled(driver) == [tag]
    assert driver.row(run).state is RunState.RUNNING
    assert [facts["verdict"] for facts in driver.noted("report_refused")] == ["illegal"]


def test_a_report_about_work_at_home_is_illegal() -> None:
    """A command's end is what its launcher says."""
    driver = executing(a_job(schedule=every(60)))
    driver.ask(trigger())
    (run,) = driver.handed_off
    driver.begin(run)

    report(driver, run, "completed")
    driver.advance(1)

    assert driver.row(run).state is RunState.RUNNING
    assert [facts["verdict"] for facts in driver.noted("report_refused")] == ["illegal"]


def test_a_report_about_an_unknown_run_is_late() -> None:
    """Retention may have removed it long ago."""
    driver = executing(JOB)

    tag = report(driver, "nobody", "running")

    assert settled(driver) == [tag]
    assert [facts["verdict"] for facts in driver.noted("report_refused")] == ["late"]


# When it is done with -----------------------------------------------------------------------


def test_a_report_is_settled_when_its_effect_is_durable_and_the_term_stood_after_that() -> None:
    """Not before the row is written, and not before a clearance made after it."""
    driver, run = handed_over()
    driver.hold(Record, ClearTerm)

    tag = report(driver, run, "completed")
    driver.advance(0.1)
    assert tag not in settled(driver)
    driver.answer(driver.awaited(Record))
    driver.advance(0.01)
    assert tag not in settled(driver)
    driver.release()
    driver.advance(0.1)

    assert settled(driver) == [tag]


def test_a_sign_of_life_is_settled_at_once() -> None:
    """Also with news of its progress: the next ones replace them."""
    driver, run = handed_over()
    driver.hold(Record, ClearTerm)

    tags = [report(driver, run), report(driver, run, details={"done": 1})]

    assert settled(driver) == tags


def test_a_late_end_whose_run_is_about_to_be_recorded_waits_for_that() -> None:
    """The first one of the two may yet be lost with this executor."""
    driver, run = handed_over()
    driver.hold(Record)
    first = report(driver, run, "completed")

    second = report(driver, run, "completed")
    assert settled(driver) == []
    driver.release()
    driver.advance(1.5)

    assert settled(driver) == [first, second]


# Call-backs ---------------------------------------------------------------------------------


def test_a_call_back_is_answered_when_its_effect_is_durable() -> None:
    """It goes the way of every command, into the same decision."""
    driver, run = handed_over()

    answer = call_back(driver, run, status="completed", details={"rows": 7})

    assert (answer.status, answer.facts) == (ResultStatus.DONE, {"report": "applied"})
    assert (driver.row(run).state, driver.row(run).details) == (RunState.SUCCEEDED, {"rows": 7})


def test_a_call_back_about_a_run_that_is_over_is_refused() -> None:
    """The answer says so; what the sender makes of it is web's to say."""
    driver, run = handed_over()
    call_back(driver, run, status="completed")

    answer = call_back(driver, run, status="failed")

    assert (answer.status, answer.facts) == (ResultStatus.CONFLICT, {"report": "late"})
    assert "the run is over" in answer.message


def test_a_call_back_waits_for_the_adoption_of_its_run() -> None:
    """And is answered after that."""
    row = left(remote=False, lease_until=at(8))
    driver = taking_over(row)

    answer = call_back(driver, row, status="completed")

    assert answer.status is ResultStatus.DONE
    assert driver.row(row).state is RunState.SUCCEEDED


def test_a_call_back_that_makes_no_sense_is_refused() -> None:
    """Web checks it; whatever else sends commands is not trusted."""
    driver, run = handed_over()

    assert call_back(driver, run, status="dancing").status is ResultStatus.INVALID
    assert call_back(driver, run, details=7).status is ResultStatus.INVALID


# What was adopted ---------------------------------------------------------------------------


def test_a_run_whose_job_is_gone_is_supervised_all_the_same() -> None:
    """Nobody can be asked to end it, nor be sent it again; it times out by the default."""
    row = left(started_at=at(-3500))
    driver = finding(row, jobs=(), cleared=at(0))
    driver.take_over()
    driver.advance(150)

    assert driver.row(row).state is RunState.TIMED_OUT
    assert not recalled(driver)
    assert driver.handed_off == []


def test_a_claim_that_meets_an_adopted_row_does_not_start_it_again() -> None:
    """A slot of a former term was handed over and reported before this term has claimed it."""
    job = replace(JOB, next_fire_at=at(0))
    row = a_claim(job, at(0), 1)
    driver = finding(row, jobs=(job,), cleared=at(0))
    driver.hold(InsertRuns)
    driver.take_over()
    driver.advance(0.1)
    report(driver, row, "running")
    assert (driver.row(row).term, driver.row(row).remote) == (2, True)

    driver.release()
    driver.advance(5)

    assert driver.handed_off == []
    assert driver.row(row).state is RunState.RUNNING


def test_a_row_that_was_read_before_its_adoption_does_not_free_its_job() -> None:
    """The claim's answer shows it under its former term; it occupies its job all the same."""
    job = replace(JOB, next_fire_at=at(0))
    row = a_claim(job, at(0), 1)
    driver = finding(row, jobs=(job,), cleared=at(0))
    driver.hold(InsertRuns)
    driver.take_over()
    answer = driver.carry_out(driver.awaited(InsertRuns))
    driver.advance(0.1)
    report(driver, row, "running")

    driver.tell(*answer)
    driver.release()
    driver.advance_to(at(60.5))

    assert [(one.state, one.reason) for one in driver.rows()] == [
        (RunState.RUNNING, None),
        (RunState.SKIPPED, Reason.OVERLAP),
    ]


def test_a_report_about_a_row_whose_adoption_is_not_answered_yet_is_not_late() -> None:
    """The store shows it no more among the rows of former terms, and is slow to say why."""
    driver = finding(left(), jobs=(JOB,), cleared=at(0))
    driver.hold(AdoptRuns)
    driver.take_over()
    answer = driver.carry_out(driver.awaited(AdoptRuns))
    driver.advance(2.5)
    (row,) = driver.rows()
    tag = report(driver, row, "completed")

    driver.tell(*answer)
    driver.advance(0.1)

    assert driver.row(row).state is RunState.SUCCEEDED
    assert settled(driver) == [tag]


@pytest.mark.parametrize("status", ["running", "completed"])
def test_an_executor_that_was_superseded_without_knowing_it_settles_no_end(status: str) -> None:
    """It takes a run for unknown that its successor has handed over."""
    driver = executing(JOB)
    driver.store.mint_term("elsewhere")

    tag = report(driver, "handed over elsewhere", status)
    driver.advance(5)

    assert settled(driver) == []
    assert driver.noted("superseded")
    assert tag is not None
