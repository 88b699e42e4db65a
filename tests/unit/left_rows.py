"""Rows that a former executor left behind, and an executor that finds them.

Term 1 is over in all of this; the executor under test has term 2.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from executor.domain.job import Job
from executor.domain.run import Run, RunState
from tests.builders import a_job, a_run, at, every
from tests.unit.desk_driver import Driver, with_jobs

#: Due once a minute, so that nothing else happens while rows are looked after.
JOB = a_job(schedule=every(60))

LEASE_S = 10.0


def finding(*rows: Run, jobs: tuple[Job, ...] = (JOB,), cleared: datetime | None = None) -> Driver:
    """Return a candidate for term 2 that will find *rows*; term 1 had been cleared so far."""
    store = with_jobs(*jobs)
    store.mint_term("former")
    if cleared is not None:
        store.clear_term(1, cleared)
    assert store.insert_runs(rows) == {}
    return Driver(store, run_lease_s=LEASE_S)


def taking_over(
    *rows: Run, jobs: tuple[Job, ...] = (JOB,), cleared: datetime | None = None
) -> Driver:
    """Return the executor of term 2 that has found *rows*."""
    driver = finding(*rows, jobs=jobs, cleared=cleared)
    driver.take_over()
    return driver


def running(**fields: Any) -> Run:
    """Return a row that its executor was working on; its lease ends after five seconds."""
    given: dict[str, Any] = {
        "state": RunState.RUNNING,
        "started_at": at(-3),
        "lease_until": at(5),
        "executor": "former",
    }
    return a_run(JOB, 1, **{**given, **fields})


def ended(**fields: Any) -> Run:
    """Return a row that is over and demands a run."""
    given: dict[str, Any] = {"state": RunState.LOST, "started_at": at(-3), "follow_up": True}
    return a_run(JOB, 1, **{**given, **fields})
