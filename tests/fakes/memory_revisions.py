"""The part of the memory store that keeps former revisions of jobs."""

from collections.abc import Sequence
from datetime import datetime

from executor.adapters.cursors import after_revision, read_revision_cursor
from executor.adapters.documents import Document
from executor.adapters.revision_documents import REVISIONS_KEPT, without_progress
from executor.adapters.slot_documents import counted
from executor.domain.errors import RevisionNotFound
from executor.domain.job import Job
from executor.domain.schedule import schedule_to_document
from executor.ports.clock import Clock
from executor.ports.readers import Page, ScheduleCount
from tests.fakes.memory_jobs import MemoryJobs


class MemoryRevisions(MemoryJobs):
    """The archive of a :class:`~executor.ports.store.JobStore`, and the readers' face of it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._former: dict[str, dict[int, Job]] = {}
        self._broken_revisions: set[tuple[str, int]] = set()

    def break_revision(self, job_id: str, revision: int) -> None:
        """Make a former revision's record unreadable."""
        self._broken_revisions.add((job_id, revision))

    def archive_jobs(self, jobs: Sequence[Job]) -> None:
        """Keep former revisions."""
        with self.lock:
            for job in jobs:
                kept = self._former.setdefault(job.id, {})
                kept.setdefault(job.revision, without_progress(job))
                for number in [one for one in kept if one <= job.revision - REVISIONS_KEPT]:
                    del kept[number]

    def purge_jobs(self, before: datetime, limit: int) -> int:
        """Remove deleted jobs with all that belongs to them."""
        with self.lock:
            purged = super().purge_jobs(before, limit)
            self._former = {one: kept for one, kept in self._former.items() if one in self._jobs}
            return purged

    def list_revisions(self, job_id: str, limit: int, cursor: str | None) -> Page[Job]:
        """Return a page of former revisions, newest first."""
        below = None if cursor is None else read_revision_cursor(cursor)
        with self.lock:
            found = [job for job in self._before(job_id) if below is None or job.revision < below]
        page = found[:limit]
        following = after_revision(page[-1].revision) if len(found) > limit else None
        return Page(tuple(job for job in page if self._is_sound(job)), following)

    def get_revision(self, job_id: str, revision: int) -> Job:
        """Return a former revision."""
        with self.lock:
            for job in self._before(job_id):
                if job.revision == revision and self._is_sound(job):
                    return job
        raise RevisionNotFound(job_id, revision)

    def _is_sound(self, job: Job) -> bool:
        return (job.id, job.revision) not in self._broken_revisions

    def _before(self, job_id: str) -> list[Job]:
        """Return the revisions before the present one, newest first."""
        present = self._jobs.get(job_id)
        kept = sorted(self._former.get(job_id, {}).items(), reverse=True)
        return [job for number, job in kept if present is None or number < present.revision]

    def schedule_counts(self) -> list[ScheduleCount]:
        """Return how many jobs have each schedule."""
        found: list[tuple[Document, str | None, int]] = []
        with self.lock:
            now = self.clock.now()
            for job in self._jobs.values():
                schedule = job.definition.schedule
                if schedule is not None and job.is_active(now) and job.id not in self._broken:
                    found.append((schedule_to_document(schedule), job.id, 1))
        return counted(found)
