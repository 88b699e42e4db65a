"""Chores: the instance's own heartbeat, and retention."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from executor.domain.command import CommandKind
from executor.domain.job import Job, Pause
from executor.domain.run import RunState
from executor.domain.writes import Instance, Retention
from executor.engine.store_requests import Beat, Prune, Record, WriteJobs
from executor.engine.timing import BEAT_S, DELETED_KEPT_S, UPKEEP_ROWS, UPKEEP_S
from tests.builders import a_claim, a_command, a_job, at, every, trigger, update
from tests.unit.desk_driver import Driver, executing, with_jobs


def test_an_instance_shows_that_it_lives() -> None:
    """Every few seconds, well before the store forgets it."""
    driver = Driver()

    driver.advance(60)

    assert len(driver.called(Beat)) == pytest.approx(60 / BEAT_S, abs=1)
    (listed,) = driver.store.list_instances()
    assert (listed.id, listed.role) == ("here", "standby")


def test_a_change_of_role_is_shown_at_once() -> None:
    """Who executes is visible without waiting for the next beat."""
    driver = Driver(with_jobs(a_job()))
    driver.advance(1)

    driver.take_over()

    assert [beat.instance.role for beat in driver.called(Beat)] == ["standby", "executing"]
    assert driver.store.list_instances() == [
        Instance(id="here", host="", version="", role="executing", seen_at=at(1))
    ]


def test_a_beat_without_an_answer_is_not_repeated_but_renewed() -> None:
    """The next one says it anew; nothing piles up while the store is silent."""
    driver = Driver()
    driver.silent = True
    driver.advance(30)
    assert len(driver.called(Beat)) <= 30 / BEAT_S + 1
    driver.silent = False

    driver.advance(BEAT_S)

    assert len(driver.store.list_instances()) == 1


def retentions(driver: Driver) -> list[Retention]:
    """Return everything that retention was asked to do so far."""
    return [retention for call in driver.called(Prune) for retention in call.retentions]


def test_retention_follows_the_jobs_own_limits() -> None:
    """By count and by age, in small steps; deleted jobs go after a day."""
    driver = executing(a_job(keep_runs=7, keep_for="2h"))
    driver.advance_to(at(UPKEEP_S + 0.1))

    (call,) = driver.called(Prune)

    (retention,) = call.retentions
    assert (retention.job_id, retention.keep_runs) == ("job-backup", 7)
    assert retention.older_than == at(UPKEEP_S) - timedelta(hours=2)
    assert call.purge_before == at(UPKEEP_S - DELETED_KEPT_S)
    assert call.limit == UPKEEP_ROWS


def test_old_runs_are_removed() -> None:
    """Of a job that fires all the time the newest so many remain."""
    driver = executing(a_job(schedule=every(1), keep_runs=5))
    for second in range(1, 40):
        driver.advance_to(at(second))
        driver.work(driver.handed_off[-1])

    assert len(driver.rows()) < 20
    assert driver.rows()[-1].fire_at == at(39)


def test_a_slot_is_never_removed_before_the_watermark_has_durably_passed_it() -> None:
    """Else the next executor would take it for a slot that nobody has seen, and run it again.

    The rows of missed slots are closed from the beginning, and here old enough to be removed
    long before the watermark gets through to the store.
    """
    driver = Driver(with_jobs(a_job(schedule=every(10), now=at(-35), keep_for="1s")))
    driver.hold(Record)
    driver.take_over()
    driver.advance_to(at(UPKEEP_S + 2))
    assert "job-backup" in [retention.job_id for retention in retentions(driver)]
    skipped = [row for row in driver.rows() if row.state is RunState.SKIPPED]
    assert [row.fire_at for row in skipped] == [at(-30), at(-20), at(-10)]

    driver.release()
    driver.advance(2 * UPKEEP_S)

    assert not set(skipped) & set(driver.rows())


def test_a_watermark_that_the_store_refused_does_not_count_as_durable() -> None:
    """News of a revision that is over change nothing there: the slot must not be removed.

    The daily job is edited in the very moment in which it fires.  If its row were removed
    by age, the next executor, which finds the old watermark, would run the slot again.
    """
    fields: dict[str, Any] = {"schedule": "1 0 * * *", "keep_for": "10s"}
    driver = executing(a_job(**fields))
    driver.advance_to(at(59.5))
    driver.hold(WriteJobs)
    driver.send(update(description="new", **fields))
    written = driver.carry_out(driver.awaited(WriteJobs))
    driver.advance_to(at(60))
    (run,) = driver.handed_off
    driver.work(run)
    driver.tell(*written)
    driver.advance_to(at(60 + 3 * UPKEEP_S))

    successor = Driver(driver.store, "successor")
    successor.take_over()
    successor.advance(1)

    assert successor.handed_off == []


def test_the_runs_of_resting_jobs_age_out_in_turn() -> None:
    """Jobs without news are looked at a few at a time, until all had their turn."""
    jobs = [a_job(f"job-{number}", schedule=None) for number in range(120)]
    driver = executing(*jobs)

    driver.advance_to(at(3 * UPKEEP_S + 1))

    looked_at = [retention.job_id for retention in retentions(driver)]
    assert sorted(looked_at) == sorted(job.id for job in jobs)


def test_jobs_that_ran_come_first() -> None:
    """What has just grown is looked at in the next step, whoever's turn it is."""
    jobs = [a_job(f"job-{number}", schedule=None) for number in range(300)]
    driver = executing(*jobs)
    driver.ask(trigger("job-0"))
    driver.work(driver.handed_off[0])

    driver.advance_to(at(UPKEEP_S + 1))

    assert "job-job-0" in [retention.job_id for retention in retentions(driver)]


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(a_job(now=at(-7200), enabled=False, keep_for="1h"), id="disabled"),
        pytest.param(
            a_job(now=at(-7200), paused=Pause(since=at(-7000)), keep_for="1h"), id="paused"
        ),
        pytest.param(a_job(now=at(-7200), schedule="0 0 1 1 *", keep_for="1h"), id="once a year"),
        pytest.param(a_job(now=at(-7200), schedule=None, keep_for="1h"), id="no schedule"),
    ],
)
def test_the_slots_of_a_resting_job_age_out_as_well(job: Job) -> None:
    """A slot behind the watermark with which the job was loaded is accounted for."""
    slot = a_claim(job, at(-7150), state=RunState.SUCCEEDED, finished_at=at(-7100))
    if job.next_fire_at is not None and job.next_fire_at < at(0):
        # The watermark has passed the slot.
        job = replace(job, next_fire_at=at(-7100))
    driver = Driver(with_jobs(job))
    driver.store.insert_runs([slot])
    driver.take_over()

    driver.advance_to(at(2 * UPKEEP_S))

    assert slot.id not in [row.id for row in driver.rows()]


def test_a_step_that_fails_is_left_to_the_next() -> None:
    """Nothing depends on it being done now."""
    driver = executing(a_job())
    driver.hold(Prune)
    driver.advance(UPKEEP_S + 1)
    driver.fail(driver.awaited(Prune))
    assert driver.pending(Prune) == []

    driver.advance(UPKEEP_S)

    assert len(driver.called(Prune)) == 2


def test_a_deleted_job_is_purged_after_a_day() -> None:
    """Until then a repeated command still finds its effect; then its runs go with it."""
    driver = executing(a_job(schedule=None))
    driver.ask(trigger())
    driver.work(driver.handed_off[0])
    driver.ask(a_command(CommandKind.DELETE_JOB, "backup"))
    driver.clock.advance(DELETED_KEPT_S - 60)
    driver.advance(UPKEEP_S + 5)
    assert driver.store.load_job("job-backup") is not None

    driver.advance(120)

    assert driver.store.load_job("job-backup") is None
    assert driver.rows() == []
