"""Watched jobs: what is expected of them, what pings do, and what becomes of silence."""

from __future__ import annotations

import pytest

from executor.domain.command import CommandKind, ResultStatus
from executor.domain.instant import to_text
from executor.domain.run import Cause, Reason, RunState
from executor.domain.watch import Signal, awaits_ping
from tests.builders import a_command, at, cancel, trigger, update
from tests.unit.remote_driver import recalled
from tests.unit.watch_driver import (
    GRACE_S,
    expect,
    let_go,
    ping,
    watching,
)

RID = "6c1a3d4e-0000-4000-8000-000000000001"
OTHER = "6c1a3d4e-0000-4000-8000-000000000002"


def test_a_run_is_expected_at_its_fire_time() -> None:
    """Its row waits for a ping, and says until when."""
    driver = watching()

    run = expect(driver, at(60.5))

    assert (run.state, run.remote, run.fire_at) == (RunState.PENDING, True, at(60))
    assert awaits_ping(run)
    assert run.details == {"ping_by": to_text(at(60 + GRACE_S))}


def test_a_ping_ends_the_run_that_is_expected() -> None:
    """It has succeeded then, as of the ping, and nothing more is expected."""
    driver = watching()
    run = expect(driver, at(61))

    answer = ping(driver, said="all saved", exit_code=0)
    driver.advance(GRACE_S)

    row = driver.row(run)
    assert (answer.status, answer.run_id) == (ResultStatus.DONE, run.id)
    assert (row.state, row.exit_code, row.error) == (RunState.SUCCEEDED, 0, None)
    assert row.output is not None
    assert row.output.head == "all saved"
    assert row.started_at == row.finished_at
    assert len(driver.rows()) == 1


def test_a_start_begins_the_run_and_a_later_ping_ends_it() -> None:
    """What is said on the way is kept, one below the other."""
    driver = watching()
    run = expect(driver, at(61))

    ping(driver, Signal.START, said="begin")
    begun = driver.row(run)
    driver.advance(2 * GRACE_S - 10)
    ping(driver, Signal.LOG, said="half")
    ping(driver, Signal.FAIL, exit_code=7, said="disk full")

    row = driver.row(run)
    assert (begun.state, begun.finished_at) == (RunState.RUNNING, None)
    assert (row.state, row.exit_code) == (RunState.FAILED, 7)
    assert row.started_at == begun.started_at
    assert row.output is not None
    assert row.output.head == "begin\nhalf\ndisk full"
    assert not awaits_ping(row)


def test_a_run_of_which_nothing_is_heard_has_failed() -> None:
    """At the end of its grace, in words that people understand."""
    driver = watching()
    run = expect(driver, at(60.5))

    driver.advance_to(at(60 + GRACE_S - 0.5))
    waiting = driver.row(run).state
    driver.advance(1)

    row = driver.row(run)
    assert waiting is RunState.PENDING
    assert (row.state, row.reason) == (RunState.FAILED, Reason.NO_PING)
    assert row.error is not None
    assert row.error.startswith("no ping came until ")
    assert recalled(driver) == []


def test_a_log_is_no_beginning() -> None:
    """It is kept, and the run is missed all the same."""
    driver = watching()
    run = expect(driver, at(61))

    ping(driver, Signal.LOG, said="I will")
    logged = driver.row(run)
    driver.advance(GRACE_S)

    row = driver.row(run)
    assert logged.state is RunState.PENDING
    assert (row.state, row.reason) == (RunState.FAILED, Reason.NO_PING)
    assert row.output is not None
    assert row.output.head == "I will"


def test_a_run_that_takes_too_long_has_timed_out() -> None:
    """By the job's timeout, from its start; nobody is asked to end it."""
    driver = watching(timeout="PT30S")
    run = expect(driver, at(61))
    ping(driver, Signal.START)

    driver.advance(30.5)

    row = driver.row(run)
    assert (row.state, row.error) == (
        RunState.TIMED_OUT,
        "no ping said within 30 s that it has ended",
    )
    assert recalled(driver) == []


def test_an_early_ping_is_that_of_the_coming_fire_time() -> None:
    """Clocks differ: within the grace, and nearer to it than to the one before."""
    driver = watching()
    driver.advance_to(at(45))

    answer = ping(driver)
    driver.advance_to(at(60 + 2 * GRACE_S))

    (row,) = driver.rows()
    assert answer.run_id == row.id
    assert (row.state, row.fire_at, row.scheduled) == (RunState.SUCCEEDED, at(60), True)
    assert row.finished_at == at(45)
    expect(driver, at(120.5))
    assert [one.fire_at for one in driver.rows()] == [at(60), at(120)]


def test_an_early_start_goes_on_past_its_fire_time() -> None:
    """Nothing else is expected at that."""
    driver = watching()
    driver.advance_to(at(50))

    ping(driver, Signal.START)
    driver.advance_to(at(70))
    ping(driver)

    (row,) = driver.rows()
    assert (row.state, row.fire_at, row.started_at) == (RunState.SUCCEEDED, at(60), at(50))


@pytest.mark.parametrize("ahead_s", [0.3, 0.05, 0.0])
def test_a_ping_at_the_very_fire_time_meets_the_row_on_its_way(ahead_s: float) -> None:
    """Whatever that has come to: it is claimed, cleared, or about to be handed off."""
    driver = watching()
    driver.advance_to(at(60 - ahead_s))

    ping(driver)
    let_go(driver)
    driver.advance_to(at(60 + 2 * GRACE_S))

    (row,) = driver.rows()
    assert (row.state, row.fire_at) == (RunState.SUCCEEDED, at(60))


def test_what_nobody_expected_is_a_run_of_its_own() -> None:
    """Too early for the next fire time: somebody ran it by hand."""
    driver = watching()
    driver.advance_to(at(20))

    ping(driver, Signal.START)
    ping(driver, Signal.FAIL)
    expect(driver, at(60.5))

    extra, slot = driver.rows()
    assert (extra.cause, extra.state, extra.scheduled) == (Cause.PING, RunState.FAILED, False)
    assert (slot.state, slot.fire_at) == (RunState.PENDING, at(60))


def test_a_late_ping_is_recorded_beside_the_run_that_was_given_up() -> None:
    """What was told stays true; the job has succeeded since."""
    driver = watching()
    expect(driver, at(60.5))
    driver.advance_to(at(60 + GRACE_S + 5))

    ping(driver)

    missed, late = driver.rows()
    assert (missed.state, missed.reason) == (RunState.FAILED, Reason.NO_PING)
    assert (late.state, late.cause) == (RunState.SUCCEEDED, Cause.PING)


def test_a_log_about_nothing_changes_nothing() -> None:
    """There is no run that it could be added to."""
    driver = watching()

    assert ping(driver, Signal.LOG, said="hello").status is ResultStatus.DONE
    assert driver.rows() == []


def test_runs_that_overlap_are_told_apart_by_their_ids() -> None:
    """The first takes the expected run, the second is one of its own."""
    driver = watching()
    run = expect(driver, at(61))

    ping(driver, Signal.START, rid=RID)
    ping(driver, Signal.START, rid=OTHER)
    ping(driver, Signal.FAIL, rid=RID, exit_code=2)
    ping(driver, rid=OTHER)

    first, second = driver.rows()
    assert (first.id, first.state, first.exit_code) == (run.id, RunState.FAILED, 2)
    assert (second.state, second.cause) == (RunState.SUCCEEDED, Cause.PING)
    assert (first.details or {})["rid"] == RID


def test_a_slot_that_comes_due_while_a_run_goes_on_is_not_expected() -> None:
    """By the job's overlap policy, as for every other job."""
    driver = watching()
    expect(driver, at(61))
    ping(driver, Signal.START)

    driver.advance_to(at(121))

    assert [(row.state, row.reason) for row in driver.rows()] == [
        (RunState.RUNNING, None),
        (RunState.SKIPPED, Reason.OVERLAP),
    ]


def test_a_paused_job_is_not_missed() -> None:
    """Nor one that is disabled, nor one that is not watched any more."""
    for change, reason in (
        (a_command(CommandKind.PAUSE_JOB, "backup"), Reason.PAUSED),
        (update("backup", enabled=False, target={"kind": "watched"}), Reason.DISABLED),
        (update("backup"), Reason.SUPERSEDED),
        (a_command(CommandKind.DELETE_JOB, "backup"), Reason.DELETED),
    ):
        driver = watching()
        run = expect(driver, at(61))
        driver.ask(change)

        driver.advance(GRACE_S)

        row = driver.row(run)
        assert (row.state, row.reason) == (RunState.SKIPPED, reason)


def test_a_run_can_be_cancelled_and_nobody_is_asked() -> None:
    """It is over at once, whether it was begun or not."""
    for begun in (False, True):
        driver = watching()
        run = expect(driver, at(61))
        if begun:
            ping(driver, Signal.START)

        driver.send(cancel(run))
        driver.advance(0.1)

        row = driver.row(run)
        assert (row.state, row.reason, row.error) == (
            RunState.CANCELLED,
            Reason.REQUESTED,
            None,
        )


def test_nobody_here_can_run_it() -> None:
    """On request neither, nor for the past."""
    driver = watching()

    asked = (trigger(), a_command(CommandKind.BACKFILL_JOB, "backup"))

    for command in asked:
        answer = driver.ask(command)
        assert answer.status is ResultStatus.CONFLICT
        assert "here it is only watched" in answer.message


def test_a_ping_of_a_job_that_is_run_here_is_refused() -> None:
    """Its target may have been changed since web has looked."""
    driver = watching()
    driver.ask(update("backup"))

    assert ping(driver).status is ResultStatus.CONFLICT
    assert driver.rows() == []
