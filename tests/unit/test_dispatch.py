"""Claim ahead, clear, hand off: in this order and in no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from executor.domain.instant import TICK
from executor.domain.run import Cause, Reason, RunState
from executor.domain.writes import LoadedJobs
from executor.engine.store_requests import ClearTerm, InsertRuns, ReadDueJobs, Record
from executor.engine.timing import (
    CLAIM_AHEAD_S,
    CLAIM_BACKLOG,
    CLEAR_AHEAD_S,
    HEARTBEAT_S,
    TRUST_S,
)
from tests.builders import a_job, at, create, every, trigger
from tests.unit.desk_driver import Driver, executing


def clearances(driver: Driver) -> list[datetime]:
    """Return how far the term was to be cleared, in the order wanted."""
    return [call.until for call in driver.called(ClearTerm)]


def test_a_slot_is_claimed_ahead_and_started_when_it_is_due() -> None:
    """The row is durable before the second, and the start needs no further store call."""
    driver = executing(a_job())

    driver.advance_to(at(10 - CLAIM_AHEAD_S - 0.01))
    assert driver.rows() == []
    driver.advance_to(at(10 - CLAIM_AHEAD_S + 0.01))
    (row,) = driver.rows()
    assert (row.state, row.fire_at, row.cause) == (RunState.PENDING, at(10), Cause.SCHEDULE)

    driver.advance_to(at(10) - TICK)
    driver.hold(ClearTerm, InsertRuns, Record)
    assert driver.handed_off == []
    driver.advance(0.001)

    assert driver.handed_off == [row]
    assert driver.clock.now() == at(10)


def test_the_term_is_cleared_up_to_the_second_just_before_it() -> None:
    """The clearance of a slot is neither early, which would leave doubt at a crash, nor late."""
    driver = executing(a_job())

    driver.advance_to(at(10 - CLEAR_AHEAD_S) - TICK)
    assert max(clearances(driver)) < at(10)

    driver.advance_to(at(10 - CLEAR_AHEAD_S) + 2 * TICK)
    assert clearances(driver)[-1] == at(10)


def test_claims_are_written_before_the_term_is_cleared_up_to_them() -> None:
    """A clearance stays below every row that is not known to be durable."""
    driver = executing(a_job())
    driver.hold(InsertRuns)

    driver.advance_to(at(12))

    assert max(clearances(driver)) == at(10) - TICK
    assert driver.handed_off == []

    driver.answer(driver.awaited(InsertRuns))

    assert clearances(driver)[-1] >= at(10)
    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def test_an_unwritten_row_does_not_hold_up_the_heartbeat() -> None:
    """The term is cleared every second, however long a claim takes."""
    driver = executing(a_job())
    driver.hold(InsertRuns)

    driver.advance_to(at(20))

    assert len(driver.called(ClearTerm)) == pytest.approx(20 / HEARTBEAT_S, abs=2)


def test_a_row_lies_beyond_every_clearance_wanted_before_it() -> None:
    """So a row beyond the last clearance of its term has certainly not been started."""
    driver = executing(*(a_job(f"job-{number}", schedule=every(2)) for number in range(3)))
    latest: datetime | None = None
    known = 0
    for _ in range(400):
        driver.advance(0.1)
        for call in driver.calls[known:]:
            if isinstance(call, ClearTerm):
                latest = call.until
            elif isinstance(call, InsertRuns):
                assert latest is not None
                assert all(run.clear_at > latest for run in call.runs)
        known = len(driver.calls)
    assert len(driver.inserted()) == 60


def test_clearances_never_move_back() -> None:
    """What may have been started once stays so."""
    driver = executing(a_job(schedule=every(2)))
    for step in (0, 5, -30, 60, -7):
        driver.clock.step(step)
        driver.advance(7)

    wanted = clearances(driver)
    assert wanted == sorted(wanted)


def test_nothing_is_handed_off_uncleared() -> None:
    """A slot whose clearance has no answer yet waits for it, past its second."""
    driver = executing(a_job())
    driver.advance_to(at(9.9))
    driver.hold(ClearTerm)

    driver.advance_to(at(11))
    assert driver.handed_off == []

    driver.release()
    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def test_a_clearance_that_fails_is_made_again() -> None:
    """Until it succeeds nothing starts; then what is due does."""
    driver = executing(a_job())
    driver.advance_to(at(9.9))
    driver.hold(ClearTerm)
    driver.advance_to(at(10))
    for _ in range(3):
        driver.fail(driver.awaited(ClearTerm))
        driver.advance(1.1)
    assert driver.handed_off == []

    driver.release()

    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def paused_after_its_clearance(seconds: float) -> Driver:
    """Return a driver whose process stood still between the clearance of a slot and its second."""
    driver = executing(a_job())
    driver.advance_to(at(9.98))
    assert clearances(driver)[-1] == at(10)
    driver.hold(ClearTerm)
    driver.clock.advance(seconds)
    driver.advance(0.001)
    return driver


def test_nothing_is_handed_off_when_trust_is_stale() -> None:
    """A process that was paused after the clearance clears again before it starts anything."""
    driver = paused_after_its_clearance(TRUST_S + 1)

    assert driver.handed_off == []
    again = driver.awaited(ClearTerm)

    driver.answer(again)

    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def test_a_paused_process_that_was_replaced_starts_nothing() -> None:
    """The clearance that it needs anew tells it of the newer term."""
    driver = paused_after_its_clearance(TRUST_S + 1)

    driver.store.mint_term("elsewhere")
    driver.release()
    driver.advance(5)

    assert driver.handed_off == []
    assert driver.engine.term is None


def test_a_short_pause_costs_nothing_but_the_pause() -> None:
    """While trust lasts, what is due starts without asking the store."""
    driver = paused_after_its_clearance(TRUST_S - HEARTBEAT_S - 0.2)

    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def test_trust_is_counted_from_the_beginning_of_the_clearance() -> None:
    """A clearance that took long is worth less: its answer says nothing about the time since."""
    driver = executing(a_job())
    driver.hold(ClearTerm)
    driver.advance(1.5)
    request = driver.awaited(ClearTerm)
    began = request.started
    driver.advance(1.5)

    driver.answer(request)

    assert driver.engine.trusted_until == began + TRUST_S


def test_waiting_for_trust_does_not_keep_the_processor_busy() -> None:
    """A cleared row that may not start yet is no reason to look again at once."""
    driver = paused_after_its_clearance(TRUST_S + 1)

    driver.advance(5)

    assert driver.handed_off == []


def test_runs_given_back_wait_for_trust_without_keeping_the_processor_busy() -> None:
    """While the store is silent, what a launcher gave back waits like everything else."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    (run,) = driver.handed_off
    driver.silent = True
    driver.advance(TRUST_S + 1)

    driver.give_back(run)
    driver.advance(5)
    assert len(driver.handed_off) == 1

    driver.silent = False
    driver.advance(2)
    assert [run.id for run in driver.handed_off] == [run.id, run.id]


def test_a_failed_claim_is_repeated_as_it_was() -> None:
    """The outcome is unknown, so the same rows are written again, with growing pauses."""
    driver = executing(a_job())
    driver.hold(InsertRuns)
    driver.advance_to(at(9.7))
    request = driver.awaited(InsertRuns)

    for _ in range(4):
        driver.fail(request)
        driver.advance(1.1)
        assert driver.awaited(InsertRuns) is request
    driver.release()

    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def test_a_claim_whose_answer_was_lost_is_recognised_as_ones_own() -> None:
    """The repetition finds the row of the first time, which has not been started."""
    driver = executing(a_job())
    driver.hold(InsertRuns)
    driver.advance_to(at(9.7))

    driver.lose_answer(driver.awaited(InsertRuns))
    driver.advance_to(at(9.9))
    driver.answer(driver.awaited(InsertRuns))
    driver.release()
    driver.advance_to(at(12))

    assert [run.fire_at for run in driver.handed_off] == [at(10)]
    assert len(driver.rows()) == 1


def test_an_outage_of_the_store_is_caught_up_by_policy() -> None:
    """Of the slots that came due meanwhile the latest runs, the others are misfires."""
    driver = executing(a_job())
    driver.advance(1)
    driver.silent = True
    driver.advance_to(at(35))
    driver.silent = False
    driver.advance(2)

    assert [run.fire_at for run in driver.handed_off] == [at(30)]
    driver.work(driver.handed_off[0])
    found = {row.fire_at: (row.state, row.reason) for row in driver.rows()}
    assert found == {
        at(10): (RunState.SKIPPED, Reason.MISFIRE),
        at(20): (RunState.SKIPPED, Reason.MISFIRE),
        at(30): (RunState.SUCCEEDED, None),
    }


def test_claims_beyond_the_backlog_wait_in_their_seconds() -> None:
    """While rows cannot be written memory stays bounded, and nothing is dropped."""
    job = a_job()
    jobs = tuple(replace(job, id=f"job-{number}") for number in range(CLAIM_BACKLOG + 1_500))
    driver = Driver()
    driver.hold(ReadDueJobs, InsertRuns)
    driver.take_over()
    driver.reply(driver.awaited(ReadDueJobs), LoadedJobs(jobs))
    driver.advance_to(at(9.9))

    waiting = driver.awaited(InsertRuns)
    assert len(waiting.runs) < CLAIM_BACKLOG + 1_000

    driver.release()
    driver.advance_to(at(11))

    assert len(driver.handed_off) == len(jobs)


def test_a_clock_that_steps_back_fires_no_slot_again() -> None:
    """Slots are accounted for once, whatever the clock shows."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    driver.work(driver.handed_off[0])

    driver.clock.step(-5)
    driver.advance(5.5)
    assert len(driver.handed_off) == 1

    driver.advance_to(at(20))
    assert [run.fire_at for run in driver.handed_off] == [at(10), at(20)]


def test_a_clock_that_steps_back_keeps_claims_until_their_second() -> None:
    """A row claimed before the step starts when the clock says so, and not before."""
    driver = executing(a_job())
    driver.advance_to(at(9.8))
    assert len(driver.rows()) == 1

    driver.clock.step(-3600)
    driver.advance(60)
    assert driver.handed_off == []
    driver.clock.step(3540)
    driver.advance(1)

    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def test_a_clock_that_steps_back_for_good_does_not_hold_up_new_runs() -> None:
    """Rows written then lie beyond the clearances of the former time, and start all the same."""
    driver = executing(a_job("manual", schedule=None))
    driver.clock.step(3600)
    driver.advance(5)
    driver.clock.step(-3600)

    run_id = driver.ask(trigger("manual")).run_id
    assert [run.id for run in driver.handed_off] == [run_id]

    driver.ask(create())
    driver.advance_to(at(20.001))
    assert [run.fire_at for run in driver.handed_off[1:]] == [at(10)]


def test_a_clock_that_steps_forward_catches_up_by_policy() -> None:
    """An hour that is skipped is a gap like any other: its latest slot runs, late."""
    driver = executing(a_job(schedule=every(10)))
    driver.advance(5)

    driver.clock.step(62)
    driver.advance(0.5)

    (run,) = driver.handed_off
    assert (run.fire_at, run.cause) == (at(60), Cause.CATCH_UP)
    skipped = [row for row in driver.rows() if row.state is RunState.SKIPPED]
    assert [row.fire_at for row in skipped] == [at(n) for n in (10, 20, 30, 40, 50)]
    assert {row.reason for row in skipped} == {Reason.MISFIRE}


def test_runs_without_a_second_start_as_soon_as_they_are_cleared() -> None:
    """A manual run waits for nothing but its row and a clearance."""
    driver = executing(a_job())
    driver.advance(3)
    before = driver.clock.monotonic()

    run_id = driver.ask(trigger()).run_id

    assert [run.id for run in driver.handed_off] == [run_id]
    assert driver.clock.monotonic() == before


def test_a_long_gap_of_a_fast_job_is_accounted_for_in_handfuls() -> None:
    """Each look at other events comes after a bounded number of slots; every slot is covered."""
    resting = a_job(schedule=every(1), now=at(-40_000))
    driver = executing(resting)

    driver.advance(1)

    past = [row for row in driver.rows() if row.fire_at is not None and row.fire_at <= at(0)]
    assert sum(row.covers for row in past) == 40_000
    assert [run.fire_at for run in driver.handed_off] == [at(0)]
