"""An executor at the other end of the line: it applies commands to the store at once.

Rules
-----
1. Every command arrives and is answered in its wire form, as over a real broker.
2. It keeps answers by command id, so a repeated command has one effect; the rest of
   an executor (schedules, policies, starting anything) is not here.
3. ``away`` makes it fail like a broker, ``silent`` makes it apply without answering in
   time, ``before`` lets a test get in between.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from executor.domain import identity
from executor.domain.api_token import REVOKED, TOKENS, token_from_arguments
from executor.domain.calendar import CALENDARS, calendar_from_document
from executor.domain.channel import CHANNELS, channel_from_document
from executor.domain.command import (
    Command,
    CommandKind,
    CommandResult,
    ResultStatus,
    decode_command,
    decode_result,
    encode_command,
    encode_result,
)
from executor.domain.errors import (
    BrokerUnavailable,
    Fault,
    JobNotFound,
    JobUnreadable,
    NameTaken,
    NoExecutor,
    RunRefused,
)
from executor.domain.instant import TICK, from_text
from executor.domain.job import Job, LastCommand, Pause, definition_from_document
from executor.domain.kinds import DELETES, PUTS
from executor.domain.message import facts_of_test
from executor.domain.named import Kind, NamedWrite, Stored
from executor.domain.notification import a_message
from executor.domain.notify import Event
from executor.domain.run import QUEUED, Cause, Reason, Run, RunChange, RunState
from executor.domain.schedule import fire_times, next_after
from executor.domain.session import session_from
from executor.domain.watch import is_watched, new_key
from executor.domain.writes import BrokenJob, JobWrite
from executor.ports.clock import Clock
from tests.fakes.memory_store import MemoryStore

#: The name it holds its term under.
INSTANCE = "executor-1"


class FakeExecutor:
    """A :class:`~executor.ports.broker.CommandSender` that is the executor as well."""

    def __init__(self, store: MemoryStore, clock: Clock) -> None:
        self.received: list[Command] = []
        self.away: NoExecutor | BrokerUnavailable | None = None
        self.silent = False
        #: What becomes of the runs of a backfill.
        self.backfilled = RunState.PENDING
        self.dead = 0
        self.faults: list[Fault] = []
        self.connection = "connected"
        self.before: Callable[[], None] = lambda: None
        self._store, self._clock = store, clock
        self.term = store.mint_term(INSTANCE, "2026a").term

    def send(self, command: Command, timeout_s: float) -> CommandResult | None:
        """Carry *command* out; None when told to be silent."""
        if self.away is not None:
            raise self.away
        self.before()
        arrived = decode_command(encode_command(command))
        self.received.append(arrived)
        result = self._once(arrived)
        return None if self.silent else decode_result(encode_result(result))

    def send_all(self, commands: Sequence[Command], timeout_s: float) -> list[CommandResult | None]:
        """Carry *commands* out, one after another."""
        return [self.send(one, timeout_s) for one in commands]

    def post(self, command: Command, timeout_s: float) -> None:
        """Carry *command* out; without an executor it is kept as received."""
        if isinstance(self.away, BrokerUnavailable):
            raise self.away
        arrived = decode_command(encode_command(command))
        self.received.append(arrived)
        if self.away is None:
            self._once(arrived)

    def token_state(self) -> str:
        """Tell where the token is."""
        return "unknown" if self.away else "held"

    def dead_letters(self) -> int | None:
        """Tell how many a test has put there."""
        return None if self.away else self.dead

    def describe(self) -> str:
        """Say how the connection stands."""
        return self.connection

    def close(self) -> None:
        """Nothing to give back."""

    def _once(self, command: Command) -> CommandResult:
        known = self._store.known_commands([command.id]).results.get(command.id)
        if known is None:
            known = self._apply(command)
            self._store.save_results([known])
        elif known.digest != command.digest:
            return replace(known, status=ResultStatus.CONFLICT, message="key used before")
        return known

    def _apply(self, command: Command) -> CommandResult:
        match command.kind:
            case CommandKind.CREATE_JOB | CommandKind.PUT_JOB:
                return self._put(command)
            case CommandKind.CANCEL_RUN:
                return self._cancel(command)
            case CommandKind.USE_TOKENS:
                uses = command.arguments["uses"]
                self._store.note_token_uses({name: from_text(at) for name, at in uses.items()})
                return self._result(command, ResultStatus.DONE)
            case CommandKind.OPEN_SESSION:
                session = session_from(command.subject, command.actor, command.arguments)
                self._store.open_sessions([session])
                return self._result(command, ResultStatus.CREATED)
            case CommandKind.CLOSE_SESSION:
                self._store.close_sessions([command.subject])
                return self._result(command, ResultStatus.DONE)
            case CommandKind.TEST_CHANNEL:
                return self._test(command)
            case kind if kind in PUTS or kind in DELETES:
                return self._named(command)
            case CommandKind.REPORT_RUN:
                return self._report(command)
            case CommandKind.PING_JOB:
                return self._result(command, ResultStatus.DONE)
        try:
            job = self._store.find_job(command.subject)
        except JobNotFound as error:
            return self._result(command, ResultStatus.NOT_FOUND, message=str(error))
        if not isinstance(job, Job):
            return self._mended(command, job)
        if command.if_revision not in (None, job.revision):
            return self._overtaken(command, job)
        if command.kind is CommandKind.TRIGGER_JOB:
            return self._trigger(command, job)
        if command.kind is CommandKind.BACKFILL_JOB:
            return self._backfill(command, job)
        return self._write(command, _CHANGES[command.kind](self, job, command), job.revision)

    def _mended(self, command: Command, broken: BrokenJob) -> CommandResult:
        if command.kind not in {CommandKind.UPDATE_JOB, CommandKind.DELETE_JOB}:
            return self._result(
                command, ResultStatus.CONFLICT, message=str(JobUnreadable(broken.name))
            )
        deleted = command.kind is CommandKind.DELETE_JOB
        remains = {"definition": {"name": broken.name, "target": {"kind": "message"}}}
        job = self._new(replace(command, arguments=remains) if deleted else command)
        anew = replace(job, id=broken.id, deleted=deleted)
        return self._write(command, anew, broken.revision)

    def _put(self, command: Command) -> CommandResult:
        if self.faults:
            return self._result(command, ResultStatus.INVALID, faults=tuple(self.faults))
        try:
            job = self._store.find_job(command.subject)
        except JobNotFound:
            if command.if_revision is not None:
                return self._overtaken(command, None)
            return self._write(command, self._new(command), None)
        assert isinstance(job, Job)
        if command.kind is CommandKind.CREATE_JOB:
            message = str(NameTaken(job.name))
            return self._result(command, ResultStatus.CONFLICT, message=message)
        if command.if_revision not in (None, job.revision):
            return self._overtaken(command, job)
        return self._write(command, self._redefined(job, command), job.revision)

    def _new(self, command: Command) -> Job:
        now = self._clock.now()
        definition = definition_from_document(command.arguments["definition"])
        since = command.arguments.get("since")
        after = now if since is None else min(now, from_text(since) - TICK)
        first = next_after(definition.schedule, after) if definition.schedule else None
        return Job(
            id=identity.job_id(command.id),
            definition=definition,
            revision=1,
            created_at=now,
            updated_at=now,
            next_fire_at=first,
            ping_key=new_key(command.nonce, "id") if is_watched(definition.target) else "",
        )

    def _redefined(self, job: Job, command: Command) -> Job:
        fresh = self._new(command)
        key = job.ping_key or fresh.ping_key
        changed = replace(job, definition=fresh.definition, ping_key=key)
        return replace(changed, next_fire_at=fresh.next_fire_at)

    def _rotated(self, job: Job, command: Command) -> Job:
        return replace(job, ping_key=new_key(command.nonce, job.id))

    def _deleted(self, job: Job, command: Command) -> Job:
        return replace(job, deleted=True)

    def _paused(self, job: Job, command: Command) -> Job:
        until = command.arguments["until"]
        pause = Pause(
            since=self._clock.now(),
            reason=command.arguments["reason"],
            by=command.arguments["by"],
            until=None if until is None else from_text(until),
        )
        return replace(job, paused=pause)

    def _resumed(self, job: Job, command: Command) -> Job:
        return replace(job, paused=None)

    def _write(self, command: Command, job: Job, expect: int | None) -> CommandResult:
        former = self._store.load_job(job.id)
        if former is not None:
            self._store.archive_jobs([former])
        job = replace(
            job,
            revision=(expect or 0) + 1,
            updated_at=self._clock.now(),
            last_command=LastCommand.of(command),
        )
        [clash] = self._store.write_jobs([JobWrite(job, expect)])
        if clash is not None:
            return self._result(command, ResultStatus.CONFLICT, message="the name is taken")
        status = ResultStatus.CREATED if expect is None else ResultStatus.DONE
        return self._result(command, status, job_id=job.id, revision=job.revision)

    def _trigger(self, command: Command, job: Job) -> CommandResult:
        if not job.definition.enabled:
            message = str(RunRefused(job.name, "the job is disabled"))
            return self._result(command, ResultStatus.CONFLICT, message=message)
        now = self._clock.now()
        run = Run(
            id=identity.manual_run_id(command.id),
            job_id=job.id,
            job=job.name,
            cause=Cause.MANUAL,
            state=RunState.PENDING,
            term=self.term,
            clear_at=now,
            created_at=now,
        )
        self._store.insert_runs([run])
        return self._result(command, ResultStatus.CREATED, job_id=job.id, run_id=run.id)

    def _backfill(self, command: Command, job: Job) -> CommandResult:
        schedule = job.definition.schedule
        if schedule is None:
            message = str(RunRefused(job.name, "it has no schedule"))
            return self._result(command, ResultStatus.CONFLICT, message=message)
        start, end = (from_text(command.arguments[name]) for name in ("from", "to"))
        end = min(end, self._clock.now())
        runs = [
            Run(
                id=identity.slot_run_id(job.id, slot),
                job_id=job.id,
                job=job.name,
                cause=Cause.BACKFILL,
                state=self.backfilled,
                term=self.term,
                clear_at=QUEUED,
                created_at=self._clock.now(),
                scheduled=True,
                fire_at=slot,
            )
            for slot in fire_times(schedule, start - TICK, end)
        ]
        taken = len(self._store.insert_runs(runs))
        facts = {"slots": len(runs), "backfilled": len(runs) - taken, "recorded": taken}
        return self._result(command, ResultStatus.CREATED, job_id=job.id, facts=facts)

    def _named(self, command: Command) -> CommandResult:
        """Write a named resource, or mark it as deleted."""
        deletes = command.kind in DELETES
        kind = {**PUTS, **DELETES}[command.kind]
        known = {one.name: one for one in self._store.all_named(kind)}
        standing = known.get(command.subject)
        expect = None if standing is None else standing.revision
        here = isinstance(standing, Stored) and not standing.deleted
        if command.if_revision is not None and command.if_revision != (expect if here else None):
            return self._result(command, ResultStatus.PRECONDITION_FAILED, message="not so")
        if kind is TOKENS and here and not deletes:
            return self._result(command, ResultStatus.CONFLICT, message="exists already")
        stored = Stored(
            name=command.subject,
            value=_value(kind, command),
            revision=(expect or 0) + 1,
            updated_at=self._clock.now(),
            last_command=LastCommand.of(command),
            deleted=deletes,
        )
        assert self._store.write_named(NamedWrite(kind, stored, expect)) is None
        status = ResultStatus.DONE if here or deletes else ResultStatus.CREATED
        return self._result(command, status, revision=stored.revision)

    def _test(self, command: Command) -> CommandResult:
        """Put a test of a channel into the outbox."""
        now = self._clock.now()
        test = a_message(
            Event.TEST,
            command.subject,
            job_id="",
            job="",
            run_id=None,
            about=command.id,
            at=now,
            payload=facts_of_test(command.subject, now),
        )
        self._store.add_notifications([test])
        facts = {"notification": test.id}
        return self._result(command, ResultStatus.DONE, facts=facts)

    def _cancel(self, command: Command) -> CommandResult:
        run = self._store.get_run(command.subject)
        if not run.is_live:
            return self._result(command, ResultStatus.CONFLICT, message=f"the run is {run.state}")
        pending = run.state is RunState.PENDING
        state = RunState.CANCELLED if pending else RunState.CANCELLING
        reason = Reason.REQUESTED
        self._store.change_runs(
            [RunChange(run_id=run.id, term=run.term, state=state, reason=reason)]
        )
        return self._result(command, ResultStatus.DONE, job_id=run.job_id, run_id=run.id)

    def _report(self, command: Command) -> CommandResult:
        """Let a run go on or end as reported, unless it is over."""
        run = self._store.get_run(command.subject)
        facts = {"facts": {"report": "applied"}, "run_id": run.id}
        if not run.is_live:
            facts["facts"] = {"report": "late"}
            return self._result(command, ResultStatus.CONFLICT, message="the run is over", **facts)
        told = command.arguments
        reason = told["reason"] and Reason(told["reason"])
        state = _REPORTED[told["status"]]
        news = RunChange(run_id=run.id, term=run.term, state=state, reason=reason)
        self._store.change_runs([replace(news, details=told["details"], error=told["error"])])
        return self._result(command, ResultStatus.DONE, **facts)

    def _overtaken(self, command: Command, job: Job | None) -> CommandResult:
        found = f"revision {job.revision}" if job else "no such job"
        return self._result(command, ResultStatus.PRECONDITION_FAILED, message=found)

    def _result(self, command: Command, status: ResultStatus, **facts: Any) -> CommandResult:
        return CommandResult(
            command_id=command.id,
            kind=command.kind,
            digest=command.digest,
            status=status,
            finished_at=self._clock.now(),
            **facts,
        )


_REPORTED = {
    None: RunState.RUNNING,
    "running": RunState.RUNNING,
    "completed": RunState.SUCCEEDED,
    "failed": RunState.FAILED,
    "cancelled": RunState.CANCELLED,
}

_CHANGES = {
    CommandKind.UPDATE_JOB: FakeExecutor._redefined,
    CommandKind.DELETE_JOB: FakeExecutor._deleted,
    CommandKind.PAUSE_JOB: FakeExecutor._paused,
    CommandKind.RESUME_JOB: FakeExecutor._resumed,
    CommandKind.ROTATE_PING: FakeExecutor._rotated,
}


def _value(kind: Kind[Any], command: Command) -> object:
    """Return what a command wants a resource to hold, or something if it deletes it."""
    if kind is TOKENS:
        return token_from_arguments(command.arguments) if command.arguments else REVOKED
    if kind is CALENDARS:
        return calendar_from_document(command.arguments.get("calendar", {"name": command.subject}))
    if kind is CHANNELS:
        gone = {"kind": "webhook", "url": "http://gone"}
        return channel_from_document(command.arguments.get("channel", gone))
    return command.arguments.get("sealed", "")
