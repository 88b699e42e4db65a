"""An executor with runs that were handed over, for tests of what becomes of them."""

from __future__ import annotations

from typing import Any

from executor.domain.job import Job
from executor.domain.report import Report, ReportStatus
from executor.domain.run import Run
from executor.engine.effects import RecallWork, SettleReport
from executor.engine.events import ReportReceived, RunHandedOver
from tests.builders import a_job, every, trigger
from tests.unit.desk_driver import Driver, executing

#: A service that goes on with what it is asked, and calls back.
CALLED_BACK = {"kind": "http", "url": "https://example.com/start", "callback": True}


def a_remote_job(name: str = "backup", **fields: Any) -> Job:
    """Return a job, due once a minute, whose runs go on elsewhere."""
    return a_job(name, **{"target": CALLED_BACK, "schedule": every(60), **fields})


def handed_over(running: bool = True, job: Job | None = None) -> tuple[Driver, Run]:
    """Return an executor and its only run, which was handed over, and that is recorded."""
    driver = executing(job or a_remote_job())
    driver.ask(trigger())
    (run,) = driver.handed_off
    hand_over(driver, run, running)
    driver.advance(0.1)
    return driver, run


def hand_over(driver: Driver, run: Run, running: bool = True) -> None:
    """Report that the launcher has let go of *run*; if it runs, it had begun."""
    if running:
        driver.begin(run)
    driver.tell(RunHandedOver(run.id, driver.clock.now(), running))


def report(driver: Driver, run: Run | str, status: str | None = None, **news: Any) -> object:
    """Tell the executor of *run*; return the tag of that."""
    told = Report(
        run_id=run if isinstance(run, str) else run.id,
        status=None if status is None else ReportStatus(status),
        at=driver.clock.now(),
        **news,
    )
    tag = object()
    driver.tell(ReportReceived(tag, told))
    return tag


def settled(driver: Driver) -> list[object]:
    """Return the tags of the reports that are done with, in order."""
    return [effect.tag for effect in driver.wanted(SettleReport)]


def recalled(driver: Driver) -> list[tuple[str, str]]:
    """Return which runs somebody was asked to end, and why."""
    return [(effect.run.id, effect.reason.value) for effect in driver.wanted(RecallWork)]
