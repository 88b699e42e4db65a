"""Runs that follow from the end of others: repetitions, dependents, failure handlers.

An end that demands something is recorded with ``follow_up``, in one write.  When that is
durable and the term stood after it (else a successor may have recorded another end before, and
ours have changed nothing), the following rows are written, and what is to be told of it (see
``herald``); when both are, the demand is settled.  Their ids are derived from the run that they
follow: whatever is interrupted, by whom ever it is taken up again, each is written once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from math import inf
from typing import Final

from executor.domain.following import Repeat, begin_of, failed, is_within, repeat_of, starts
from executor.domain.identity import following_run_id, retrigger_run_id, retry_run_id
from executor.domain.job import Job
from executor.domain.replacement import replace
from executor.domain.run import AWAITING, Cause, Reason, Run, RunState
from executor.domain.tally import is_missed
from executor.engine.admission import Admission
from executor.engine.desk import Call, Desk
from executor.engine.dispatch import Dispatcher
from executor.engine.herald import Herald
from executor.engine.roster import Roster
from executor.engine.store_requests import Request, SettleFollowUps
from executor.engine.timing import SUPERVISION_S

#: Among what is unwritten about a run: what people are to be told of it.  No run has such an id.
_TOLD: Final = "told"


class Consequences:
    """Meets the demands of runs that are over, of this term and of former ones."""

    def __init__(
        self,
        desk: Desk,
        roster: Roster,
        admission: Admission,
        dispatcher: Dispatcher,
        herald: Herald,
        term: int,
    ) -> None:
        self._desk = desk
        self._herald = herald
        self._roster = roster
        self._admission = admission
        self._dispatcher = dispatcher
        self._term = term
        self._deferred: dict[str, Run] = {}
        self._refused: dict[str, Run] = {}
        self._again_at = inf
        self._in_hand: set[str] = set()
        self._to_settle: list[str] = []
        self._settle: Call[SettleFollowUps] = Call(desk)
        self.all_loaded = False
        admission.demands = self.demands
        dispatcher.on_skipped = self._on_skipped
        admission.joins.settle = self.settle
        admission.joins.release = dispatcher.call
        admission.joins.withdraw = dispatcher.withdraw

    def demands(self, run: Run) -> bool:
        """Whether the end of *run* demands anything."""
        if not self.all_loaded:
            # Who follows it is known once every job is.
            return True
        job = self._roster.get(run.job_id)
        if job is None:
            return False
        final = self._repeat_of(run, job) is None
        told = self._herald.demands(run, job, final=final)
        return told or not final or any(self._following(run, job))

    def take(self, run: Run) -> None:
        """See to what the end of *run*, which is durable, demands."""
        if run.id in self._in_hand or run.reason is Reason.JOINED:
            # What was joined is settled when the row that it was joined with is let go.
            return
        self._in_hand.add(run.id)
        self._dispatcher.verify(lambda: self._see_to(run))

    def _see_to(self, run: Run) -> None:
        job = self._roster.get(run.job_id)
        repeat = None if job is None else self._repeat_of(run, job)
        if repeat is None and not self.all_loaded:
            # Who follows it is known once every job is.
            self._in_hand.discard(run.id)
            self._deferred[run.id] = run
            return
        if job is None:
            rows = []
        elif repeat is not None:
            rows = [self._again(run, job, repeat)]
        else:
            rows = list(self._following(run, job))
        unwritten = {row.id for row in rows}

        def on_done(what: str) -> None:
            unwritten.discard(what)
            if not unwritten:
                self.settle(run.id)

        def on_written(row: Run) -> None:
            on_done(row.id)

        def on_refused(_: Exception) -> None:
            self._in_hand.discard(run.id)
            self._refused[run.id] = run

        if job is not None and self._herald.wants(run, job, final=repeat is None):
            unwritten.add(_TOLD)
            self._herald.take(run, lambda: on_done(_TOLD), final=repeat is None)
        if not unwritten:
            self.settle(run.id)
        self._dispatcher.claim(rows, on_written, on_refused)

    def _on_skipped(self, run: Run) -> None:
        """A row of this term stands that was over when it was written: a slot that was skipped."""
        if run.follow_up and is_missed(run):
            self.take(run)

    def settle(self, run_id: str) -> None:
        """Record that nothing is left to do about the end of this run."""
        self._to_settle.append(run_id)

    # Rows ---------------------------------------------------------------------------------

    def _repeat_of(self, run: Run, job: Job) -> Repeat | None:
        """Return how *run* is to be repeated, blackouts considered; None if its end is final."""
        repeat = repeat_of(run, job)
        if repeat is None:
            return None
        due_at = self._put_off(job, repeat.due_at)
        again = replace(repeat, due_at=due_at)
        if again.cause is not Cause.RETRY or due_at is None:
            return again
        # What would be too late after a blackout is not waited for.
        return again if is_within(run, job.definition.retry, due_at) else None

    def _again(self, run: Run, job: Job, repeat: Repeat) -> Run:
        lost = repeat.cause is Cause.RETRIGGER
        again = replace(
            self._row(job, retrigger_run_id(run.id) if lost else retry_run_id(run.id), run),
            cause=repeat.cause,
            due_at=repeat.due_at,
            fire_at=run.fire_at,
            since=begin_of(run),
            trigger_id=run.trigger_id,
            attempt=run.attempt + 1,
            retriggers=run.retriggers + lost,
        )
        again = replace(again, clear_at=self._admission.clear_at(again, job, self._dispatcher))
        self._desk.note(
            "run_repeated",
            "a run is repeated, because its executor was lost or stopped"
            if lost
            else "a run that did not succeed is tried again",
            "WARNING" if lost else "INFO",
            run_id=again.id,
            job=run.job,
            term=self._term,
            repeats=run.id,
            was=run.state.value,
            attempt=again.attempt,
            due_at=again.due_at,
        )
        return again

    def _following(self, run: Run, job: Job) -> Iterator[Run]:
        """Yield the rows of the jobs that follow the final end of *run*."""
        for child in self._roster.graph.dependents(job):
            if starts(run, child):
                yield self._follower(run, child, Cause.DEPENDENCY)
        if failed(run) and job.definition.on_failure is not None:
            handler = self._roster.find(job.definition.on_failure)
            if handler is not None and handler.definition.enabled:
                yield self._follower(run, handler, Cause.FAILURE_HANDLER)

    def _follower(self, run: Run, job: Job, cause: Cause) -> Run:
        run_id = following_run_id(run.id, job.id, cause)
        row = replace(
            self._row(job, run_id, run),
            cause=cause,
            due_at=self._put_off(job, None),
            trigger_id=run_id,
            parent_job_id=run.job_id,
        )
        after = job.definition.after
        now = self._desk.now
        if cause is Cause.DEPENDENCY and after and after.mode == "all" and len(after.jobs) > 1:
            return replace(row, clear_at=AWAITING)
        if job.holds(cause, now):
            # It must not come to stand in line, and run after the pause.
            return replace(row, state=RunState.SKIPPED, reason=Reason.PAUSED, finished_at=now)
        return replace(row, clear_at=self._admission.clear_at(row, job, self._dispatcher))

    def _put_off(self, job: Job, due_at: datetime | None) -> datetime | None:
        """Return when the run is due instead of *due_at*, which may lie in a blackout."""
        blackout = self._admission.blackouts.at(job, due_at or self._desk.now)
        return due_at if blackout is None else blackout.end

    def _row(self, job: Job, run_id: str, parent: Run) -> Run:
        return Run(
            id=run_id,
            job_id=job.id,
            job=job.name,
            cause=Cause.RETRIGGER,
            state=RunState.PENDING,
            term=self._term,
            clear_at=self._desk.now,
            created_at=self._desk.now,
            parent_run_id=parent.id,
            revision=job.revision,
        )

    # Store --------------------------------------------------------------------------------

    def answered(self, request: Request) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        if not self._settle.answered(request):
            return False
        assert isinstance(request, SettleFollowUps)
        self._in_hand.difference_update(request.run_ids)
        return True

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        return self._settle.failed(request)

    def advance(self) -> None:
        """Take up what was left lying; settle what is done.

        Left lying is what could not be decided before every job was known, and what the store
        did not take.
        """
        self._settle.advance()
        if self.all_loaded and self._deferred:
            deferred, self._deferred = self._deferred, {}
            for run in deferred.values():
                self.take(run)
        if self._refused and self._again_at == inf:
            self._again_at = self._desk.monotonic + SUPERVISION_S
        elif self._desk.monotonic >= self._again_at:
            refused, self._refused, self._again_at = self._refused, {}, inf
            for run in refused.values():
                self.take(run)
        if self._to_settle and self._settle.idle:
            self._settle.send(SettleFollowUps(tuple(self._to_settle)))
            self._to_settle = []

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next repetition."""
        return min(self._settle.wake_at, self._again_at)
