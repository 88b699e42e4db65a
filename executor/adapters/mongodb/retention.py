"""Removal in MongoDB: old runs in small batches, deleted jobs when their runs are gone.

Rows are chosen by a query and removed by their ids.  Nothing can come to life in
between: a row that has ended and demands nothing is changed by nobody any more.
Watermarks are read before the rows are chosen; they only move forward, so an old one
spares too much and never too little.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pymongo import DESCENDING

from executor.adapters.documents import Document, instant
from executor.adapters.mongodb.connection import MongoPart, translated
from executor.domain.writes import Retention

#: Rows removed by one call, of a deleted job by one call: a few hundred milliseconds.
_BATCH: Final = 5000

#: Rows that nobody is going to change.
_CLOSED: Final = {"open": {"$ne": True}}


class MongoRetention(MongoPart):
    """The part of :class:`~executor.ports.store.RunStore` and ``JobStore`` that removes."""

    @translated
    def prune_runs(self, retentions: Sequence[Retention], limit: int) -> int:
        """Remove at most *limit* rows that their jobs need not keep; return how many."""
        if not retentions:
            return 0
        most = min(limit, _BATCH)
        watermarks = self._watermarks([retention.job_id for retention in retentions])
        ids: list[str] = []
        for retention in retentions:
            if len(ids) < most:
                unwanted = self._unwanted(retention, watermarks.get(retention.job_id))
                ids += self._some(unwanted, most - len(ids))
        return self._remove(ids)

    def _watermarks(self, job_ids: list[str]) -> dict[str, datetime]:
        """Return the watermarks of those of the jobs that have one."""
        found = self._jobs.find(
            {"_id": {"$in": job_ids}, "next_fire_at": {"$ne": None}}, {"next_fire_at": True}
        )
        return {record["_id"]: record["next_fire_at"] for record in found}

    def _some(self, which: Document, limit: int) -> list[str]:
        return [record["_id"] for record in self._runs.find(which, {"_id": True}).limit(limit)]

    def _remove(self, ids: list[str]) -> int:
        # All at once: every removal waits for the majority's journal.
        return self._runs.delete_many({"_id": {"$in": ids}}).deleted_count if ids else 0

    def _unwanted(self, retention: Retention, watermark: datetime | None) -> Document:
        """Return the condition for rows to be removed: a range of the index and what to spare."""
        wanted: Document = {"created_at": {"$lt": retention.older_than}}
        spared: list[Document] = []
        if retention.spare_since is not None:
            since = {"$gte": retention.spare_since}
            spared += [{"finished_at": since}, {"finished_at": None, "created_at": since}]
        newest_too_many = self._newest_too_many(retention)
        if newest_too_many is not None:
            created_at, run_id = newest_too_many["created_at"], newest_too_many["_id"]
            if instant(created_at) >= retention.older_than:
                wanted = {"created_at": {"$lte": created_at}}
                spared.append({"created_at": created_at, "_id": {"$gt": run_id}})
        if watermark is not None:
            spared.append({"scheduled": True, "fire_at": {"$gte": watermark}})
        if spared:
            wanted["$nor"] = spared
        return {"job_id": retention.job_id, **_CLOSED, **wanted}

    def _newest_too_many(self, retention: Retention) -> Document | None:
        """Return the first row that comes after the newest ``keep_runs``."""
        return self._runs.find_one(
            {"job_id": retention.job_id},
            {"created_at": True},
            sort=[("created_at", DESCENDING), ("_id", DESCENDING)],
            skip=retention.keep_runs,
        )

    @translated
    def purge_jobs(self, before: datetime, limit: int) -> int:
        """Remove deleted jobs not updated since *before*; one with rows left waits."""
        found = self._jobs.find({"deleted": True, "updated_at": {"$lt": before}}, {"_id": True})
        removed = 0
        for record in found.limit(limit):
            job_id = record["_id"]
            self._remove(self._some({"job_id": job_id, **_CLOSED}, _BATCH))
            if self._runs.find_one({"job_id": job_id}, {"_id": True}) is None:
                # Before the record, which is how what is left of them would be found again.
                self._connection.records("job_revisions").delete_many({"job_id": job_id})
                self._connection.records("tallies").delete_one({"_id": job_id})
                removed += self._jobs.delete_one({"_id": job_id, "deleted": True}).deleted_count
        return removed
