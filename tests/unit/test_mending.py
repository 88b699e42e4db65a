"""Commands about a job whose record cannot be read: it can be replaced and deleted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from executor.domain.command import Command, CommandKind, ResultStatus
from executor.domain.errors import JobNotFound
from executor.domain.job import Job
from executor.domain.writes import BrokenJob, JobWrite
from tests.builders import a_command, a_document, a_job, at, every, update
from tests.unit.desk_driver import Driver, with_jobs


def damaged() -> Driver:
    """Return an executor that found one record damaged, at revision 3, beside a sound one."""
    store = with_jobs(a_job(), a_job("other"))
    assert store.write_jobs([JobWrite(replace(a_job(), revision=3), 1)]) == [None]
    store.break_job("job-backup")
    driver = Driver(store)
    driver.take_over()
    return driver


def put(name: str) -> Command:
    """Return the command that makes the job of this name every half minute."""
    definition = a_document(name, schedule=every(30))
    return a_command(CommandKind.PUT_JOB, name, definition=definition)


@pytest.mark.parametrize("subject", ["job-backup", "backup"])
@pytest.mark.parametrize("revision", [None, 3])
def test_a_damaged_job_is_replaced(subject: str, revision: int | None) -> None:
    """By its id or name: as the next revision, from now on, and it is broken no longer."""
    driver = damaged()
    driver.advance(5)
    document = a_document(schedule=every(30))
    command = a_command(CommandKind.UPDATE_JOB, subject, definition=document, if_revision=revision)

    result = driver.ask(command)

    assert (result.status, result.job_id, result.revision) == (ResultStatus.DONE, "job-backup", 4)
    assert driver.job().next_fire_at == at(30)
    assert driver.ask(command) == result
    driver.advance_to(at(31))
    assert [row.fire_at for row in driver.rows() if row.job == "backup"] == [at(30)]


def test_a_damaged_job_is_put_anew_by_its_name() -> None:
    """It stays the same job: no second one of its name is made."""
    driver = damaged()

    assert driver.ask(put("backup")).status is ResultStatus.DONE
    assert driver.job().id == "job-backup"


def test_a_damaged_job_is_deleted() -> None:
    """And its name can be taken by another one."""
    driver = damaged()

    result = driver.ask(a_command(CommandKind.DELETE_JOB, "job-backup"))

    assert result.status is ResultStatus.DONE
    with pytest.raises(JobNotFound):
        driver.store.find_job("backup")
    assert driver.ask(put("backup")).status is ResultStatus.CREATED


@pytest.mark.parametrize(
    "kind", [CommandKind.PAUSE_JOB, CommandKind.RESUME_JOB, CommandKind.TRIGGER_JOB]
)
def test_nothing_else_can_be_done_with_a_damaged_job(kind: CommandKind) -> None:
    """The answer says what can."""
    result = damaged().ask(a_command(kind, "job-backup"))

    assert result.status is ResultStatus.CONFLICT
    assert "cannot be read; PUT it anew or DELETE it" in result.message


def test_another_revision_than_the_senders_is_not_overwritten() -> None:
    """As with every job."""
    driver = damaged()

    result = driver.ask(a_command(CommandKind.DELETE_JOB, "job-backup", if_revision=2))

    assert result.status is ResultStatus.PRECONDITION_FAILED
    assert isinstance(driver.store.find_job("backup"), BrokenJob)


def test_rights_that_are_narrowed_to_tags_do_not_reach_a_damaged_job() -> None:
    """Nobody knows which it has."""
    command = a_command(CommandKind.DELETE_JOB, "job-backup", within=("a",))

    assert damaged().ask(command).status is ResultStatus.NOT_FOUND


def test_a_damaged_record_that_became_another_is_gone_for_this_executor() -> None:
    """What a former executor wrote meanwhile is not overwritten, nor tried again for ever."""
    driver = damaged()
    store = driver.store
    mended = replace(a_job(), revision=4)
    assert store.write_jobs([JobWrite(mended, 3)]) == [None]
    store.break_job("job-backup")

    result = driver.ask(update())

    assert result.status in {ResultStatus.NOT_FOUND, ResultStatus.CONFLICT}
    assert not isinstance(store.find_job("backup"), Job)
