"""What a command means for the jobs as they stand: an answer, a new revision, or a run.

Pure but for two acts that repeat harmlessly: cancelling work in progress, and
withdrawing a run that waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.domain.errors import (
    CommandReused,
    Fault,
    InvalidInput,
    InvalidJob,
    JobNotFound,
    NameTaken,
    RevisionConflict,
    RunRefused,
    SolocronError,
)
from executor.domain.identity import job_id, manual_run_id
from executor.domain.instant import from_text
from executor.domain.job import Definition, Job, LastCommand, Pause, definition_from_document
from executor.domain.run import Cause, Reason, Run, RunChange, RunState
from executor.domain.schedule import next_after
from executor.domain.writes import JobClash
from executor.engine.desk import Desk
from executor.engine.dispatch import Dispatcher
from executor.engine.journal import Journal
from executor.engine.roster import Roster
from executor.engine.supervision import Supervision
from executor.engine.workload import Workload


@dataclass(frozen=True, slots=True)
class Answer:
    """Nothing is to be written but the answer."""

    result: CommandResult


@dataclass(frozen=True, slots=True)
class Write:
    """Write *job* over revision *expect* (None: there is none), then answer *result*.

    ``former`` is the revision that is overwritten; ``forward`` as in :class:`JobWrite`.
    """

    job: Job
    expect: int | None
    result: CommandResult
    former: Job | None = None
    forward: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """Claim *run*, then answer *result*."""

    run: Run
    result: CommandResult


@dataclass(frozen=True, slots=True)
class Cancel:
    """The end of the run is on its way to the store; once it is there, answer *result*."""

    run_id: str
    result: CommandResult


Decision = Answer | Write | Claim | Cancel


class _RefusalError(Exception):
    """Ends a decision with an answer that changes nothing."""

    def __init__(self, status: ResultStatus, error: SolocronError) -> None:
        super().__init__(str(error))
        self.status = status
        self.faults = error.faults if isinstance(error, InvalidInput) else ()


@dataclass(frozen=True, slots=True)
class Scene:
    """What decisions are taken from."""

    desk: Desk
    roster: Roster
    dispatcher: Dispatcher
    supervision: Supervision
    workload: Workload
    journal: Journal
    term: int


def touched_by(command: Command, roster: Roster) -> set[str]:
    """Return what must not be decided about twice in one batch: ids and names."""
    job = roster.find(command.subject)
    touched = {command.subject} if job is None else {command.subject, job.id, job.name}
    definition = command.arguments.get("definition")
    if isinstance(definition, dict):
        touched.add(str(definition.get("name")))
    return touched


def decide(command: Command, scene: Scene, made: Job | None, *, has_run: bool = False) -> Decision:
    """Decide about *command*.

    Args:
        made: the job whose last revision it has made already, if any.
        has_run: whether there is a row of the run that it asks for already.
    """
    if made is not None:
        return Answer(_repeated(command, made, scene.desk.now))
    try:
        if command.kind is CommandKind.TRIGGER_JOB:
            return _trigger(command, scene, has_run)
        return _DECISIONS[command.kind](command, scene)
    except _RefusalError as refusal:
        return Answer(
            CommandResult(
                command_id=command.id,
                kind=command.kind,
                digest=command.digest,
                status=refusal.status,
                finished_at=scene.desk.now,
                message=str(refusal),
                faults=refusal.faults,
            )
        )


def decide_again(command: Command, scene: Scene, clash: JobClash) -> Decision:
    """Decide about *command* after its write met something else in the store."""
    own_id = job_id(command.id)
    if clash.current is not None:
        scene.roster.put(clash.current)
        made = clash.current.last_command
        if made is not None and made.id == command.id:
            return Answer(_repeated(command, clash.current, scene.desk.now))
        if clash.current.id == own_id:
            # Made by this very command so long ago that its answer is forgotten.
            return Answer(_result(command, scene.desk.now, ResultStatus.CREATED, clash.current))
    if clash.current is None and not clash.name_taken:
        # Gone, or unreadable: nothing that this executor could change.
        found = scene.roster.find(command.subject)
        if found is not None:
            scene.roster.put(replace(found, deleted=True))
    if clash.name_taken:
        error = NameTaken(str(command.arguments.get("definition", {}).get("name")))
        return Answer(
            replace(
                _result(command, scene.desk.now, ResultStatus.CONFLICT, None), message=str(error)
            )
        )
    return decide(command, scene, None)


def implied_result(job: Job, now: datetime) -> CommandResult | None:
    """Return the answer to the command that made this revision: it follows from the record."""
    made = job.last_command
    if made is None:
        return None
    return CommandResult(
        command_id=made.id,
        kind=made.kind,
        digest=made.digest,
        status=ResultStatus.CREATED if job.revision == 1 else ResultStatus.DONE,
        finished_at=now,
        job_id=job.id,
        revision=job.revision,
    )


def undecidable(command: Command, now: datetime, error: Exception) -> CommandResult:
    """Return the answer to a command over which the executor stumbled; nothing was changed."""
    answer = _result(command, now, ResultStatus.CONFLICT, None)
    return replace(answer, message=f"the executor cannot carry this out: {error!r}")


def repeated(command: Command, result: CommandResult, now: datetime) -> CommandResult:
    """Return the answer to a command whose id has been answered before."""
    if result.digest == command.digest:
        return result
    answer = _result(command, now, ResultStatus.CONFLICT, None)
    return replace(answer, message=str(CommandReused(command.id)))


def _repeated(command: Command, made: Job, now: datetime) -> CommandResult:
    result = implied_result(made, now)
    assert result is not None
    return repeated(command, result, now)


def _result(
    command: Command,
    now: datetime,
    status: ResultStatus,
    job: Job | None,
    run_id: str | None = None,
) -> CommandResult:
    return CommandResult(
        command_id=command.id,
        kind=command.kind,
        digest=command.digest,
        status=status,
        finished_at=now,
        job_id=job.id if job else None,
        run_id=run_id,
        revision=job.revision if job else None,
    )


def _definition(command: Command) -> Definition:
    try:
        return definition_from_document(command.arguments.get("definition"))
    except InvalidJob as error:
        raise _RefusalError(ResultStatus.INVALID, error) from None


def _job(command: Command, scene: Scene) -> Job:
    job = scene.roster.find(command.subject)
    if job is None:
        raise _RefusalError(ResultStatus.NOT_FOUND, JobNotFound(command.subject))
    if command.if_revision is not None and command.if_revision != job.revision:
        conflict = RevisionConflict(job.name, command.if_revision, job.revision)
        raise _RefusalError(ResultStatus.PRECONDITION_FAILED, conflict)
    return job


def _check_name(definition: Definition, scene: Scene, own_id: str) -> None:
    holder = scene.roster.find(definition.name)
    if holder is not None and holder.id != own_id and holder.name == definition.name:
        raise _RefusalError(ResultStatus.CONFLICT, NameTaken(definition.name))


def _first_slot(definition: Definition, now: datetime) -> datetime | None:
    return None if definition.schedule is None else next_after(definition.schedule, now)


def _create(command: Command, scene: Scene) -> Decision:
    definition = _definition(command)
    now = scene.desk.now
    own_id = job_id(command.id)
    _check_name(definition, scene, own_id)
    job = Job(
        id=own_id,
        definition=definition,
        revision=1,
        created_at=now,
        updated_at=now,
        next_fire_at=_first_slot(definition, now),
        last_command=LastCommand.of(command),
    )
    return Write(job, None, _result(command, now, ResultStatus.CREATED, job))


def _revise(command: Command, scene: Scene, job: Job, changed: Job) -> Write:
    now = scene.desk.now
    if changed.next_fire_at == job.next_fire_at:
        changed = replace(changed, next_fire_at=scene.roster.settled_until(job))
    changed = replace(
        changed, revision=job.revision + 1, updated_at=now, last_command=LastCommand.of(command)
    )
    forward = not changed.deleted and changed.definition.schedule == job.definition.schedule
    result = _result(command, now, ResultStatus.DONE, changed)
    return Write(changed, job.revision, result, job, forward)


def _update(command: Command, scene: Scene) -> Decision:
    job = _job(command, scene)
    definition = _definition(command)
    _check_name(definition, scene, job.id)
    changed = replace(job, definition=definition)
    if definition.schedule != job.definition.schedule:
        # From now on, never retroactively.
        changed = replace(changed, next_fire_at=_first_slot(definition, scene.desk.now))
    return _revise(command, scene, job, changed)


def _put(command: Command, scene: Scene) -> Decision:
    if scene.roster.find(command.subject) is None and command.if_revision is None:
        return _create(command, scene)
    return _update(command, scene)


def _delete(command: Command, scene: Scene) -> Decision:
    job = _job(command, scene)
    return _revise(command, scene, job, replace(job, deleted=True, next_fire_at=None))


def _pause(command: Command, scene: Scene) -> Decision:
    job = _job(command, scene)
    until = command.arguments.get("until")
    try:
        ends = None if until is None else from_text(str(until))
    except ValueError as error:
        fault = InvalidInput([Fault("until", str(error))])
        raise _RefusalError(ResultStatus.INVALID, fault) from None
    pause = Pause(
        since=scene.desk.now, reason=str(command.arguments.get("reason") or ""), until=ends
    )
    return _revise(command, scene, job, replace(job, paused=pause))


def _resume(command: Command, scene: Scene) -> Decision:
    job = _job(command, scene)
    if job.paused is None:
        return Answer(_result(command, scene.desk.now, ResultStatus.DONE, job))
    return _revise(command, scene, job, replace(job, paused=None))


def _trigger(command: Command, scene: Scene, has_run: bool) -> Decision:
    now = scene.desk.now
    run_id = manual_run_id(command.id)
    if has_run:
        # Whatever has become of the job since.
        found = scene.roster.find(command.subject)
        return Answer(_result(command, now, ResultStatus.CREATED, found, run_id))
    job = _job(command, scene)
    if not scene.dispatcher.knows(run_id):
        if not job.definition.enabled:
            raise _RefusalError(ResultStatus.CONFLICT, RunRefused(job.name, "the job is disabled"))
        if scene.roster.is_occupied(job.id):
            reason = "a run of it is unfinished, and its overlap policy is forbid"
            raise _RefusalError(ResultStatus.CONFLICT, RunRefused(job.name, reason))
    run = Run(
        id=run_id,
        job_id=job.id,
        job=job.name,
        cause=Cause.MANUAL,
        state=RunState.PENDING,
        term=scene.term,
        clear_at=scene.dispatcher.next_clear_at(),
        created_at=now,
        trigger_id=run_id,
        revision=job.revision,
    )
    return Claim(run, _result(command, now, ResultStatus.CREATED, job, run_id))


def _cancel(command: Command, scene: Scene) -> Decision:
    run_id = command.subject
    now = scene.desk.now
    done = _result(command, now, ResultStatus.DONE, None, run_id)
    waiting = scene.dispatcher.waiting(run_id)
    if run_id in scene.workload:
        scene.workload.cancel(run_id, Reason.REQUESTED)
    elif waiting is not None:
        scene.dispatcher.withdraw(waiting)
        scene.journal.change(
            RunChange(
                run_id=run_id,
                term=waiting.term,
                state=RunState.CANCELLED,
                reason=Reason.REQUESTED,
                finished_at=now,
            )
        )
    else:
        why = "it has ended already"
        if scene.dispatcher.knows(run_id):
            why = "it is about to start; ask again"
        elif scene.supervision.find(run_id) is not None:
            why = "its executor was cut off; it ends, or is declared lost, within its lease"
        message = f"run {run_id!r} cannot be cancelled: {why}"
        return Answer(replace(done, status=ResultStatus.CONFLICT, message=message))
    return Cancel(run_id, done)


_DECISIONS = {
    CommandKind.CREATE_JOB: _create,
    CommandKind.PUT_JOB: _put,
    CommandKind.UPDATE_JOB: _update,
    CommandKind.DELETE_JOB: _delete,
    CommandKind.PAUSE_JOB: _pause,
    CommandKind.RESUME_JOB: _resume,
    CommandKind.CANCEL_RUN: _cancel,
}
