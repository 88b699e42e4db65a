"""Commands in batches, and commands of an executor that is no longer one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from executor.domain.command import CommandKind, ResultStatus
from executor.engine.effects import CloseIntake, OpenIntake
from executor.engine.events import CommandReceived, TokenGained
from executor.engine.store_requests import (
    ClearTerm,
    ReadAllJobs,
    RecallCommands,
    Request,
    SaveResults,
    WriteJobs,
)
from executor.engine.timing import COMMAND_BATCH
from tests.builders import a_command, a_document, a_job, at, create, trigger, update
from tests.unit.desk_driver import Driver, executing, with_jobs


def test_commands_for_different_jobs_are_decided_together() -> None:
    """One call of each kind for the whole batch."""
    names = [f"job-{number}" for number in range(COMMAND_BATCH)]
    driver = executing()
    driver.hold(RecallCommands)
    driver.send(create("first"))
    tags = driver.send(*map(create, names))
    known = len(driver.called(WriteJobs))

    driver.release()

    assert {driver.answers[tag].status for tag in tags} == {ResultStatus.CREATED}
    batches = [call.writes for call in driver.called(WriteJobs)[known:]]
    assert [len(writes) for writes in batches] == [1, COMMAND_BATCH]


def test_a_batch_never_decides_twice_about_one_job() -> None:
    """Commands for one job, by id or by name, wait for each other and build on each other."""
    driver = executing(a_job())
    driver.hold(RecallCommands)

    tags = driver.send(
        update(description="new"),
        a_command(CommandKind.PAUSE_JOB, "job-backup"),
        a_command(CommandKind.UPDATE_JOB, "backup", definition=a_document("copy")),
        create("copy"),
        a_command(CommandKind.RESUME_JOB, "copy"),
        trigger("job-backup"),
    )
    sizes = []
    while driver.pending(RecallCommands):
        call = driver.awaited(RecallCommands)
        sizes.append(len(call.command_ids))
        driver.answer(call)

    assert sizes == [1] * 6
    assert [driver.answers[tag].status for tag in tags] == [
        ResultStatus.DONE,
        ResultStatus.DONE,
        ResultStatus.DONE,
        ResultStatus.CONFLICT,
        ResultStatus.DONE,
        ResultStatus.CREATED,
    ]
    assert driver.job("copy").revision == 5


def test_two_new_jobs_of_one_name_are_decided_one_after_the_other() -> None:
    """The second hears that the name is taken, whatever else is in the batch."""
    driver = executing()

    first, other, second = driver.send(create(), create("other"), create())

    assert driver.answers[first].status is ResultStatus.CREATED
    assert driver.answers[other].status is ResultStatus.CREATED
    assert driver.answers[second].status is ResultStatus.CONFLICT


def test_a_superseded_executor_answers_nothing() -> None:
    """The clearance after the write fails: the successor gets the command again."""
    driver = executing(a_job())
    driver.advance(1)
    driver.store.mint_term("successor")

    (tag,) = driver.send(update(description="new"))
    driver.advance(2)

    assert driver.engine.term is None
    assert tag not in driver.answers


def test_a_superseded_executor_keeps_no_refusal() -> None:
    """It may be wrong by then."""
    driver = executing(a_job())
    driver.advance(1)
    driver.store.mint_term("successor")

    driver.send(update("no such job"))
    driver.advance(2)

    assert driver.engine.term is None
    assert driver.called(SaveResults) == []


def test_an_answer_waits_until_the_term_can_be_verified() -> None:
    """A store that does not clear leaves open who decides; a later clearance is proof enough."""
    driver = executing(a_job())
    driver.hold(ClearTerm)
    (tag,) = driver.send(update("no such job"))
    driver.fail(driver.awaited(ClearTerm))
    driver.advance(0.5)
    assert tag not in driver.replies

    driver.release()

    assert driver.answers[tag].status is ResultStatus.NOT_FOUND


def test_a_change_is_answered_before_its_answer_is_saved() -> None:
    """The job's record implies it; the command is off the queue only once it is saved."""
    driver = executing(a_job())
    driver.hold(SaveResults)

    changed, refused = driver.send(update(description="new"), update("no such job"))

    assert driver.replies[changed].status is ResultStatus.DONE
    assert refused not in driver.replies
    assert driver.answers == {}
    driver.release()
    assert driver.answers.keys() == {changed, refused}


def test_a_write_that_another_term_overtook_is_not_answered() -> None:
    """The job was written, and the successor may have read the jobs before."""
    driver = executing(a_job())
    driver.advance(1)
    driver.hold(WriteJobs)
    (tag,) = driver.send(update(description="new"))
    driver.store.mint_term("successor")

    driver.release()

    assert driver.job().definition.description == "new"
    assert driver.engine.term is None
    assert tag not in driver.replies


@pytest.mark.parametrize(
    ("first", "repeatable", "recalled"),
    [(True, False, False), (True, True, True), (False, False, True), (False, True, True)],
)
def test_only_what_may_have_come_before_is_looked_up(
    first: bool, repeatable: bool, recalled: bool
) -> None:
    """Nothing is remembered of a message nobody was handed, with an id of its own."""
    driver = executing(a_job())
    command = replace(update(description="new"), repeatable=repeatable)

    driver.tell(CommandReceived("tag", command, first))

    assert driver.answers["tag"].status is ResultStatus.DONE
    assert bool(driver.called(RecallCommands)) is recalled


def test_the_verification_begins_after_the_write() -> None:
    """A clearance that was already out when the write came back proves nothing."""
    driver = executing(a_job())
    driver.hold(ClearTerm)
    driver.advance(1.5)
    early = driver.awaited(ClearTerm)
    (tag,) = driver.send(trigger("backup"))
    assert len(driver.rows()) == 1

    driver.answer(early)
    assert tag not in driver.replies
    driver.answer(driver.awaited(ClearTerm))

    assert driver.answers[tag].status is ResultStatus.CREATED


@pytest.mark.parametrize("step", [RecallCommands, WriteJobs, ClearTerm, SaveResults])
def test_commands_in_hand_are_dropped_when_the_intake_closes(step: type[Request]) -> None:
    """Their tags are void, they are back in the queue: the answers of old steps move nothing."""
    driver = executing(a_job())
    driver.advance(1)
    driver.hold(step)
    stale = driver.send(update(description="new"), trigger("other"))

    driver.lose_token()
    assert driver.wanted(CloseIntake)
    driver.release()
    driver.advance(1)
    driver.tell(TokenGained())

    assert not any(tag in driver.answers for tag in stale)
    assert driver.ask(update(description="newer")).status is ResultStatus.DONE


def test_a_write_answered_after_the_intake_has_closed_is_learned_all_the_same() -> None:
    """The command is not answered, but the job is gone: it must not go on firing."""
    driver = executing(a_job())
    driver.hold(WriteJobs)
    (tag,) = driver.send(a_command(CommandKind.DELETE_JOB, "backup"))
    driver.lose_token()

    driver.release()
    driver.advance_to(at(20))

    assert tag not in driver.answers
    assert driver.rows() == []


def test_no_command_is_taken_before_all_jobs_are_known() -> None:
    """A delivery that slips in is not held: it comes again."""
    driver = Driver(with_jobs(a_job()))
    driver.hold(ReadAllJobs)
    driver.take_over()

    (tag,) = driver.send(update(description="new"))
    assert driver.wanted(OpenIntake) == []
    driver.release()
    driver.advance(1)

    assert tag not in driver.answers
    assert driver.ask(update(description="new")).status is ResultStatus.DONE


def test_a_standby_takes_no_commands() -> None:
    """Whatever arrives late is left to whoever executes."""
    driver = Driver(with_jobs(a_job()))
    tag = object()

    driver.tell(CommandReceived(tag, update(description="new")))
    driver.advance(1)

    assert driver.called(RecallCommands) == []


def test_every_command_is_recalled_before_it_is_decided() -> None:
    """What the store remembers comes first, for every kind."""
    driver = executing(a_job())
    driver.hold(RecallCommands)

    driver.send(update(description="x"), trigger("other"), create("third"))
    driver.advance(1)

    assert driver.called(WriteJobs) == []
    assert driver.inserted() == []
