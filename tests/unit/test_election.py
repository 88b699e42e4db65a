"""From the token to the term and back: who executes, and what ends it."""

from __future__ import annotations

import pytest

from executor.domain.errors import StaleTerm
from executor.engine.effects import CloseIntake, OpenIntake, StepAside
from executor.engine.events import Failed, TokenGained
from executor.engine.store_requests import (
    Beat,
    ClearTerm,
    MintTerm,
    ReadAllJobs,
    ReadDueJobs,
    ReadNamed,
    ReadOpenRuns,
)
from executor.engine.timing import STEP_ASIDE_S, STORE_PATIENCE_S, URGENT_S
from tests.builders import a_job, at
from tests.unit.desk_driver import Driver, executing, with_jobs


def test_a_standby_does_nothing_but_show_that_it_lives() -> None:
    """Without the token no term is minted and nothing is read."""
    driver = Driver(with_jobs(a_job()))

    driver.advance(60)

    assert driver.engine.term is None
    assert {type(call) for call in driver.calls} == {Beat}
    assert {beat.instance.role for beat in driver.called(Beat)} == {"standby"}
    assert driver.effects == []


def test_the_token_is_followed_by_a_term_and_execution() -> None:
    """Won, minted, loaded, executing: in this order, and then commands are taken."""
    driver = Driver(with_jobs(a_job()))

    driver.tell(TokenGained())

    assert driver.engine.term == 1
    record = driver.store.read_term()
    assert record is not None
    assert record.holder == "here"
    kinds = [type(call) for call in driver.calls if not isinstance(call, Beat)]
    assert kinds[:5] == [MintTerm, ReadNamed, ReadOpenRuns, ReadDueJobs, ReadAllJobs]
    assert driver.wanted(OpenIntake) == [OpenIntake()]
    assert driver.called(Beat)[-1].instance.role == "executing"


def test_the_urgent_jobs_are_enough_to_execute() -> None:
    """What is due within a minute fires while the other jobs are still being read."""
    driver = Driver(with_jobs(a_job()))
    driver.hold(ReadAllJobs)

    driver.take_over()
    driver.advance(10)

    assert [run.fire_at for run in driver.handed_off] == [at(10)]
    assert driver.called(ReadDueJobs)[0].until == at(URGENT_S)
    assert driver.wanted(OpenIntake) == []

    driver.release()

    assert len(driver.wanted(OpenIntake)) == 1


@pytest.mark.parametrize("part", [ReadNamed, ReadOpenRuns, ReadDueJobs])
def test_nothing_is_claimed_before_the_urgent_part_is_known(
    part: type[ReadNamed | ReadOpenRuns | ReadDueJobs],
) -> None:
    """Neither the rows of former terms nor the jobs due now may be missing."""
    driver = Driver(with_jobs(a_job()))
    driver.hold(part)

    driver.take_over()
    driver.advance(12)

    assert driver.inserted() == []
    assert driver.called(ClearTerm) == []

    driver.release()
    driver.advance(1)

    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def test_a_store_that_does_not_mint_makes_the_candidate_step_aside() -> None:
    """Somebody else may reach it; each further failure keeps away longer, up to a limit."""
    driver = Driver()
    driver.silent = True

    for _ in range(6):
        driver.tell(TokenGained())
        assert driver.engine.term is None
        driver.lose_token()

    pauses = [effect.seconds for effect in driver.wanted(StepAside)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 15.0, 15.0]
    assert (pauses[0], pauses[-1]) == STEP_ASIDE_S


def test_a_term_ends_the_growing_of_pauses() -> None:
    """After a success the next failure is the first again."""
    driver = Driver()
    driver.silent = True
    for _ in range(3):
        driver.tell(TokenGained())
        driver.lose_token()
    driver.silent = False
    driver.take_over()
    driver.silent = True
    driver.advance(STORE_PATIENCE_S + 2)

    assert driver.wanted(StepAside)[-1] == StepAside(STEP_ASIDE_S[0])


def test_a_term_minted_too_late_is_not_used() -> None:
    """If the token is gone when the store answers, whoever has it by now mints a newer term."""
    driver = Driver(with_jobs(a_job()))
    driver.hold(MintTerm)
    driver.tell(TokenGained())
    driver.lose_token()

    driver.release()
    driver.advance(30)

    assert driver.engine.term is None
    assert driver.inserted() == []
    assert len(driver.noted("term_unused")) == 1


def test_a_token_that_comes_back_before_the_term_does_is_as_if_never_gone() -> None:
    """One term is minted, and used."""
    driver = Driver(with_jobs(a_job()))
    driver.hold(MintTerm)
    driver.tell(TokenGained())
    driver.lose_token()
    driver.tell(TokenGained())

    driver.release()

    assert driver.engine.term == 1
    assert len(driver.called(MintTerm)) == 1


def test_losing_the_token_does_not_stop_the_executor() -> None:
    """It goes on firing while its term stands, but takes no commands."""
    driver = executing(a_job())

    driver.lose_token()
    driver.advance(10)

    assert [run.fire_at for run in driver.handed_off] == [at(10)]
    assert driver.engine.term == 1
    assert driver.wanted(CloseIntake) == [CloseIntake()]


def test_the_token_coming_back_needs_no_new_term() -> None:
    """The term still stands, so execution was never interrupted; commands are taken again."""
    driver = executing(a_job())
    driver.lose_token()
    driver.advance(5)

    driver.tell(TokenGained())

    assert driver.engine.term == 1
    assert len(driver.called(MintTerm)) == 1
    assert len(driver.wanted(OpenIntake)) == 2
    assert len(driver.noted("token_regained")) == 1


def test_a_newer_term_ends_the_tenure_at_the_next_clearance() -> None:
    """The executor notices within a heartbeat, drops the token and starts nothing more."""
    driver = executing(a_job())
    driver.advance(5)

    driver.store.mint_term("elsewhere")
    driver.advance(1.1)

    assert driver.engine.term is None
    assert driver.wanted(StepAside) == [StepAside(0.0)]
    assert driver.noted("superseded") == [{"term": 1, "newer": 2}]
    assert len(driver.wanted(CloseIntake)) == 1
    driver.advance(60)
    assert driver.handed_off == []


def test_a_superseded_executor_without_the_token_has_none_to_give_away() -> None:
    """Stepping aside is for holders only; it competes on."""
    driver = executing()
    driver.lose_token()

    driver.store.mint_term("elsewhere")
    driver.advance(1.1)

    assert driver.engine.term is None
    assert driver.wanted(StepAside) == []


def test_a_superseded_executor_may_be_elected_again() -> None:
    """Its next term is newer than the one that ended it, and everything is read anew."""
    driver = executing(a_job())
    driver.store.mint_term("elsewhere")
    driver.advance(1.1)
    driver.lose_token()

    assert driver.take_over() == 3

    driver.advance_to(at(10))
    assert [run.term for run in driver.handed_off] == [3]


def test_an_answer_for_a_former_term_does_not_end_the_present_one() -> None:
    """A late refusal says nothing about the term minted since."""
    driver = executing()
    driver.hold(ClearTerm)
    driver.advance(2)
    late = driver.awaited(ClearTerm)
    driver.release()
    driver.store.mint_term("elsewhere")
    driver.advance(2)
    assert driver.engine.term is None
    driver.lose_token()
    assert driver.take_over() == 3

    driver.tell(Failed(late, StaleTerm(1, 3)))

    assert driver.engine.term == 3


def test_a_silent_store_makes_the_executor_give_the_token_away() -> None:
    """After a while of silence somebody with a better link to the store shall have it."""
    driver = executing(a_job())
    driver.silent = True

    driver.advance(STORE_PATIENCE_S - 1)
    assert driver.wanted(StepAside) == []
    assert len(driver.noted("store_silent")) == 1

    driver.advance(3)
    assert driver.wanted(StepAside) == [StepAside(1.0)]


def test_while_the_store_stays_silent_the_token_is_given_away_again() -> None:
    """A token that comes back because nobody else wants it goes away for longer each time."""
    driver = executing(a_job())
    driver.silent = True
    for _ in range(60):
        driver.advance(1)
        if len(driver.wanted(StepAside)) > len(driver.noted("token_regained")):
            driver.lose_token()
            driver.tell(TokenGained())

    pauses = [effect.seconds for effect in driver.wanted(StepAside)]
    assert pauses[:4] == [1.0, 2.0, 4.0, 8.0]
    assert driver.engine.term == 1


def test_a_store_that_answers_again_is_said_so_and_execution_goes_on() -> None:
    """The same term dispatches, and of what came due meanwhile one run starts."""
    driver = executing(a_job())
    driver.silent = True
    driver.advance(35)

    driver.silent = False
    driver.advance(2)

    assert len(driver.noted("store_back")) == 1
    assert driver.engine.term == 1
    assert len(driver.handed_off) == 1


def test_a_store_that_falls_silent_while_jobs_are_loaded_loses_the_token_as_well() -> None:
    """An executor that minted its term and cannot load must not keep the token for ever."""
    driver = Driver(with_jobs(a_job()))
    driver.hold(MintTerm)
    driver.tell(TokenGained())
    mint = driver.awaited(MintTerm)
    driver.silent = True
    driver.answer(mint)
    assert driver.engine.term == 1

    driver.advance(STORE_PATIENCE_S + 1.5)

    assert driver.wanted(StepAside) == [StepAside(STEP_ASIDE_S[0])]


@pytest.mark.parametrize("part", [ReadOpenRuns, ReadDueJobs, ReadAllJobs])
def test_loading_is_repeated_until_the_store_answers(
    part: type[ReadOpenRuns | ReadDueJobs | ReadAllJobs],
) -> None:
    """A read that fails is made again, with pauses that grow up to a second."""
    driver = Driver(with_jobs(a_job()))
    driver.hold(part)
    driver.take_over()
    for _ in range(5):
        driver.fail(driver.awaited(part))
        driver.advance(1.1)

    driver.release()
    driver.advance_to(at(10))

    assert len(driver.called(part)) == 6
    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def test_a_broken_record_is_named_and_stops_nobody() -> None:
    """Every other job fires; the broken one is reported once."""
    store = with_jobs(a_job(), a_job("report"))
    store.break_job("job-report")
    driver = Driver(store)

    driver.take_over()
    driver.advance(10)

    assert [run.job for run in driver.handed_off] == ["backup"]
    assert [facts["job"] for facts in driver.noted("job_broken")] == ["report"]


def test_an_idle_engine_wakes_at_least_once_a_second() -> None:
    """So a jump of the wall clock is noticed within a second, whatever was planned."""
    driver = Driver(with_jobs(a_job()))

    assert driver.engine.wake_in(driver.moment()) <= 1.0

    driver.take_over()
    assert driver.engine.wake_in(driver.moment()) <= 1.0
