"""Runs that come due while others are unfinished: skipped, started, waiting or replacing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from executor.domain.command import CommandKind, ResultStatus
from executor.domain.run import QUEUED, Cause, Reason, Run, RunState
from executor.engine.store_requests import ClearTerm, ReadAllJobs
from tests.builders import a_command, a_job, at, cancel, every, trigger, update
from tests.unit.desk_driver import Driver, executing, successor_of


def states(driver: Driver, job: str = "backup") -> list[RunState]:
    return [row.state for row in driver.rows(job)]


def busy(policy: str, **overlap: Any) -> tuple[Driver, Run]:
    """Return an executor whose job was due once, and is being worked on."""
    driver = executing(a_job(overlap={"policy": policy, **overlap}))
    driver.advance_to(at(10.1))
    (run,) = driver.handed_off
    driver.begin(run)
    return driver, run


def test_forbid_skips_what_overlaps() -> None:
    """And starts the next one after the end."""
    driver, run = busy("forbid")
    driver.advance_to(at(20.1))
    driver.end(run)
    driver.advance_to(at(30.1))

    assert [(row.state, row.reason) for row in driver.rows()] == [
        (RunState.SUCCEEDED, None),
        (RunState.SKIPPED, Reason.OVERLAP),
        (RunState.PENDING, None),
    ]
    assert len(driver.handed_off) == 2


def test_allow_starts_what_overlaps() -> None:
    """Without any limit."""
    driver, _ = busy("allow")
    driver.advance_to(at(30.1))

    assert [run.fire_at for run in driver.handed_off] == [at(10), at(20), at(30)]


@pytest.mark.parametrize("policy", ["forbid", "queue"])
def test_a_limit_allows_so_many_at_once(policy: str) -> None:
    """The third waits or is skipped."""
    driver, _ = busy(policy, limit=2)
    driver.advance_to(at(30.1))

    assert [run.fire_at for run in driver.handed_off] == [at(10), at(20)]


def test_queue_lets_what_overlaps_wait_for_its_turn() -> None:
    """In the order of the fire times, each as soon as the one before has ended."""
    driver, run = busy("queue")
    driver.advance_to(at(35))
    assert [row.clear_at for row in driver.rows()[1:]] == [QUEUED, QUEUED]
    assert len(driver.handed_off) == 1

    driver.end(run)
    driver.advance(0.1)
    assert driver.handed_off[1:] == [driver.handed_off[1]]
    assert driver.handed_off[1].fire_at == at(20)

    driver.work(driver.handed_off[1])
    driver.advance(0.1)
    assert driver.handed_off[2].fire_at == at(30)


def test_a_queue_that_is_full_skips() -> None:
    """The reason says so."""
    driver, _ = busy("queue", queue=1)
    driver.advance_to(at(35))

    assert [(row.state, row.reason) for row in driver.rows()[1:]] == [
        (RunState.PENDING, None),
        (RunState.SKIPPED, Reason.QUEUE_FULL),
    ]


def test_what_waits_for_its_turn_survives_the_executor() -> None:
    """The successor goes on with the line, in its order."""
    driver, run = busy("queue")
    driver.advance_to(at(35))
    successor = successor_of(driver)
    successor.advance(0.5)
    assert successor.handed_off == []

    # The run in progress is lost after its lease; its repetition stands behind none.
    successor.advance_to(at(55))
    started: list[Run] = []
    for _ in range(8):
        for run in successor.handed_off[len(started) :]:
            started.append(run)
            successor.work(run)
        successor.advance(0.2)

    assert sorted(str(run.fire_at) for run in started)[:5] == [
        str(at(second)) for second in (10, 20, 30, 40, 50)
    ]
    assert [run.fire_at for run in started if run.cause is Cause.SCHEDULE][:2] == [at(20), at(30)]
    assert all(row.state is not RunState.PENDING for row in successor.rows()[:5])


def test_what_waits_is_not_started_twice_if_its_executor_dies_while_calling_it() -> None:
    """Whichever of the two knows it first."""
    driver, run = busy("queue")
    driver.advance_to(at(25))
    driver.end(run)
    driver.advance(0.1)
    (_, second) = driver.handed_off
    successor = successor_of(driver)
    successor.advance(1)

    assert second.id not in [run.id for run in successor.handed_off]


def test_replace_cancels_what_runs_and_starts_when_that_has_ended() -> None:
    """Nobody's cancellation is repeated."""
    driver, run = busy("replace")
    driver.advance_to(at(20.1))
    assert driver.cancelled() == [(run.id, Reason.REPLACED)]
    assert len(driver.handed_off) == 1

    driver.end(run, RunState.CANCELLED, Reason.REPLACED)
    driver.advance(0.2)

    assert driver.handed_off[1].fire_at == at(20)
    assert driver.row(run).reason is Reason.REPLACED
    assert len(driver.rows()) == 2


def test_replace_keeps_only_the_newest_waiting() -> None:
    """What it replaces in the line is skipped."""
    driver, run = busy("replace")
    driver.advance_to(at(35))
    driver.end(run, RunState.CANCELLED, Reason.REPLACED)
    driver.advance(0.2)

    assert [(row.state, row.reason) for row in driver.rows()[:2]] == [
        (RunState.CANCELLED, Reason.REPLACED),
        (RunState.SKIPPED, Reason.REPLACED),
    ]
    assert driver.handed_off[1].fire_at == at(30)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("forbid", (RunState.SKIPPED, Reason.LOCKED)), ("allow", (RunState.PENDING, None))],
)
def test_jobs_with_the_same_lock_never_run_at_the_same_time(
    policy: str, expected: tuple[RunState, Reason | None]
) -> None:
    """By policy the second is skipped, or waits for the first."""
    first = a_job("first", lock="db", schedule=None)
    second = a_job("second", lock="db", overlap={"policy": policy})
    driver = executing(first, second, a_job("free"))
    driver.ask(trigger("first"))
    (run,) = driver.handed_off
    driver.begin(run)
    driver.advance_to(at(10.1))
    assert [run.job for run in driver.handed_off] == ["first", "free"]
    row = driver.rows("second")[0]
    assert (row.state, row.reason) == expected

    driver.end(run)
    driver.advance(0.2)

    assert ("second" in [run.job for run in driver.handed_off]) is (policy == "allow")


def test_a_lock_is_kept_across_executors() -> None:
    """What runs elsewhere under its lease holds it."""
    jobs = [a_job(name, lock="db", schedule=None) for name in ("first", "second")]
    driver = executing(*jobs)
    driver.ask(trigger("first"))
    (run,) = driver.handed_off
    driver.begin(run)
    driver.advance(0.1)
    successor = successor_of(driver)

    refused = successor.ask(trigger("second"))

    assert refused.status is ResultStatus.CONFLICT
    assert "another job holds its lock" in refused.message


def test_a_trigger_waits_in_the_queue_and_can_be_cancelled_there() -> None:
    """It is answered as accepted, with the run that waits."""
    driver, _ = busy("queue")
    accepted = driver.ask(trigger())
    assert accepted.status is ResultStatus.CREATED
    waiting = driver.row(str(accepted.run_id))
    assert (waiting.state, waiting.clear_at) == (RunState.PENDING, QUEUED)

    (tag,) = driver.send(cancel(waiting))
    driver.advance(0.1)

    assert driver.answers[tag].status is ResultStatus.DONE
    assert driver.row(waiting).state is RunState.CANCELLED


def test_a_trigger_is_refused_when_the_queue_is_full() -> None:
    """With the reason."""
    driver, _ = busy("queue", queue=1)
    driver.ask(trigger())

    refused = driver.ask(trigger())

    assert refused.status is ResultStatus.CONFLICT
    assert "are waiting already" in refused.message


def test_the_line_waits_while_the_job_is_paused() -> None:
    """And goes on at the end of the pause."""
    driver, run = busy("queue")
    driver.advance_to(at(25))
    driver.ask(a_command(CommandKind.PAUSE_JOB, "backup", until="2026-12-01T00:01:00Z"))
    driver.end(run)
    driver.advance_to(at(59))
    assert len(driver.handed_off) == 1

    driver.advance_to(at(62))

    assert driver.handed_off[1].fire_at == at(20)


def test_the_line_is_skipped_when_its_job_is_deleted_or_disabled() -> None:
    """Nothing waits for ever."""
    for command, reason in [
        (a_command(CommandKind.DELETE_JOB, "backup"), Reason.DELETED),
        (update(enabled=False, overlap={"policy": "queue"}), Reason.DISABLED),
    ]:
        driver, _ = busy("queue")
        driver.advance_to(at(25))
        driver.ask(command)
        driver.advance(1.5)

        assert driver.rows()[1].reason is reason


def test_nothing_waits_longer_than_its_start_timeout() -> None:
    """It is skipped, with the reason."""
    driver = executing(a_job(overlap={"policy": "queue"}, start_timeout="15s"))
    driver.advance_to(at(10.1))
    driver.begin(driver.handed_off[0])
    driver.advance_to(at(34))
    assert driver.rows()[1].state is RunState.PENDING

    driver.advance_to(at(37))

    row = driver.rows()[1]
    assert (row.state, row.reason) == (RunState.SKIPPED, Reason.START_TIMEOUT)


def test_what_waits_in_a_launcher_is_taken_back_after_its_start_timeout() -> None:
    """It never started, so it is skipped."""
    driver = executing(a_job(start_timeout="5s"))
    driver.advance_to(at(10.1))
    (run,) = driver.handed_off
    driver.advance_to(at(16))
    assert driver.cancelled() == [(run.id, Reason.START_TIMEOUT)]

    driver.give_back(run)
    driver.advance(0.1)

    assert (driver.row(run).state, driver.row(run).reason) == (
        RunState.SKIPPED,
        Reason.START_TIMEOUT,
    )


def test_catching_up_all_slots_runs_them_one_after_another() -> None:
    """Although the overlap policy is to forbid; and across executors."""
    job = a_job(misfire={"policy": "all"}, schedule=every(10))
    driver = executing(replace(job, next_fire_at=at(-30)))
    driver.advance(0.2)
    (first,) = driver.handed_off
    assert (first.fire_at, first.cause) == (at(-30), Cause.CATCH_UP)
    driver.begin(first)
    driver.advance(0.1)

    successor = successor_of(driver)
    done: list[Run] = []
    for _ in range(120):
        successor.advance(0.1)
        for run in successor.handed_off[len(done) :]:
            done.append(run)
            successor.work(run)

    in_turn = [run.fire_at for run in done if run.fire_at and run.fire_at <= at(0)]
    assert in_turn == [at(-20), at(-10), at(0)]


@pytest.mark.parametrize("policy", ["queue", "allow"])
def test_what_was_called_and_not_handed_off_is_started_by_the_next_executor(policy: str) -> None:
    """Although the watermark is far beyond it by then."""
    jobs = [a_job("first", lock="db", schedule=None)]
    driver = executing(*jobs, a_job(lock="db", overlap={"policy": policy}))
    driver.ask(trigger("first"))
    (run,) = driver.handed_off
    driver.begin(run)
    driver.advance_to(at(15))
    (waiting,) = driver.rows()
    assert waiting.clear_at == QUEUED
    driver.hold(ClearTerm)
    driver.end(run)
    driver.advance(0.1)
    assert driver.row(waiting).clear_at != QUEUED
    assert driver.handed_off == [run]

    successor = successor_of(driver)
    successor.advance(0.5)

    assert [one.fire_at for one in successor.handed_off] == [at(10)]


def test_a_line_that_is_found_while_jobs_are_loaded_keeps_nobody_awake() -> None:
    """Whose turn it is is known once every job is; until then nothing is to be done about it."""
    driver, _ = busy("queue")
    driver.advance_to(at(25))
    successor = Driver(driver.store, "successor")
    successor.hold(ReadAllJobs)
    successor.take_over()
    successor.advance(0.5)
    assert successor.rows()[1].term == successor.engine.term

    successor.advance(3)

    successor.release()
    assert successor.handed_off == []
