"""Jobs that run for ever: whenever none of its runs goes on, one is started.

There is nothing to remember, and so nothing that a takeover could lose: a job that is not
occupied, here or (by a run lease) elsewhere, and has no row on its way, gets a row.  It is
claimed, cleared and handed off like every other one.  So a job whose executor was killed
is started by the successor as soon as its run counts as lost, and not before.

How long to rest after an end is this term's own knowledge: a successor begins anew.  Only
of a *watched* job the rest goes on: begun too early, a run of it would be missed for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from executor.domain.continuous_schedule import ContinuousSchedule
from executor.domain.identity import continuous_run_id
from executor.domain.job import Job
from executor.domain.run import Cause, Reason, Run, RunState
from executor.engine.admission import Admission
from executor.engine.awaited import watches
from executor.engine.desk import Desk
from executor.engine.dispatch import Dispatcher
from executor.engine.roster import Roster
from executor.engine.workload import Workload

#: How often each of these jobs is looked at without any news: for pauses and blackouts that end,
#: and locks that become free.
_LOOK_S = 1.0

#: Ends that count as failures.
_FAILURES = frozenset({RunState.FAILED, RunState.TIMED_OUT})


@dataclass(slots=True)
class _Standing:
    """What is known of one job: its row on the way, and how it ended lately."""

    row: str = ""
    begun: int = 0
    failures: int = 0
    due: float = -inf


class Continuity:
    """The continuous jobs of one tenure."""

    def __init__(
        self,
        desk: Desk,
        roster: Roster,
        admission: Admission,
        dispatcher: Dispatcher,
        workload: Workload,
        term: int,
    ) -> None:
        self._desk = desk
        self._roster = roster
        self._admission = admission
        self._dispatcher = dispatcher
        self._workload = workload
        self._term = term
        self._standings: dict[str, _Standing] = {}
        #: By job: the row of a former executor that has not begun.
        self._left: dict[str, str] = {}
        self._look_at = -inf
        admission.followers.append(self._follow)
        admission.on_vacated = self._on_vacated

    def take_stock(self, rows: Iterable[Run]) -> None:
        """Note the rows that former executors left; those not begun will be by this one."""
        for run in rows:
            if run.is_live and run.cause is Cause.SCHEDULE and not run.scheduled:
                self._left[run.job_id] = run.id

    def _follow(self, job: Job) -> None:
        """Take note of a job as it is now."""
        if _is_continuous(job) and not job.deleted:
            if job.id not in self._standings:
                due = self._begin(job) if watches(job.definition) else -inf
                self._standings[job.id] = _Standing(self._left.pop(job.id, ""), due=due)
            self._look_at = -inf
        elif self._standings.pop(job.id, None) is not None:
            self._end(job.id, Reason.DELETED if job.deleted else Reason.REPLACED)

    def _begin(self, job: Job) -> float:
        """Return when a watched job is to be heard of next: after a rest from the last end.

        Whoever runs it knows nothing of a takeover.
        """
        schedule, last = job.definition.schedule, job.last_run
        assert isinstance(schedule, ContinuousSchedule)
        since = job.updated_at if last is None else max(job.updated_at, last.finished_at)
        return self._desk.deadline(since + schedule.rest_after(1))

    def _on_vacated(self, run: Run) -> None:
        """Note that a run has ended, or counts as lost."""
        standing = self._standings.get(run.job_id)
        job = self._roster.get(run.job_id)
        if standing is None or job is None:
            return
        schedule = job.definition.schedule
        assert isinstance(schedule, ContinuousSchedule)
        if run.state not in _FAILURES:
            standing.failures = 0
        elif (
            run.started_at
            and run.finished_at
            and (run.finished_at - run.started_at > schedule.longest)
        ):
            standing.failures = 1
        else:
            standing.failures += 1
        self._rest(standing, schedule)

    def _rest(self, standing: _Standing, schedule: ContinuousSchedule) -> None:
        rest = schedule.rest_after(standing.failures)
        standing.due = self._desk.monotonic + rest.total_seconds()

    def advance(self) -> None:
        """Start what is due."""
        if self._desk.monotonic >= self._look_at:
            self._look_at = self._desk.monotonic + _LOOK_S
            for job_id in self._standings:
                self._look(job_id)
        else:
            for job_id in [one for one, it in self._standings.items() if self._is_due(it)]:
                self._look(job_id)

    def _is_due(self, standing: _Standing) -> bool:
        return -inf < standing.due <= self._desk.monotonic

    def _look(self, job_id: str) -> None:
        job, standing = self._roster.get(job_id), self._standings[job_id]
        if job is None:
            return
        now = self._desk.now
        if not job.is_active(now):
            self._end(job_id, Reason.PAUSED if job.definition.enabled else Reason.DISABLED)
        elif not (
            standing.due > self._desk.monotonic
            or self._dispatcher.knows(standing.row)
            or self._admission.turns.obstacle(job)
            or self._admission.blackouts.at(job, now)
            or self._is_spoken_for(job.definition.lock)
        ):
            self._start(job, standing)

    def _is_spoken_for(self, lock: str | None) -> bool:
        """Whether one of these jobs is about to take *lock*: of two, one would be skipped."""
        return lock is not None and any(
            self._dispatcher.knows(standing.row)
            and (job := self._roster.get(job_id)) is not None
            and job.definition.lock == lock
            for job_id, standing in self._standings.items()
        )

    def _start(self, job: Job, standing: _Standing) -> None:
        standing.begun += 1
        standing.row = continuous_run_id(job.id, self._term, standing.begun)
        standing.due = -inf
        row = Run(
            id=standing.row,
            job_id=job.id,
            job=job.name,
            cause=Cause.SCHEDULE,
            state=RunState.PENDING,
            term=self._term,
            clear_at=self._dispatcher.next_clear_at(),
            created_at=self._desk.now,
            trigger_id=standing.row,
            revision=job.revision,
        )
        schedule = job.definition.schedule
        assert isinstance(schedule, ContinuousSchedule)

        def on_refused(_: Exception) -> None:
            standing.failures += 1
            self._rest(standing, schedule)

        self._dispatcher.claim([row], on_refused=on_refused)

    def stop(self) -> None:
        """End what would go on for as long as it may, so that it can begin elsewhere at once."""
        for job_id in self._standings:
            self._end(job_id, Reason.SHUTDOWN)

    def _end(self, job_id: str, reason: Reason) -> None:
        """End the run of a job that is not to go on; those that somebody asked for may."""
        for run in self._workload.runs_of(job_id):
            if run.cause is Cause.SCHEDULE:
                self._workload.cancel(run.id, reason)

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next look, or of the next start."""
        if not self._standings:
            return inf
        dues = (it.due for it in self._standings.values() if it.due > self._desk.monotonic)
        return min(self._look_at, *dues, inf)


def _is_continuous(job: Job) -> bool:
    return isinstance(job.definition.schedule, ContinuousSchedule)
