"""The jobs of one tenure: who is due when, and who may start.

Opening a second turns due jobs into claims by their misfire policy; admitting a
claim, at the hand-off, applies everything that may have changed since: edits,
pauses, deletion, the misfire deadline and overlap.  One job that cannot be
evaluated is set aside as broken and never stops another.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil, inf

from executor.domain.accounting import Slot, account
from executor.domain.buckets import FireBuckets
from executor.domain.identity import slot_run_id
from executor.domain.instant import TICK
from executor.domain.job import Definition, Job
from executor.domain.run import Cause, Reason, Run, RunChange, RunState
from executor.domain.schedule import next_after
from executor.domain.writes import BrokenJob, JobProgress
from executor.engine.desk import Desk
from executor.engine.dispatch import Dispatcher
from executor.engine.journal import Journal
from executor.engine.timing import CLAIM_AHEAD_S, LATE_S, OVERTAKEN_S, REFUSED_REST_S
from executor.engine.watermarks import Watermarks
from executor.engine.workload import Workload

_AHEAD = timedelta(seconds=CLAIM_AHEAD_S)
_LATE = timedelta(seconds=LATE_S)
_OVERTAKEN = timedelta(seconds=OVERTAKEN_S)

#: Slots accounted for between two looks at other events: some 20 ms.  After a rest of days there
#: are millions, and the clearances must go on meanwhile.
_SLOTS = 10_000

#: Broken jobs that are named in the list of instances.
_NAMED = 3

#: A pause that lasts longer is looked at again by then; no instant of ours overflows.
_LONG = timedelta(days=366)


class Roster:
    """All jobs that are not deleted, as this executor knows them."""

    def __init__(self, desk: Desk, journal: Journal, workload: Workload, term: int) -> None:
        self._desk = desk
        self._journal = journal
        self._workload = workload
        self._term = term
        self._jobs: dict[str, Job] = {}
        self._ids: dict[str, str] = {}
        self._buckets = FireBuckets()
        self._occupants: dict[str, set[str]] = {}
        self._watermarks = Watermarks()
        self._rests: dict[str, float] = {}
        self.broken: dict[str, BrokenJob] = {}
        self.finished_since_prune: set[str] = set()

    def __len__(self) -> int:
        return len(self._jobs)

    def __contains__(self, job_id: str) -> bool:
        return job_id in self._jobs

    # Jobs ---------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job | None:
        """Return the job with this id."""
        return self._jobs.get(job_id)

    def ids(self) -> list[str]:
        """Return the ids of all jobs."""
        return list(self._jobs)

    def find(self, subject: str) -> Job | None:
        """Return the job with this id, else the one with this name."""
        return self._jobs.get(subject) or self._jobs.get(self._ids.get(subject, ""))

    def put(self, job: Job) -> None:
        """Add a job or replace it by a newer revision, and arm it."""
        former = self._jobs.get(job.id)
        if former is not None and former.revision > job.revision:
            return
        if former is not None:
            if self._ids.get(former.name) == job.id:
                del self._ids[former.name]
            if former.definition.schedule == job.definition.schedule:
                job = self._moved_on(former, job)
            else:
                self._watermarks.forget(job.id)
        if job.deleted:
            self._jobs.pop(job.id, None)
            self._rests.pop(job.id, None)
            self.broken.pop(job.id, None)
            self._watermarks.forget(job.id)
            self._buckets.disarm(job.id)
            return
        self.broken.pop(job.id, None)
        self._rests.pop(job.id, None)
        self._jobs[job.id] = job
        self._ids[job.name] = job.id
        self._arm(job)

    def _moved_on(self, former: Job, job: Job) -> Job:
        """Return *job* with the watermark of *former*, which may have moved in the meantime."""
        later = _later(former.next_fire_at, job.next_fire_at)
        if later != job.next_fire_at and self._watermarks.begin(job.id) is None:
            # The store may have refused it as news of a former revision.
            self._journal.progress(
                JobProgress(job_id=job.id, revision=job.revision, next_fire_at=later)
            )
        return replace(job, next_fire_at=later)

    def settled_until(self, job: Job) -> datetime | None:
        """Return the first slot not known to have a row: the watermark of a new revision."""
        return self._watermarks.begin(job.id) or job.next_fire_at

    def _arm(self, job: Job) -> None:
        due = job.next_fire_at
        if due is None or not job.definition.enabled:
            self._buckets.disarm(job.id)
            return
        if job.is_paused(self._desk.now):
            assert job.paused is not None
            if job.paused.until is None:
                self._buckets.disarm(job.id)
                return
            # A second later, because seconds are opened ahead, when the pause still stands.
            ends = min(job.paused.until, self._desk.now + _LONG) + timedelta(seconds=1)
            due = max(due, ends)
        self._buckets.arm(job.id, ceil(due.timestamp()))

    # Opening seconds ------------------------------------------------------------------------

    def open_due(self, dispatcher: Dispatcher) -> None:
        """Claim the slots of every job that is due within the next moments."""
        until = (self._desk.now + _AHEAD).timestamp()
        slots = 0
        while dispatcher.has_room and slots < _SLOTS and (due := self._buckets.pop_due(until, 1)):
            job = self._jobs[due[0]]
            try:
                runs = self._open(job, dispatcher)
            except Exception as error:  # One job that cannot be evaluated must not stop others.
                self._set_aside(job, error)
            else:
                dispatcher.claim(runs)
                slots += sum(run.covers for run in runs)

    def _open(self, job: Job, dispatcher: Dispatcher) -> list[Run]:
        if not job.is_active(self._desk.now):
            # The clock has gone back to before the end of a pause.
            self._arm(job)
            return []
        schedule = job.definition.schedule
        assert schedule is not None
        assert job.next_fire_at is not None
        accounting = account(
            job.definition.misfire,
            lambda instant: next_after(schedule, instant),
            job.next_fire_at,
            self._desk.now,
            _AHEAD,
            _LATE,
        )
        runs = [self._run(job, slot, dispatcher) for slot in accounting.slots]
        advanced = replace(job, next_fire_at=accounting.next_fire_at)
        self._jobs[job.id] = advanced
        self._arm(advanced)
        if runs:
            rows = (run.id for run in runs)
            self._watermarks.claim(job.id, job.next_fire_at, accounting.next_fire_at, rows)
        return runs

    def _run(self, job: Job, slot: Slot, dispatcher: Dispatcher) -> Run:
        run_id = slot_run_id(job.id, slot.fire_at)
        skipped = slot.cause is None
        now = self._desk.now
        return Run(
            id=run_id,
            job_id=job.id,
            job=job.name,
            cause=slot.cause or Cause.SCHEDULE,
            state=RunState.SKIPPED if skipped else RunState.PENDING,
            reason=Reason.MISFIRE if skipped else None,
            term=self._term,
            clear_at=dispatcher.next_clear_at(slot.fire_at if slot.fire_at > now else None),
            created_at=now,
            finished_at=now if skipped else None,
            scheduled=True,
            fire_at=slot.fire_at,
            trigger_id=run_id,
            revision=job.revision,
            covers=slot.covers,
            covers_from=slot.covers_from,
        )

    def _set_aside(self, job: Job, error: Exception) -> None:
        self.broken[job.id] = BrokenJob(job.id, job.name, repr(error))
        self._desk.note(
            "job_broken",
            "a job cannot be evaluated and is set aside until it is changed",
            "ERROR",
            job=job.name,
            job_id=job.id,
            error=repr(error),
        )

    def accounted(self, run_id: str) -> None:
        """The row of this id needs no claim any more: move the watermark if it was the last."""
        moved = self._watermarks.accounted(run_id)
        if moved is None or moved.watermark is None:
            return
        # For the revision of now: a watermark counts as long as the schedule does.
        job = self._jobs[moved.job_id]
        if self._rests.pop(job.id, None) is not None:
            self.broken.pop(job.id, None)
            self._desk.note("job_mended", "the store takes a job's rows again", job=job.name)
        self._journal.progress(
            JobProgress(job_id=job.id, revision=job.revision, next_fire_at=moved.watermark)
        )

    def refused(self, run: Run, why: str) -> None:
        """The store does not take this row: its job rests, and claims its slots anew after that.

        The watermark stays where it is, so by the job's misfire policy no slot goes missing.
        """
        if not (run.scheduled and run.job_id in self._rests):
            self._desk.note(
                "run_refused",
                "the store does not take the row of a run",
                "ERROR",
                job=run.job,
                job_id=run.job_id,
                run_id=run.id,
                error=why,
            )
        job = self._jobs.get(run.job_id)
        begin = self._watermarks.begin(run.job_id)
        if job is None or begin is None or not self._watermarks.holds(run.id):
            # No slot of the present schedule, or one whose claim was given up with another row.
            return
        self.broken[job.id] = BrokenJob(job.id, job.name, why)
        rest = self._rests.get(job.id, REFUSED_REST_S[0])
        self._rests[job.id] = min(rest * 2, REFUSED_REST_S[1])
        self._watermarks.forget(job.id)
        self._jobs[job.id] = replace(job, next_fire_at=begin)
        self._buckets.arm(job.id, ceil(self._desk.now.timestamp() + rest))

    def mark_broken(self, job_id: str, why: str) -> None:
        """Show a job as broken, although it goes on: what became of its runs is not recorded."""
        job = self._jobs.get(job_id)
        if job is not None:
            self.broken[job_id] = BrokenJob(job_id, job.name, why)

    def ailing(self) -> list[str]:
        """Say which jobs are broken, for the list of instances."""
        if not self.broken:
            return []
        names = ", ".join(sorted(job.name for job in self.broken.values())[:_NAMED])
        return [f"broken jobs: {len(self.broken)}, among them {names}"]

    @property
    def wake_at(self) -> float:
        """Monotonic time at which the next second is to be opened."""
        second = self._buckets.earliest()
        if second is None:
            return inf
        return self._desk.deadline(datetime.fromtimestamp(second, UTC)) - CLAIM_AHEAD_S

    # Admission ------------------------------------------------------------------------------

    def admit(self, run: Run) -> tuple[Run, Definition] | None:
        """Decide, at the hand-off, whether *run* starts; record why if it does not."""
        job = self._jobs.get(run.job_id)
        try:
            reason = self._refusal(run, job)
        except Exception as error:  # One job that cannot be evaluated must not stop others.
            assert job is not None
            self._set_aside(job, error)
            reason = Reason.BROKEN
        if reason is not None or job is None:
            self.skip(run, reason or Reason.DELETED)
            return None
        if run.revision != job.revision:
            run = replace(run, revision=job.revision)
        self.occupy(run)
        self._workload.add(run, job.definition)
        return run, job.definition

    def _refusal(self, run: Run, job: Job | None) -> Reason | None:
        if job is None:
            return Reason.DELETED
        if run.scheduled:
            assert run.fire_at is not None
            if not job.definition.enabled:
                return Reason.DISABLED
            if job.is_paused(self._desk.now):
                return Reason.PAUSED
            if run.revision != job.revision and not _is_slot(job, run.fire_at):
                return Reason.SUPERSEDED
            late, deadline = self._desk.now - run.fire_at, job.definition.misfire.deadline
            if (deadline is not None and late > deadline) or (
                late > _OVERTAKEN and self._is_overtaken(job, run.fire_at)
            ):
                return Reason.MISFIRE
        return Reason.OVERLAP if self.is_occupied(job.id) else None

    def _is_overtaken(self, job: Job, fire_at: datetime) -> bool:
        """Whether a later slot is due: by policy ``once`` only the latest is caught up."""
        schedule = job.definition.schedule
        later = None if schedule is None else next_after(schedule, fire_at)
        return later is not None and later <= self._desk.now

    def skip(self, run: Run, reason: Reason) -> None:
        """Record that a pending row of this term will not start."""
        self._journal.change(
            RunChange(
                run_id=run.id,
                term=run.term,
                state=RunState.SKIPPED,
                reason=reason,
                finished_at=self._desk.now,
            ),
            run,
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

    def is_past(self, run: Run) -> bool:
        """Whether *run* stands for a slot before its job's watermark: accounted for without it."""
        job = self._jobs.get(run.job_id)
        if not run.scheduled or job is None or run.fire_at is None or job.next_fire_at is None:
            return False
        return run.fire_at < job.next_fire_at

    def is_occupied(self, job_id: str) -> bool:
        """Whether a run of this job is unfinished, here or (by its lease) elsewhere."""
        return bool(self._occupants.get(job_id))

    def occupy(self, run: Run) -> None:
        """Note an unfinished run."""
        self._occupants.setdefault(run.job_id, set()).add(run.id)

    def vacate(self, run: Run) -> None:
        """Note that the run is over."""
        occupants = self._occupants.get(run.job_id)
        if occupants is not None:
            occupants.discard(run.id)
            if not occupants:
                del self._occupants[run.job_id]
        self.finished_since_prune.add(run.job_id)


def _is_slot(job: Job, fire_at: datetime) -> bool:
    schedule = job.definition.schedule
    return schedule is not None and next_after(schedule, fire_at - TICK) == fire_at


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)
