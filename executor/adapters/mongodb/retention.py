"""Removal in MongoDB: old runs in small batches, deleted jobs when their runs are gone.

Rows are chosen by a query and removed by their ids.  Nothing can come to life in
between: a row that has ended and demands nothing is changed by nobody any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from pymongo import DESCENDING

from executor.adapters.documents import Document
from executor.adapters.mongodb.connection import MongoPart, translated
from executor.domain.writes import Retention

#: Rows removed at once, and for one deleted job in one call: a few hundred milliseconds.
_BATCH: Final = 5000

#: Rows that nobody is going to change.
_CLOSED: Final = {"open": {"$ne": True}}


class MongoRetention(MongoPart):
    """The part of :class:`~executor.ports.store.RunStore` and ``JobStore`` that removes."""

    @translated
    def prune_runs(self, retentions: Sequence[Retention], limit: int) -> int:
        """Remove at most *limit* rows that their jobs need not keep; return how many."""
        removed = 0
        for retention in retentions:
            if removed >= limit:
                break
            removed += self._remove(self._unwanted(retention), min(limit - removed, _BATCH))
        return removed

    def _remove(self, which: Document, limit: int) -> int:
        found = self._runs.find(which, {"_id": True}).limit(limit)
        ids = [record["_id"] for record in found]
        return self._runs.delete_many({"_id": {"$in": ids}}).deleted_count if ids else 0

    def _unwanted(self, retention: Retention) -> Document:
        conditions: list[Document] = [self._too_old_or_too_many(retention)]
        if retention.before is not None:
            behind = {"fire_at": {"$lt": retention.before}}
            conditions.append({"$or": [{"scheduled": {"$ne": True}}, behind]})
        return {"job_id": retention.job_id, **_CLOSED, "$and": conditions}

    def _too_old_or_too_many(self, retention: Retention) -> Document:
        newest = (
            self._runs.find({"job_id": retention.job_id}, {"created_at": True})
            .sort([("created_at", DESCENDING), ("_id", DESCENDING)])
            .skip(retention.keep_runs)
            .limit(1)
        )
        too_old: Document = {"created_at": {"$lt": retention.older_than}}
        for first in newest:
            created_at: Any = first["created_at"]
            same = {"created_at": created_at, "_id": {"$lte": first["_id"]}}
            return {"$or": [too_old, {"created_at": {"$lt": created_at}}, same]}
        return too_old

    @translated
    def purge_jobs(self, before: datetime, limit: int) -> int:
        """Remove deleted jobs not updated since *before*; one with rows left waits."""
        found = self._jobs.find({"deleted": True, "updated_at": {"$lt": before}}, {"_id": True})
        removed = 0
        for record in found.limit(limit):
            job_id = record["_id"]
            self._remove({"job_id": job_id, **_CLOSED}, _BATCH)
            if self._runs.find_one({"job_id": job_id}, {"_id": True}) is None:
                removed += self._jobs.delete_one({"_id": job_id, "deleted": True}).deleted_count
        return removed
