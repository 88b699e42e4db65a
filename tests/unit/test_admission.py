"""Whether a claim starts is decided at the hand-off, by everything that is true then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from executor.domain.command import Command, CommandKind
from executor.domain.cron_schedule import CronSchedule, CronSlots
from executor.domain.job import Job
from executor.domain.run import Reason, RunState
from executor.engine.store_requests import ClearTerm
from executor.engine.timing import TRUST_S
from tests.builders import a_command, a_definition, a_job, at, every, trigger, update
from tests.unit.desk_driver import Driver, executing

#: After the claim of the slot at(10) and before its second.
CLAIMED = at(9.8)


def claimed(*jobs: Job) -> Driver:
    """Return an executor that has claimed the slot at(10) and not started it."""
    driver = executing(*(jobs or (a_job(),)))
    driver.advance_to(CLAIMED)
    assert all(row.state is RunState.PENDING for row in driver.store.every_run())
    return driver


def fate(driver: Driver, seconds: float = 10) -> tuple[RunState, Reason | None]:
    """Return what became of the slot so many seconds after the start."""
    driver.advance(0.1)
    (row,) = [row for row in driver.rows() if row.fire_at == at(seconds)]
    return row.state, row.reason


def test_a_slot_is_skipped_while_an_earlier_run_is_unfinished() -> None:
    """``forbid`` records the slot and goes on; once the run is over the next one starts."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    (first,) = driver.handed_off
    driver.begin(first)

    driver.advance_to(at(20))
    assert fate(driver, 20) == (RunState.SKIPPED, Reason.OVERLAP)
    assert driver.handed_off == [first]

    driver.end(first)
    driver.advance_to(at(30))
    assert [run.fire_at for run in driver.handed_off] == [at(10), at(30)]


def test_a_run_that_ends_before_the_second_does_not_overlap() -> None:
    """What counts is the second itself and not the time of the claim."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    driver.begin(driver.handed_off[0])
    driver.advance_to(at(19.9))

    driver.end(driver.handed_off[0])
    driver.advance_to(at(20))

    assert len(driver.handed_off) == 2


def test_a_manual_run_occupies_its_job_as_well() -> None:
    """Whatever its cause, an unfinished run is unfinished."""
    driver = executing(a_job())
    driver.advance_to(at(5))
    driver.ask(trigger())
    driver.begin(driver.handed_off[0])

    driver.advance_to(at(10))

    assert fate(driver) == (RunState.SKIPPED, Reason.OVERLAP)


def test_a_run_of_one_job_does_not_occupy_another() -> None:
    """Overlap is a matter between the runs of one job."""
    driver = executing(a_job(), a_job("report"))
    driver.advance_to(at(5))
    driver.ask(trigger("report"))

    driver.advance_to(at(10))

    assert [run.job for run in driver.handed_off] == ["report", "backup"]


CHANGES: list[tuple[Command, Reason]] = [
    (a_command(CommandKind.PAUSE_JOB, "backup"), Reason.PAUSED),
    (a_command(CommandKind.PAUSE_JOB, "backup", until="2026-12-01T00:01:00Z"), Reason.PAUSED),
    (update(enabled=False), Reason.DISABLED),
    (a_command(CommandKind.DELETE_JOB, "backup"), Reason.DELETED),
    (update(schedule=every(7)), Reason.SUPERSEDED),
    (update(schedule=None), Reason.SUPERSEDED),
]


@pytest.mark.parametrize(
    ("change", "reason"), CHANGES, ids=[f"{r}-{n}" for n, (_, r) in enumerate(CHANGES)]
)
def test_a_change_between_claim_and_start_withdraws_the_claim(
    change: Command, reason: Reason
) -> None:
    """Once the change is acknowledged nothing starts that contradicts it; the row says why."""
    driver = claimed()

    driver.ask(change)
    driver.advance_to(at(10))

    assert fate(driver) == (RunState.SKIPPED, reason)
    assert driver.handed_off == []


def test_a_withdrawn_slot_is_accounted_for() -> None:
    """Resuming right after it does not bring it back: its row says what became of it."""
    driver = claimed()
    driver.ask(a_command(CommandKind.PAUSE_JOB, "backup"))
    driver.advance_to(at(11))

    driver.ask(a_command(CommandKind.RESUME_JOB, "backup"))
    driver.advance_to(at(20))

    assert fate(driver) == (RunState.SKIPPED, Reason.PAUSED)
    assert [run.fire_at for run in driver.handed_off] == [at(20)]


@pytest.mark.parametrize(
    "keep", [{"description": "new"}, {"schedule": every(5)}, {"retrigger": 3, "timeout": "5s"}]
)
def test_an_edit_that_keeps_the_slot_runs_it_by_the_new_definition(keep: dict[str, str]) -> None:
    """The slot is due under both revisions: it starts once, as the job is now."""
    driver = claimed()

    driver.ask(update(**keep))
    driver.advance_to(at(10))

    ((run, definition),) = driver.works
    assert (run.fire_at, run.revision) == (at(10), 2)
    assert definition == a_definition(**keep)
    driver.work(run)
    assert driver.row(run).revision == 2


def test_an_edit_that_keeps_the_slot_keeps_its_single_row() -> None:
    """The watermark of the new revision begins with a slot that is claimed already."""
    driver = claimed()

    driver.ask(update(schedule=every(5)))
    driver.advance_to(at(10))
    driver.work(driver.handed_off[0])
    driver.advance_to(at(16))

    assert [row.fire_at for row in driver.rows()] == [at(10), at(15)]
    assert driver.job().next_fire_at == at(20)


def test_a_slot_handed_off_later_than_its_deadline_is_a_misfire() -> None:
    """It was claimed in time, but the store was silent until it was too late to run it."""
    driver = claimed(a_job(misfire={"deadline": "30s"}))
    driver.hold(ClearTerm)
    driver.advance_to(at(41))

    driver.release()

    assert fate(driver) == (RunState.SKIPPED, Reason.MISFIRE)


def test_a_slot_handed_off_late_but_within_its_deadline_runs() -> None:
    """Better late than never is what the deadline says."""
    driver = claimed(a_job(misfire={"deadline": "30s"}))
    driver.hold(ClearTerm)
    driver.advance_to(at(19))

    driver.release()

    assert [run.fire_at for run in driver.handed_off] == [at(10)]


def test_a_run_given_back_is_judged_again() -> None:
    """A pause that came in the meantime counts, although the run had been admitted."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    (run,) = driver.handed_off

    driver.ask(a_command(CommandKind.PAUSE_JOB, "backup"))
    driver.give_back(run)
    driver.advance(TRUST_S)

    assert fate(driver) == (RunState.SKIPPED, Reason.PAUSED)
    assert driver.handed_off == [run]


def test_a_run_given_back_does_not_overlap_with_itself() -> None:
    """It starts once trust is there, as the same row."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    (run,) = driver.handed_off

    driver.give_back(run)

    assert driver.handed_off == [run, run]
    driver.work(run)
    assert driver.row(run).state is RunState.SUCCEEDED


def test_a_skipped_slot_is_no_finished_run_of_the_job() -> None:
    """The job's latest run stays the last one that really ran."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    run = driver.handed_off[0]
    driver.work(run)
    driver.ask(a_command(CommandKind.PAUSE_JOB, "backup"))

    driver.advance_to(at(25))

    last = driver.job().last_run
    assert last is not None
    assert (last.run_id, last.state) == (run.id, RunState.SUCCEEDED)


class CursedSchedule(CronSchedule):
    """A schedule that passes every check and fails when it is asked for the next slot."""

    def slots(self) -> CronSlots:
        raise RuntimeError("cursed")


def cursed_job() -> Job:
    """Return a job that cannot be evaluated."""
    definition = replace(a_definition("cursed"), schedule=CursedSchedule("* * * * *"))
    return a_job("cursed", definition=definition, next_fire_at=at(10))


def test_a_job_that_cannot_be_evaluated_stops_no_other() -> None:
    """It is set aside and named; everybody else fires, in this second and later."""
    driver = executing(cursed_job(), a_job())

    driver.advance_to(at(30))

    assert [run.job for run in driver.handed_off] == ["backup"]
    assert [facts["job"] for facts in driver.noted("job_broken")] == ["cursed"]
    assert driver.engine.term == 1


def test_a_job_set_aside_fires_again_once_it_is_changed() -> None:
    """A new definition is a new chance."""
    driver = executing(cursed_job())
    driver.advance_to(at(12))

    driver.ask(update("cursed"))
    driver.advance_to(at(20))

    assert [run.job for run in driver.handed_off] == ["cursed"]
