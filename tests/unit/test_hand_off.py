"""Many rows that are due at once: how they leave."""

from __future__ import annotations

from datetime import timedelta

from executor.domain.instant import TICK
from executor.engine.effects import PrepareRuns, StartRuns
from executor.engine.events import Tick
from executor.engine.store_requests import ClearTerm, InsertRuns, Request
from executor.engine.timing import CLAIM_AHEAD_S, HAND_OFF_ROWS
from tests.builders import a_job, at
from tests.unit.desk_driver import executing


def test_all_runs_of_one_second_start_together() -> None:
    """One clearance and one effect for the whole second."""
    jobs = [a_job(f"job-{number}") for number in range(50)]
    driver = executing(*jobs)

    driver.advance_to(at(10))

    (started,) = driver.wanted(StartRuns)
    assert {run.job for run, _ in started.works} == {job.name for job in jobs}
    assert len(driver.called(InsertRuns)) == 1
    assert [call.until for call in driver.called(ClearTerm)].count(at(10)) == 1


def test_what_is_due_soon_is_foretold_with_its_claim() -> None:
    """Launchers get it ready, the very run and definition that they are to start then."""
    job = a_job("one")
    driver = executing(job)

    driver.advance_to(at(10) - timedelta(seconds=CLAIM_AHEAD_S) + TICK)

    (foretold,) = driver.wanted(PrepareRuns)
    assert driver.wanted(StartRuns) == []
    driver.advance_to(at(10))
    (started,) = driver.wanted(StartRuns)
    ((run, definition),), ((begun, by),) = foretold.works, started.works
    assert run is begun
    assert definition is by


def test_what_is_late_is_not_foretold() -> None:
    """There is nothing to be gained: it starts as soon as it can."""
    job = a_job("one")
    driver = executing(job)
    driver.clock.advance(11)
    driver.tell(Tick())

    assert [run.job for run in driver.handed_off] == ["one"]
    assert driver.wanted(PrepareRuns) == []


def test_the_first_of_many_start_while_the_others_are_being_admitted() -> None:
    """Of more than one round's worth each round hands off its share, and the next comes at once."""
    jobs = [a_job(f"job-{number}") for number in range(2 * HAND_OFF_ROWS + 1)]
    driver = executing(*jobs)
    driver.advance_to(at(10) - TICK)

    driver.hold(Request)
    driver.clock.advance(0.001)
    shares = []
    for _ in range(3):
        shares.append(len(driver.handed_off))
        driver.tell(Tick())
        assert len(driver.handed_off) == len(jobs) or driver.engine.wake_in(driver.moment()) == 0

    assert shares == [0, HAND_OFF_ROWS, 2 * HAND_OFF_ROWS]
    assert {run.job for run in driver.handed_off} == {job.name for job in jobs}
