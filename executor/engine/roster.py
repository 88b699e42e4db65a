"""The jobs of one tenure: who they are, when each is due, and up to where it is accounted for.

One job that cannot be evaluated, or whose rows the store does not take, is set aside as
broken and never stops another.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import ceil, inf

from executor.domain.buckets import FireBuckets
from executor.domain.job import Job, LastRun
from executor.domain.replacement import replace
from executor.domain.run import Cause, Run
from executor.domain.writes import BrokenJob, JobProgress
from executor.engine.desk import Desk
from executor.engine.graph import JobGraph
from executor.engine.journal import Journal
from executor.engine.timing import CLAIM_AHEAD_S, REFUSED_REST_S
from executor.engine.watermarks import Watermarks

#: Broken jobs that are named in the list of instances.
_NAMED = 3

#: A pause that lasts longer is looked at again by then; no instant of ours overflows.
_LONG = timedelta(days=366)


class Roster:
    """All jobs that are not deleted, as this executor knows them."""

    def __init__(self, desk: Desk, journal: Journal) -> None:
        self._desk = desk
        self._journal = journal
        self._jobs: dict[str, Job] = {}
        self._ids: dict[str, str] = {}
        self._buckets = FireBuckets()
        self._second = 0, datetime.fromtimestamp(0, UTC)
        self._watermarks = Watermarks()
        self._rests: dict[str, float] = {}
        self.graph = JobGraph(self.find)
        self.on_put: Callable[[Job], None] = lambda job: None
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

    def damaged(self, subject: str) -> BrokenJob | None:
        """Return the record with this id, else with this name, that could not be read."""
        named = (one for one in self.broken.values() if one.name == subject)
        found = self.broken.get(subject) or next(named, None)
        return None if found is None or found.id in self._jobs else found

    def forget(self, broken: BrokenJob) -> None:
        """Note that what was read as *broken* is not there any more."""
        self.broken.pop(broken.id, None)

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
        self.graph.put(job)
        if job.deleted:
            self._jobs.pop(job.id, None)
            self._rests.pop(job.id, None)
            self.broken.pop(job.id, None)
            self._watermarks.forget(job.id)
            self._buckets.disarm(job.id)
        else:
            self.broken.pop(job.id, None)
            self._rests.pop(job.id, None)
            self._jobs[job.id] = job
            self._ids[job.name] = job.id
            self._arm(job)
        self.on_put(job)

    def _moved_on(self, former: Job, job: Job) -> Job:
        """Return *job* with the watermark of *former*, which may have moved in the meantime."""
        later = _later(former.next_fire_at, job.next_fire_at)
        if later != job.next_fire_at and self._watermarks.begin(job.id) is None:
            # The store may have refused it as news of a former revision.
            self._advance(job, later)
        return replace(job, next_fire_at=later)

    def _advance(self, job: Job, watermark: datetime | None) -> None:
        """Record that the job's slots are accounted for up to *watermark*; None: all of them."""
        self._journal.progress(
            JobProgress(
                job_id=job.id,
                revision=job.revision,
                next_fire_at=watermark,
                over=watermark is None,
            )
        )

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

    def ended(self, run: Run) -> None:
        """Take note of the end of a run, as the store does."""
        job = self._jobs.get(run.job_id)
        if job is None or run.finished_at is None:
            return
        if job.last_run is None or job.last_run.finished_at < run.finished_at:
            last = LastRun(run_id=run.id, state=run.state, finished_at=run.finished_at)
            self._jobs[job.id] = replace(job, last_run=last)

    # Opening seconds ------------------------------------------------------------------------

    def is_due(self, until: float) -> bool:
        """Whether a job is due by *until* (seconds since 1970)."""
        second = self._buckets.earliest()
        return second is not None and second <= until

    def take_due(self, until: float) -> Job:
        """Return a job that is due by *until*, of which there is one; it then is not any more."""
        return self._jobs[self._buckets.pop_due(until, 1)[0]]

    def rearm(self, job: Job) -> None:
        """Let a job be due again as it stands."""
        self._arm(job)

    def opened(self, job: Job, next_fire_at: datetime | None, rows: list[Run]) -> None:
        """Note that *rows* are claimed for the job's slots up to before *next_fire_at*."""
        advanced = replace(job, next_fire_at=next_fire_at)
        self._jobs[job.id] = advanced
        self._arm(advanced)
        if rows:
            assert job.next_fire_at is not None
            ids = (run.id for run in rows)
            self._watermarks.claim(job.id, job.next_fire_at, next_fire_at, ids)

    def set_aside(self, job: Job, error: Exception) -> None:
        """Note that a job cannot be evaluated; it is left alone until it is changed."""
        self.broken[job.id] = BrokenJob(job.id, job.name, repr(error))
        self._buckets.disarm(job.id)
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
        if moved is None:
            return
        # For the revision of now: a watermark counts as long as the schedule does.
        job = self._jobs[moved.job_id]
        if self._rests.pop(job.id, None) is not None:
            self.broken.pop(job.id, None)
            self._desk.note("job_mended", "the store takes a job's rows again", job=job.name)
        self._advance(job, moved.watermark)

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
        if second != self._second[0]:
            # Asked for after every event, and the same for a while.
            self._second = second, datetime.fromtimestamp(second, UTC)
        return self._desk.deadline(self._second[1]) - CLAIM_AHEAD_S

    def is_past(self, run: Run) -> bool:
        """Whether *run* stands for a slot before its job's watermark: accounted for without it.

        The watermark passes rows that wait for their turn, and those that are put off.
        """
        job = self._jobs.get(run.job_id)
        if not run.scheduled or run.is_parked or run.due_at is not None:
            return False
        if job is None or run.fire_at is None or run.cause is Cause.BACKFILL:
            return False
        return job.next_fire_at is None or run.fire_at < job.next_fire_at


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the later of two watermarks of one schedule; None, that it is over, is the latest."""
    return None if one is None or other is None else max(one, other)
