"""Commands that come again: one effect and one answer, whatever happened in between."""

from __future__ import annotations

from dataclasses import replace

import pytest

from executor.domain.command import Command, CommandKind, ResultStatus
from executor.domain.identity import job_id
from executor.domain.job import LastCommand
from executor.domain.writes import JobWrite
from executor.engine.events import TokenGained
from executor.engine.store_requests import (
    ClearTerm,
    InsertRuns,
    KeepFormer,
    RecallCommands,
    Record,
    Request,
    SaveResults,
    WriteJobs,
)
from tests.builders import a_command, a_document, a_job, at, cancel, create, trigger, update
from tests.unit.desk_driver import Driver, executing, successor_of, with_jobs

#: A command of each kind that writes something, for a job that exists.
KINDS = [
    create("new"),
    update(description="new"),
    a_command(CommandKind.PUT_JOB, "put", definition=a_document("put")),
    a_command(CommandKind.PAUSE_JOB, "backup"),
    a_command(CommandKind.DELETE_JOB, "backup"),
    trigger(),
]


#: Every store call on the way to an answer.
STEPS = [RecallCommands, KeepFormer, WriteJobs, InsertRuns, ClearTerm, SaveResults]


def revisions(driver: Driver) -> dict[str, int]:
    """Return the revision of every record, deleted ones included."""
    jobs = [
        driver.store.load_job(i) for i in ("job-backup", job_id(KINDS[0].id), job_id(KINDS[2].id))
    ]
    return {job.id: job.revision for job in jobs if job is not None}


@pytest.mark.parametrize("command", KINDS, ids=[command.kind for command in KINDS])
@pytest.mark.parametrize("last_step", STEPS)
@pytest.mark.parametrize("done", [False, True], ids=["before it", "after it"])
def test_a_command_redelivered_after_a_crash_has_one_effect_and_one_answer(
    command: Command, last_step: type[Request], done: bool
) -> None:
    """Whichever store call its executor died around, the successor leads it to the same end."""
    driver = executing(a_job())
    driver.advance(1)
    driver.hold(last_step)
    (tag,) = driver.send(command)
    for request in driver.pending(last_step):
        if done:
            driver.carry_out(request)
    assert tag not in driver.answers or not driver.pending(last_step)

    successor = successor_of(driver)
    answer = successor.ask(command)
    again = successor.ask(command)

    assert answer.status in {ResultStatus.CREATED, ResultStatus.DONE}
    assert again == answer
    assert all(revision <= 2 for revision in revisions(successor).values())
    assert len([row for row in successor.rows() if row.fire_at is None]) == (
        1 if command.kind is CommandKind.TRIGGER_JOB else 0
    )


def test_a_change_is_not_applied_again_over_a_later_one() -> None:
    """Its executor was cut off before the answer was saved; the successor answered another.

    When the first comes again, the record does not remember it any more: its answer does.
    """
    driver = executing(a_job())
    first, second = update(description="first"), update(description="second")
    driver.hold(SaveResults)
    (tag,) = driver.send(first)
    assert driver.job().definition.description == "first"

    successor = successor_of(driver)
    assert successor.ask(second).revision == 3
    again = successor.ask(first)

    assert (again.status, again.revision) == (ResultStatus.DONE, 2)
    assert successor.job().definition.description == "second"
    assert successor.job().revision == 3
    assert tag not in driver.answers


def test_a_revision_is_overwritten_only_when_the_answer_to_it_is_saved() -> None:
    """Saving it may fail for a while; the later change waits."""
    driver = executing(replace(a_job(), last_command=LastCommand.of(update(command_id="first"))))
    driver.hold(KeepFormer)
    (tag,) = driver.send(update(description="second"))
    driver.fail(driver.awaited(KeepFormer))
    driver.advance(1.1)
    assert driver.called(WriteJobs) == []

    driver.release()

    assert driver.answers[tag].status is ResultStatus.DONE
    assert driver.store.get_result("first").revision == 1


def test_an_answer_known_to_be_saved_is_not_saved_again() -> None:
    """What the next change of the same job keeps is the former revision alone."""
    driver = executing(a_job())
    for number in range(3):
        driver.ask(update(description=f"{number}"))

    assert [request.results for request in driver.called(KeepFormer)] == [(), (), ()]
    assert [job.revision for kept in driver.called(KeepFormer) for job in kept.jobs] == [1, 2, 3]


def test_an_answer_that_was_saved_is_given_again() -> None:
    """Even after the job has moved on, a repetition hears what the first one heard."""
    driver = executing(a_job())
    command = update(description="first")
    answer = driver.ask(command)
    driver.ask(update(description="second"))

    assert driver.ask(command) == answer
    assert driver.job().definition.description == "second"


def test_a_revision_without_an_answer_is_recognised_by_its_command() -> None:
    """The write stands, only the answer is missing: it is made up from what stands there."""
    command = update(description="new")
    written = replace(a_job(description="new"), revision=7, last_command=LastCommand.of(command))
    driver = executing(written)

    answer = driver.ask(command)

    assert (answer.status, answer.job_id, answer.revision) == (ResultStatus.DONE, written.id, 7)
    assert driver.job() == written


def test_a_deletion_without_an_answer_is_recognised_as_well() -> None:
    """The record is kept long enough for that."""
    command = a_command(CommandKind.DELETE_JOB, "backup")
    gone = replace(a_job(), revision=2, deleted=True, last_command=LastCommand.of(command))
    driver = executing(gone)

    assert driver.ask(command).status is ResultStatus.DONE


@pytest.mark.parametrize("deleted", [False, True], ids=["changed since", "deleted since"])
def test_a_creation_whose_job_has_moved_on_is_answered(deleted: bool) -> None:
    """Redelivered behind a later command, it finds its job at another revision: it was created."""
    command = create()
    job = replace(a_job(), id=job_id(command.id))
    since = replace(job, revision=2, last_command=LastCommand.of(update()), deleted=deleted)
    store = with_jobs(job)
    assert store.write_jobs([JobWrite(since, 1)]) == [None]
    driver = Driver(store)
    driver.take_over()

    answer = driver.ask(command)

    assert (answer.status, answer.job_id) == (ResultStatus.CREATED, job.id)
    assert store.load_job(job.id) == since


def test_a_write_whose_answer_was_lost_is_recognised_as_ones_own() -> None:
    """The repetition does not clash with itself."""
    driver = executing(a_job())
    driver.hold(WriteJobs)
    (tag,) = driver.send(update(description="new"))
    driver.lose_answer(driver.awaited(WriteJobs))
    driver.release()
    driver.advance(1)

    assert driver.answers[tag].status is ResultStatus.DONE
    assert driver.job().revision == 2


def test_a_clash_with_ones_own_earlier_write_is_no_clash() -> None:
    """Progress made since does not hide whose revision it is."""
    driver = executing(a_job())
    command = update(description="new")
    driver.hold(WriteJobs)
    (tag,) = driver.send(command)
    request = driver.awaited(WriteJobs)
    ours = replace(request.writes[0].job, updated_at=at(-1))
    assert driver.store.write_jobs([JobWrite(ours, 1)]) == [None]

    driver.release()

    assert (driver.answers[tag].status, driver.answers[tag].revision) == (ResultStatus.DONE, 2)


@pytest.mark.parametrize("step", [RecallCommands, WriteJobs, SaveResults])
def test_a_store_that_is_silent_for_a_while_delays_the_answer(step: type[Request]) -> None:
    """Every step is repeated until it is answered; the effect is one."""
    driver = executing(a_job())
    driver.hold(step)
    (tag,) = driver.send(update(description="new"))
    for _ in range(3):
        driver.fail(driver.awaited(step))
        driver.advance(1.1)
        assert tag not in driver.answers

    driver.release()

    assert driver.answers[tag].status is ResultStatus.DONE
    assert driver.job().revision == 2


def test_an_id_that_comes_back_with_another_request_is_refused() -> None:
    """An idempotency key is for one request; the first one's effect stands."""
    driver = executing(a_job())
    driver.ask(update(command_id="key", description="first"))

    refused = driver.ask(update(command_id="key", description="second"))

    assert refused.status is ResultStatus.CONFLICT
    assert "used for a different request" in refused.message
    assert driver.job().definition.description == "first"


@pytest.mark.parametrize("kind", [CommandKind.CREATE_JOB, CommandKind.PUT_JOB])
def test_an_id_that_comes_back_with_another_request_before_it_is_answered_is_refused(
    kind: CommandKind,
) -> None:
    """The record that it made tells the two requests apart."""
    driver = executing()
    driver.hold(SaveResults, ClearTerm)
    driver.send(a_command(kind, "one", id="key", definition=a_document("one")))
    successor = successor_of(driver)

    refused = successor.ask(a_command(kind, "two", id="key", definition=a_document("two")))

    assert refused.status is ResultStatus.CONFLICT
    assert "used for a different request" in refused.message
    assert [job.name for batch in successor.store.all_jobs() for job in batch.jobs] == ["one"]


def test_a_command_delivered_twice_in_one_go_is_done_once_and_answered_twice() -> None:
    """Both deliveries are settled with the one result."""
    driver = executing(a_job())
    command = update(description="new")

    first, second = driver.send(command, command)

    assert driver.answers[first] == driver.answers[second]
    assert driver.job().revision == 2


def test_an_id_used_for_two_requests_in_one_go_is_refused_for_the_second() -> None:
    """The batch does not hide that they differ."""
    driver = executing(a_job())

    first, second = driver.send(
        update(command_id="key", description="first"),
        update(command_id="key", description="second"),
    )

    assert driver.answers[first].status is ResultStatus.DONE
    assert driver.answers[second].status is ResultStatus.CONFLICT
    assert driver.job().definition.description == "first"


def test_a_trigger_that_comes_again_is_answered_when_its_run_is_durable() -> None:
    """The claim of the first delivery is still on its way: the second waits for it as well."""
    driver = executing(a_job())
    command = trigger()
    driver.hold(InsertRuns)
    driver.send(command)
    driver.lose_token()
    driver.tell(TokenGained())
    (tag,) = driver.send(command)
    driver.fail(driver.awaited(InsertRuns))
    assert driver.rows() == []
    assert tag not in driver.answers

    driver.release()
    driver.advance(1)

    assert driver.answers[tag].run_id == driver.rows()[0].id
    assert len(driver.handed_off) == 1


def test_a_cancellation_that_comes_again_is_answered_again() -> None:
    """The run ends once; the answer is the saved one."""
    driver = executing(a_job())
    driver.ask(trigger())
    (run,) = driver.handed_off
    driver.begin(run)
    command = cancel(run)
    driver.send(command)
    driver.advance(0.1)

    driver.hold(Record)
    again = driver.ask(command)

    assert again.status is ResultStatus.DONE
    assert len(driver.cancelled()) == 1


@pytest.mark.parametrize(
    "since", [a_command(CommandKind.DELETE_JOB, "backup"), update(enabled=False)]
)
def test_a_trigger_whose_job_has_changed_since_is_answered_with_its_run(since: Command) -> None:
    """Deleted or disabled: the run exists, and its sender has to learn of it."""
    driver = executing(a_job())
    command = trigger(if_revision=1)
    driver.hold(SaveResults)
    driver.send(command)
    (run,) = driver.handed_off
    driver.work(run)
    successor = successor_of(driver)
    successor.ask(since)

    answer = successor.ask(command)

    assert (answer.status, answer.run_id) == (ResultStatus.CREATED, run.id)


def test_a_trigger_whose_run_is_over_is_answered_with_that_run() -> None:
    """Its executor died before it could answer.  Meanwhile the job is busy: no matter."""
    driver = executing(a_job())
    command = trigger()
    driver.hold(SaveResults)
    driver.send(command)
    (run,) = driver.handed_off
    driver.work(run)
    successor = successor_of(driver)
    successor.advance_to(at(10))
    successor.begin(successor.handed_off[0])

    answer = successor.ask(command)

    assert (answer.status, answer.run_id) == (ResultStatus.CREATED, run.id)


def test_an_executor_that_was_paused_clears_before_it_writes_a_job() -> None:
    """Its successor may have decided otherwise about the same command, and more since."""
    driver = executing()
    command = create("new")
    driver.hold(RecallCommands)
    driver.send(command)
    recalled = driver.awaited(RecallCommands)
    successor_of(driver)
    driver.clock.advance(5)

    driver.answer(recalled)
    driver.release()

    assert driver.called(WriteJobs) == []
    assert driver.engine.term is None
