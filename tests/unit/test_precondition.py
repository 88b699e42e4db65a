"""The precondition: until it is met nothing is started, and everybody is told."""

from __future__ import annotations

from executor.domain.command import ResultStatus
from executor.domain.run import Cause, RunState
from executor.engine.effects import AskPrecondition
from executor.engine.events import PreconditionAnswered
from tests.builders import a_job, create, every, trigger
from tests.unit.desk_driver import Driver, with_jobs


def asking() -> Driver:
    """Return a driver whose engine executes and asks whether it may begin."""
    driver = Driver(with_jobs(a_job(schedule=every(10))), precondition=True)
    driver.take_over()
    return driver


def answer(driver: Driver, fault: str | None) -> None:
    """Answer the question asked last."""
    driver.tell(PreconditionAnswered(driver.wanted(AskPrecondition)[-1], fault))


def test_nothing_is_started_before_the_answer() -> None:
    """However long it takes; the heartbeat goes on, so that nobody else takes over for it."""
    driver = asking()
    driver.advance(35)

    assert (driver.handed_off, driver.rows()) == ([], [])
    assert len(driver.wanted(AskPrecondition)) == 1
    term = driver.store.read_term()
    assert term is not None
    assert (driver.clock.now() - term.heartbeat_at).total_seconds() < 2


def test_with_the_answer_scheduling_begins_and_catches_up() -> None:
    """By the jobs' misfire policies, as after any outage."""
    driver = asking()
    driver.advance(35)

    answer(driver, None)
    driver.advance(0.5)

    (run,) = driver.handed_off
    assert run.cause is Cause.CATCH_UP
    assert driver.noted("precondition_met")


def test_while_it_fails_it_is_asked_again_with_growing_pauses() -> None:
    """After 1, 2, 4 s; the error is in the log and in the list of instances."""
    driver = asking()
    pauses = []
    for _ in range(3):
        asked, began = len(driver.wanted(AskPrecondition)), driver.clock.monotonic()
        answer(driver, "RuntimeError: the database is old")
        while len(driver.wanted(AskPrecondition)) == asked:
            driver.advance(0.5)
        pauses.append(driver.clock.monotonic() - began)

    assert [round(pause) for pause in pauses] == [1, 2, 4]
    assert driver.handed_off == []
    (instance,) = driver.store.list_instances()
    assert instance.detail == (
        "nothing is scheduled: the precondition is not met: RuntimeError: the database is old"
    )
    answer(driver, None)
    driver.advance(6)
    (instance,) = driver.store.list_instances()
    assert instance.detail == ""


def test_changes_are_taken_meanwhile_and_runs_on_request_wait() -> None:
    """So a job that must not begin can be switched off; what was asked for runs later."""
    driver = asking()

    assert driver.ask(create("other")).status is ResultStatus.CREATED
    assert driver.ask(trigger("other")).status is ResultStatus.CREATED
    driver.advance(5)
    assert driver.handed_off == []
    answer(driver, None)
    driver.advance(0.5)

    assert [run.cause for run in driver.handed_off if run.job == "other"] == [Cause.MANUAL]


def test_a_clean_stop_does_not_wait_for_the_answer() -> None:
    """What was cleared and not begun is left to the successor."""
    driver = asking()
    driver.ask(trigger())
    driver.stop()
    driver.advance(10)

    assert driver.engine.term is None
    (row,) = driver.rows()
    assert row.state in {RunState.PENDING, RunState.CANCELLED}
    assert driver.handed_off == []
