"""The part of the memory store that keeps jobs."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from executor.adapters.cursors import JobPlace, after_job, read_job_cursor
from executor.adapters.documents import milliseconds
from executor.adapters.job_documents import fold
from executor.adapters.verdicts import judge_write
from executor.domain.errors import JobNotFound
from executor.domain.job import Job
from executor.domain.named import Kind, Value
from executor.domain.replacement import replace
from executor.domain.uses import uses
from executor.domain.watch import digest_of_key
from executor.domain.writes import BrokenJob, JobClash, JobProgress, JobWrite, LoadedJobs
from executor.ports.clock import Clock
from executor.ports.store import JobFilter, JobOrder, Page
from tests.fakes.memory_runs import MemoryRuns

#: Jobs in a batch of ``all_jobs``.
_BATCH = 1000


class MemoryJobs(MemoryRuns):
    """A :class:`~executor.ports.store.JobStore`, and the readers' face of it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._jobs: dict[str, Job] = {}
        self._owners: dict[str, str] = {}
        self._broken: set[str] = set()

    def break_job(self, job_id: str) -> None:
        """Make the job's record unreadable."""
        self._broken.add(job_id)

    def _read(self, job: Job) -> Job | BrokenJob:
        if job.id not in self._broken:
            return job
        return BrokenJob(job.id, job.name, "broken on purpose", job.revision)

    def _load(self, jobs: Sequence[Job]) -> LoadedJobs:
        read = [self._read(job) for job in jobs]
        return LoadedJobs(
            tuple(job for job in read if isinstance(job, Job)),
            tuple(job for job in read if isinstance(job, BrokenJob)),
        )

    def _present(self) -> list[Job]:
        return [job for job in self._jobs.values() if not job.deleted]

    def due_jobs(self, until: datetime) -> LoadedJobs:
        """Return the jobs whose watermark is at or before *until*."""
        with self.lock:
            due = [job for job in self._present() if job.next_fire_at and job.next_fire_at <= until]
            return self._load(due)

    def all_jobs(self) -> Iterator[LoadedJobs]:
        """Yield every job in batches."""
        with self.lock:
            jobs = self._present()
        for start in range(0, len(jobs), _BATCH):
            yield self._load(jobs[start : start + _BATCH])

    def load_job(self, job_id: str) -> Job | None:
        """Return the job, deleted or not."""
        with self.lock:
            return None if job_id in self._broken else self._jobs.get(job_id)

    def write_jobs(self, writes: Sequence[JobWrite]) -> list[JobClash | None]:
        """Apply writes by compare-and-set."""
        with self.lock:
            return [self._write(write) for write in writes]

    def _write(self, write: JobWrite) -> JobClash | None:
        job = write.job
        standing = self._jobs.get(job.id)
        taken = not job.deleted and self._owners.get(job.name, job.id) != job.id
        if taken or (None if standing is None else standing.revision) != write.expect:
            return judge_write(write, None if standing is None else self._read(standing), taken)
        if standing is not None and not standing.deleted:
            del self._owners[standing.name]
        if not job.deleted:
            self._owners[job.name] = job.id
        if standing is not None:
            if write.forward:
                job = replace(job, next_fire_at=_later(job.next_fire_at, standing.next_fire_at))
            job = replace(job, last_run=standing.last_run)
        self._jobs[job.id] = job
        self._broken.discard(job.id)
        return None

    def advance_jobs(self, progress: Sequence[JobProgress]) -> None:
        """Record progress."""
        with self.lock:
            for news in progress:
                job = self._jobs.get(news.job_id)
                if job is not None:
                    self._jobs[job.id] = _advanced(job, news)

    def purge_jobs(self, before: datetime, limit: int) -> int:
        """Remove deleted jobs and their runs."""
        with self.lock:
            doomed = [job for job in self._jobs.values() if job.deleted and job.updated_at < before]
            doomed = [job for job in doomed if self.remove_ended_runs(job.id)][:limit]
            for job in doomed:
                del self._jobs[job.id]
            return len(doomed)

    def watermark_of(self, job_id: str) -> datetime | None:
        """Return the job's watermark."""
        job = self._jobs.get(job_id)
        return None if job is None else job.next_fire_at

    def tags_of(self, job_id: str) -> frozenset[str]:
        """Return the tags of a job that is not deleted."""
        job = self._jobs.get(job_id)
        return frozenset() if job is None or job.deleted else frozenset(job.definition.tags)

    def find_job(self, job: str) -> Job | BrokenJob:
        """Return the job with this id or name."""
        with self.lock:
            found = self._jobs.get(job)
            if found is None or found.deleted:
                found = self._jobs.get(self._owners.get(job, ""))
            if found is None:
                raise JobNotFound(job)
            return self._read(found)

    def find_pinged(self, digest: str) -> Job | BrokenJob:
        """Return the job with the key of this digest."""
        with self.lock:
            for job in self._present():
                if job.ping_key and digest_of_key(job.ping_key) == digest:
                    return self._read(job)
        raise JobNotFound(digest)

    def list_jobs(
        self,
        which: JobFilter,
        limit: int,
        cursor: str | None,
        order: JobOrder = JobOrder.NAME,
    ) -> Page[Job | BrokenJob]:
        """Return a page of jobs in *order*."""
        after = None if cursor is None else read_job_cursor(cursor, order)
        with self.lock:
            found = [
                (place, job)
                for job in self._present()
                if _matches(job, which)
                for place in [_place(job, order)]
                if after is None or _rank(place, order) > _rank(after, order)
            ]
            found.sort(key=lambda one: _rank(one[0], order))
            page = tuple(self._read(job) for _, job in found[:limit])
        return Page(page, after_job(order, found[limit - 1][0]) if len(found) > limit else None)

    def list_users(self, kind: Kind[Value], name: str, which: JobFilter, limit: int) -> list[Job]:
        """Return the jobs that use *name* of a kind."""
        with self.lock:
            present = sorted(self._present(), key=lambda job: job.name)
            read = [job for job in map(self._read, present) if isinstance(job, Job)]
        found = [job for job in read if _matches(job, which) and uses(job.definition, kind, name)]
        return found[:limit]


def _place(job: Job, order: JobOrder) -> JobPlace:
    instant = None
    if order is JobOrder.NEXT_FIRE:
        instant = job.next_fire_at
    elif order is JobOrder.LAST_RUN and job.last_run is not None:
        instant = job.last_run.finished_at
    return JobPlace(None if instant is None else milliseconds(instant), job.name)


def _rank(place: JobPlace, order: JobOrder) -> tuple[bool, int, str]:
    key = place.key or 0
    return place.key is None, -key if order is JobOrder.LAST_RUN else key, place.name


def _advanced(job: Job, news: JobProgress) -> Job:
    moved, last = job.next_fire_at, job.last_run
    if news.revision == job.revision and (news.over or news.next_fire_at is not None):
        moved = _later(news.next_fire_at, moved)
    if news.last_run is not None and (last is None or last.finished_at < news.last_run.finished_at):
        last = news.last_run
    return replace(job, next_fire_at=moved, last_run=last)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else None


def _matches(job: Job, which: JobFilter) -> bool:
    definition = job.definition
    return (
        (which.q is None or fold(which.q) in fold(job.name))
        and (which.tag is None or which.tag in definition.tags)
        and (which.tags is None or not set(which.tags).isdisjoint(definition.tags))
        and which.enabled in (None, definition.enabled)
        and which.owner in (None, definition.owner)
        and (
            which.state is None or (job.last_run is not None and job.last_run.state == which.state)
        )
    )
