"""Schedules that come to an end: their jobs have no watermark then, and stay as they are.

A job is done when every slot of its schedule is accounted for and the store knows it.
Nothing may make its last slot due once more: no takeover, no edit, no late news; for the
row of that slot may have been removed by then, and with it all that says that it was run.
"""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.command import CommandKind
from executor.domain.identity import slot_run_id
from executor.domain.run import Cause, Reason, RunState
from executor.engine.store_requests import ClearTerm, InsertRuns, Record
from tests.builders import a_command, a_job, a_run, at, update
from tests.unit.desk_driver import Driver, executing, successor_of
from tests.unit.left_rows import taking_over
from tests.unit.test_admission import cursed_job

ONCE = {"kind": "once", "at": "2026-12-01T00:00:05Z"}
TWICE = {"kind": "interval", "expression": "R1/2026-12-01T00:00:05Z/PT5S"}


def finished(schedule: dict[str, Any] = TWICE, **fields: Any) -> Driver:
    """Return the executor of a job whose schedule is over, and whose runs have ended."""
    driver = executing(a_job(schedule=schedule, **fields))
    driver.work_everything(15)
    assert driver.job().next_fire_at is None
    return driver


@pytest.mark.parametrize(
    ("schedule", "times"),
    [
        (ONCE, [5]),
        ({"kind": "interval", "expression": "R0/2026-12-01T00:00:05Z/PT5S"}, [5]),
        (TWICE, [5, 10]),
        (
            {"kind": "cron", "expression": "* * * * *", "not_after": "2026-12-01T00:02:00Z"},
            [60, 120],
        ),
    ],
)
def test_a_schedule_runs_out_of_slots(schedule: dict[str, Any], times: list[float]) -> None:
    """Each of its slots is run, and then the record says that there is none left."""
    driver = executing(a_job(schedule=schedule))

    driver.work_everything(times[-1] - 1)
    assert driver.job().next_fire_at == at(times[-1])
    driver.work_everything(3)

    assert [row.fire_at for row in driver.rows()] == list(map(at, times))
    assert {row.state for row in driver.rows()} == {RunState.SUCCEEDED}
    assert (driver.job().next_fire_at, driver.job().revision) == (None, 1)


def test_the_last_slot_counts_as_soon_as_it_is_handed_off() -> None:
    """Not before: a successor that finds the job over takes what it left for a leftover."""
    driver = executing(a_job(schedule=ONCE))
    driver.hold(ClearTerm)
    driver.advance_to(at(7))
    assert (driver.handed_off, driver.job().next_fire_at) == ([], at(5))

    driver.release()
    driver.advance(0.5)

    assert len(driver.handed_off) == 1
    assert driver.job().next_fire_at is None


def test_slots_that_are_skipped_finish_a_schedule_too() -> None:
    """Whatever became of the last one."""
    twice = {"kind": "interval", "expression": "R1/2026-11-30T23:59:00Z/PT5S"}
    driver = executing(a_job(schedule=twice, misfire={"policy": "skip"}, now=at(-90)))
    driver.advance(1)

    assert [row.reason for row in driver.rows()] == [Reason.MISFIRE, Reason.MISFIRE]
    assert driver.job().next_fire_at is None


def test_a_takeover_has_nothing_to_do_for_finished_jobs() -> None:
    """They are not urgent, and no slot of theirs is claimed again."""
    successor = successor_of(finished())
    successor.advance(5)

    (facts,) = successor.noted("executing")
    assert facts["urgent_jobs"] == 0
    assert not successor.called(InsertRuns)


@pytest.mark.parametrize("kind", [CommandKind.PAUSE_JOB, CommandKind.UPDATE_JOB])
def test_a_change_of_something_else_leaves_a_job_done(kind: CommandKind) -> None:
    """Also one that comes while the last slot is claimed, or its news are on their way."""
    for moment in (4.7, 5.05, 9.7, 10.0, 10.01, 12.0):
        driver = executing(a_job(schedule=TWICE, overlap={"policy": "allow"}))
        driver.advance_to(at(moment))
        if kind is CommandKind.PAUSE_JOB:
            driver.ask(a_command(kind, "backup"))
            driver.ask(a_command(CommandKind.RESUME_JOB, "backup"))
        else:
            driver.ask(update(schedule=TWICE, overlap={"policy": "allow"}, description="new"))
        driver.advance_to(at(20))

        assert [run.fire_at for run in driver.handed_off] == [at(5), at(10)], moment
        assert driver.job().next_fire_at is None, moment


def test_a_change_written_before_the_news_of_the_end_leaves_a_job_done() -> None:
    """The news are of a former revision then, and the new one says it itself."""
    driver = executing(a_job(schedule=ONCE))
    driver.hold(Record)
    driver.advance_to(at(6))
    driver.ask(update(schedule=ONCE, description="new"))
    assert (driver.job().revision, driver.job().next_fire_at) == (2, None)

    driver.release()
    driver.advance(5)

    assert driver.job().next_fire_at is None
    assert len(driver.handed_off) == 1


def test_a_new_schedule_begins_anew() -> None:
    """The end of the former one says nothing about it."""
    driver = finished()

    driver.ask(update(schedule={"kind": "once", "at": "2026-12-01T00:00:30Z"}))
    assert driver.job().next_fire_at == at(30)
    driver.work_everything(20)

    assert driver.handed_off[-1].fire_at == at(30)
    assert driver.job().next_fire_at is None


def test_the_last_row_of_a_finished_job_can_be_removed() -> None:
    """And then the slot is not run again, by nobody and after no edit."""
    driver = finished(ONCE, keep_for="10s")
    driver.advance(60)
    assert driver.rows() == []

    driver.ask(update(schedule=ONCE, keep_for="10s", enabled=False))
    driver.ask(update(schedule=ONCE, keep_for="10s"))
    driver.advance(5)
    successor = successor_of(driver)
    successor.advance(5)

    assert (len(driver.handed_off), len(successor.handed_off)) == (1, 0)
    assert driver.rows() == []


def test_a_claim_that_arrives_after_the_end_is_a_leftover() -> None:
    """Its slot was run, and its row removed: somebody who was superseded had it on its way."""
    job = a_job(schedule=ONCE, next_fire_at=None)
    stale = a_run(
        job,
        1,
        id=slot_run_id(job.id, at(5)),
        cause=Cause.SCHEDULE,
        scheduled=True,
        fire_at=at(5),
        clear_at=at(5),
    )
    driver = taking_over(stale, jobs=(job,))
    driver.advance_to(at(20))

    assert driver.handed_off == []
    assert driver.row(stale).reason is Reason.SUPERSEDED


def test_a_finished_job_can_be_run_on_request() -> None:
    """It is done by its schedule only; its past may be backfilled up to the last slot."""
    driver = finished(ONCE, keep_for="10s")
    driver.advance(60)

    result = driver.ask(
        a_command(
            CommandKind.BACKFILL_JOB,
            "backup",
            **{"from": "2026-12-01T00:00:00Z", "to": "2026-12-02T00:00:00Z"},
        )
    )

    assert result.facts == {"slots": 1, "backfilled": 1, "recorded": 0}


def test_a_job_that_cannot_be_evaluated_is_not_over() -> None:
    """It is set aside with its watermark; changing something else does not take that away."""
    driver = executing(cursed_job())
    driver.advance_to(at(12))
    assert len(driver.noted("job_broken")) == 1

    driver.ask(a_command(CommandKind.PAUSE_JOB, "cursed"))

    assert driver.job("cursed").next_fire_at == at(10)
