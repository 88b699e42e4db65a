"""Commands about runs: one on request, those of the past, the end of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from executor.domain.command import Command, CommandResult, ResultStatus
from executor.domain.errors import Fault, InvalidInput, RunRefused
from executor.domain.identity import manual_run_id, slot_run_id
from executor.domain.instant import TICK, from_text
from executor.domain.job import Job
from executor.domain.report import Report, ReportStatus, Verdict
from executor.domain.run import QUEUED, Cause, Reason, Run, RunChange, RunState
from executor.domain.schedule import fire_times, for_job
from executor.engine.awaited import watches
from executor.engine.scene import (
    Answer,
    Change,
    Claim,
    Decision,
    Later,
    RefusalError,
    Scene,
    result_of,
)

#: Slots in one backfill: as many as a person looks over.
BACKFILL_MOST: Final = 1_000

#: What is wrong with a report that changes nothing.
_NOT_APPLIED: Final = {
    Verdict.LATE: "the run is over",
    Verdict.ILLEGAL: "it was not handed to anybody who reports about it",
}

#: Why a run on request is refused.
_REFUSALS: Final = {
    Reason.DISABLED: "the job is disabled",
    Reason.OVERLAP: "a run of it is unfinished, and its overlap policy is forbid",
    Reason.LOCKED: "another job holds its lock, and its overlap policy is forbid",
    Reason.QUEUE_FULL: "as many runs of it as its overlap policy allows are waiting already",
}


def trigger(command: Command, scene: Scene, has_run: bool) -> Decision:
    """Run a job now.  *has_run*: there is a row of this request already."""
    now = scene.desk.now
    run_id = manual_run_id(command.id)
    if has_run:
        # Whatever has become of the job since.
        found = scene.roster.find(command.subject)
        return Answer(result_of(command, now, ResultStatus.CREATED, found, run_id))
    job = _run_here(scene.job(command))
    run = replace(_row(run_id, job, Cause.MANUAL, scene), trigger_id=run_id)
    result = result_of(command, now, ResultStatus.CREATED, job, run_id)
    refusal = None
    if not scene.dispatcher.knows(run_id):
        enabled = job.definition.enabled
        refusal = scene.admission.turns.refusal(job) if enabled else Reason.DISABLED
    if refusal is not None:
        return _refuse(run, refusal, result)
    if scene.admission.turns.waits(job, Cause.MANUAL):
        run = replace(run, clear_at=QUEUED)
    return Claim((run,), lambda _: result)


def _run_here(job: Job) -> Job:
    """Return *job* if it is not watched only."""
    if watches(job.definition):
        refused = RunRefused(job.name, "somebody else runs it; here it is only watched")
        raise RefusalError(ResultStatus.CONFLICT, refused)
    return job


def _refuse(run: Run, reason: Reason, result: CommandResult) -> Claim:
    """Refuse a run on request, and record that.

    The row is in the way of an executor that was superseded while it was about to accept the
    same request.  If that was first, the request is accepted.
    """
    now = run.created_at
    skipped = replace(run, state=RunState.SKIPPED, reason=reason, finished_at=now)
    message = str(RunRefused(run.job, _REFUSALS[reason]))
    refused = replace(result, status=ResultStatus.CONFLICT, run_id=None, message=message)
    return Claim(
        (skipped,), lambda rows: result if rows[run.id].state is not RunState.SKIPPED else refused
    )


def backfill(command: Command, scene: Scene) -> Decision:
    """Run the slots of a stretch of the past of which there is no row, one after another."""
    job = _run_here(scene.job(command))
    now = scene.desk.now
    if job.definition.schedule is None:
        raise RefusalError(ResultStatus.CONFLICT, RunRefused(job.name, "it has no schedule"))
    start, end = _stretch(command, now)
    begin = scene.roster.settled_until(job)
    if begin is not None:
        # From there on slots are accounted for in the regular way.
        end = min(end, begin - TICK)
    schedule = for_job(job.definition.schedule, job.id)
    slots: list[datetime] = []
    for slot in fire_times(schedule, start - TICK, end) if start <= end else ():
        slots.append(slot)
        if len(slots) > BACKFILL_MOST:
            fault = Fault("from", f"there are more than {BACKFILL_MOST:,} slots; take a part")
            raise RefusalError(ResultStatus.INVALID, InvalidInput([fault]))
    runs = tuple(_slot(command, job, slot, scene) for slot in slots)

    def answer(present: Mapping[str, Run]) -> CommandResult:
        # Also those that it made before it was delivered once more.
        ours = sum(present[run.id].command_id == command.id for run in runs)
        facts = {"slots": len(runs), "backfilled": ours, "recorded": len(runs) - ours}
        return replace(result_of(command, now, ResultStatus.CREATED, job), facts=facts)

    return Claim(runs, answer) if runs else Answer(answer({}))


def _stretch(command: Command, now: datetime) -> tuple[datetime, datetime]:
    faults = []
    ends = []
    for field in ("from", "to"):
        try:
            ends.append(from_text(str(command.arguments.get(field))))
        except ValueError as error:
            faults.append(Fault(field, str(error)))
    if not faults and ends[0] > ends[1]:
        faults.append(Fault("to", "lies before `from`"))
    if faults:
        raise RefusalError(ResultStatus.INVALID, InvalidInput(faults))
    return ends[0], min(ends[1], now)


def _slot(command: Command, job: Job, fire_at: datetime, scene: Scene) -> Run:
    run_id = slot_run_id(job.id, fire_at)
    run = replace(_row(run_id, job, Cause.BACKFILL, scene), clear_at=QUEUED, trigger_id=run_id)
    return replace(run, scheduled=True, fire_at=fire_at, command_id=command.id)


def _row(run_id: str, job: Job, cause: Cause, scene: Scene) -> Run:
    return Run(
        id=run_id,
        job_id=job.id,
        job=job.name,
        cause=cause,
        state=RunState.PENDING,
        term=scene.term,
        clear_at=scene.dispatcher.next_clear_at(),
        created_at=scene.desk.now,
        revision=job.revision,
    )


def cancel(command: Command, scene: Scene) -> Decision:
    """End a run, wherever it stands."""
    run_id = command.subject
    now = scene.desk.now
    done = result_of(command, now, ResultStatus.DONE, None, run_id)
    waiting = scene.admission.find_parked(run_id) or scene.dispatcher.waiting(run_id)
    if run_id in scene.workload or run_id in scene.admission.remote:
        scene.admission.cancel(run_id, Reason.REQUESTED)
    elif waiting is not None:
        scene.admission.unpark(run_id)
        scene.dispatcher.withdraw(waiting)
        scene.journal.change(
            RunChange(
                run_id=run_id,
                term=waiting.term,
                state=RunState.CANCELLED,
                reason=Reason.REQUESTED,
                finished_at=now,
            ),
            waiting,
        )
    else:
        why = "it has ended already"
        if scene.dispatcher.knows(run_id):
            why = "it is about to start; ask again"
        elif scene.supervision.find(run_id) is not None:
            why = "its executor was cut off; it ends, or is declared lost, within its lease"
        message = f"run {run_id!r} cannot be cancelled: {why}"
        return Answer(replace(done, status=ResultStatus.CONFLICT, message=message))
    return Change(run_id, done)


def report(command: Command, scene: Scene) -> Decision:
    """Do what is reported of a run that was handed over; ``facts.report`` is the verdict."""
    told = _report(command, scene.desk.now)
    done = result_of(command, scene.desk.now, ResultStatus.DONE, None, told.run_id)

    def begin(then: Callable[[Decision], None]) -> None:
        def decided(verdict: Verdict) -> None:
            result = replace(done, facts={"report": verdict.value})
            if verdict in _NOT_APPLIED:
                message = f"the report about run {told.run_id!r} changes nothing: "
                message += _NOT_APPLIED[verdict]
                result = replace(result, status=ResultStatus.CONFLICT, message=message)
            # Also what is late: its run's end may be on its way to the store.
            then(Change(told.run_id, result))

        scene.reports.take(told, decided)

    return Later(begin)


def _report(command: Command, now: datetime) -> Report:
    arguments = command.arguments
    status, reason = arguments.get("status"), arguments.get("reason")
    details, error = arguments.get("details"), arguments.get("error")
    try:
        return Report(
            run_id=command.subject,
            status=None if status is None else ReportStatus(status),
            details=None if details is None else dict(details),
            error=None if error is None else str(error),
            reason=None if reason is None else Reason(reason),
            at=now,
        )
    except (TypeError, ValueError) as fault:
        raise RefusalError(ResultStatus.INVALID, InvalidInput([Fault("", str(fault))])) from fault
