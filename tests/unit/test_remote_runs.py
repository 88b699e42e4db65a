"""Runs whose work goes on elsewhere: their times, their silence, their ends."""

from __future__ import annotations

import pytest

from executor.domain.run import Cause, Outcome, Reason, RunState
from executor.engine.effects import StartRuns
from executor.engine.events import RunFinished, RunHandedOver, RunNotStarted
from executor.engine.store_requests import ClearTerm, RenewLeases
from executor.engine.timing import RECALL_GRACE_S, TRUST_S, UNBEGUN_GRACE_S
from tests.builders import a_job, at, cancel, every, trigger
from tests.unit.desk_driver import executing
from tests.unit.remote_driver import (
    a_remote_job,
    hand_over,
    handed_over,
    recalled,
    report,
    settled,
)

BEATS = {"heartbeat_timeout": "PT10S"}


@pytest.mark.parametrize("running", [True, False])
def test_a_run_that_is_handed_over_is_recorded_as_remote(running: bool) -> None:
    """It runs, or waits elsewhere; and it holds no lease any more."""
    driver, run = handed_over(running)
    row = driver.row(run)
    renewed = len(driver.called(RenewLeases))
    driver.advance(30)

    assert row.remote
    assert row.state is (RunState.RUNNING if running else RunState.PENDING)
    assert (row.started_at is not None) is running
    assert len(driver.called(RenewLeases)) == renewed
    assert driver.row(run).state is row.state


def test_a_reported_end_is_the_runs_end() -> None:
    """With everything that was told; and the job may run again."""
    driver, run = handed_over()

    report(driver, run, "completed", details={"rows": 7}, reason=Reason.WARNING)
    driver.advance(0.1)
    driver.advance_to(at(60.5))

    row = driver.row(run)
    assert (row.state, row.reason, row.details) == (
        RunState.SUCCEEDED,
        Reason.WARNING,
        {"rows": 7},
    )
    assert row.finished_at is not None
    assert [one.state for one in driver.rows()][1:] == [RunState.PENDING]


def test_a_remote_run_occupies_its_job() -> None:
    """The next slot is skipped as it would be for work at home."""
    driver, _ = handed_over(running=False)

    driver.advance_to(at(60.5))

    assert [(row.state, row.reason) for row in driver.rows()][1:] == [
        (RunState.SKIPPED, Reason.OVERLAP)
    ]


def test_a_run_that_waits_elsewhere_starts_when_somebody_says_so() -> None:
    """By a status, or by any other sign of life."""
    for status in ("running", None):
        driver, run = handed_over(running=False)
        report(driver, run, status)
        driver.advance(0.1)
        assert driver.row(run).state is RunState.RUNNING
        assert driver.row(run).started_at is not None


def test_a_run_of_which_nothing_is_heard_goes_on_without_heartbeats() -> None:
    """Silence means something only for jobs that say so."""
    driver, run = handed_over()

    driver.advance(3000)

    assert driver.row(run).state is RunState.RUNNING


def test_a_run_that_has_fallen_silent_is_sent_again_and_in_the_end_lost() -> None:
    """The same run, as often as its job allows; then what follows a loss follows."""
    retry = {"attempts": 1, "delay": "PT1S", "jitter": 0}
    driver, run = handed_over(job=a_remote_job(**BEATS, retrigger=1, retry=retry))

    driver.advance(9)
    report(driver, run)
    driver.advance(9)
    assert len(driver.handed_off) == 1
    driver.advance(2)
    again = driver.handed_off[1]
    waiting = driver.row(run)
    hand_over(driver, again)
    driver.advance(10.5)

    assert (again.id, again.attempt, again.retriggers) == (run.id, 2, 1)
    assert (waiting.state, waiting.attempt, waiting.retriggers) == (RunState.PENDING, 2, 1)
    row = driver.row(run)
    assert (row.state, row.error) == (RunState.LOST, "nothing was heard of it for 10 s")
    driver.advance(2)
    assert [(one.cause, one.parent_run_id) for one in driver.rows()[1:]] == [(Cause.RETRY, run.id)]


def test_a_run_that_speaks_up_before_it_is_sent_again_is_believed() -> None:
    """The launcher gave it back in an outage of the store; by its end nothing is to be sent."""
    driver, run = handed_over(job=a_remote_job(**BEATS))
    driver.advance(10.5)
    driver.hold(ClearTerm)
    driver.advance(TRUST_S)
    driver.tell(RunNotStarted(run.id))

    report(driver, run)
    driver.release()
    driver.advance(2)

    assert len(driver.handed_off) == 2
    assert driver.row(run).state is RunState.RUNNING


def test_a_run_that_a_launcher_gives_back_is_sent_again() -> None:
    """It was not sent because trust had run out for a moment; somebody has to have it."""
    driver, run = handed_over(job=a_remote_job(**BEATS))
    driver.advance(10.5)

    driver.tell(RunNotStarted(run.id))
    driver.advance(0.5)

    assert [one.id for one in driver.handed_off] == [run.id] * 3


def test_time_in_which_nobody_can_be_heard_is_no_silence() -> None:
    """Without the token the broker may be away: heartbeats count from its return."""
    driver, run = handed_over(job=a_remote_job(**BEATS))

    driver.lose_token()
    driver.advance(60)
    assert len(driver.handed_off) == 1
    driver.take_over()
    driver.advance(9)
    assert len(driver.handed_off) == 1
    driver.advance(2)

    assert [one.id for one in driver.handed_off] == [run.id] * 2


def test_a_pause_of_the_process_is_no_silence() -> None:
    """Whatever was reported meanwhile is still to be taken in."""
    driver, run = handed_over(job=a_remote_job(**BEATS))

    driver.clock.advance(60)
    driver.advance(2)

    assert len(driver.handed_off) == 1
    report(driver, run)
    driver.advance(9)
    assert len(driver.handed_off) == 1


def test_a_run_that_is_not_begun_in_time_is_called_back_and_skipped() -> None:
    """Soon after: a report that it was begun all the same may only just be on its way."""
    driver, run = handed_over(running=False, job=a_remote_job(start_timeout="PT5S"))

    driver.advance(5.5)
    assert recalled(driver) == [(run.id, "start_timeout")]
    assert driver.row(run).state is RunState.PENDING
    driver.advance(UNBEGUN_GRACE_S)

    row = driver.row(run)
    assert (row.state, row.reason) == (RunState.SKIPPED, Reason.START_TIMEOUT)


def test_who_may_have_begun_is_waited_for_while_nobody_can_be_heard() -> None:
    """The token, and with it the broker, is away: the report may be waiting there."""
    driver, run = handed_over(running=False, job=a_remote_job(start_timeout="PT5S"))
    driver.lose_token()

    driver.advance(5.5 + UNBEGUN_GRACE_S)
    assert driver.row(run).state is RunState.PENDING
    driver.advance(RECALL_GRACE_S)

    assert driver.row(run).state is RunState.SKIPPED


def test_a_run_that_was_begun_although_it_was_called_back_is_no_skipped_one() -> None:
    """It ends as what it was: begun, and cancelled."""
    driver, run = handed_over(running=False, job=a_remote_job(start_timeout="PT5S"))
    driver.advance(5.5)

    report(driver, run, "running")
    driver.advance(0.1)
    begun = driver.row(run).state
    report(driver, run, "cancelled")
    driver.advance(0.1)

    row = driver.row(run)
    assert (begun, row.state, row.reason) == (
        RunState.CANCELLING,
        RunState.CANCELLED,
        Reason.START_TIMEOUT,
    )


def test_a_run_that_takes_too_long_is_called_back_and_has_timed_out() -> None:
    """Its job stays occupied until somebody confirms the end, or for a while."""
    driver, run = handed_over(job=a_remote_job(timeout="PT20S"))

    driver.advance(20.5)
    assert recalled(driver) == [(run.id, "timeout")]
    assert driver.row(run).state is RunState.CANCELLING
    driver.advance(RECALL_GRACE_S)

    row = driver.row(run)
    assert (row.state, row.reason) == (RunState.TIMED_OUT, Reason.TIMEOUT)
    assert row.error is not None


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("cancelled", RunState.TIMED_OUT),
        ("failed", RunState.TIMED_OUT),
        ("completed", RunState.SUCCEEDED),
    ],
)
def test_what_ends_after_its_time_has_timed_out_unless_it_got_done(
    status: str, state: RunState
) -> None:
    """The end that is reported within the grace decides."""
    driver, run = handed_over(job=a_remote_job(timeout="PT20S"))
    driver.advance(21)

    report(driver, run, status)
    driver.advance(0.1)

    assert driver.row(run).state is state


def test_a_cancelled_run_is_called_back_and_ends_when_that_is_confirmed() -> None:
    """The command is answered once the row shows `cancelling`."""
    driver, run = handed_over()

    (tag,) = driver.send(cancel(run))
    driver.advance(0.1)
    assert tag in driver.answers
    assert driver.row(run).state is RunState.CANCELLING
    assert recalled(driver) == [(run.id, "requested")]
    report(driver, run, "cancelled")
    driver.advance(0.1)

    assert (driver.row(run).state, driver.row(run).reason) == (
        RunState.CANCELLED,
        Reason.REQUESTED,
    )


def test_a_cancelled_run_ends_by_itself_when_nobody_confirms_it() -> None:
    """After the grace, with words that say so; and it is asked for once only."""
    driver, run = handed_over()

    driver.send(cancel(run), cancel(run))
    driver.advance(RECALL_GRACE_S + 0.5)

    assert recalled(driver) == [(run.id, "requested")]
    row = driver.row(run)
    assert (row.state, row.error) == (
        RunState.CANCELLED,
        "nobody confirmed within 30 s that it has ended",
    )


def test_a_run_is_replaced_when_the_next_one_is_due() -> None:
    """Overlap policy `replace` calls it back, and starts the next once it is over."""
    driver, run = handed_over(job=a_remote_job(overlap={"policy": "replace"}))

    driver.advance_to(at(60.5))
    assert recalled(driver) == [(run.id, "replaced")]
    report(driver, run, "cancelled")
    driver.advance(0.5)

    assert driver.row(run).reason is Reason.REPLACED
    assert len(driver.handed_off) == 2


def test_a_run_that_was_cancelled_on_its_way_is_called_back_once_it_is_handed_over() -> None:
    """The launcher could not keep it back any more."""
    driver = executing(a_remote_job())
    driver.ask(trigger())
    (run,) = driver.handed_off
    driver.begin(run)
    driver.send(cancel(run))

    driver.tell(RunHandedOver(run.id, driver.clock.now(), True))
    driver.advance(0.1)

    assert recalled(driver) == [(run.id, "requested")]
    assert (driver.row(run).state, driver.row(run).remote) == (RunState.CANCELLING, True)


def test_a_clean_end_leaves_remote_runs_alone_and_does_not_wait_for_them() -> None:
    """They go on; whoever executes next supervises them."""
    driver, run = handed_over()

    driver.stop()
    driver.advance(2)

    assert driver.noted("stopped")
    assert recalled(driver) == []
    assert driver.row(run).state is RunState.RUNNING


def test_a_superseded_executor_forgets_its_remote_runs_without_a_word() -> None:
    """They are its successor's; nobody is asked to end anything."""
    driver, run = handed_over(job=a_remote_job(**BEATS, timeout="PT20S"))
    driver.store.mint_term("elsewhere")

    driver.advance(60)
    tag = report(driver, run, "completed")
    driver.advance(5)

    assert recalled(driver) == []
    assert tag not in settled(driver)
    assert driver.row(run).state is RunState.RUNNING


def test_an_end_that_the_launcher_reports_all_the_same_counts() -> None:
    """A service reported that it goes on, and then refused the request that asked it to."""
    driver = executing(a_remote_job())
    driver.ask(trigger())
    (run,) = driver.handed_off
    driver.begin(run)
    report(driver, run, "running")

    outcome = Outcome(state=RunState.FAILED, http_status=500, error="refused")
    driver.tell(RunFinished(run.id, driver.clock.now(), outcome))
    driver.advance(0.1)

    row = driver.row(run)
    assert (row.state, row.http_status, row.remote) == (RunState.FAILED, 500, True)


def test_work_at_home_is_not_affected_by_any_of_this() -> None:
    """A command beside a remote run has its lease and its end as ever."""
    driver = executing(a_remote_job(), a_job("local", schedule=every(60)))
    driver.ask(trigger())
    driver.ask(trigger("local"))
    remote, local = driver.handed_off
    hand_over(driver, remote)
    driver.work(local)

    assert driver.row(local).state is RunState.SUCCEEDED
    assert driver.row(remote).state is RunState.RUNNING
    assert len(driver.wanted(StartRuns)) == 2
