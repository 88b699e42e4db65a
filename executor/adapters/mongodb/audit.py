"""The audit in MongoDB: appended to, read newest first, pruned by age."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError

from executor.adapters.audit_documents import change_to_document, readable, with_before
from executor.adapters.cursors import after_change, read_change_cursor
from executor.adapters.documents import Document
from executor.adapters.mongodb.connection import (
    MongoPart,
    Records,
    from_record,
    to_record,
    translated,
)
from executor.adapters.mongodb.newest_first import last_of
from executor.adapters.mongodb.runs import taken_keys
from executor.domain.audit import Change
from executor.ports.readers import ChangeFilter, Page


class _Audit(MongoPart):
    """Where it is."""

    @property
    def _audit(self) -> Records:
        return self._connection.records("audit")


class MongoAudit(_Audit):
    """An :class:`~executor.ports.store.AuditStore`."""

    @translated
    def append_changes(self, changes: Sequence[Change]) -> None:
        """Keep each entry; one whose id is kept already stays as it was."""
        if not changes:
            return
        records = [to_record(change_to_document(change)) for change in changes]
        try:
            self._audit.insert_many(records, ordered=False)
        except BulkWriteError as error:
            taken_keys(error)

    @translated
    def prune_changes(self, before: datetime, limit: int) -> int:
        """Remove entries older than *before*."""
        old = self._audit.find({"at": {"$lt": before}}, {"_id": True}).sort("at", ASCENDING)
        ids = [record["_id"] for record in old.limit(limit)]
        return self._audit.delete_many({"_id": {"$in": ids}}).deleted_count if ids else 0


class MongoAuditReaders(_Audit):
    """What web may ask about it."""

    @translated
    def list_changes(self, which: ChangeFilter, limit: int, cursor: str | None) -> Page[Change]:
        """Return at most *limit* entries, newest first."""
        after = None if cursor is None else read_change_cursor(cursor)
        found = self._audit.find(_wanted(which, after))
        newest = found.sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(limit + 1)
        records = list(newest)
        last = last_of(records[limit - 1], "at") if len(records) > limit else None
        changes = readable(map(from_record, records[:limit]))
        ids = [change.former_id for change in changes if change.former_id is not None]
        former = self._audit.find({"_id": {"$in": ids}}) if ids else ()
        following = None if last is None else after_change(*last)
        return Page(with_before(changes, readable(map(from_record, former))), following)


def _wanted(which: ChangeFilter, after: tuple[datetime, str] | None) -> Document:
    wanted: Document = {}
    at: Document = {}
    if which.job_id is not None:
        wanted["job_id"] = which.job_id
    if which.actor is not None:
        wanted["actor"] = which.actor
    if which.action is not None:
        wanted["action"] = which.action.value
    if which.since is not None:
        at["$gte"] = which.since
    if which.until is not None:
        at["$lt"] = which.until
    if after is not None:
        last_at, last_id = after
        wanted["$or"] = [{"at": {"$lt": last_at}}, {"at": last_at, "_id": {"$lt": last_id}}]
    if at:
        wanted["at"] = at
    return wanted
