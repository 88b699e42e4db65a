"""What decisions about commands are taken from, and what they may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from executor.domain.calendar import CALENDARS
from executor.domain.channel import CHANNELS
from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.domain.errors import (
    CommandReused,
    InvalidInput,
    JobNotFound,
    JobUnreadable,
    RevisionConflict,
    SolocronError,
)
from executor.domain.identity import job_id
from executor.domain.job import Job, LastCommand
from executor.domain.kinds import DELETES, PUTS
from executor.domain.named import Kind, NamedWrite, Stored
from executor.domain.notification import Notification
from executor.domain.permitted_targets import PermittedTargets
from executor.domain.run import Run
from executor.domain.secret import SECRETS
from executor.domain.session import Session
from executor.domain.template import SECRET
from executor.domain.writes import BrokenJob
from executor.engine.admission import Admission
from executor.engine.desk import Desk
from executor.engine.dispatch import Dispatcher
from executor.engine.herald import Herald
from executor.engine.journal import Journal
from executor.engine.reports import Reports
from executor.engine.roster import Roster
from executor.engine.supervision import Supervision
from executor.engine.workload import Workload

#: The kind of named resource that a command is about.
_KIND_OF: Final = {**PUTS, **DELETES, CommandKind.TEST_CHANNEL: CHANNELS}

#: What may be the name of a secret in a template.
_SECRET_NAME: Final = re.compile(re.escape(SECRET) + r"([\w-]+)")

#: Touched by every command that changes which jobs name which: no job has this name.
_REFERENCES: Final = "\x00"


@dataclass(frozen=True, slots=True)
class Answer:
    """Nothing is to be written but the answer."""

    result: CommandResult


@dataclass(frozen=True, slots=True)
class Write:
    """Write *job* over revision *expect* (None: there is none), then answer *result*.

    ``former`` is the revision that is overwritten; ``forward`` as in :class:`JobWrite`.
    ``first`` is written before: if any of it meets something else, all is decided anew.
    """

    job: Job
    expect: int | None
    result: CommandResult
    former: Job | None = None
    forward: bool = False
    first: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """Carry out *write* of a named resource, then answer *result*."""

    write: NamedWrite[Any]
    result: CommandResult
    former: Stored[Any] | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """Put a notification into the outbox, then answer *result*."""

    notification: Notification
    result: CommandResult


@dataclass(frozen=True, slots=True)
class SaveAlong:
    """Write this together with the answers, of which *result* is one.

    When tokens were used last, by name; a session that is opened; the digest of one that is closed.
    """

    result: CommandResult
    uses: Mapping[str, datetime] = field(default_factory=dict)
    opened: Session | None = None
    closed: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """Claim *runs*, then answer what *answer* makes of the rows that stand there, by their ids."""

    runs: tuple[Run, ...]
    answer: Callable[[Mapping[str, Run]], CommandResult]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of the run is on its way to the store; once it is there, answer *result*."""

    run_id: str
    result: CommandResult


@dataclass(frozen=True, slots=True)
class Later:
    """The decision needs the store first: call *begin*, which calls back with the decision."""

    begin: Callable[[Callable[[Decision], None]], None]


Decision = Answer | Write | WriteRecord | SaveAlong | Post | Claim | Change | Later


class RefusalError(Exception):
    """Ends a decision with an answer that changes nothing."""

    def __init__(self, status: ResultStatus, error: SolocronError) -> None:
        super().__init__(str(error))
        self.status = status
        self.faults = error.faults if isinstance(error, InvalidInput) else ()


@dataclass(frozen=True, slots=True)
class Scene:
    """The parts of a tenure, as decisions see them."""

    desk: Desk
    roster: Roster
    admission: Admission
    dispatcher: Dispatcher
    supervision: Supervision
    workload: Workload
    reports: Reports
    journal: Journal
    term: int
    permitted: PermittedTargets
    herald: Herald

    def job(self, command: Command) -> Job:
        """Return the job that *command* is about.

        Raises:
            RefusalError: there is none, or it is at another revision than the sender expects.
                Beyond the reach of the caller's rights there is none.
        """
        job = self.roster.find(command.subject)
        if job is None and self.damaged(command) is not None:
            raise RefusalError(ResultStatus.CONFLICT, JobUnreadable(command.subject))
        if job is None or not command.reaches(job.definition.tags):
            raise RefusalError(ResultStatus.NOT_FOUND, JobNotFound(command.subject))
        if command.if_revision is not None and command.if_revision != job.revision:
            conflict = RevisionConflict(job.name, command.if_revision, job.revision)
            raise RefusalError(ResultStatus.PRECONDITION_FAILED, conflict)
        return job

    def damaged(self, command: Command) -> BrokenJob | None:
        """Return the job that *command* is about if its record cannot be read; else None.

        Raises:
            RefusalError: it is at another revision than the sender expects.
        """
        found = None if self.roster.find(command.subject) else self.roster.damaged(command.subject)
        if found is None or not command.reaches(()):
            return None
        if command.if_revision not in (None, found.revision):
            conflict = RevisionConflict(found.name, command.if_revision or 0, found.revision)
            raise RefusalError(ResultStatus.PRECONDITION_FAILED, conflict)
        return found


def result_of(
    command: Command,
    now: datetime,
    status: ResultStatus,
    job: Job | None,
    run_id: str | None = None,
) -> CommandResult:
    """Return the answer to *command*."""
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


def implied(made: LastCommand, revision: int, now: datetime, **about: Any) -> CommandResult:
    """Return the answer to the command that *made* a revision; *about*: what it concerned."""
    return CommandResult(
        command_id=made.id,
        kind=made.kind,
        digest=made.digest,
        status=ResultStatus.CREATED if revision == 1 else ResultStatus.DONE,
        finished_at=now,
        revision=revision,
        **about,
    )


def answered(command: Command, result: CommandResult | None, now: datetime) -> Answer | None:
    """Return *result* as the answer to *command*, if it is to a command of that id."""
    if result is None or result.command_id != command.id:
        return None
    return Answer(repeated(command, result, now))


def repeated(command: Command, result: CommandResult, now: datetime) -> CommandResult:
    """Return the answer to a command whose id has been answered before."""
    if result.digest == command.digest:
        return result
    answer = result_of(command, now, ResultStatus.CONFLICT, None)
    return replace(answer, message=str(CommandReused(command.id)))


def touched_by(command: Command, roster: Roster) -> set[str]:
    """Return what must not be decided about twice in one batch: ids and names."""
    if command.kind in _KIND_OF:
        named = _mark(_KIND_OF[command.kind], command.subject)
        return {named, *_secrets_touched(command.arguments)}
    job = roster.find(command.subject)
    touched = {command.subject} if job is None else {command.subject, job.id, job.name}
    naming = [] if job is None else roster.graph.naming(job)
    definition = command.arguments.get("definition")
    if isinstance(definition, dict):
        touched.add(str(definition.get("name")))
        touched.update(_named_in(definition, "calendars", "name", CALENDARS))
        touched.update(_named_in(definition, "notify", "channel", CHANNELS))
        touched.update(_secrets_touched([definition.get("target"), definition.get("ping")]))
        if definition.get("after") or definition.get("on_failure") or naming:
            touched.add(_REFERENCES)
        touched.update(_jobs_in(definition))
        if job is None:
            # What follows in the queue may name by its id what this one makes.
            touched.add(job_id(command.id))
    if command.kind is CommandKind.DELETE_JOB and naming:
        touched.add(_REFERENCES)
        touched.update(part for one in naming for part in (one.id, one.name))
    return touched


def _mark(kind: Kind[Any], name: str) -> str:
    """Return what stands for a named resource among what is touched: no job has such a name."""
    return f"\x00{kind.word} {name}"


def _jobs_in(definition: dict[str, Any]) -> set[str]:
    """Return the jobs that a definition, as yet unchecked, names: they have to be there first."""
    after = definition.get("after")
    jobs = after.get("jobs") if isinstance(after, dict) else None
    named = [*jobs] if isinstance(jobs, list | tuple) else []
    return {one for one in [*named, definition.get("on_failure")] if isinstance(one, str)}


def _named_in(definition: dict[str, Any], field: str, name: str, kind: Kind[Any]) -> set[str]:
    """Return what a definition, as yet unchecked, touches by naming something in a list."""
    uses = definition.get(field)
    if not isinstance(uses, list):
        return set()
    return {_mark(kind, str(use.get(name))) for use in uses if isinstance(use, dict)}


def _secrets_touched(unchecked: object) -> set[str]:
    return {_mark(SECRETS, name) for name in _secrets_in(unchecked)}


def _secrets_in(target: object) -> set[str]:
    """Return the secrets that a target or channel, as yet unchecked, names."""
    if isinstance(target, str):
        return set(_SECRET_NAME.findall(target)) if SECRET in target else set()
    if isinstance(target, list):
        return {name for part in target for name in _secrets_in(part)}
    if not isinstance(target, dict):
        return set()
    sign = target.get("sign")
    key = {str(sign.get("secret"))} if isinstance(sign, dict) else set()
    return key | _secrets_in(list(target.values()))
