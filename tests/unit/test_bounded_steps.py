"""However much there is to do, one step of the engine stays small, and one poison stops nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from time import process_time

import pytest

from executor.domain.command import CommandKind, ResultStatus
from executor.domain.job import Pause
from executor.domain.run import Cause, Outcome, RunState
from executor.engine.events import RunFinished
from executor.engine.store_requests import InsertRuns, Record
from executor.engine.timing import INSERT_ROWS, JOURNAL_ROWS
from tests.builders import a_command, a_job, at, cancel, every, trigger
from tests.unit.desk_driver import Driver, executing, with_jobs

#: Processor time (s) that one step may take; the hang watch allows ten seconds.
_STEP_S = 2.0


def test_a_long_rest_of_many_jobs_is_caught_up_in_small_steps() -> None:
    """Days of minutes for hundreds of jobs: clearances go on in between."""
    days = [
        a_job(f"job-{number}", id=f"id-{number}", schedule=every(1), now=at(-3_000))
        for number in range(100)
    ]
    driver = Driver(with_jobs(*days))
    longest = 0.0
    driver.take_over()
    for _ in range(60):
        begun = process_time()
        driver.tell()
        longest = max(longest, process_time() - begun)

    assert longest < _STEP_S
    driver.advance(5)
    for name in ("job-0", "job-99"):
        watermark = driver.job(name).next_fire_at
        assert watermark is not None
        assert watermark > at(0)


def test_no_call_of_the_store_grows_with_the_crowd() -> None:
    """Claims and results go in portions that the store can take within its time limit."""
    crowd = [a_job(f"job-{n}", id=f"id-{n}") for n in range(INSERT_ROWS + 1)]
    driver = executing(*crowd)
    driver.advance_to(at(10))
    assert len(driver.handed_off) == len(crowd)
    started = list(driver.handed_off)
    now, succeeded = driver.clock.now(), Outcome(state=RunState.SUCCEEDED)
    driver.tell(*(RunFinished(run.id, now, succeeded) for run in started))
    driver.advance(1)

    assert max(len(call.runs) for call in driver.called(InsertRuns)) <= INSERT_ROWS
    assert max(len(call.changes) for call in driver.called(Record)) <= JOURNAL_ROWS
    assert {driver.row(run).state for run in started} == {RunState.SUCCEEDED}


@pytest.mark.parametrize("until", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:58.5Z"])
def test_a_pause_for_ever_by_date_harms_nobody(until: str) -> None:
    """The last instant there is plus a second is none; the job rests and the others go on."""
    driver = executing(a_job(), a_job("other", id="other", schedule=every(10)))

    answer = driver.ask(a_command(CommandKind.PAUSE_JOB, "backup", until=until))
    driver.advance(15)

    assert answer.status is ResultStatus.DONE
    assert {run.job for run in driver.handed_off} == {"other"}


def test_a_job_paused_for_ever_by_date_can_be_loaded() -> None:
    """The successor does not stumble over the record either."""
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    driver = Driver(with_jobs(a_job(paused=Pause(since=at(0), until=end))))

    driver.take_over()
    driver.advance(15)

    assert driver.engine.term is not None
    assert driver.handed_off == []


def test_a_run_that_is_lost_while_it_is_cancelled_is_not_repeated() -> None:
    """Somebody wanted it to end: declaring it lost must not start it again."""
    driver = executing(a_job("manual", schedule=None, retrigger=3))
    driver.ask(trigger("manual"))
    driver.advance(0.5)
    (run,) = driver.handed_off
    driver.begin(run)
    driver.advance(0.5)
    driver.send(cancel(run.id))
    driver.advance(0.5)

    successor = Driver(driver.store, instance="successor")
    successor.clock.advance(1)
    successor.take_over()
    successor.advance(60)

    assert successor.row(run).state is RunState.LOST
    assert [row for row in successor.rows("manual") if row.cause is Cause.RETRIGGER] == []
