"""The judge of changes: what was asked, what was answered, and every revision that ever stood.

It reads off a revision itself which command made it, see ``clients``; what the engine
notes about that is not believed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Final

from executor.domain.audit import Change
from executor.domain.command import CommandKind, CommandResult, ResultStatus
from executor.domain.identity import manual_run_id
from executor.domain.instant import to_text
from executor.domain.job import Job
from executor.domain.run import Run
from tests.simulation import continuous_checker
from tests.simulation.clients import Owner
from tests.simulation.correspondence import Asked
from tests.simulation.ledger import Ledger

_EFFECTIVE: Final = {ResultStatus.CREATED, ResultStatus.DONE}
_DEFINES: Final = {CommandKind.CREATE_JOB, CommandKind.UPDATE_JOB, CommandKind.PUT_JOB}
_ON_RUNS: Final = {
    CommandKind.TRIGGER_JOB,
    CommandKind.CANCEL_RUN,
    CommandKind.BACKFILL_JOB,
    CommandKind.REPORT_RUN,
}

Histories = Mapping[str, list[Job]]


def histories_of(ledger: Ledger) -> Histories:
    """Return the revisions of every job, by its id, in the order in which they came to stand."""
    histories: dict[str, list[Job]] = {}
    for change in ledger.changes:
        histories.setdefault(change.job.id, []).append(change.job)
    return histories


def check_owners(
    owners: Iterable[Owner], jobs: Mapping[str, Job], rows: Mapping[str, Run]
) -> list[str]:
    """Every acknowledged change is in force, every acknowledged run exists."""
    wrong = []
    for owner in owners:
        wrong += owner.surprises
        job = jobs.get(owner.name)
        found = {"exists": False, "paused": False, "note": ""}
        if job is not None:
            note = job.definition.description
            found = {"exists": True, "paused": job.paused is not None, "note": note}
        if found not in [owner.acknowledged, owner.pending or owner.acknowledged]:
            wrong.append(f"{owner.name}: found {found}, acknowledged {owner.acknowledged}")
        for run_id in owner.triggered:
            if run_id not in rows:
                wrong.append(f"{owner.name}: acknowledged run {run_id} is not there")
    return wrong


def check_histories(
    asked: Mapping[str, Asked], histories: Histories, moved: Container[tuple[str, str]]
) -> list[str]:
    """Revisions follow each other, and no command made two of them.

    *moved*: jobs, by id, and the fire times that a takeover has corrected by itself.
    """
    wrong = []
    made: dict[str, tuple[str, int]] = {}
    for job_id, history in histories.items():
        for number, job in enumerate(history, start=1):
            before = history[number - 2] if number > 1 else None
            what = f"{job.name} {job_id[:6]} revision {job.revision}"
            if job.revision != number:
                wrong.append(f"{what} came as number {number}")
            maker = "" if _is_moved(before, job, moved) else _maker(before, job)
            if maker in made:
                wrong.append(f"{what}: {maker} had made {made[maker]} already")
            if maker:
                made[maker] = (job_id[:6], job.revision)
    return wrong + _unclaimed(asked, histories)


def _is_moved(before: Job | None, job: Job, moved: Container[tuple[str, str]]) -> bool:
    """Whether nobody has asked for *job*: its next fire time alone is another."""
    if before is None or before.last_command != job.last_command or job.next_fire_at is None:
        return False
    return (job.id, to_text(job.next_fire_at)) in moved


def _maker(before: Job | None, job: Job) -> str:
    """Return the id of the command that made *job* of *before*; nothing if it left no mark."""
    if before is None or before.definition != job.definition:
        return job.definition.description
    if job.paused is not None and before.paused != job.paused:
        return job.paused.reason
    if job.deleted or before.paused != job.paused:
        return ""
    # Nothing has changed: what made it makes it again.
    return job.definition.description


def _unclaimed(asked: Mapping[str, Asked], histories: Histories) -> list[str]:
    """A deletion or resumption was made by one command: some answer names its revision."""
    claimed = {
        (one.command.kind, one.result.job_id, one.result.revision)
        for one in asked.values()
        if one.result is not None and one.result.status in _EFFECTIVE
    }
    open_kinds = [one.command.kind for one in asked.values() if one.result is None]
    wrong = []
    for job_id, history in histories.items():
        for before, job in pairwise(history):
            kind = CommandKind.DELETE_JOB if job.deleted else CommandKind.RESUME_JOB
            if _maker(before, job) or (kind, job_id, job.revision) in claimed:
                continue
            if kind in open_kinds:
                open_kinds.remove(kind)
            else:
                wrong.append(f"{job.name} revision {job.revision}: {kind} by nobody who was told")
    return wrong


def check_answers(asked: Mapping[str, Asked], histories: Histories) -> list[str]:
    """An answered revision was made by that command, and in the order of the answers."""
    wrong = []
    acknowledged: dict[str, list[tuple[float, float, int]]] = {}
    for command_id, one in asked.items():
        result = one.result
        if result is None or result.status not in _EFFECTIVE or one.command.kind in _ON_RUNS:
            continue
        assert result.job_id is not None
        assert result.revision is not None
        what = f"{command_id} {one.command.kind} answered revision {result.revision}"
        history = histories.get(result.job_id, [])
        if not 0 < result.revision <= len(history):
            wrong.append(f"{what}, which never stood")
            continue
        if not _is_effect(one, history[result.revision - 1]):
            wrong.append(f"{what}, which is not its work")
        assert one.answered is not None
        acknowledged.setdefault(result.job_id, []).append((one.sent, one.answered, result.revision))
    for job_id, entries in acknowledged.items():
        wrong += _disorder(job_id, entries)
    return wrong


def check_audit(
    asked: Mapping[str, Asked], histories: Histories, entered: Iterable[Change]
) -> list[str]:
    """What was acknowledged is in the audit, and what is in it has happened."""
    ids = {change.id for change in entered}
    stood = {f"job:{job_id}:{job.revision}" for job_id in histories for job in histories[job_id]}
    wrong = [f"{one} is in the audit and never stood" for one in ids - stood if "job:" in one]
    for command_id, one in asked.items():
        result = one.result
        if result is None or result.status not in _EFFECTIVE:
            continue
        if one.command.kind is CommandKind.REPORT_RUN:
            continue  # What a run says of itself stands in the run.
        entry = f"job:{result.job_id}:{result.revision}"
        if one.command.kind in _ON_RUNS:
            entry = f"command:{command_id}"
        elif not _made_by(command_id, result, histories):
            # Answered by what stood already: there was nothing to resume.
            continue
        if entry not in ids:
            wrong.append(f"{command_id} {one.command.kind} was acknowledged, and is in no audit")
    return wrong


def _made_by(command_id: str, result: CommandResult, histories: Histories) -> bool:
    history = histories.get(result.job_id or "", [])
    job = next((job for job in history if job.revision == result.revision), None)
    return job is not None and job.last_command is not None and job.last_command.id == command_id


def _is_effect(one: Asked, job: Job) -> bool:
    command = one.command
    if command.kind in _DEFINES:
        return job.definition.description == command.id
    if command.kind is CommandKind.PAUSE_JOB:
        return job.paused is not None and job.paused.reason == command.id
    return job.deleted if command.kind is CommandKind.DELETE_JOB else job.paused is None


def _disorder(job_id: str, entries: list[tuple[float, float, int]]) -> list[str]:
    """What was sent after another answer came is not older than that answer's revision."""
    answers = sorted((answered, revision) for _, answered, revision in entries)
    wrong = []
    newest, place = 0, 0
    for sent, _, revision in sorted(entries):
        while place < len(answers) and answers[place][0] <= sent:
            newest = max(newest, answers[place][1])
            place += 1
        if revision < newest:
            wrong.append(f"{job_id[:6]}: revision {revision} asked for after {newest} was answered")
    return wrong


def check_refusals(
    ledger: Ledger, asked: Mapping[str, Asked], rows: Mapping[str, Run]
) -> list[str]:
    """A refusal was right at some time between question and answer, and had no effect.

    A run that was refused may have a row that says so; it is never started.
    """
    present: dict[str, list[tuple[float, bool]]] = {}
    for change in ledger.changes:
        times = present.setdefault(change.job.name, [(-1.0, False)])
        times.append((change.time, not change.job.deleted))
    started = {start.run.id for start in ledger.starts}
    wrong = []
    for command_id, one in asked.items():
        result = one.result
        if result is None or result.status in _EFFECTIVE:
            continue
        command = one.command
        what = f"{command_id} {command.kind}: {result.status} {result.message}"
        if command.kind is CommandKind.TRIGGER_JOB:
            run_id = manual_run_id(command_id)
            row = rows.get(run_id)
            if row is not None and row.state != "skipped":
                wrong.append(f"{what}, and the run is there: {row.state} {row.reason}")
            if run_id in started:
                wrong.append(f"{what}, and it was started")
        if command.kind in {CommandKind.CANCEL_RUN, CommandKind.REPORT_RUN}:
            continue
        times = present.get(command.subject, [(-1.0, False)])
        wanted = result.status is not ResultStatus.NOT_FOUND
        assert one.answered is not None
        if not _was(times, wanted, one.sent, one.answered):
            wrong.append(f"{what}, which was never so")
    return wrong


def _was(times: list[tuple[float, bool]], wanted: bool, since: float, until: float) -> bool:
    """Whether the job was there, or was not (*wanted*), at some time from *since* to *until*."""
    state = False
    for time, present in times:
        if time > until:
            break
        if time >= since and wanted in (state, present):
            return True
        state = present
    return state is wanted


def check_follow_ups(
    rows: Mapping[str, Run], jobs: Iterable[Job], asked: Mapping[str, Asked], until: datetime
) -> list[str]:
    """Each lost or unstarted run with a repetition left is repeated once, a cancelled one never."""
    repeats = {row.parent_run_id for row in rows.values() if row.cause == "retrigger"}
    # Those that run for ever are started again in any case, and judged by a checker of their own.
    allowed = {
        job.id: job.definition.retrigger
        for job in jobs
        if job.name not in continuous_checker.LONGEST_S
    }
    cancelled = {
        one.command.subject
        for one in asked.values()
        if one.command.kind is CommandKind.CANCEL_RUN
        and one.result is not None
        and one.result.status in _EFFECTIVE
    }
    wrong = []
    for row in rows.values():
        what = f"{row.job} {row.fire_at} {row.id[:8]} {row.state} {row.reason}"
        repeated = row.id in repeats
        if row.id in cancelled or row.reason == "requested":
            if repeated:
                wrong.append(f"{what}: cancelled, and repeated")
            continue
        given_up = row.state == "cancelled" and row.reason in {"shutdown", "superseded"}
        unstarted = given_up and row.reason == "superseded" and row.started_at is None
        demands = row.state == "lost" or given_up
        if row.job_id not in allowed or (row.finished_at or until) >= until:
            continue
        may = unstarted or row.retriggers < allowed[row.job_id]
        if demands and may and not repeated:
            wrong.append(f"{what}: not repeated")
        if repeated and not (demands and may):
            wrong.append(f"{what}: repeated, and did not ask for it")
    return wrong
