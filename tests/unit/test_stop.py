"""A clean end: nothing new, everything cleared still started, everything durable, then out."""

from __future__ import annotations

from executor.domain.run import Cause, Reason, RunState
from executor.engine.effects import CloseIntake, Exit, StepAside, StopToken
from executor.engine.events import TokenGained
from executor.engine.store_requests import (
    ClearTerm,
    InsertRuns,
    MintTerm,
    Record,
    ResignTerm,
    SaveResults,
)
from executor.engine.timing import TRUST_S
from tests.builders import a_job, at, every, trigger, update
from tests.unit.desk_driver import Driver, executing, with_jobs

GRACE_S = 25.0


def ended(driver: Driver) -> bool:
    """Return whether the process was told that it may end, which happens once."""
    exits = driver.wanted(Exit)
    assert len(exits) <= 1
    return bool(exits)


def at_work() -> Driver:
    """Return an executor whose only run is going on."""
    driver = executing(a_job(schedule=every(60)))
    driver.ask(trigger())
    driver.begin(driver.handed_off[0])
    driver.advance(0.1)
    return driver


def test_a_standby_ends_at_once() -> None:
    """It owes nothing: the token is no longer competed for, and that is all."""
    driver = Driver(with_jobs(a_job()))

    driver.stop()

    assert driver.wanted(StopToken) == [StopToken()]
    assert ended(driver)


def test_an_idle_executor_resigns_and_hands_the_token_back() -> None:
    """In this order: the term is given up on purpose, then the token moves, then the end."""
    driver = executing(a_job())

    driver.stop()

    record = driver.store.read_term()
    assert record is not None
    assert record.resigned
    assert driver.engine.term is None
    assert [type(e) for e in driver.effects if isinstance(e, CloseIntake | StopToken | Exit)] == [
        CloseIntake,
        StopToken,
        Exit,
    ]


def test_the_successor_goes_on_where_it_was_left() -> None:
    """No slot is lost and none is fired twice over a clean hand-over."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    driver.work(driver.handed_off[0])
    driver.advance_to(at(19.8))
    driver.stop()
    assert ended(driver)

    successor = Driver(driver.store, "successor")
    successor.take_over()
    successor.advance_to(at(30))

    assert [run.fire_at for run in successor.handed_off][:1] == [at(20)]
    assert [row.fire_at for row in successor.rows()] == [at(10), at(20), at(30)]


def test_nothing_new_is_claimed() -> None:
    """Slots that come due during the grace period are the successor's."""
    driver = at_work()
    driver.stop()

    driver.advance_to(at(20))

    assert len(driver.inserted()) == 1


def test_what_is_cleared_is_still_handed_off_before_the_term_is_resigned() -> None:
    """The successor could not tell whether it was started; this executor can, so it starts it."""
    driver = executing(a_job())
    driver.advance_to(at(9.96))
    assert driver.called(ClearTerm)[-1].until == at(10)

    driver.stop()
    assert driver.called(ResignTerm) == []
    driver.advance_to(at(10))

    assert [run.fire_at for run in driver.handed_off] == [at(10)]
    assert len(driver.called(ResignTerm)) == 1
    assert not ended(driver)
    driver.work(driver.handed_off[0])
    assert ended(driver)


def test_a_clearance_that_is_out_is_waited_for() -> None:
    """Whether its rows may be started is about to be known."""
    driver = executing(a_job())
    driver.advance_to(at(9.9))
    driver.hold(ClearTerm)
    driver.advance_to(at(9.96))
    driver.stop()
    assert driver.called(ResignTerm) == []

    driver.release()
    driver.advance_to(at(10))

    assert [run.fire_at for run in driver.handed_off] == [at(10)]
    assert len(driver.called(ResignTerm)) == 1


def test_a_clearance_without_an_answer_leaves_its_rows_to_the_successor() -> None:
    """They may be cleared in the store: they are given up by name, and repeated there."""
    driver = executing(a_job(retrigger=0))
    driver.advance_to(at(9.9))
    driver.hold(ClearTerm)
    driver.advance_to(at(9.96))
    driver.stop()

    driver.lose_answer(driver.awaited(ClearTerm))
    driver.advance(1)
    assert driver.handed_off == []
    assert ended(driver)

    successor = Driver(driver.store, "successor")
    successor.take_over()
    assert [(run.fire_at, run.cause) for run in successor.handed_off] == [(at(10), Cause.RETRIGGER)]


def test_a_row_claimed_and_not_cleared_is_the_successors() -> None:
    """It has certainly not started, so the successor adopts it; nobody waits for it here."""
    driver = executing(a_job())
    driver.advance_to(at(9.8))
    driver.stop()
    assert ended(driver)

    successor = Driver(driver.store, "successor")
    successor.take_over()
    successor.advance_to(at(10))

    (run,) = successor.handed_off
    assert (run.fire_at, run.term, run.cause) == (at(10), 2, Cause.SCHEDULE)


def test_cleared_rows_are_given_up_when_trust_has_run_out() -> None:
    """A clearance that can no longer be relied on is not renewed by one who is leaving."""
    driver = executing(a_job(retrigger=0))
    driver.advance_to(at(9.98))
    driver.clock.advance(TRUST_S + 1)

    driver.stop()

    assert driver.handed_off == []
    assert len(driver.called(ResignTerm)) == 1
    driver.advance(0.1)
    (row,) = driver.rows()
    assert (row.state, row.reason, row.follow_up) == (
        RunState.CANCELLED,
        Reason.SUPERSEDED,
        True,
    )


def test_running_work_goes_on_during_the_grace_period() -> None:
    """Under its lease, while the successor already executes."""
    driver = at_work()
    (run,) = driver.handed_off
    driver.stop()
    assert not ended(driver)

    driver.advance(GRACE_S - 1)
    until = driver.row(run).lease_until
    assert until is not None
    assert until > driver.clock.now()
    assert driver.cancelled() == []

    driver.end(run)
    assert not ended(driver)
    driver.advance(0.1)
    assert driver.row(run).state is RunState.SUCCEEDED
    assert ended(driver)


def test_what_runs_beyond_the_grace_period_is_cancelled_and_repeated_elsewhere() -> None:
    """It ends as cancelled(shutdown), and the successor applies the job's retrigger policy."""
    driver = at_work()
    (run,) = driver.handed_off
    driver.stop()
    driver.advance(GRACE_S + 0.1)
    assert driver.cancelled() == [(run.id, Reason.SHUTDOWN)]
    assert not ended(driver)

    driver.end(run, RunState.CANCELLED, Reason.SHUTDOWN)
    driver.advance(0.1)
    assert ended(driver)
    row = driver.row(run)
    assert (row.state, row.reason, row.follow_up) == (RunState.CANCELLED, Reason.SHUTDOWN, True)

    successor = Driver(driver.store, "successor")
    successor.take_over()
    assert [again.parent_run_id for again in successor.handed_off] == [run.id]


def test_work_that_had_not_begun_by_the_end_of_the_grace_period_is_repeated_too() -> None:
    """A launcher gives it back: nobody asked to cancel it, so it is the successor's."""
    driver = executing(a_job(schedule=every(60), retrigger=0))
    driver.ask(trigger())
    (run,) = driver.handed_off
    driver.stop()
    driver.advance(GRACE_S + 0.1)
    assert driver.cancelled() == [(run.id, Reason.SHUTDOWN)]

    driver.give_back(run)
    driver.advance(0.1)
    assert ended(driver)

    successor = Driver(driver.store, "successor")
    successor.take_over()
    assert [again.parent_run_id for again in successor.handed_off] == [run.id]


def test_a_run_given_back_while_stopping_is_given_up() -> None:
    """It starts nowhere here any more."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    (run,) = driver.handed_off
    driver.hold(ResignTerm)
    driver.stop()

    driver.give_back(run)
    driver.release()
    driver.advance(0.1)

    assert driver.row(run).follow_up
    assert driver.handed_off == [run]
    assert ended(driver)


def test_the_process_ends_only_when_everything_is_durable() -> None:
    """The last record is waited for, however long the store takes."""
    driver = at_work()
    (run,) = driver.handed_off
    driver.stop()
    driver.hold(Record)
    driver.end(run)
    driver.advance(5)
    assert not ended(driver)

    driver.fail(driver.awaited(Record))
    driver.advance(5)
    assert not ended(driver)
    driver.release()

    assert ended(driver)


def test_a_resignation_that_fails_is_no_reason_to_stay() -> None:
    """It is a courtesy: the successor needs the token and no more."""
    driver = executing(a_job())
    driver.silent = True

    driver.stop()
    driver.advance(1)

    assert driver.wanted(StopToken) == [StopToken()]
    assert ended(driver)


def test_commands_in_hand_go_back_to_the_queue() -> None:
    """They are not answered; the successor gets them."""
    driver = executing(a_job())
    driver.hold(SaveResults)
    (tag,) = driver.send(update(description="new"))

    driver.stop()
    driver.release()
    driver.advance(1)

    assert len(driver.wanted(CloseIntake)) == 1
    assert tag not in driver.answers


def test_a_claim_that_is_out_is_not_waited_for() -> None:
    """Written or not, it lies beyond the last clearance."""
    driver = executing(a_job())
    driver.hold(InsertRuns)
    driver.advance_to(at(9.8))

    driver.stop()

    assert ended(driver)


def test_a_term_minted_while_stopping_is_not_used() -> None:
    """A standby that had just won the token leaves without executing."""
    driver = Driver(with_jobs(a_job()))
    driver.hold(MintTerm)
    driver.tell(TokenGained())

    driver.stop()
    driver.release()
    driver.advance(12)

    assert driver.engine.term is None
    assert driver.inserted() == []
    assert ended(driver)


def test_the_token_offered_while_stopping_is_not_taken() -> None:
    """Nothing is minted on the way out."""
    driver = at_work()
    driver.stop()
    driver.lose_token()

    driver.tell(TokenGained())
    driver.advance(1)

    assert len(driver.called(MintTerm)) == 1


def test_being_superseded_while_stopping_changes_nothing() -> None:
    """Somebody else executes already: so much the better."""
    driver = executing(a_job())
    driver.hold(ClearTerm)
    driver.advance_to(at(9.96))
    driver.store.mint_term("elsewhere")
    driver.stop()

    driver.release()
    driver.advance(1)

    assert driver.engine.term is None
    assert driver.handed_off == []
    assert driver.wanted(StepAside) == []
    assert driver.wanted(StopToken) == [StopToken()]
    assert ended(driver)


def test_asking_twice_is_asking_once() -> None:
    """A second signal does not begin the grace period anew."""
    driver = at_work()
    driver.stop()
    driver.advance(GRACE_S - 1)
    driver.stop()

    driver.advance(1.1)

    assert len(driver.cancelled()) == 1
    assert len(driver.noted("stopping")) == 1


def test_an_end_while_the_jobs_are_still_being_loaded_is_clean_too() -> None:
    """Nothing was claimed yet, so nothing is owed."""
    driver = Driver(with_jobs(a_job()))
    driver.tell(TokenGained())
    driver.stop()
    driver.advance(0.1)

    assert ended(driver)
