"""The readers as a caller sees them whose rights are narrowed to tags.

To him a job without any of these tags does not exist, nor do its runs; of a deleted job nobody
knows the tags any more.  Everything that does not belong to a single job is as it is.
"""

from __future__ import annotations

from dataclasses import replace

from executor.domain.errors import JobNotFound, RunNotFound
from executor.domain.job import Job
from executor.domain.named import Kind, Value
from executor.domain.run import Run
from executor.domain.writes import BrokenJob
from executor.ports.store import JobFilter, JobOrder, Page, Readers, RunFilter


class NarrowedReaders:
    """Implements :class:`~executor.ports.store.Readers` for the jobs that carry one of *tags*."""

    def __init__(self, readers: Readers, tags: tuple[str, ...]) -> None:
        self._readers = readers
        self._tags = tags
        # Of jobs that were found here before; or of no job.
        self.latest_runs = readers.latest_runs
        self.list_revisions = readers.list_revisions
        self.get_revision = readers.get_revision
        self.slots_between = readers.slots_between
        self.slot_at = readers.slot_at
        self.schedule_counts = readers.schedule_counts
        self.list_named = readers.list_named
        self.get_named = readers.get_named
        self.read_output = readers.read_output
        self.list_notifications = readers.list_notifications
        self.get_notification = readers.get_notification
        self.callback_key = readers.callback_key
        # Whoever knows the key of a job's pings has this right and no other.
        self.find_pinged = readers.find_pinged
        self.token_uses = readers.token_uses
        self.find_session = readers.find_session
        self.list_changes = readers.list_changes
        self.get_result = readers.get_result
        self.read_term = readers.read_term
        self.list_instances = readers.list_instances
        self.count = readers.count
        self.now = readers.now

    def find_job(self, job: str) -> Job | BrokenJob:
        """Return the job; one that cannot be read shows no tags, so it is not there."""
        found = self._readers.find_job(job)
        if isinstance(found, BrokenJob) or set(self._tags).isdisjoint(found.definition.tags):
            raise JobNotFound(job)
        return found

    def list_jobs(
        self,
        which: JobFilter,
        limit: int,
        cursor: str | None,
        order: JobOrder = JobOrder.NAME,
    ) -> Page[Job | BrokenJob]:
        """Return those of the jobs that carry one of the tags."""
        return self._readers.list_jobs(replace(which, tags=self._tags), limit, cursor, order)

    def list_users(self, kind: Kind[Value], name: str, which: JobFilter, limit: int) -> list[Job]:
        """Return those of the users that carry one of the tags."""
        return self._readers.list_users(kind, name, replace(which, tags=self._tags), limit)

    def get_run(self, run_id: str) -> Run:
        """Return the run, if its job is there."""
        run = self._readers.get_run(run_id)
        try:
            self.find_job(run.job_id)
        except JobNotFound:
            raise RunNotFound(run_id) from None
        return run

    def list_runs(self, which: RunFilter, limit: int, cursor: str | None) -> Page[Run]:
        """Return those of the runs whose job carries one of the tags."""
        return self._readers.list_runs(replace(which, tags=self._tags), limit, cursor)
