"""A store that does not answer in time is silent, whether it fails, hangs or dawdles."""

from __future__ import annotations

from executor.engine.effects import StepAside
from executor.engine.events import Tick
from executor.engine.store_requests import ClearTerm, InsertRuns, ReadDueJobs, Record
from executor.engine.timing import HEARTBEAT_S, LOAD_S, SILENT_S, STORE_PATIENCE_S
from tests.builders import a_job, at
from tests.unit.desk_driver import Driver, executing, with_jobs


def ailing(driver: Driver) -> str:
    """Return what the list of instances says about the executor."""
    (listed,) = driver.store.list_instances()
    return listed.detail


def hanging(driver: Driver) -> None:
    """Let the next clearance hang, for so long that nothing may start any more."""
    driver.hold(ClearTerm)
    driver.advance(HEARTBEAT_S + SILENT_S + HEARTBEAT_S)
    assert driver.awaited(ClearTerm)


def test_a_clearance_that_hangs_is_silence() -> None:
    """It is noted once, and the list of instances shows it."""
    driver = executing(a_job())
    hanging(driver)
    driver.advance(5)

    assert driver.called(ClearTerm)[-1] is driver.awaited(ClearTerm)
    assert len(driver.noted("store_silent")) == 1
    assert ailing(driver).startswith("the store does not answer")


def test_a_clearance_that_comes_after_all_ends_the_silence() -> None:
    """That is noted and shown as well, and what is due starts."""
    driver = executing(a_job())
    hanging(driver)
    driver.advance_to(at(10.5))

    driver.release()
    driver.advance(0.5)

    assert len(driver.noted("store_back")) == 1
    assert ailing(driver) == ""
    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def test_clearances_that_all_come_too_late_are_silence() -> None:
    """Each is answered, none in time to start anything: the silence goes on until one is."""
    driver = executing(a_job())
    driver.hold(ClearTerm)
    for _ in range(3):
        driver.advance(SILENT_S + HEARTBEAT_S)
        driver.answer(driver.awaited(ClearTerm))

    assert driver.handed_off == []
    assert len(driver.noted("store_silent")) == 1
    assert driver.noted("store_back") == []
    driver.release()
    driver.advance(0.1)
    assert len(driver.noted("store_back")) == 1
    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def test_a_store_that_hangs_for_long_costs_the_token() -> None:
    """As one that fails: somebody with a better link shall have it."""
    driver = executing(a_job())
    hanging(driver)
    assert driver.wanted(StepAside) == []

    driver.advance(STORE_PATIENCE_S)

    assert driver.wanted(StepAside) == [StepAside(1.0)]


def test_a_pause_of_the_process_is_no_silence_of_the_store() -> None:
    """The answer may have come meanwhile, unread; the token is not given away for that."""
    driver = executing(a_job())
    driver.hold(ClearTerm)
    driver.advance(HEARTBEAT_S)
    request = driver.awaited(ClearTerm)

    driver.clock.advance(60)
    driver.tell(Tick())
    driver.release()
    driver.advance(1)

    assert driver.called(ClearTerm)[-1] is not request
    assert driver.noted("store_silent") == []
    assert driver.wanted(StepAside) == []


def test_claims_that_are_not_answered_are_silence() -> None:
    """Clearances come, but nothing can be claimed: nothing is dispatched either."""
    driver = executing(a_job())
    driver.hold(InsertRuns)
    driver.advance_to(at(9.7))
    driver.fail(driver.awaited(InsertRuns))
    assert len(driver.noted("store_silent")) == 1

    driver.release()
    driver.advance_to(at(10))

    assert len(driver.noted("store_back")) == 1
    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def test_a_load_may_take_longer_but_not_for_ever() -> None:
    """Many jobs take their time; after that it is silence like any other."""
    driver = Driver(with_jobs(a_job()))
    driver.hold(ReadDueJobs)
    driver.take_over()

    driver.advance(LOAD_S - 0.5)
    assert driver.noted("store_silent") == []
    driver.advance(2)
    assert len(driver.noted("store_silent")) == 1

    driver.release()
    assert len(driver.noted("store_back")) == 1
    assert driver.noted("executing")


def test_records_that_are_not_answered_are_said_so_and_hold_up_nothing() -> None:
    """Dispatch goes on and the token stays; what is not recorded waits in memory."""
    driver = executing(a_job())
    driver.hold(Record)
    driver.advance_to(at(40))
    assert len(driver.noted("records_waiting")) == 1
    assert ailing(driver).startswith("the store does not take the records")
    assert [run.fire_at for run in driver.handed_off] == [at(10)]
    assert driver.noted("store_silent") == []
    assert driver.wanted(StepAside) == []

    driver.release()
    driver.advance(0.1)

    assert len(driver.noted("records_written")) == 1
    assert ailing(driver) == ""
