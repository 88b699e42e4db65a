"""Who may start: the last word, spoken at the hand-off.

Between the claim and the start everything may have changed: edits, pauses, deletion, what
else is running.  One job that cannot be evaluated never stops another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from executor.domain.api_token import TOKENS
from executor.domain.calendar import CALENDARS
from executor.domain.channel import CHANNELS
from executor.domain.following import failed, too_late
from executor.domain.instant import TICK
from executor.domain.job import Definition, Job
from executor.domain.named import Kind, Value
from executor.domain.replacement import replace
from executor.domain.run import AWAITING, QUEUED, Cause, Reason, Run, RunChange, RunState
from executor.domain.schedule import for_job, next_after
from executor.domain.secret import SECRETS
from executor.domain.tally import is_missed
from executor.engine.blackouts import Blackouts
from executor.engine.channels import Channels
from executor.engine.desk import Desk
from executor.engine.dispatch import Dispatcher
from executor.engine.joins import Joins
from executor.engine.journal import Journal
from executor.engine.records import Records
from executor.engine.remote import RemoteRuns
from executor.engine.roster import Roster
from executor.engine.timing import OVERTAKEN_S
from executor.engine.turns import Turns
from executor.engine.vault import Vault
from executor.engine.workload import Workload

_OVERTAKEN = timedelta(seconds=OVERTAKEN_S)


class Admission:
    """The :class:`~executor.engine.gate.Gate` of one tenure."""

    def __init__(
        self,
        desk: Desk,
        roster: Roster,
        journal: Journal,
        workload: Workload,
        remote: RemoteRuns,
    ) -> None:
        self._desk = desk
        self._roster = roster
        self._journal = journal
        self._workload = workload
        self.remote = remote
        self.turns = Turns(desk, roster.get, self.skip, self.cancel)
        self.joins = Joins(desk, journal, roster.find, self.skip)
        self.blackouts = Blackouts()
        self.vault = Vault()
        self.channels = Channels()
        self._named: dict[Kind[Any], Records[Any]] = {
            CALENDARS: self.blackouts.calendars,
            SECRETS: self.vault.secrets,
            CHANNELS: self.channels.records,
            # The engine lets nobody in; it only decides who may be let in.
            TOKENS: Records(),
        }
        self.demands: Callable[[Run], bool] = lambda run: True
        self.on_vacated: Callable[[Run], None] = lambda run: None
        self.on_named: Callable[[], None] = lambda: None
        self.followers: list[Callable[[Job], None]] = [self.vault.follow, self.channels.follow]
        remote.find_job = roster.get
        remote.sealed = self.sealed
        roster.on_put = self._on_put
        self.accounted = roster.accounted
        self.refused = roster.refused

    def _on_put(self, job: Job) -> None:
        self.turns.set_lock(job.id, None if job.deleted else job.definition.lock)
        for follow in self.followers:
            follow(job)
        self.joins.look_again()

    def clear_at(self, run: Run, job: Job, dispatcher: Dispatcher) -> datetime:
        """Return the ``clear_at`` of a row without a slot that is about to be written."""
        waits = run.due_at is None and self.turns.waits(job, run.cause)
        return QUEUED if waits else dispatcher.next_clear_at(run.due)

    def admit(self, run: Run) -> tuple[Run, Definition] | Literal["wait"] | None:
        """Decide, at the hand-off, whether *run* starts or waits; record why if it does neither."""
        job = self._roster.get(run.job_id)
        try:
            verdict = self._refusal(run, job) or (self.turns.admit(run, job) if job else None)
        except Exception as error:  # One job that cannot be evaluated must not stop others.
            assert job is not None
            self._roster.set_aside(job, error)
            verdict = Reason.BROKEN
        if verdict == "wait":
            return "wait"
        if job is None or isinstance(verdict, Reason):
            self.turns.vacate(run)
            self.skip(run, verdict if isinstance(verdict, Reason) else Reason.DELETED)
            return None
        if run.revision != job.revision:
            run = replace(run, revision=job.revision)
        self.turns.start(run)
        self._workload.add(run, job.definition)
        return run, job.definition

    def _refusal(self, run: Run, job: Job | None) -> Reason | None:
        if job is None:
            return Reason.DELETED
        now = self._desk.now
        is_regular = run.cause in {Cause.SCHEDULE, Cause.CATCH_UP}
        if is_regular and not job.definition.enabled:
            return Reason.DISABLED
        if job.holds(run.cause, now):
            return Reason.PAUSED
        if is_regular:
            if not run.scheduled:
                return None if job.definition.is_continuous else Reason.SUPERSEDED
            assert run.fire_at is not None
            if run.revision != job.revision and not _is_slot(job, run.fire_at):
                return Reason.SUPERSEDED
            if not self.turns.was_called(run) and self._is_misfire(run, job):
                return Reason.MISFIRE
        return too_late(run, job.definition, now)

    def _is_misfire(self, run: Run, job: Job) -> bool:
        misfire = job.definition.misfire
        due = run.due
        assert due is not None
        late = self._desk.now - due
        if misfire.deadline is not None and late > misfire.deadline:
            return True
        if late <= _OVERTAKEN or misfire.policy == "all" or run.due_at is not None:
            return False
        # Held up by an outage: by the policy only the latest slot is caught up.
        schedule = job.definition.schedule
        later = None if schedule is None else next_after(for_job(schedule, job.id), due)
        return later is not None and later <= self._desk.now

    def sealed(self, works: Iterable[tuple[Run, Definition]]) -> Mapping[str, str]:
        """Return the secrets that *works* need, sealed, by their names."""
        return self.vault.sealed(run.job_id for run, _ in works)

    def records(self, kind: Kind[Value]) -> Records[Value]:
        """Return what is known of the named resources of a kind."""
        return self._named[kind]

    def parked(self, run: Run) -> None:
        """A parked row is durable: let it wait for its turn, or for the ends of other jobs."""
        if run.clear_at == AWAITING:
            self.joins.enter(run)
        else:
            self.turns.enter(run)

    def cancel(self, run_id: str, reason: Reason) -> None:
        """Ask for the end of a run in progress, here or elsewhere.  Unknown ids do nothing."""
        self._workload.cancel(run_id, reason)
        self.remote.cancel(run_id, reason)

    def find_parked(self, run_id: str) -> Run | None:
        """Return the parked row with this id."""
        return self.turns.find(run_id) or self.joins.find(run_id)

    def unpark(self, run_id: str) -> None:
        """Forget a parked row; the caller records why it does not wait any more."""
        self.turns.leave(run_id)
        self.joins.leave(run_id)

    def skip(self, run: Run, reason: Reason) -> None:
        """Record that a pending row of this term will not start."""
        ended = replace(run, state=RunState.SKIPPED, reason=reason, finished_at=self._desk.now)
        matters = failed(ended) or is_missed(ended)
        self._journal.change(
            RunChange(
                run_id=run.id,
                term=run.term,
                state=RunState.SKIPPED,
                reason=reason,
                finished_at=self._desk.now,
                follow_up=True if matters and self.demands(ended) else None,
            ),
            ended,
        )
        self._desk.note(
            "run_skipped",
            "run skipped",
            "DEBUG",
            run_id=run.id,
            job=run.job,
            term=run.term,
            reason=reason.value,
        )

    def vacate(self, run: Run) -> None:
        """Note that an unfinished run, here or elsewhere, is over."""
        self.turns.vacate(run)
        self.on_vacated(run)
        self._roster.ended(run)
        self._roster.finished_since_prune.add(run.job_id)


def _is_slot(job: Job, fire_at: datetime) -> bool:
    schedule = job.definition.schedule
    return schedule is not None and (
        next_after(for_job(schedule, job.id), fire_at - TICK) == fire_at
    )
