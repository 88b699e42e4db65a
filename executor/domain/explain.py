"""Why did it (not) run?  What became of a slot, or why an instant is none, in words.

Pure: the caller brings the job, the revision that was in force, and the row that accounts
for the slot, if there is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from executor.domain.instant import to_text
from executor.domain.job import Job
from executor.domain.run import Cause, Reason, Run, RunState
from executor.domain.schedule import ContinuousSchedule, Schedule, for_job, next_after, next_epoch
from executor.domain.watch import awaits_ping

#: How far back the slot before an instant is looked for, seconds; at last since 1970.
_LOOK_BACK: Final = (3_600, 86_400, 7 * 86_400, 60 * 86_400, 366 * 86_400, 8 * 366 * 86_400)


class Verdict(StrEnum):
    """What became of the instant.

    ``ran`` whatever its end; ``upcoming``: it lies in the future; ``not_due``: nothing was to run
    then; ``not_yet``: nobody has decided about it so far; ``unknown``: there is no record of it.
    """

    RAN = "ran"
    RUNNING = "running"
    WAITING = "waiting"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    LOST = "lost"
    UPCOMING = "upcoming"
    NOT_DUE = "not_due"
    NOT_YET = "not_yet"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer.

    Attributes:
        sentence: for people; says why.
        slot: whether the instant is a fire time of the schedule that was in force.
        run: the row that accounts for the slot.
        before, after: the fire times around the instant, by that schedule.
        revision: of the job, as it was in force; None if there was none.
    """

    at: datetime
    verdict: Verdict
    sentence: str
    slot: bool
    run: Run | None = None
    before: datetime | None = None
    after: datetime | None = None
    revision: int | None = None


#: Why a slot was skipped, as the end of a sentence.
_SKIPPED: Final = {
    Reason.OVERLAP: "an earlier run of the job was unfinished, and its overlap policy is `forbid`",
    Reason.QUEUE_FULL: "as many runs as its overlap policy allows were waiting already",
    Reason.LOCKED: "another job held its lock, and its overlap policy is `forbid`",
    Reason.REPLACED: "a later run took its place in the line (overlap policy `replace`)",
    Reason.MISFIRE: "it was noticed too late for the job's misfire policy",
    Reason.BLACKOUT: "it lay in a blackout of one of the job's calendars",
    Reason.START_TIMEOUT: "it had waited for longer than the job's `start_timeout`",
    Reason.RETRY_WINDOW: "its turn came after the job's `retry.window`",
    Reason.PAUSED: "the job was paused",
    Reason.DISABLED: "the job was disabled",
    Reason.SUPERSEDED: "the schedule had been changed before it could start",
    Reason.DELETED: "the job had been deleted",
    Reason.BROKEN: "the job could not be evaluated; the executor's log says why",
}

#: Why a run was cancelled, likewise.
_CANCELLED: Final = {
    Reason.REQUESTED: "on request",
    Reason.REPLACED: "to make way for a later one (overlap policy `replace`)",
    Reason.SHUTDOWN: "because its executor was stopped",
    Reason.SUPERSEDED: "because its executor was cut off",
    Reason.DELETED: "because the job was deleted",
    Reason.START_TIMEOUT: "because it was begun after the job's `start_timeout`",
}

#: What is told of a lost run whose work went on elsewhere: no executor's death made it that.
_LOST_ELSEWHERE: Final = "Whoever had it fell silent, so nobody knows whether it ran to its end"

#: What is told of a watched run that nobody pinged about.
_UNHEARD: Final = "Somebody else was to run it, and was not heard of in time"

#: The beginning of the sentence about a row that is not skipped.
_BECAME: Final = {
    RunState.PENDING: (Verdict.WAITING, "Its run is recorded and waits"),
    RunState.RUNNING: (Verdict.RUNNING, "Its run is in progress"),
    RunState.CANCELLING: (Verdict.RUNNING, "Its run is being cancelled"),
    RunState.SUCCEEDED: (Verdict.RAN, "It ran and succeeded"),
    RunState.FAILED: (Verdict.RAN, "It ran and failed"),
    RunState.TIMED_OUT: (Verdict.RAN, "It ran and was ended by its timeout"),
    RunState.CANCELLED: (Verdict.CANCELLED, "Its run was cancelled"),
    RunState.LOST: (
        Verdict.LOST,
        "Its executor died or was cut off, so nobody knows whether it ran to its end",
    ),
}

#: What is told about a run that is not simply one on schedule.
_CAUSES: Final = {
    Cause.CATCH_UP: "caught up by the misfire policy",
    Cause.BACKFILL: "backfilled on request",
}

#: What a blackout will do to a fire time that is to come.
_CLOSED: Final = {
    "skip": "but lies in a blackout of one of the job's calendars and will be skipped",
    "run_after": "but lies in a blackout of one of the job's calendars: at the end of that one "
    "run follows for all its fire times",
}


def explain(
    job: Job,
    in_force: Job | None,
    row: Run | None,
    at: datetime,
    now: datetime,
    closed: str | None = None,
) -> Explanation:
    """Explain what became of *at*.

    Args:
        job: as it is now.
        in_force: the revision that was (or is) in force at *at*; None if there was none yet, or
            it is not kept any more.
        row: the row that accounts for *at*, should that be a slot.
        at, now: aware instants.
        closed: the policy of the blackout that *at* lies in, by the calendars as they are now.
    """
    schedule = in_force.definition.schedule if in_force else None
    before = after = None
    slot = False
    if schedule is not None:
        schedule = for_job(schedule, job.id)
        before, after = slot_before(schedule, at), next_after(schedule, at)
        slot = is_slot(schedule, at)
    if row is not None and not slot and at not in (row.fire_at, row.covers_from):
        row = None  # It stands for slots around it.
    if row is not None:
        verdict, sentence = _of_row(row, at)
    elif in_force is None or schedule is None or not slot:
        verdict, sentence = _no_slot(job, in_force, at, before, after)
    elif at > now:
        verdict, sentence = Verdict.UPCOMING, _to_come(in_force, at, closed)
    else:
        verdict, sentence = _without_row(job, in_force, at, now)
    return Explanation(
        at=at,
        verdict=verdict,
        sentence=sentence,
        slot=slot or row is not None,
        run=row,
        before=before,
        after=after,
        revision=in_force.revision if in_force else None,
    )


def is_slot(schedule: Schedule, at: datetime) -> bool:
    """Whether *at* (aware) is a fire time of *schedule*."""
    return not at.microsecond and next_epoch(schedule, _epoch(at) - 1) == _epoch(at)


def slot_before(schedule: Schedule, at: datetime) -> datetime | None:
    """Return the last fire time before *at* (aware); None if there is none since 1970.

    Found by halving, since a schedule may be due each second: some dozen steps.
    """
    beyond = _epoch(at) - (not at.microsecond)
    last = None
    for seconds in (*_LOOK_BACK, beyond + 1):
        last = next_epoch(schedule, max(beyond - seconds, -1))
        if last is not None and last <= beyond:
            break
    if last is None or last > beyond:
        return None
    while last < beyond:
        middle = (last + beyond) // 2
        found = next_epoch(schedule, middle)
        if found is not None and found <= beyond:
            last = found
        else:
            beyond = middle
    return datetime.fromtimestamp(last, UTC)


def _epoch(at: datetime) -> int:
    """Return the last whole second not after *at*."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def _of_row(row: Run, at: datetime) -> tuple[Verdict, str]:
    if row.state is RunState.SKIPPED:
        why = _SKIPPED.get(row.reason, f"{row.reason}") if row.reason else "nobody noted why"
        many = f"It is one of {row.covers:,} fire times skipped together: "
        return Verdict.SKIPPED, f"{many if row.covers > 1 else 'It was skipped: '}{why}."
    verdict, sentence = _BECAME[row.state]
    if row.state is RunState.CANCELLED and row.reason is not None:
        sentence += f" {_CANCELLED.get(row.reason, f'({row.reason})')}"
    if row.state is RunState.LOST and row.remote:
        sentence = _LOST_ELSEWHERE
    if row.reason is Reason.NO_PING:
        sentence = _UNHEARD
    if row.state is RunState.PENDING:
        sentence += f" {_waits_for(row)}"
    if row.cause in _CAUSES:
        sentence += f", {_CAUSES[row.cause]}"
    if row.due_at is not None and row.due_at > at and row.state is not RunState.PENDING:
        sentence += f"; a blackout or `jitter` put it off to {to_text(row.due_at)}"
    if row.started_at is not None and row.cause is not Cause.BACKFILL:
        sentence += f"; it started {_span(row.started_at - at)} after its fire time"
    if row.error:
        sentence += f" ({row.error})"
    return verdict, f"{sentence}."


def _span(late: timedelta) -> str:
    """Say how late a start was: to the millisecond where that matters."""
    seconds = max(late.total_seconds(), 0.0)
    if seconds < 60:
        return f"{seconds:.3f} s"
    return str(timedelta(seconds=round(seconds)))


def _waits_for(row: Run) -> str:
    if awaits_ping(row):
        return "for a ping"
    if row.remote:
        return "for a worker"
    if row.is_parked:
        return "for its turn"
    return f"until {to_text(row.due)}" if row.due is not None else "for its start"


def _no_slot(
    job: Job,
    in_force: Job | None,
    at: datetime,
    before: datetime | None,
    after: datetime | None,
) -> tuple[Verdict, str]:
    if in_force is None and at >= job.created_at:
        return Verdict.UNKNOWN, "The definition that was in force then is not kept any more."
    if in_force is None:
        text = f"The job did not exist yet; it was created at {to_text(job.created_at)}."
    elif in_force.definition.schedule is None:
        text = "The job had no schedule then; it ran on request and after other jobs only."
    elif isinstance(in_force.definition.schedule, ContinuousSchedule):
        text = "The job is continuous: it has no fire times, but runs whenever it does not."
    else:
        around = [
            f"the one before is {to_text(before)}" if before else "there is none before",
            f"the next one is {to_text(after)}" if after else "there is none after",
        ]
        then = "" if in_force.revision == job.revision else " as it was then"
        text = f"This is no fire time of the schedule{then}: {', '.join(around)}."
    return Verdict.NOT_DUE, text


def _to_come(job: Job, at: datetime, closed: str | None) -> str:
    if not job.definition.enabled:
        return "It is to come, but the job is disabled."
    if job.is_paused(at):
        return "It is to come, but the job is paused then."
    if closed is not None:
        return f"It is to come, {_CLOSED[closed]}."
    return "It is to come."


def _without_row(job: Job, in_force: Job, at: datetime, now: datetime) -> tuple[Verdict, str]:
    if job.next_fire_at is not None and job.next_fire_at <= at:
        decides = "then its misfire policy decides about this fire time"
        if not job.definition.enabled:
            return Verdict.NOT_YET, f"The job is disabled until it is enabled again; {decides}."
        if job.is_paused(now):
            return Verdict.NOT_YET, f"The job is paused until it is resumed; {decides}."
        return Verdict.NOT_YET, "No executor has come to it yet; the status says why."
    if not in_force.definition.enabled:
        return (
            Verdict.NOT_DUE,
            "The job was disabled then, and no record says that it was caught up.",
        )
    if in_force.is_paused(at):
        return Verdict.NOT_DUE, "The job was paused then, and no record says that it was caught up."
    reasons = []
    if in_force.definition.schedule != job.definition.schedule:
        reasons.append("the schedule was changed before an executor came to it")
    if at < now - job.definition.keep_for:
        reasons.append("its record was older than the job's `keep_for`, and removed")
    reasons.append(
        f"its record was not among the newest {job.definition.keep_runs:,} (`keep_runs`)"
    )
    return Verdict.UNKNOWN, f"There is no record of it: {', or '.join(reasons)}."
