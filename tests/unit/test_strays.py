"""Signs of life of runs that are over: whoever goes on with one is asked to stop."""

from __future__ import annotations

from executor.domain.job import Job
from executor.domain.run import Run
from executor.engine.strays import REMEMBERED
from tests.unit.desk_driver import Driver
from tests.unit.remote_driver import a_remote_job, handed_over, recalled, report


def over(job: Job | None = None) -> tuple[Driver, Run]:
    """Return an executor and a run of a job for workers that has ended."""
    driver, run = handed_over(job=job or a_remote_job(target={"kind": "message"}))
    report(driver, run, "failed", job="backup")
    driver.advance(1)
    return driver, run


def test_the_second_sign_of_life_of_a_run_that_is_over_recalls_it() -> None:
    """One may have been delivered late; two mean that somebody works on it."""
    driver, run = over()
    report(driver, run, "running", job="backup")
    assert recalled(driver) == []
    report(driver, run, job="backup")
    driver.advance(2)
    assert recalled(driver) == [(run.id, "superseded")]


def test_an_executor_that_is_superseded_recalls_nothing() -> None:
    """What it does not know may be its successor's."""
    driver, run = over()
    driver.store.mint_term("elsewhere")
    report(driver, run, "running", job="backup")
    report(driver, run, job="backup")
    driver.advance(2)
    assert recalled(driver) == []


def test_ends_that_come_late_recall_nothing() -> None:
    """Whoever tells of an end has stopped."""
    driver, run = over()
    for _ in range(3):
        report(driver, run, "completed", job="backup")
    driver.advance(2)
    assert recalled(driver) == []


def test_nobody_is_asked_who_cannot_be() -> None:
    """A service that calls back has its answer, and other jobs' workers are left alone."""
    driver, run = over(a_remote_job())
    for job in ("backup", "other", None):
        report(driver, run, job=job)
        report(driver, run, job=job)
    driver.advance(2)
    assert recalled(driver) == []


def test_memory_of_signs_is_bounded() -> None:
    """The oldest is forgotten, and its next sign is a first one again."""
    driver, run = over()
    report(driver, run, job="backup")
    for number in range(REMEMBERED):
        report(driver, f"unknown-{number}", job="backup")
    report(driver, run, job="backup")
    driver.advance(2)
    assert recalled(driver) == []
