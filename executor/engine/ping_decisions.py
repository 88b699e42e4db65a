"""Pings about watched jobs: which run each one means, or that it is one of its own.

A ping that means none of the unfinished runs is that of the fire time that comes next, if it is
near, or else of a run that nobody expected.  The row is written first, ``pending`` like all
others, and the ping is a report about it then: so whatever is interrupted, the next executor
finds a row that it understands.

A ping that comes again, because its executor died before it had answered, finds its own effect:
the row that it made has an id derived from the command; a run that it began or ended remembers
when that was.  Only if that executor died in the instant between the record of a run and that of
its job, a run of its own may be made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from executor.domain.command import Command, CommandResult, ResultStatus
from executor.domain.errors import Fault, InvalidInput, NotWatched
from executor.domain.identity import manual_run_id, slot_run_id
from executor.domain.job import Job
from executor.domain.report import Verdict
from executor.domain.run import Cause, Run, RunState
from executor.domain.schedule import for_job, next_after
from executor.domain.watch import (
    Ping,
    Signal,
    heard_at,
    is_of_coming,
    is_watched,
    ping_of,
    report_of,
    run_meant,
)
from executor.engine.scene import (
    Answer,
    Change,
    Decision,
    Later,
    RefusalError,
    Scene,
    result_of,
)

#: Slots that are looked through for the latest one which is due; more of them are only on their
#: way after a long outage, and then all but the latest are skipped.
_MOST_SLOTS: Final = 1_000


def ping(command: Command, scene: Scene, *, again: bool) -> Decision:
    """Do what a ping says; *again*: an executor may have been handed it before."""
    job = scene.job(command)
    if not is_watched(job.definition.target):
        raise RefusalError(ResultStatus.CONFLICT, NotWatched(job.name))
    told = _read(command, scene.desk.now)
    scene.admission.remote.hearing.ping(told.at)
    done = result_of(command, scene.desk.now, ResultStatus.DONE, job)
    found = [scene.reports.find(one) for one in scene.admission.turns.occupants(job.id)]
    unfinished = [run for run in found if run is not None]
    if again and _is_known(told, job, unfinished):
        return Answer(done)
    run = run_meant(told, unfinished)
    if run is None and told.signal is Signal.LOG:
        # There is nothing that it could be added to.
        return Answer(done)
    teller = _Teller(told, scene, done)
    if run is not None:
        return Later(lambda then: teller.tell(run, then))
    rows = [_unexpected(command, told, job, scene)]
    slot = _coming(told, job, scene)
    if slot is not None:
        rows.insert(0, _expected(rows[0], slot))
    return Later(lambda then: teller.open(rows, then))


def _read(command: Command, now: datetime) -> Ping:
    try:
        return ping_of(command.arguments, min(command.sent_at, now))
    except (KeyError, TypeError, ValueError) as error:
        fault = InvalidInput([Fault("", f"not a ping: {error}")])
        raise RefusalError(ResultStatus.INVALID, fault) from error


def _is_known(told: Ping, job: Job, unfinished: list[Run]) -> bool:
    heard = [at for run in unfinished if (at := heard_at(run)) is not None]
    if job.last_run is not None:
        heard.append(job.last_run.finished_at)
    return any(told.at <= at for at in heard)


# Rows -------------------------------------------------------------------------------------


def _coming(told: Ping, job: Job, scene: Scene) -> datetime | None:
    """Return the slot, on its way to its start or to come, that the ping is of; None if none is."""
    slot = scene.roster.settled_until(job)
    schedule, target = job.definition.schedule, job.definition.target
    if slot is None or schedule is None or not job.is_active(scene.desk.now):
        return None
    assert is_watched(target)
    schedule = for_job(schedule, job.id)
    following = next_after(schedule, slot)
    for _ in range(_MOST_SLOTS):
        if following is None or following > told.at:
            break
        slot, following = following, next_after(schedule, following)
    return slot if is_of_coming(told.at, slot, following, target.grace) else None


def _unexpected(command: Command, told: Ping, job: Job, scene: Scene) -> Run:
    run_id = manual_run_id(command.id)
    return Run(
        id=run_id,
        job_id=job.id,
        job=job.name,
        cause=Cause.PING,
        state=RunState.PENDING,
        term=scene.term,
        clear_at=scene.dispatcher.next_clear_at(),
        created_at=told.at,
        trigger_id=run_id,
        revision=job.revision,
    )


def _expected(row: Run, slot: datetime) -> Run:
    run_id = slot_run_id(row.job_id, slot)
    return replace(
        row, id=run_id, cause=Cause.SCHEDULE, scheduled=True, fire_at=slot, trigger_id=run_id
    )


@dataclass(frozen=True, slots=True)
class _Teller:
    """Reports what was told by a ping; ``done`` is the answer to its command."""

    told: Ping
    scene: Scene
    done: CommandResult

    def open(self, rows: list[Run], then: Callable[[Decision], None]) -> None:
        """Write the first of *rows* and tell of it; of the next if that slot's run is over."""
        row, *others = rows

        def on_written(present: Run) -> None:
            if present.term > self.scene.term:
                # This term is over, so nothing that is answered now counts.
                then(Answer(self.done))
                return
            self.tell(self.scene.reports.find(row.id) or present, decided)

        def decided(decision: Decision) -> None:
            assert isinstance(decision, Change)
            if others and decision.result.facts["ping"] == Verdict.LATE:
                self.open(others, then)
            else:
                then(decision)

        def on_refused(error: Exception) -> None:
            message = f"the run that was pinged cannot be recorded: {error!r}"
            then(Answer(replace(self.done, status=ResultStatus.CONFLICT, message=message)))

        self.scene.dispatcher.claim([row], on_written, on_refused)

    def tell(self, run: Run, then: Callable[[Decision], None]) -> None:
        """Report about *run*; the answer has the verdict."""

        def decided(verdict: Verdict) -> None:
            facts = {"ping": verdict.value}
            then(Change(run.id, replace(self.done, run_id=run.id, facts=facts)))

        self.scene.reports.take(report_of(self.told, run), decided)
