"""The window of retries: whatever holds an attempt up, none begins after it.

Each test ends the first attempt of a job with a window of 30 s, and lets something else than
its delay keep the second one away.
"""

from __future__ import annotations

from typing import Any

from executor.domain.calendar import CALENDARS, calendar_from_document
from executor.domain.named import NamedWrite, Stored
from executor.domain.run import Cause, Reason, Run, RunState
from tests.builders import a_job, at, trigger
from tests.fakes.fake_clock import START
from tests.unit.desk_driver import Driver, executing, successor_of, with_jobs

RETRY = {"attempts": 1, "delay": "10s", "backoff": "fixed", "jitter": 0, "window": "30s"}


def backup(**fields: Any) -> Any:
    return a_job(schedule=None, **{"retry": RETRY, "on_failure": "alarm", **fields})


def alarm() -> Any:
    return a_job("alarm", schedule=None)


def fail(driver: Driver) -> Run:
    """Let the first attempt begin at the start, and fail at once."""
    driver.ask(trigger())
    run = driver.handed_off[-1]
    driver.begin(run)
    driver.end(run, RunState.FAILED)
    driver.advance(0.2)
    return run


def retries(driver: Driver) -> list[Run]:
    return [row for row in driver.rows() if row.cause is Cause.RETRY]


def resting(until: int) -> Driver:
    """Return an executor whose job has a blackout from at(5) until so many seconds later."""
    store = with_jobs(backup(calendars=[{"name": "works", "policy": "run_after"}]), alarm())
    dates = [{"from": "2026-12-01T00:00:05Z", "to": f"2026-12-01T00:00:{until}Z"}]
    calendar = calendar_from_document({"name": "works", "dates": dates})
    stored = Stored(name="works", value=calendar, revision=1, updated_at=START)
    assert store.write_named(NamedWrite(CALENDARS, stored, None)) is None
    driver = Driver(store)
    driver.take_over()
    return driver


def test_what_a_blackout_would_put_off_beyond_the_window_is_not_tried_again() -> None:
    """The first failure is the last one, at once: the handler need not wait for the blackout."""
    driver = resting(until=40)

    run = fail(driver)

    assert retries(driver) == []
    assert [(one.job, one.parent_run_id) for one in driver.handed_off[1:]] == [("alarm", run.id)]
    assert not driver.row(run).follow_up


def test_what_a_blackout_puts_off_within_the_window_is_tried_again() -> None:
    """At its end."""
    driver = resting(until=25)
    fail(driver)
    driver.advance_to(at(26))

    (again,) = retries(driver)
    assert again.due == at(25)
    assert again.id == driver.handed_off[-1].id


def test_a_retry_that_waits_for_a_lock_beyond_the_window_is_skipped() -> None:
    """With its own reason, as the chain's failure; it does not even wait for the lock."""
    holder = a_job("holder", schedule=None, lock="door")
    driver = executing(backup(lock="door", overlap={"policy": "queue"}), holder, alarm())
    fail(driver)
    driver.ask(trigger("holder"))
    driver.begin(driver.handed_off[-1])
    driver.advance_to(at(29))
    assert retries(driver)[0].state is RunState.PENDING

    driver.advance_to(at(32))

    (again,) = retries(driver)
    assert (again.state, again.reason) == (RunState.SKIPPED, Reason.RETRY_WINDOW)
    assert [run.job for run in driver.handed_off] == ["backup", "holder", "alarm"]


def test_a_retry_whose_executor_died_does_not_begin_after_the_window() -> None:
    """The successor comes too late, and says so."""
    driver = executing(backup(), alarm())
    fail(driver)
    driver.clock.advance(31)

    successor = successor_of(driver)
    successor.advance(1)

    (again,) = retries(successor)
    assert (again.state, again.reason) == (RunState.SKIPPED, Reason.RETRY_WINDOW)
    assert [run.job for run in successor.handed_off] == ["alarm"]


def test_a_retry_whose_executor_died_begins_within_the_window() -> None:
    """The successor comes in time."""
    driver = executing(backup(), alarm())
    fail(driver)
    driver.clock.advance(25)

    successor = successor_of(driver)
    successor.advance(1)

    assert [run.id for run in successor.handed_off] == [retries(successor)[0].id]
