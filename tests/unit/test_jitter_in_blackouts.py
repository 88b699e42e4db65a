"""Jitter and blackouts: what would start in a blackout is treated as if it were due in it.

Jobs here are due every ten seconds, and jitter puts off each start by up to 25 s; the
blackout is from second 120 to second 150.
"""

from __future__ import annotations

from executor.domain.command import Command, CommandKind
from executor.domain.instant import to_text
from executor.domain.job import Job
from executor.domain.run import Reason, Run
from executor.domain.schedule import jitter_of
from tests.builders import a_command, at, create, every
from tests.unit.desk_driver import Driver, executing, successor_of


def dark(name: str, start: float, end: float) -> Command:
    """Return the command that makes a calendar with one blackout, in seconds after the start."""
    dates = [{"from": to_text(at(start)), "to": to_text(at(end))}]
    return a_command(CommandKind.PUT_CALENDAR, name, calendar={"name": name, "dates": dates})


def resting(policy: str, *calendars: Command) -> Driver:
    """Return the executor of a job with these calendars."""
    driver = executing()
    for calendar in calendars:
        driver.ask(calendar)
    uses = [{"name": calendar.subject, "policy": policy} for calendar in calendars]
    schedule = {**every(10), "jitter": "PT25S"}
    allow = {"policy": "allow"}
    # The job's id, and so its jitter, comes from that of the command.
    driver.ask(create(command_id="jittered-1", calendars=uses, schedule=schedule, overlap=allow))
    return driver


def jittered(job: Job, run: Run) -> tuple[float, float]:
    """Return the fire time of *run*, and when it would start, in seconds after the start."""
    assert job.definition.schedule is not None
    assert run.fire_at is not None
    start = run.fire_at + jitter_of(job.definition.schedule, job.id, run.fire_at)
    return (run.fire_at - at(0)).total_seconds(), (start - at(0)).total_seconds()


def dark_rows(driver: Driver) -> list[Run]:
    """Return the rows that are due, or would start, in the blackout, in order."""
    found = [
        row
        for row in driver.rows()
        if any(120 <= second < 150 for second in jittered(driver.job(), row))
    ]
    assert found[0].fire_at is not None
    assert found[0].fire_at < at(120)
    return found


def starts(driver: Driver, since: float, until: float) -> list[Run]:
    """Return what was started from *since* to before *until*, seconds."""
    return [
        row for row in driver.rows() if row.started_at and at(since) <= row.started_at < at(until)
    ]


def test_what_jitter_would_start_in_a_blackout_is_skipped() -> None:
    """As what is due in it is; nothing else is."""
    driver = resting("skip", dark("works", 120, 150))
    driver.work_everything(240)

    skipped = [row for row in driver.rows() if row.reason is Reason.BLACKOUT]
    assert skipped == dark_rows(driver)
    assert not starts(driver, 120, 150)
    assert len(starts(driver, 0, 120)) > 5
    assert len(starts(driver, 150, 240)) > 3


def test_what_jitter_would_start_in_a_blackout_is_put_off_as_the_first() -> None:
    """One run for all, spread by its jitter again, whoever decides about the others."""
    driver = resting("run_after", dark("works", 120, 150))
    driver.work_everything(133)
    successor = successor_of(driver)
    successor.work_everything(110)

    first, *others = dark_rows(driver)
    fire_at, start = jittered(driver.job(), first)
    assert first.due_at == at(150 + start - fire_at)
    assert first.started_at is not None
    assert {row.reason for row in others} == {Reason.BLACKOUT}
    assert not starts(driver, 120, 150)


def test_jitter_does_not_lead_from_one_blackout_into_the_next() -> None:
    """Then it is left out: what was put off starts in the gap between them."""
    driver = resting("run_after", dark("works", 120, 150), dark("more", 151, 190))
    driver.work_everything(240)

    first = dark_rows(driver)[0]
    assert first.due_at == at(150)
    assert not starts(driver, 120, 150)
    assert not starts(driver, 151, 190)
