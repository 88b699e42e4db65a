"""To whose workers the executor listens: those of its jobs, and those who have runs of theirs."""

from __future__ import annotations

from executor.domain.command import CommandKind
from executor.domain.job import Job
from executor.domain.run import RunState
from executor.engine.effects import AttendWorkers
from executor.engine.events import RunHandedOver
from tests.builders import a_command, a_job, every, trigger
from tests.unit.desk_driver import Driver, executing
from tests.unit.remote_driver import a_remote_job, report

JOB = a_remote_job()


def for_workers(name: str) -> Job:
    """Return a job of which workers take the runs."""
    return a_job(name, schedule=every(60), target={"kind": "message"})


def attended(driver: Driver) -> list[set[str]]:
    """Return to whose workers the executor listened, one after the other."""
    return [set(effect.jobs) for effect in driver.wanted(AttendWorkers)]


def test_the_workers_of_all_jobs_that_have_some_are_attended() -> None:
    """As long as this instance executes; and again only when there is a change."""
    driver = executing(for_workers("one"), for_workers("two"), JOB)
    driver.advance(5)
    driver.tell()
    assert attended(driver) == [{"one", "two"}]

    driver.store.mint_term("elsewhere")
    driver.advance(2)

    assert attended(driver) == [{"one", "two"}, set()]


def test_workers_with_a_run_in_hand_are_attended_although_their_job_is_gone() -> None:
    """Until the last of them has reported its end."""
    driver = executing(for_workers("one"))
    driver.ask(trigger("one"))
    (run,) = driver.handed_off
    driver.tell(RunHandedOver(run.id, driver.clock.now(), False))
    driver.ask(a_command(CommandKind.DELETE_JOB, "one"))
    driver.advance(0.1)
    while_gone = attended(driver)

    report(driver, run, "completed")
    driver.advance(0.1)

    assert while_gone == [{"one"}]
    assert attended(driver) == [{"one"}, set()]
    assert driver.row(run).state is RunState.SUCCEEDED


def test_an_executor_that_stops_listens_to_nobody() -> None:
    """What it has not settled goes to whoever is next."""
    driver = executing(for_workers("one"))
    driver.advance(0.1)

    driver.stop()
    driver.advance(1)

    assert attended(driver) == [{"one"}, set()]
