"""What a command means for the jobs as they stand: an answer, a new revision, or a run.

Pure but for two acts that repeat harmlessly: cancelling work in progress, and
withdrawing a run that waits.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.domain.errors import NameTaken
from executor.domain.identity import job_id
from executor.domain.job import Job
from executor.domain.kinds import DELETES, PUTS
from executor.domain.writes import JobClash
from executor.engine import (
    channel_trial,
    code_decisions,
    job_decisions,
    named_decisions,
    ping_decisions,
    run_decisions,
    session_decisions,
    token_decisions,
)
from executor.engine.scene import (
    Answer,
    Decision,
    RefusalError,
    Scene,
    implied,
    repeated,
    result_of,
)


def decide(
    command: Command,
    scene: Scene,
    made: Job | None,
    *,
    has_run: bool = False,
    again: bool = False,
) -> Decision:
    """Decide about *command*.

    Args:
        made: the job whose last revision it has made already, if any.
        has_run: whether there is a row of the run that it asks for already.
        again: whether an executor may have been handed it before.
    """
    if made is not None:
        return Answer(_repeated(command, made, scene.desk.now))
    try:
        if command.kind is CommandKind.TRIGGER_JOB:
            return run_decisions.trigger(command, scene, has_run)
        if command.kind is CommandKind.PING_JOB:
            return ping_decisions.ping(command, scene, again=again)
        return _DECISIONS[command.kind](command, scene)
    except RefusalError as refusal:
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
            return Answer(result_of(command, scene.desk.now, ResultStatus.CREATED, clash.current))
    if clash.current is None and not clash.name_taken:
        # Gone, or unreadable: nothing that this executor could change.
        found = scene.roster.find(command.subject)
        if found is not None:
            scene.roster.put(replace(found, deleted=True))
        elif (broken := scene.roster.damaged(command.subject)) is not None:
            scene.roster.forget(broken)
    if clash.name_taken:
        error = NameTaken(str(command.arguments.get("definition", {}).get("name")))
        return Answer(
            replace(
                result_of(command, scene.desk.now, ResultStatus.CONFLICT, None), message=str(error)
            )
        )
    return decide(command, scene, None)


def implied_result(job: Job, now: datetime) -> CommandResult | None:
    """Return the answer to the command that made this revision: it follows from the record."""
    made = job.last_command
    if made is None or not made.id:
        return None
    return implied(made, job.revision, now, job_id=job.id)


def undecidable(command: Command, now: datetime, error: Exception) -> CommandResult:
    """Return the answer to a command over which the executor stumbled; nothing was changed."""
    answer = result_of(command, now, ResultStatus.CONFLICT, None)
    return replace(answer, message=f"the executor cannot carry this out: {error!r}")


def _repeated(command: Command, made: Job, now: datetime) -> CommandResult:
    result = implied_result(made, now)
    assert result is not None
    return repeated(command, result, now)


_DECISIONS = {
    CommandKind.CREATE_JOB: job_decisions.create,
    CommandKind.PUT_JOB: job_decisions.put,
    CommandKind.UPDATE_JOB: job_decisions.update,
    CommandKind.DELETE_JOB: job_decisions.delete,
    CommandKind.PAUSE_JOB: job_decisions.pause,
    CommandKind.RESUME_JOB: job_decisions.resume,
    CommandKind.BACKFILL_JOB: run_decisions.backfill,
    CommandKind.CANCEL_RUN: run_decisions.cancel,
    CommandKind.REPORT_RUN: run_decisions.report,
    CommandKind.ROTATE_PING: job_decisions.rotate_ping,
    **dict.fromkeys(PUTS, named_decisions.put),
    **dict.fromkeys(DELETES, named_decisions.delete),
    CommandKind.TEST_CHANNEL: channel_trial.test_channel,
    CommandKind.DECLARE_JOB: code_decisions.declare,
    CommandKind.USE_TOKENS: token_decisions.use_tokens,
    CommandKind.OPEN_SESSION: session_decisions.open_session,
    CommandKind.CLOSE_SESSION: session_decisions.close_session,
}
