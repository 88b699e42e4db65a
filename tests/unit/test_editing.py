"""Changing a job: never retroactive, and no slot is forgotten over it."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.command import CommandKind
from executor.domain.job import Pause
from executor.domain.run import Cause, Reason, RunState
from executor.engine.store_requests import InsertRuns, ReadOpenRuns, WriteJobs
from tests.builders import a_command, a_job, at, create, every, update
from tests.unit.desk_driver import Driver, executing, successor_of, with_jobs

PAUSE = a_command(CommandKind.PAUSE_JOB, "backup", id="pause")
RESUME = a_command(CommandKind.RESUME_JOB, "backup", id="resume")


def starts(driver: Driver) -> list[float]:
    """Return the fire times of everything handed off, in seconds after the start."""
    return [
        (run.fire_at - at(0)).total_seconds()
        for run in driver.handed_off
        if run.fire_at is not None
    ]


def test_a_new_job_fires_from_now_on() -> None:
    """Its first slot is the first one after its creation."""
    driver = executing()
    driver.advance(13)

    driver.ask(create())
    driver.advance_to(at(25))

    assert starts(driver) == [20]


PAST = "R/2020-01-01T00:00:00Z/PT1H"


@pytest.mark.parametrize("make", [create, update])
def test_a_schedule_that_was_kept_may_have_begun(make: Any) -> None:
    """It goes on with its next slot and makes up for nothing; without that word it is refused."""
    driver = executing(*([a_job("kept")] if make is update else []))
    command = make("kept", schedule=PAST)

    refused = driver.ask(command)
    made = driver.ask(a_command(command.kind, "kept", **command.arguments, begun=True))

    assert "is not later than now" in refused.faults[0].message
    assert not made.faults
    next_fire_at = driver.job("kept").next_fire_at
    assert next_fire_at is not None
    assert next_fire_at > driver.clock.now()
    assert not driver.rows()


@pytest.mark.parametrize("make", [create, update])
@pytest.mark.parametrize(
    "schedule", [{"kind": "once", "at": "2026-12-01T00:00:02Z"}, "R/2026-12-01T00:00:02Z/PT1M"]
)
def test_a_slot_that_was_promised_runs_although_it_has_passed(make: Any, schedule: Any) -> None:
    """The command says from when on; it may have been on its way for a while."""
    driver = executing(*([a_job("late")] if make is update else []))
    due = at(2)
    command = make("late", schedule=schedule)
    driver.advance_to(at(5))

    since = {"begun": True, "since": due.isoformat()}
    made = driver.ask(a_command(command.kind, "late", **command.arguments, **since))
    driver.advance(0.1)

    assert not made.faults
    assert [(run.fire_at, run.cause) for run in driver.handed_off] == [(due, Cause.CATCH_UP)]


def test_an_instant_that_is_none_is_refused() -> None:
    """It comes from our own web, and stops nothing else all the same."""
    driver = executing()

    refused = driver.ask(a_command(CommandKind.CREATE_JOB, "x", **create("x").arguments, since="x"))

    assert refused.faults[0].field == "since"


def test_a_schedule_that_was_kept_may_be_over() -> None:
    """The job is there and never fires."""
    driver = executing()
    schedule = {"kind": "once", "at": "2020-01-01T00:00:00Z"}
    command = create("over", schedule=schedule)

    driver.ask(a_command(command.kind, "over", **command.arguments, begun=True))

    assert driver.job("over").next_fire_at is None


def test_a_job_created_in_its_second_waits_for_the_next() -> None:
    """A slot at the very instant of the creation is not after it."""
    driver = executing()
    driver.advance_to(at(10))

    driver.ask(create())
    driver.advance_to(at(15))

    assert starts(driver) == []
    assert driver.job().next_fire_at == at(20)


def test_a_new_schedule_counts_from_now_on() -> None:
    """What the new schedule would have fired before the edit is not caught up."""
    driver = executing(a_job(schedule=every(30)))
    driver.advance_to(at(29))

    driver.ask(update(schedule=every(7)))
    driver.advance_to(at(35))
    driver.work(driver.handed_off[0])
    driver.advance_to(at(43))

    assert starts(driver) == [35, 42]
    assert [row.fire_at for row in driver.rows()] == [at(35), at(42)]


def test_an_edit_that_leaves_the_schedule_alone_leaves_the_slots_alone() -> None:
    """Every slot of the job runs, the edit in between does not show."""
    driver = executing(a_job())
    for second in (10, 20, 30):
        driver.advance_to(at(second - 5))
        driver.ask(update(description=f"edited at {second}"))
        driver.advance_to(at(second))
        driver.work(driver.handed_off[-1])

    assert starts(driver) == [10, 20, 30]


def test_a_job_that_is_enabled_again_follows_its_misfire_policy() -> None:
    """Of the slots it slept through, the latest runs late and the others are misfires."""
    driver = executing(a_job())
    driver.ask(update(enabled=False))
    driver.advance_to(at(35))
    assert driver.rows() == []

    driver.ask(update(enabled=True))
    driver.advance(0.1)

    assert [(run.fire_at, run.cause) for run in driver.handed_off] == [(at(30), Cause.CATCH_UP)]
    skipped = [row for row in driver.rows() if row.state is RunState.SKIPPED]
    assert [(row.fire_at, row.reason) for row in skipped] == [
        (at(10), Reason.MISFIRE),
        (at(20), Reason.MISFIRE),
    ]


def test_resuming_follows_the_misfire_policy() -> None:
    """As enabling does."""
    driver = executing(a_job())
    driver.ask(PAUSE)
    driver.advance_to(at(35))
    assert driver.rows() == []

    driver.ask(RESUME)
    driver.advance_to(at(40))

    assert starts(driver) == [30]
    driver.work(driver.handed_off[0])
    driver.advance_to(at(50))
    assert starts(driver) == [30, 50]


def test_resuming_beyond_the_deadline_catches_nothing_up() -> None:
    """Every slot that is too old is a misfire; the next one runs."""
    driver = executing(a_job(misfire={"deadline": "4s"}))
    driver.ask(PAUSE)
    driver.advance_to(at(35))

    driver.ask(RESUME)
    driver.advance_to(at(40))

    assert starts(driver) == [40]
    reasons = [row.reason for row in driver.rows() if row.state is RunState.SKIPPED]
    assert reasons == [Reason.MISFIRE] * 3


@pytest.mark.parametrize(
    ("until", "first"), [("2026-12-01T00:00:25Z", 20), ("2026-12-01T00:00:24.500Z", 20)]
)
def test_a_pause_that_has_an_end_ends_by_itself(until: str, first: float) -> None:
    """Within a second or two after its end the job is caught up by its policy, and goes on."""
    driver = executing(a_job())
    driver.ask(a_command(CommandKind.PAUSE_JOB, "backup", until=until))

    driver.advance_to(at(24))
    assert driver.rows() == []
    driver.advance_to(at(27))
    assert starts(driver) == [first]
    driver.work(driver.handed_off[0])
    driver.advance_to(at(30))

    assert starts(driver) == [first, 30]


def test_a_pause_that_ended_before_a_step_of_the_clock_is_paused_again() -> None:
    """The clock says that the end is still to come; when it has come, the job fires."""
    paused = a_job(paused=Pause(since=at(-60), until=at(-1)), now=at(-60))
    driver = Driver(with_jobs(paused))
    driver.hold(ReadOpenRuns)
    driver.take_over()

    driver.clock.step(-15)
    driver.release()
    driver.advance_to(at(-2))
    assert driver.handed_off == []
    driver.advance_to(at(10))

    assert starts(driver)


def test_pausing_twice_keeps_the_later_word() -> None:
    """A pause without an end replaces one with an end."""
    driver = executing(a_job())
    driver.ask(a_command(CommandKind.PAUSE_JOB, "backup", until="2026-12-01T00:00:05Z"))

    driver.ask(PAUSE)
    driver.advance_to(at(30))

    assert driver.rows() == []
    assert driver.job().paused == Pause(since=at(0))


def test_a_pause_survives_a_failover() -> None:
    """The successor finds the job paused, and catches up when it is resumed there."""
    driver = executing(a_job())
    driver.ask(PAUSE)
    driver.advance_to(at(15))

    successor = successor_of(driver)
    successor.advance_to(at(25))
    assert successor.rows() == []
    successor.ask(RESUME)
    successor.advance(0.1)

    assert starts(successor) == [20]


@pytest.mark.parametrize("change", [update(description="new"), PAUSE, update(enabled=False)])
def test_an_edit_does_not_forget_a_slot_whose_claim_is_not_written_yet(change: Any) -> None:
    """The watermark that an edit stores stays at the first slot without a durable row."""
    driver = executing(a_job())
    driver.hold(InsertRuns)
    driver.advance_to(at(9.8))
    assert driver.awaited(InsertRuns)
    driver.ask(change)
    driver.advance_to(at(11))

    successor = successor_of(driver)
    successor.ask(update(enabled=True))
    successor.ask(RESUME)
    successor.advance(1)

    assert [row.fire_at for row in successor.rows()] == [at(10)]


def test_an_edit_keeps_what_is_known_of_the_latest_run() -> None:
    """The definition changes; the history does not."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    driver.work(driver.handed_off[0])
    before = driver.job().last_run
    assert before is not None

    driver.ask(update(description="new"))

    assert driver.job().last_run == before


def test_a_slot_that_fires_while_an_edit_is_written_counts_for_the_new_revision() -> None:
    """It is not fired again, by this executor or by the next."""
    driver = executing(a_job())
    driver.advance_to(at(9.8))
    driver.hold(WriteJobs)
    driver.send(update(description="new"))
    driver.advance_to(at(10))
    driver.work(driver.handed_off[0])

    driver.release()
    driver.advance(1)
    successor = successor_of(driver)
    successor.advance(1)

    assert driver.job().revision == 2
    assert starts(driver) == [10]
    assert starts(successor) == []


def test_a_renamed_job_is_found_by_its_new_name_only() -> None:
    """Its runs carry the new name, and the old one is free for another job."""
    driver = executing(a_job())
    driver.ask(
        a_command(
            CommandKind.UPDATE_JOB, "backup", definition=create("copy").arguments["definition"]
        )
    )
    driver.ask(create("backup", schedule=None))

    driver.advance_to(at(10))

    assert [run.job for run in driver.handed_off] == ["copy"]
    assert driver.job("copy").id == "job-backup"


def test_a_deleted_job_fires_no_more_and_its_name_is_free() -> None:
    """A new job of that name is another job."""
    driver = executing(a_job())
    driver.ask(a_command(CommandKind.DELETE_JOB, "backup"))
    driver.ask(create("backup"))

    driver.advance_to(at(10))

    (run,) = driver.handed_off
    assert run.job_id != "job-backup"


def test_a_job_without_a_schedule_never_fires() -> None:
    """Taking the schedule away is enough."""
    driver = executing(a_job())

    driver.ask(update(schedule=None))
    driver.advance_to(at(60))

    assert driver.rows() == []
    assert driver.job().next_fire_at is None


def test_a_new_schedule_keeps_no_slot_of_the_old_one() -> None:
    """Also if its first slot is the one that the old schedule had claimed up to."""
    driver = executing(a_job(schedule=every(1)))
    driver.hold(InsertRuns)
    driver.advance_to(at(10.7))
    driver.ask(update(schedule=every(3)))
    assert driver.job().next_fire_at == at(12)

    successor = successor_of(driver)

    assert successor.noted("fire_time_moved") == []
