"""Whose turn it is: how many runs of a job, and which jobs with a lock, may go on at once.

A run in progress occupies its job and its job's lock, here or (by its run lease)
elsewhere.  A run that comes due meanwhile is started, skipped or parked, as its job's
overlap policy says.  Parked rows are durable, ``pending`` and :data:`QUEUED`, so that
they survive every executor; here they stand in line, in the order of their fire times.

Runs that are caught up one after another, and backfills, stand in line whatever the
policy: somebody asked for each of them.  What a pause holds keeps its place until that is over.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from executor.domain.following import too_late
from executor.domain.job import Job
from executor.domain.run import Cause, Reason, Run
from executor.engine.desk import Desk

#: How often those in line are looked at without any news: for pauses and waits that end.
_LOOK_S = 1.0

Verdict = Literal["start", "wait"] | Reason


def _place(run: Run) -> tuple[datetime, datetime, str]:
    return run.fire_at or run.created_at, run.created_at, run.id


def _arrival(run: Run) -> tuple[datetime, datetime, str]:
    return run.created_at, run.fire_at or run.created_at, run.id


class Turns:
    """Occupied jobs and locks, and the rows in line for them."""

    def __init__(
        self,
        desk: Desk,
        find: Callable[[str], Job | None],
        skip: Callable[[Run, Reason], None],
        cancel: Callable[[str, Reason], None],
    ) -> None:
        self._desk = desk
        self._find = find
        self._skip = skip
        self._cancel = cancel
        self._occupants: dict[str, dict[str, Run]] = {}
        self._locks: dict[str, str] = {}
        self._sharing: dict[str, set[str]] = {}
        self._holders: dict[str, set[str]] = {}
        self._line: dict[str, list[Run]] = {}
        #: Rows that are being parked: not durable yet, so not in line.
        self._coming: dict[str, dict[str, Run]] = {}
        self._called: set[str] = set()
        self._to_look_at: set[str] = set()
        self._look_at = desk.monotonic + _LOOK_S
        self.withdraw: Callable[[Run], None] = lambda run: None

    # Who is busy --------------------------------------------------------------------------

    def set_lock(self, job_id: str, lock: str | None) -> None:
        """Note which lock the runs of a job need; its line may move by that."""
        former = self._locks.pop(job_id, None)
        if former is not None:
            self._sharing[former].discard(job_id)
            self._look_at_lock(former)
            self._holders[former].discard(job_id)
            if not self._sharing[former]:
                del self._sharing[former], self._holders[former]
        if lock is not None:
            self._locks[job_id] = lock
            self._sharing.setdefault(lock, set()).add(job_id)
            holders = self._holders.setdefault(lock, set())
            if self._occupants.get(job_id):
                holders.add(job_id)
        self._to_look_at.add(job_id)

    def occupy(self, run: Run) -> None:
        """Note an unfinished run."""
        self._occupants.setdefault(run.job_id, {})[run.id] = run
        lock = self._locks.get(run.job_id)
        if lock is not None:
            self._holders[lock].add(run.job_id)

    def occupants(self, job_id: str) -> list[str]:
        """Return the ids of a job's unfinished runs, but for those that wait."""
        return list(self._occupants.get(job_id, ()))

    def vacate(self, run: Run) -> None:
        """Note that the run is over."""
        self._called.discard(run.id)
        occupants = self._occupants.get(run.job_id)
        if occupants is None or occupants.pop(run.id, None) is None:
            return
        lock = self._locks.get(run.job_id)
        if not occupants:
            del self._occupants[run.job_id]
            if lock is not None:
                self._holders[lock].discard(run.job_id)
        self._to_look_at.add(run.job_id)
        self._look_at_lock(lock)

    def _look_at_lock(self, lock: str | None) -> None:
        if lock is not None:
            self._to_look_at |= self._sharing.get(lock, set()) & self._line.keys()

    def obstacle(self, job: Job) -> Reason | None:
        """Return why a run of *job* would not start now; None if nothing is in its way."""
        policy = job.definition.overlap
        occupants = self._occupants.get(job.id, {})
        lock = self._locks.get(job.id)
        if lock is not None and self._holders[lock]:
            return Reason.OVERLAP if job.id in self._holders[lock] else Reason.LOCKED
        if policy.policy != "allow" and len(occupants) >= policy.limit:
            return Reason.OVERLAP
        return None

    # Who may start ------------------------------------------------------------------------

    def waits(self, job: Job, cause: Cause) -> bool:
        """Whether a row of *job* written now had better be parked at once."""
        return self.judge(job, cause) == "wait" and job.definition.overlap.policy != "replace"

    def refusal(self, job: Job) -> Reason | None:
        """Return why a run on request would be skipped now; None if it would start or wait."""
        verdict = self.judge(job, Cause.MANUAL)
        return verdict if isinstance(verdict, Reason) else None

    def judge(self, job: Job, cause: Cause) -> Verdict:
        """Decide about a run of *job* that is due: start it, let it wait, or skip it and why."""
        obstacle = self.obstacle(job)
        line = self._line.get(job.id, ())
        in_turn = _is_in_turn(job, cause)
        if obstacle is None and not (
            line and (in_turn or job.definition.overlap.policy == "queue")
        ):
            return "start"
        policy = job.definition.overlap
        if in_turn or policy.policy in {"allow", "replace"}:
            return "wait"
        if policy.policy == "queue":
            return "wait" if len(line) < policy.queue else Reason.QUEUE_FULL
        return obstacle or "start"

    def admit(self, run: Run, job: Job) -> Verdict:
        """Decide about a run that is cleared and due.

        One that replaces others has them cancelled, and waits until they have ended.
        """
        if run.id in self._called:
            return Reason.REPLACED if self._is_replaced(run, job) else "start"
        verdict = self.judge(job, run.cause)
        if verdict == "wait":
            self._coming.setdefault(job.id, {})[run.id] = run
            if job.definition.overlap.policy == "replace":
                self._replace(job)
        return verdict

    def start(self, run: Run) -> None:
        """Note that a run starts."""
        self._called.discard(run.id)
        self.occupy(run)

    def was_called(self, run: Run) -> bool:
        """Whether the run stood in line and it is its turn."""
        return run.id in self._called

    def _is_replaced(self, run: Run, job: Job) -> bool:
        """Whether a later run of a job with policy ``replace`` stands in line, or will soon."""
        if job.definition.overlap.policy != "replace" or _is_in_turn(job, run.cause):
            return False
        others = (*self._line.get(job.id, ()), *self._coming.get(job.id, {}).values())
        return any(_arrival(other) > _arrival(run) for other in others)

    def _replace(self, job: Job, but: Run | None = None) -> None:
        for waiting in list(self._line.get(job.id, ())):
            if waiting is not but and not _is_in_turn(job, waiting.cause):
                self._remove(waiting)
                self.withdraw(waiting)
                self._skip(waiting, Reason.REPLACED)
        occupants = self._occupants.get(job.id, {})
        surplus = len(occupants) - job.definition.overlap.limit + 1
        for run_id in list(occupants)[: max(surplus, 0)]:
            self._cancel(run_id, Reason.REPLACED)

    # Standing in line ---------------------------------------------------------------------

    def enter(self, run: Run) -> None:
        """Let a parked row stand in line."""
        coming = self._coming.get(run.job_id, {})
        coming.pop(run.id, None)
        if not coming:
            self._coming.pop(run.job_id, None)
        line = self._line.setdefault(run.job_id, [])
        insort(line, run, key=_place)
        self._to_look_at.add(run.job_id)
        job = self._find(run.job_id)
        if job is not None and job.definition.overlap.policy == "replace":
            # Others may have come, and one have been called, while it was being parked.
            self._replace(job, but=max(line, key=_arrival))

    def find(self, run_id: str) -> Run | None:
        """Return the row in line with this id."""
        for line in self._line.values():
            for run in line:
                if run.id == run_id:
                    return run
        return None

    def leave(self, run_id: str) -> None:
        """Forget a row in line."""
        run = self.find(run_id)
        if run is not None:
            self._remove(run)

    def _remove(self, run: Run) -> None:
        line = self._line[run.job_id]
        line.remove(run)
        if not line:
            del self._line[run.job_id]

    def advance(self, call: Callable[[Run], None]) -> None:
        """Call those whose turn it is; skip those that have waited too long, or in vain.

        A called row occupies its job from now on; :attr:`withdraw` is told of the skipped ones.
        """
        if self._desk.monotonic >= self._look_at:
            self._look_at = self._desk.monotonic + _LOOK_S
            self._to_look_at |= self._line.keys()
        if not self._to_look_at:
            return
        to_look_at, self._to_look_at = self._to_look_at, set()
        for job_id in sorted(to_look_at & self._line.keys(), key=self._first):
            self._move_on(job_id, call)

    def _first(self, job_id: str) -> tuple[datetime, datetime, str]:
        return _place(self._line[job_id][0])

    def _move_on(self, job_id: str, call: Callable[[Run], None]) -> None:
        job = self._find(job_id)
        now = self._desk.now
        for run in list(self._line[job_id]):
            if job is None:
                reason: Reason | None = Reason.DELETED
            elif not job.definition.enabled:
                reason = Reason.DISABLED
            else:
                reason = too_late(run, job.definition, now)
            if reason is not None:
                self._remove(run)
                self.withdraw(run)
                self._skip(run, reason)
            elif job and not job.holds(run.cause, now) and not self.obstacle(job):
                self._remove(run)
                self._called.add(run.id)
                self.occupy(run)
                call(run)

    @property
    def wake_at(self) -> float:
        """Monotonic time at which those in line are looked at again."""
        if not self._line:
            return float("inf")
        return self._look_at if self._to_look_at.isdisjoint(self._line) else self._desk.monotonic


def _is_in_turn(job: Job, cause: Cause) -> bool:
    return cause is Cause.BACKFILL or (
        cause is Cause.CATCH_UP and job.definition.misfire.policy == "all"
    )
