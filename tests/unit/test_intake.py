"""Commands about jobs: what each one does, and how it is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.domain.identity import job_id
from executor.domain.job import Job, LastCommand, Pause
from executor.domain.kinds import DELETES, PUTS
from executor.domain.writes import JobWrite
from executor.engine.store_requests import WriteJobs
from tests.builders import (
    a_command,
    a_definition,
    a_document,
    a_job,
    at,
    create,
    every,
    trigger,
    update,
)
from tests.unit.desk_driver import Driver, executing


def write(driver: Driver, job: Job, expect: int | None) -> None:
    """Store *job* behind the executor's back."""
    assert driver.store.write_jobs([JobWrite(job, expect)]) == [None]


def outcome(result: CommandResult) -> tuple[ResultStatus, str | None, int | None]:
    """Return what an answer says of a job."""
    return result.status, result.job_id, result.revision


def test_a_job_is_created() -> None:
    """It is stored at revision 1, with its first slot ahead, under an id from the command."""
    driver = executing()
    command = create(schedule=every(30))

    result = driver.ask(command)

    own_id = job_id(command.id)
    assert outcome(result) == (ResultStatus.CREATED, own_id, 1)
    assert driver.job() == Job(
        id=own_id,
        definition=a_definition(schedule=every(30)),
        revision=1,
        created_at=at(0),
        updated_at=at(0),
        next_fire_at=at(30),
        last_command=LastCommand.of(command),
    )


def test_a_job_is_changed() -> None:
    """The next revision replaces the definition and keeps identity and watermark."""
    driver = executing(a_job())
    driver.advance(3)
    command = update(description="new")

    result = driver.ask(command)

    assert outcome(result) == (ResultStatus.DONE, "job-backup", 2)
    assert driver.job() == replace(
        a_job(description="new"), revision=2, updated_at=at(3), last_command=LastCommand.of(command)
    )


def test_a_job_is_addressed_by_id_as_well() -> None:
    """Both names of a job mean it."""
    driver = executing(a_job())

    result = driver.ask(a_command(CommandKind.PAUSE_JOB, "job-backup"))

    assert result.status is ResultStatus.DONE
    assert driver.job().paused is not None


@pytest.mark.parametrize(("jobs", "status"), [((), "created"), ((a_job(),), "done")])
def test_putting_creates_or_changes(jobs: tuple[Job, ...], status: str) -> None:
    """After a PUT the job is what was put, whether it existed or not."""
    driver = executing(*jobs)

    result = driver.ask(
        a_command(CommandKind.PUT_JOB, "backup", definition=a_document(description="put"))
    )

    assert result.status == status
    assert result.revision == len(jobs) + 1
    assert driver.job().definition == a_definition(description="put")


def test_a_job_is_paused_and_resumed() -> None:
    """The pause says since when, why and until when; resuming removes it."""
    driver = executing(a_job())
    driver.advance(2)

    paused = driver.ask(
        a_command(
            CommandKind.PAUSE_JOB, "backup", reason="moving", until="2026-12-01T02:00:00+01:00"
        )
    )
    assert outcome(paused) == (ResultStatus.DONE, "job-backup", 2)
    assert driver.job().paused == Pause(since=at(2), reason="moving", until=at(3600))

    resumed = driver.ask(a_command(CommandKind.RESUME_JOB, "backup"))
    assert outcome(resumed) == (ResultStatus.DONE, "job-backup", 3)
    assert driver.job().paused is None


def test_resuming_what_is_not_paused_changes_nothing() -> None:
    """There is no new revision."""
    driver = executing(a_job())

    result = driver.ask(a_command(CommandKind.RESUME_JOB, "backup"))

    assert outcome(result) == (ResultStatus.DONE, "job-backup", 1)
    assert driver.called(WriteJobs) == []


def test_a_job_is_deleted() -> None:
    """It is gone for its users; its record waits for retention."""
    driver = executing(a_job())

    result = driver.ask(a_command(CommandKind.DELETE_JOB, "backup"))

    assert outcome(result) == (ResultStatus.DONE, "job-backup", 2)
    left = driver.store.load_job("job-backup")
    assert left is not None
    assert (left.deleted, left.next_fire_at) == (True, None)
    assert driver.ask(trigger()).status is ResultStatus.NOT_FOUND


BY_NAME = [
    update("nobody"),
    a_command(CommandKind.DELETE_JOB, "nobody"),
    a_command(CommandKind.PAUSE_JOB, "nobody"),
    a_command(CommandKind.RESUME_JOB, "nobody"),
    trigger("nobody"),
    a_command(CommandKind.PUT_JOB, "nobody", definition=a_document("nobody"), if_revision=1),
]


@pytest.mark.parametrize("command", BY_NAME, ids=[command.kind for command in BY_NAME])
def test_a_job_that_does_not_exist_is_not_found(command: Command) -> None:
    """The answer names it, and nothing is written."""
    driver = executing(a_job())

    result = driver.ask(command)

    assert (result.status, result.message) == (
        ResultStatus.NOT_FOUND,
        "there is no job 'nobody'",
    )
    assert driver.called(WriteJobs) == []


@pytest.mark.parametrize(
    ("command", "field"),
    [
        pytest.param(create(schedule="nonsense"), "schedule.expression", id="create"),
        pytest.param(update(timeout="soon"), "timeout", id="update"),
        pytest.param(a_command(CommandKind.UPDATE_JOB, "backup"), "", id="without a definition"),
        pytest.param(a_command(CommandKind.PUT_JOB, "x", definition={}), "name", id="put"),
        pytest.param(
            a_command(CommandKind.PAUSE_JOB, "backup", until="tomorrow"), "until", id="pause"
        ),
    ],
)
def test_an_invalid_request_is_refused_with_its_faults(command: Command, field: str) -> None:
    """The faults stand at their fields, and the job is what it was."""
    driver = executing(a_job())

    result = driver.ask(command)

    assert result.status is ResultStatus.INVALID
    assert field in [fault.field for fault in result.faults]
    assert driver.job() == a_job()


PAST = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind in CommandKind
        if kind
        not in {
            CommandKind.CREATE_JOB,
            CommandKind.CANCEL_RUN,
            CommandKind.DECLARE_JOB,
            CommandKind.PING_JOB,
            CommandKind.REPORT_RUN,
            CommandKind.ROTATE_PING,
            CommandKind.TEST_CHANNEL,
            CommandKind.USE_TOKENS,
            CommandKind.OPEN_SESSION,
            CommandKind.CLOSE_SESSION,
            *PUTS,
            *DELETES,
        }
    ],
)
def test_a_job_at_another_revision_is_left_alone(kind: CommandKind) -> None:
    """If-Match: what the caller has read is not what stands there any more."""
    driver = executing(a_job(revision=3))
    document = {"definition": a_document(description="new"), "from": PAST, "to": PAST}

    refused = driver.ask(a_command(kind, "backup", if_revision=2, **document))
    accepted = driver.ask(a_command(kind, "backup", if_revision=3, **document))

    assert refused.status is ResultStatus.PRECONDITION_FAILED
    assert "is at revision 3, not 2" in refused.message
    assert accepted.status in {ResultStatus.DONE, ResultStatus.CREATED}


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(create("report"), id="create"),
        pytest.param(
            a_command(CommandKind.UPDATE_JOB, "backup", definition=a_document("report")),
            id="rename",
        ),
        pytest.param(
            a_command(CommandKind.PUT_JOB, "new", definition=a_document("report")), id="put"
        ),
    ],
)
def test_a_name_is_given_to_one_job_only(command: Command) -> None:
    """Taken is taken; both jobs stay what they were."""
    driver = executing(a_job(), a_job("report"))

    result = driver.ask(command)

    assert result.status is ResultStatus.CONFLICT
    assert "a job named 'report' exists already" in result.message
    assert (driver.job(), driver.job("report")) == (a_job(), a_job("report"))


def test_a_name_taken_in_the_store_is_taken() -> None:
    """A record that this executor could not read holds its name all the same."""
    driver = executing()
    write(driver, a_job("report"), None)

    result = driver.ask(create("report"))

    assert (result.status, result.job_id) == (ResultStatus.CONFLICT, None)
    assert "a job named 'report' exists already" in result.message


def test_a_revision_that_a_former_executor_wrote_is_learned_at_the_clash() -> None:
    """The compare-and-set fails, the decision is taken anew from what stands there."""
    driver = executing(a_job())
    write(driver, replace(a_job(description="theirs"), revision=5), expect=1)

    result = driver.ask(a_command(CommandKind.PAUSE_JOB, "backup"))

    assert outcome(result) == (ResultStatus.DONE, "job-backup", 6)
    assert driver.job().definition.description == "theirs"
    assert driver.job().paused is not None


def test_a_job_deleted_by_a_former_executor_is_not_found_after_the_clash() -> None:
    """The roster learns that it is gone."""
    driver = executing(a_job())
    write(driver, replace(a_job(), revision=2, deleted=True, next_fire_at=None), expect=1)

    assert driver.ask(update(description="x")).status is ResultStatus.NOT_FOUND

    driver.advance_to(at(15))
    assert driver.rows() == []


def test_a_record_that_vanished_is_not_found() -> None:
    """Somebody removed it behind the executor's back: the question is answered, not repeated."""
    driver = executing(a_job())
    write(driver, replace(a_job(), revision=2, deleted=True), expect=1)
    assert driver.store.purge_jobs(at(1), limit=1) == 1

    assert driver.ask(update(description="x")).status is ResultStatus.NOT_FOUND


def test_a_record_that_became_unreadable_is_answered_for() -> None:
    """A newer version may have written it: this one refuses, and asks the store no further."""
    driver = executing(a_job())
    write(driver, replace(a_job(), revision=2), expect=1)
    driver.store.break_job("job-backup")

    result = driver.ask(update(description="x"))

    assert result.status in {ResultStatus.NOT_FOUND, ResultStatus.CONFLICT}
