"""Runs in the launchers' hands: their leases, and what happens when they come back."""

from __future__ import annotations

import pytest

from executor.domain.run import Cause, Outcome, Output, Reason, Run, RunState
from executor.engine.events import RunFinished, RunProgressed
from executor.engine.store_requests import RenewLeases
from executor.engine.timing import TRUST_S
from tests.builders import a_job, at, cancel, every, trigger
from tests.unit.desk_driver import Driver, executing

LEASE_S = 10.0


def at_work(*names: str) -> tuple[Driver, list[Run]]:
    """Return an executor with one run of each job going on for a moment."""
    driver = executing(*(a_job(name, schedule=every(60)) for name in names or ("backup",)))
    for name in names or ("backup",):
        driver.ask(trigger(name))
    for run in driver.handed_off:
        driver.begin(run)
    driver.advance(0.1)
    return driver, driver.handed_off


def supersede(driver: Driver) -> None:
    """Let somebody else mint a term, and the executor notice."""
    driver.store.mint_term("elsewhere")
    driver.advance(1.1)
    assert driver.engine.term is None
    driver.lose_token()


def test_leases_are_renewed_long_before_they_end() -> None:
    """Five chances in a lease's time, all runs of a term in one call."""
    driver, runs = at_work("a", "b")

    driver.advance(LEASE_S)

    renewals = driver.called(RenewLeases)
    assert len(renewals) == 5
    assert all(set(call.run_ids) == {run.id for run in runs} for call in renewals)
    assert {(call.term, call.lease_s) for call in renewals} == {(1, LEASE_S)}


def test_a_run_that_goes_on_for_long_is_never_declared_lost() -> None:
    """Its lease always ends in the future."""
    driver, (run,) = at_work()

    for _ in range(30):
        driver.advance(2)
        until = driver.row(run).lease_until
        assert until is not None
        assert until > driver.clock.now()


def test_what_has_lost_its_lease_is_ended_in_the_order_in_which_it_began() -> None:
    """Not in that of a set, which differs from process to process."""
    driver, runs = at_work(*(f"job-{number}" for number in range(9)))
    driver.hold(RenewLeases)
    driver.advance(LEASE_S / 4)

    driver.reply(driver.awaited(RenewLeases), frozenset(run.id for run in runs))

    assert [run.id for run in runs] == [run_id for run_id, _ in driver.cancelled()]


def test_without_work_nothing_is_renewed() -> None:
    """And work that has ended is not renewed either."""
    driver, (run,) = at_work()
    driver.end(run)
    driver.advance(3)
    known = len(driver.called(RenewLeases))

    driver.advance(30)

    assert len(driver.called(RenewLeases)) == known


def test_a_renewal_that_fails_is_made_in_the_next_round() -> None:
    """A silent store costs chances, and only silence for a whole lease costs the run."""
    driver, (run,) = at_work()
    driver.silent = True
    driver.advance(7)
    driver.silent = False

    driver.advance(2)

    until = driver.row(run).lease_until
    assert until is not None
    assert until > at(LEASE_S + 5)


def test_a_renewal_without_an_answer_does_not_pile_up() -> None:
    """There is one call out for a term, however long the store takes."""
    driver, _ = at_work()
    driver.hold(RenewLeases)

    driver.advance(30)

    assert len(driver.pending(RenewLeases)) == 1


def test_a_lost_lease_cancels_the_run() -> None:
    """Somebody has declared it lost and may repeat it: it must not go on beside its repetition."""
    driver, (run, other) = at_work("a", "b")
    supersede(driver)
    driver.hold(RenewLeases)
    driver.clock.advance(LEASE_S)
    driver.store.expire_runs(2)
    driver.store.renew_leases(1, [other.id], LEASE_S)
    assert driver.row(run).state is RunState.LOST

    driver.release()
    driver.advance(3)

    assert {run_id for run_id, _ in driver.cancelled()} == {run.id, other.id}
    assert {reason for _, reason in driver.cancelled()} == {Reason.SUPERSEDED}


def test_a_run_cancelled_for_its_lost_lease_stays_lost() -> None:
    """What the store says of it is not changed by the end that its former executor reports."""
    driver, (run,) = at_work()
    supersede(driver)
    driver.clock.advance(LEASE_S)
    driver.store.expire_runs(2)
    driver.advance(3)

    driver.end(run, RunState.CANCELLED, Reason.SUPERSEDED)
    driver.advance(1)

    assert driver.row(run).state is RunState.LOST
    assert len(driver.cancelled()) == 1


def test_work_outlives_the_tenure_that_started_it() -> None:
    """A superseded executor finishes its runs under their leases, in their own term."""
    driver, (run,) = at_work()
    supersede(driver)
    driver.advance(30)
    until = driver.row(run).lease_until
    assert until is not None
    assert until > driver.clock.now()

    driver.end(run)
    driver.advance(0.1)

    assert (driver.row(run).state, driver.row(run).term) == (RunState.SUCCEEDED, 1)


def test_work_of_a_former_tenure_occupies_its_job_in_the_next() -> None:
    """Elected again, the same process does not overrun what it still has in hand."""
    driver, (run,) = at_work()
    supersede(driver)
    assert driver.take_over() == 3

    driver.advance_to(at(60.1))
    assert [(r.fire_at, r.reason) for r in driver.rows()[1:]] == [(at(60), Reason.OVERLAP)]
    driver.end(run)
    driver.advance_to(at(120))

    assert [r.fire_at for r in driver.handed_off] == [None, at(120)]


def test_leases_are_renewed_under_the_term_that_owns_the_row() -> None:
    """Work of two terms is renewed in two calls."""
    driver, (old,) = at_work()
    supersede(driver)
    driver.take_over()
    driver.advance_to(at(60))
    driver.end(old)
    driver.ask(trigger())
    new = driver.handed_off[-1]
    driver.begin(new)
    assert new.term == 3
    driver.advance(5)

    assert {call.term for call in driver.called(RenewLeases)} == {1, 3}


def test_a_run_given_back_in_its_tenure_starts_later() -> None:
    """The launcher could not start it while trust was out; the same row starts when it is back."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    (run,) = driver.handed_off
    driver.silent = True
    driver.advance(TRUST_S + 0.5)
    driver.give_back(run)
    assert len(driver.handed_off) == 1

    driver.silent = False
    driver.advance(2)
    driver.work(driver.handed_off[-1])

    assert [r.id for r in driver.handed_off] == [run.id] * 2
    assert driver.row(run).state is RunState.SUCCEEDED


def test_a_run_given_back_after_its_tenure_is_given_up_for_the_successor() -> None:
    """It was never started: the successor repeats it, whatever the job's limit."""
    driver = executing(a_job(retrigger=0))
    driver.advance_to(at(10))
    (run,) = driver.handed_off
    driver.store.mint_term("elsewhere")
    driver.advance(1.1)
    driver.give_back(run)
    driver.advance(0.1)
    row = driver.row(run)
    assert (row.state, row.reason) == (RunState.CANCELLED, Reason.SUPERSEDED)
    assert row.follow_up

    successor = Driver(driver.store, "successor")
    successor.take_over()

    (again,) = successor.handed_off
    assert (again.cause, again.fire_at) == (Cause.RETRIGGER, at(10))


def test_a_run_given_back_that_was_to_be_cancelled_is_cancelled() -> None:
    """The request got there first: it does not start any more, and it is not repeated."""
    driver = executing(a_job())
    driver.ask(trigger())
    (run,) = driver.handed_off
    driver.send(cancel(run))

    driver.give_back(run)
    driver.advance(2)

    row = driver.row(run)
    assert (row.state, row.reason) == (RunState.CANCELLED, Reason.REQUESTED)
    assert not row.follow_up
    assert driver.handed_off == [run]


@pytest.mark.parametrize("report", ["begin", "end", "give_back"])
def test_reports_about_unknown_runs_change_nothing(report: str) -> None:
    """A launcher's word about a run that is over, or was never here, is not believed."""
    driver, (run,) = at_work()
    driver.end(run)
    driver.advance(0.1)
    before = driver.row(run)

    getattr(driver, report)(run)
    driver.advance(1)

    assert driver.row(run) == before


def test_what_a_run_tells_of_itself_is_recorded_as_it_goes_on() -> None:
    """The newest details stand in the row, and stay there unless the end brings others."""
    driver, (run,) = at_work()

    driver.tell(RunProgressed(run.id, {"done": 1}), RunProgressed(run.id, {"done": 2}))
    driver.advance(0.1)
    going_on = driver.row(run)
    driver.end(run)
    driver.advance(0.1)

    assert (going_on.state, going_on.details) == (RunState.RUNNING, {"done": 2})
    assert (driver.row(run).state, driver.row(run).details) == (RunState.SUCCEEDED, {"done": 2})


def test_what_a_run_tells_while_it_is_being_cancelled_changes_nothing() -> None:
    """Its row says that it is being cancelled until it has ended."""
    driver, (run,) = at_work()

    driver.send(cancel(run))
    driver.tell(RunProgressed(run.id, {"done": 1}))
    driver.advance(0.1)

    assert (driver.row(run).state, driver.row(run).details) == (RunState.CANCELLING, None)


def test_everything_a_launcher_reports_is_recorded() -> None:
    """Exit code, status, patience, error and output stand in the row."""
    driver, (run,) = at_work()
    output = Output(head="so far", tail="so good", size=4711)
    outcome = Outcome(
        state=RunState.FAILED,
        exit_code=3,
        http_status=500,
        retry_after=9,
        error="no luck",
        output=output,
    )

    driver.tell(RunFinished(run.id, at(7), outcome))
    driver.advance(0.1)

    row = driver.row(run)
    assert (row.state, row.exit_code, row.http_status) == (RunState.FAILED, 3, 500)
    assert (row.error, row.output, row.finished_at) == ("no luck", output, at(7))
    assert row.retry_after == 9
    assert driver.noted("run_finished")[0]["error"] == "no luck"


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.TIMED_OUT, RunState.CANCELLED])
def test_an_end_of_its_own_is_not_repeated(state: RunState) -> None:
    """Only what a shutdown or a lost executor ended demands another run."""
    driver, (run,) = at_work()

    driver.end(run, state, Reason.REQUESTED if state is RunState.CANCELLED else None)
    driver.advance(0.1)

    assert not driver.row(run).follow_up


def test_work_that_is_being_cancelled_keeps_its_lease() -> None:
    """Ending may take a while; until then nobody shall declare the run lost and repeat it."""
    driver, (run,) = at_work()
    driver.send(cancel(run))
    supersede(driver)

    driver.advance(LEASE_S + 5)

    until = driver.row(run).lease_until
    assert until is not None
    assert until > driver.clock.now()
