"""A claim that finds its place taken: who owns the slot, and may it still be started?"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from executor.domain.job import Job
from executor.domain.run import Cause, Reason, Run, RunChange, RunState
from executor.domain.writes import Adoption
from executor.engine.events import Tick, TokenGained
from executor.engine.store_requests import (
    AdoptRuns,
    ClearTerm,
    InsertRuns,
    ReadDueJobs,
    Record,
    SaveResults,
    WatchOpenRuns,
)
from tests.builders import a_claim, a_job, a_run, at, every, trigger, update
from tests.unit.desk_driver import Driver, executing, with_jobs

JOB = a_job()


def after_term_1(cleared_until: datetime | None = None, *jobs: Job) -> Driver:
    """Return an executor of term 2, whose predecessor had cleared its term so far."""
    store = with_jobs(*(jobs or (JOB,)))
    store.mint_term("former")
    if cleared_until is not None:
        store.clear_term(1, cleared_until)
    driver = Driver(store)
    assert driver.take_over() == 2
    return driver


def late_claim(driver: Driver, **fields: object) -> Run:
    """Write a row of term 1 for the next slot; its executor was slow, this one has not seen it."""
    row = a_claim(JOB, at(10), term=1, **fields)
    assert driver.store.insert_runs([row]) == {}
    return row


def end(driver: Driver, row: Run, state: RunState) -> None:
    """Let the executor of the row's term end it."""
    driver.store.change_runs([RunChange(run_id=row.id, term=row.term, state=state)])
    assert driver.row(row).state is state


@pytest.mark.parametrize(
    "state", [RunState.SUCCEEDED, RunState.FAILED, RunState.SKIPPED, RunState.CANCELLED]
)
def test_a_slot_that_is_over_is_not_started(state: RunState) -> None:
    """Somebody else has done with it; the next slot goes on as usual."""
    driver = after_term_1(at(10))
    driver.advance_to(at(9.5))
    row = late_claim(driver, state=state, finished_at=at(9.5))

    driver.advance_to(at(20))

    assert driver.row(row) == row
    assert [run.fire_at for run in driver.handed_off] == [at(20)]


def test_a_slot_that_is_over_moves_the_watermark() -> None:
    """It is accounted for, so that no later executor looks at it again."""
    driver = after_term_1(at(10))
    driver.advance_to(at(9.5))
    late_claim(driver, state=RunState.SUCCEEDED, finished_at=at(9.5))

    driver.advance_to(at(11))

    assert driver.job().next_fire_at == at(20)


def test_a_slot_that_may_have_been_started_elsewhere_is_left_there() -> None:
    """Its term was cleared up to it: the row keeps its owner, and occupies the job."""
    driver = after_term_1(at(10))
    driver.advance_to(at(9.5))
    row = late_claim(driver)

    driver.advance_to(at(12))

    assert driver.handed_off == []
    assert driver.row(row).term == 1
    driver.advance_to(at(20.1))
    assert [r.state for r in driver.rows()] == [RunState.PENDING, RunState.SKIPPED]


def test_a_slot_of_a_newer_term_is_left_there() -> None:
    """An executor that was superseded and does not know it touches nothing of its successor."""
    driver = after_term_1()
    driver.advance_to(at(9.3))
    driver.store.mint_term("successor")
    row = a_claim(JOB, at(10), term=3)
    driver.store.insert_runs([row])
    driver.hold(ClearTerm)

    driver.advance_to(at(12))

    assert driver.called(InsertRuns)
    assert driver.called(AdoptRuns) == []
    assert driver.row(row) == row


def test_a_slot_that_has_certainly_not_been_started_is_adopted_and_started() -> None:
    """Its term was never cleared up to it: it becomes this term's, and runs in its second."""
    driver = after_term_1(at(9))
    driver.advance_to(at(9.5))
    row = late_claim(driver)

    driver.advance_to(at(10))

    (run,) = driver.handed_off
    assert (run.id, run.term) == (row.id, 2)
    assert driver.row(row).term == 2
    assert driver.row(row).clear_at == run.clear_at


def test_an_adopted_row_is_cleared_after_it_was_adopted() -> None:
    """Until the adoption is durable, the clearance stays below it."""
    driver = after_term_1(at(9))
    driver.advance_to(at(9.5))
    row = late_claim(driver)
    driver.hold(AdoptRuns)

    driver.advance_to(at(12))
    assert driver.handed_off == []
    adoption = driver.awaited(AdoptRuns).adoptions[0]
    assert all(call.until < adoption.clear_at for call in driver.called(ClearTerm))

    driver.release()
    assert [run.id for run in driver.handed_off] == [row.id]


def test_an_adoption_without_an_answer_is_repeated() -> None:
    """Whether it happened is unknown; doing it again leads to the same end."""
    driver = after_term_1(at(9))
    driver.advance_to(at(9.5))
    row = late_claim(driver)
    driver.hold(AdoptRuns)
    driver.advance_to(at(9.9))
    driver.fail(driver.awaited(AdoptRuns))
    driver.advance_to(at(10.1))
    driver.lose_answer(driver.awaited(AdoptRuns))
    assert driver.row(row).term == 2

    driver.release()
    driver.advance_to(at(12))

    assert [run.id for run in driver.handed_off] == [row.id]


@pytest.mark.parametrize("taker", ["its owner", "another successor"])
def test_an_adoption_that_comes_too_late_starts_nothing(taker: str) -> None:
    """The row was skipped, or adopted by somebody newer: compare-and-set fails.

    Then the watermark is no longer ours to move.
    """
    driver = after_term_1(at(9))
    driver.advance_to(at(9.5))
    row = late_claim(driver)
    driver.hold(AdoptRuns)
    driver.advance_to(at(9.8))
    if taker == "its owner":
        end(driver, row, RunState.SKIPPED)
    else:
        driver.store.adopt_runs([Adoption(row.id, 1, at(11))], 3)

    driver.release()
    driver.advance_to(at(12))

    assert driver.handed_off == []
    assert driver.job().next_fire_at == at(20 if taker == "its owner" else 10)


def test_a_slot_that_an_overtaken_executor_adopted_in_between_is_adopted_from_it() -> None:
    """Its new owner is over as well and had not cleared it: it is not left behind."""
    store = with_jobs(JOB)
    store.mint_term("former")
    store.clear_term(1, at(9))
    store.mint_term("overtaken")
    driver = Driver(store)
    assert driver.take_over() == 3
    driver.advance_to(at(9.5))
    row = late_claim(driver)
    driver.hold(AdoptRuns)
    driver.advance_to(at(9.8))
    driver.store.adopt_runs([Adoption(row.id, 1, at(11))], 2)

    driver.release()
    driver.advance_to(at(12))

    assert [(run.id, run.term) for run in driver.handed_off] == [(row.id, 3)]
    assert driver.job().next_fire_at == at(20)


def test_a_claim_met_again_while_its_run_is_going_on_is_not_started_again() -> None:
    """After a step of the clock an edit claims the slot anew; the row is this term's already."""
    driver = executing(JOB)
    driver.advance_to(at(10))
    (run,) = driver.handed_off
    driver.hold(Record)
    driver.begin(run)

    driver.clock.step(-3)
    driver.ask(update(schedule=every(5)))
    driver.advance_to(at(12))

    assert driver.handed_off == [run]
    assert driver.row(run).state is not RunState.SKIPPED


def test_a_claim_met_again_after_its_run_is_not_started_again() -> None:
    """The row says that the slot is over."""
    driver = executing(JOB)
    driver.advance_to(at(10))
    driver.work(driver.handed_off[0])

    driver.clock.step(-3)
    driver.ask(update(schedule=every(5)))
    driver.advance_to(at(12))

    assert len(driver.handed_off) == 1
    assert driver.job().next_fire_at == at(15)


def test_an_answer_overtaken_by_the_whole_run_starts_nothing_again() -> None:
    """What a claim met may be out of date when it is answered: this run was over by then."""
    driver = executing(a_job(schedule=None))
    driver.hold(SaveResults, Record)
    command = trigger()
    driver.send(command)
    (run,) = driver.handed_off
    # The token moves away and back before the answer is saved: the command comes again.
    driver.lose_token()
    driver.fail(driver.awaited(SaveResults))
    driver.tell(TokenGained())
    driver.hold(InsertRuns, Record)
    driver.send(command)
    outcome = [event for call in driver.pending(InsertRuns) for event in driver.carry_out(call)]
    driver.hold()
    driver.work(run)
    assert driver.row(run).state is RunState.SUCCEEDED

    driver.tell(*outcome)
    driver.advance(2)

    assert driver.handed_off == [run]


def test_a_row_read_before_its_adoption_is_not_adopted_again() -> None:
    """Supervision may have read it just before; by the time of the answer its run is over."""
    driver = after_term_1(at(8))
    driver.advance_to(at(8.95))
    row = late_claim(driver)
    driver.hold(WatchOpenRuns)
    driver.advance_to(at(9.5))
    look = driver.carry_out(driver.awaited(WatchOpenRuns))
    driver.advance_to(at(10))
    (run,) = driver.handed_off
    assert run.id == row.id
    driver.work(run)
    assert driver.row(row).state is RunState.SUCCEEDED

    driver.tell(*look)
    driver.advance(2)

    assert driver.handed_off == [run]


def test_a_row_that_ends_elsewhere_frees_its_job() -> None:
    """Its executor finished it after all: the next slot runs."""
    driver = after_term_1(at(10))
    driver.advance_to(at(9.5))
    row = late_claim(driver)
    driver.advance_to(at(12))
    end(driver, row, RunState.SUCCEEDED)

    driver.advance_to(at(20))

    assert [run.fire_at for run in driver.handed_off] == [at(20)]


def test_caught_up_slots_are_met_like_all_others() -> None:
    """A gap that the predecessor had already accounted for is not accounted for twice."""
    old = a_job(now=at(-60))
    store = with_jobs(old)
    store.mint_term("former")
    store.clear_term(1, at(-5))
    done = a_claim(old, at(-10), term=1, state=RunState.SUCCEEDED, finished_at=at(-9))
    store.insert_runs([done])
    driver = Driver(store)

    driver.take_over()
    driver.advance(1)

    # at(0) is the latest slot; the one that succeeded stays what it is.
    assert [(run.fire_at, run.cause) for run in driver.handed_off] == [(at(0), Cause.SCHEDULE)]
    assert driver.row(done) == done
    assert len(driver.rows()) == 6


def test_rows_of_other_jobs_are_none_of_its_business() -> None:
    """Only the same job and the same second make a duplicate."""
    driver = after_term_1(at(10), JOB, a_job("report"))
    driver.advance_to(at(9.5))
    late_claim(driver)
    driver.store.insert_runs([a_run(JOB, 1, fire_at=at(10), state=RunState.SUCCEEDED)])

    driver.advance_to(at(10))

    assert [run.job for run in driver.handed_off] == ["report"]


def met_beside_a_late_slot(driver: Driver) -> None:
    """Let *driver* claim a slot to catch up and, in the same breath, one that is over already."""
    driver.clock.advance(9.7)
    late_claim(driver, state=RunState.SUCCEEDED, finished_at=at(9.7))
    driver.hold(InsertRuns)
    driver.tell(Tick())
    driver.hold(ClearTerm)
    driver.advance(0.2)
    assert [row.fire_at for row in driver.rows()] == [at(10), at(0)]


def test_the_watermark_waits_for_every_row_of_its_claim() -> None:
    """The last row is over at once; the one beside it is not even cleared."""
    driver = Driver(with_jobs(a_job(now=at(-5))))
    driver.hold(ReadDueJobs)
    driver.take_over()

    met_beside_a_late_slot(driver)
    assert driver.job().next_fire_at == at(0)

    driver.release()
    driver.advance(0.1)
    assert [run.fire_at for run in driver.handed_off] == [at(0)]
    assert driver.job().next_fire_at == at(20)


def test_a_slot_that_was_claimed_beside_one_that_is_over_survives_its_executor() -> None:
    """The successor finds it pending, at the watermark and not before it: it runs there."""
    driver = Driver(with_jobs(a_job(now=at(-5))))
    driver.hold(ReadDueJobs)
    driver.take_over()
    met_beside_a_late_slot(driver)

    successor = Driver(driver.store, "successor")
    successor.take_over()
    successor.advance(1)

    assert [run.fire_at for run in successor.handed_off] == [at(0)]


def test_the_watermark_waits_for_earlier_claims() -> None:
    """A slot that is over does not move it past the one before, which is not cleared yet."""
    driver = executing(a_job(schedule=every(1)))
    driver.advance_to(at(0.8))
    driver.store.insert_runs(
        [a_claim(JOB, at(2), state=RunState.SUCCEEDED, finished_at=at(0.8))],
    )
    driver.hold(ClearTerm)

    driver.advance_to(at(1.9))
    assert len(driver.rows()) == 2
    assert driver.job().next_fire_at == at(1)

    driver.release()
    driver.advance(0.05)
    assert [run.fire_at for run in driver.handed_off] == [at(1)]
    assert driver.job().next_fire_at == at(3)


def test_a_slot_of_a_newer_term_does_not_move_the_watermark() -> None:
    """This executor is superseded and does not know it yet; the newer one may die as well."""
    job = a_job()
    driver = executing(job)
    driver.hold(InsertRuns)
    driver.advance_to(at(9.7))
    request = driver.awaited(InsertRuns)
    driver.store.mint_term("newer")
    driver.store.insert_runs([replace(request.runs[0], term=2)])

    driver.answer(request)
    driver.release()
    driver.advance(0.2)

    assert driver.job().next_fire_at == at(10)


def test_a_slot_whose_adoption_comes_too_late_is_accounted_for() -> None:
    """Its former owner gave it up just then; the watermark goes on."""
    job = a_job()
    store = with_jobs(job)
    store.mint_term("former")
    left = a_claim(job, at(10), clear_at=at(10))
    store.insert_runs([left])
    driver = Driver(store)
    driver.hold(AdoptRuns)
    driver.take_over()
    driver.advance_to(at(9.7))
    given_up = RunChange(
        run_id=left.id, term=1, state=RunState.CANCELLED, reason=Reason.SUPERSEDED, follow_up=True
    )
    store.change_runs([given_up])

    driver.release()
    driver.advance_to(at(10.5))

    assert driver.job().next_fire_at == at(20)
