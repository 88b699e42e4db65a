"""Commands about runs: start one now, end one early."""

from __future__ import annotations

import pytest

from executor.domain.command import ResultStatus
from executor.domain.identity import manual_run_id
from executor.domain.job import Pause
from executor.domain.run import Cause, Reason, RunState
from executor.engine.store_requests import ClearTerm, InsertRuns, Record
from tests.builders import a_job, at, cancel, trigger
from tests.unit.desk_driver import Driver, executing


def test_a_run_is_triggered() -> None:
    """It has an id from the command, belongs to no slot, and starts at once."""
    driver = executing(a_job())
    command = trigger()

    result = driver.ask(command)

    (run,) = driver.handed_off
    assert (result.status, result.run_id) == (ResultStatus.CREATED, run.id)
    assert run.id == run.trigger_id == manual_run_id(command.id)
    assert (run.cause, run.scheduled, run.fire_at) == (Cause.MANUAL, False, None)


def test_a_paused_job_may_be_triggered() -> None:
    """A pause holds back the schedule and nobody's hand."""
    driver = executing(a_job(paused=Pause(since=at(0))))

    assert driver.ask(trigger()).status is ResultStatus.CREATED
    assert len(driver.handed_off) == 1


def test_a_disabled_job_is_not_triggered() -> None:
    """The refusal says why, and is recorded."""
    driver = executing(a_job(enabled=False))

    result = driver.ask(trigger())

    assert result.status is ResultStatus.CONFLICT
    assert "the job is disabled" in result.message
    assert [(row.state, row.reason) for row in driver.rows()] == [
        (RunState.SKIPPED, Reason.DISABLED)
    ]


def test_a_busy_job_is_not_triggered() -> None:
    """Its overlap policy is forbid."""
    driver = executing(a_job())
    driver.ask(trigger())

    result = driver.ask(trigger())

    assert result.status is ResultStatus.CONFLICT
    assert "a run of it is unfinished" in result.message
    assert len(driver.handed_off) == 1
    assert (driver.rows()[1].state, driver.rows()[1].reason) == (RunState.SKIPPED, Reason.OVERLAP)


def test_a_trigger_is_answered_when_the_run_is_durable_and_its_term_verified() -> None:
    """Neither the row nor a clearance that began after it may be missing."""
    driver = executing(a_job())
    driver.hold(InsertRuns, ClearTerm)
    (tag,) = driver.send(trigger())
    driver.advance(0.3)
    assert tag not in driver.answers

    driver.answer(driver.awaited(InsertRuns))
    assert tag not in driver.answers
    driver.release()

    assert driver.answers[tag].status is ResultStatus.CREATED


def test_a_running_run_is_cancelled_on_request() -> None:
    """The launcher is told; the answer comes when the store knows that it is being cancelled."""
    driver = executing(a_job())
    driver.ask(trigger())
    (run,) = driver.handed_off
    driver.begin(run)
    driver.advance(0.1)
    driver.hold(Record)

    (tag,) = driver.send(cancel(run))
    driver.advance(0.1)
    assert driver.cancelled() == [(run.id, Reason.REQUESTED)]
    assert tag not in driver.answers
    driver.release()
    driver.advance(0.1)

    assert (driver.answers[tag].status, driver.answers[tag].run_id) == (ResultStatus.DONE, run.id)
    assert driver.row(run).state is RunState.CANCELLING
    driver.end(run, RunState.CANCELLED, Reason.REQUESTED)
    driver.advance(0.1)
    assert (driver.row(run).state, driver.row(run).reason) == (
        RunState.CANCELLED,
        Reason.REQUESTED,
    )
    assert not driver.row(run).follow_up


def claimed_slot() -> Driver:
    """Return an executor that has claimed the slot at(10), which waits for its second."""
    driver = executing(a_job())
    driver.advance_to(at(9.8))
    return driver


def test_a_run_that_waits_for_its_second_is_cancelled_and_never_starts() -> None:
    """It is withdrawn; the answer comes when the store knows."""
    driver = claimed_slot()
    (row,) = driver.rows()
    driver.hold(Record)
    (tag,) = driver.send(cancel(row))
    driver.advance(0.1)
    assert tag not in driver.answers

    driver.release()
    driver.advance_to(at(12))

    assert driver.answers[tag].status is ResultStatus.DONE
    assert driver.handed_off == []
    assert (driver.row(row).state, driver.row(row).reason) == (
        RunState.CANCELLED,
        Reason.REQUESTED,
    )


def test_a_slot_that_was_cancelled_is_accounted_for() -> None:
    """The watermark passes it like a slot that ran."""
    driver = claimed_slot()

    driver.send(cancel(driver.rows()[0]))
    driver.advance_to(at(12))

    assert driver.job().next_fire_at == at(20)


def test_a_run_whose_claim_is_being_written_is_not_called_ended() -> None:
    """It is about to start; the answer must not say that it is over when it is not."""
    driver = executing(a_job())
    driver.hold(InsertRuns)
    driver.advance_to(at(9.8))
    (row,) = driver.inserted()

    (tag,) = driver.send(cancel(row))
    driver.release()
    driver.advance_to(at(12))

    started = [run.id for run in driver.handed_off]
    refused = driver.answers[tag].status is ResultStatus.CONFLICT
    assert not (started and refused and "has ended already" in driver.answers[tag].message)


@pytest.mark.parametrize("run_id", ["0" * 32, "never heard of"])
def test_a_run_that_is_over_or_unknown_cannot_be_cancelled(run_id: str) -> None:
    """The state refuses it."""
    driver = executing(a_job())

    result = driver.ask(cancel(run_id))

    assert (result.status, driver.cancelled()) == (ResultStatus.CONFLICT, [])
    assert "cannot be cancelled" in result.message


def test_cancelling_twice_tells_the_launcher_once() -> None:
    """The second request finds the run on its way out, and is answered likewise."""
    driver = executing(a_job())
    driver.ask(trigger())
    (run,) = driver.handed_off
    driver.begin(run)

    tags = driver.send(cancel(run)) + driver.send(cancel(run))
    driver.advance(0.2)

    assert [driver.answers[tag].status for tag in tags] == [ResultStatus.DONE] * 2
    assert driver.cancelled() == [(run.id, Reason.REQUESTED)]
