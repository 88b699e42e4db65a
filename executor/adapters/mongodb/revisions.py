"""Former revisions of jobs in MongoDB: written once, read by number, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pymongo import DESCENDING
from pymongo.errors import BulkWriteError

from executor.adapters.cursors import after_revision, read_revision_cursor
from executor.adapters.documents import Document
from executor.adapters.mongodb.connection import MongoPart, Records, from_record, translated
from executor.adapters.mongodb.runs import taken_keys
from executor.adapters.revision_documents import (
    REVISIONS_KEPT,
    readable,
    revision_from_document,
    revision_to_document,
)
from executor.domain.errors import RevisionNotFound
from executor.domain.job import Job
from executor.domain.writes import BrokenJob
from executor.ports.readers import Page

#: Above every revision, and still a number of the server's.
_BEYOND: Final = 2**63 - 1


class _Revisions(MongoPart):
    """Where they are."""

    @property
    def _revisions(self) -> Records:
        return self._connection.records("job_revisions")


class MongoRevisions(_Revisions):
    """The part of :class:`~executor.ports.store.JobStore` that archives."""

    @translated
    def archive_jobs(self, jobs: Sequence[Job]) -> None:
        """Keep each of *jobs* as a former revision."""
        if not jobs:
            return
        try:
            self._revisions.insert_many([revision_to_document(job) for job in jobs], ordered=False)
        except BulkWriteError as error:
            taken_keys(error)
        cuts = [
            {"job_id": job.id, "revision": {"$lte": job.revision - REVISIONS_KEPT}}
            for job in jobs
            if job.revision > REVISIONS_KEPT
        ]
        if cuts:
            self._revisions.delete_many({"$or": cuts})


class MongoRevisionReaders(_Revisions):
    """What web may ask about them."""

    @translated
    def list_revisions(self, job_id: str, limit: int, cursor: str | None) -> Page[Job]:
        """Return at most *limit* former revisions of the job, newest first."""
        which = self._former(job_id)
        if cursor is not None:
            which["$and"] = [{"revision": {"$lt": read_revision_cursor(cursor)}}]
        found = self._revisions.find(which).sort("revision", DESCENDING)
        records = list(found.limit(limit + 1))
        following = None
        if len(records) > limit:
            following = after_revision(int(records[limit - 1]["revision"]))
        return Page(readable(map(read_revision, records[:limit])), following)

    @translated
    def get_revision(self, job_id: str, revision: int) -> Job:
        """Return a former revision of the job."""
        which = {**self._former(job_id), "$and": [{"revision": revision}]}
        record = self._revisions.find_one(which)
        found = None if record is None else read_revision(record)
        if not isinstance(found, Job):
            raise RevisionNotFound(job_id, revision)
        return found

    def _former(self, job_id: str) -> Document:
        """Return the condition for the revisions before the present one, if there is one."""
        present = self._jobs.find_one({"_id": job_id}, {"revision": True}) or {}
        below = present.get("revision")
        # A number in any case: pages end by it.
        bound = below if isinstance(below, int) else _BEYOND
        return {"job_id": job_id, "revision": {"$gte": 0, "$lt": bound}}


def read_revision(record: Document) -> Job | BrokenJob:
    """Decode the record of a revision."""
    return revision_from_document(from_record(record))
