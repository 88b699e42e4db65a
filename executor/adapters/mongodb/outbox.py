"""The outbox in MongoDB: notifications, and the tallies of jobs that they follow from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from pymongo import ASCENDING, DESCENDING, ReplaceOne, UpdateOne
from pymongo.errors import BulkWriteError

from executor.adapters.cursors import after_notification, read_notification_cursor
from executor.adapters.documents import Document, Undecodable
from executor.adapters.mongodb.connection import (
    MongoPart,
    Records,
    from_record,
    to_record,
    translated,
)
from executor.adapters.mongodb.newest_first import last_of
from executor.adapters.mongodb.runs import taken_keys
from executor.adapters.outbox_documents import (
    notification_from_document,
    notification_to_document,
    readable_notifications,
    readable_tallies,
    tally_to_document,
)
from executor.domain.errors import NotificationNotFound
from executor.domain.notification import Notification, NotificationChange, NotificationState
from executor.domain.tally import Tally
from executor.ports.readers import NotificationFilter, Page

_PENDING = NotificationState.PENDING.value


class _Outbox(MongoPart):
    """Where they are."""

    @property
    def _outbox(self) -> Records:
        return self._connection.records("outbox")

    @property
    def _tallies(self) -> Records:
        return self._connection.records("tallies")


class MongoOutbox(_Outbox):
    """An :class:`~executor.ports.store.OutboxStore`."""

    @translated
    def read_tallies(self, job_ids: Collection[str]) -> list[Tally]:
        """Return the tallies of these jobs."""
        found = self._tallies.find({"_id": {"$in": list(job_ids)}})
        return list(readable_tallies(map(from_record, found)))

    @translated
    def write_tallies(self, tallies: Sequence[Tally]) -> list[bool]:
        """Store each tally by compare-and-set; say which of them stand."""
        if not tallies:
            return []
        try:
            self._tallies.bulk_write([_tally_write(tally) for tally in tallies], ordered=False)
        except BulkWriteError as error:
            taken_keys(error)
        standing = {one.job_id: one for one in self.read_tallies([t.job_id for t in tallies])}
        return [
            standing[tally.job_id] == tally if tally.job_id in standing else self._overwrite(tally)
            for tally in tallies
        ]

    def _overwrite(self, tally: Tally) -> bool:
        """Replace a record that cannot be read; False if there is none."""
        record = to_record(tally_to_document(tally))
        return bool(self._tallies.replace_one({"_id": tally.job_id}, record).matched_count)

    @translated
    def add_notifications(self, notifications: Sequence[Notification]) -> None:
        """Insert each unless its id is taken; of a job's pings the newest counts."""
        if not notifications:
            return
        records = [to_record(notification_to_document(one)) for one in notifications]
        try:
            self._outbox.insert_many(records, ordered=False)
        except BulkWriteError as error:
            taken_keys(error)
        for job_id in sorted({one.job_id for one in notifications if one.is_ping}):
            self._supersede(job_id)

    def _supersede(self, job_id: str) -> None:
        pings = {"job_id": job_id, "channel": ""}
        newest = self._outbox.find(pings, {"created_at": True}).sort("created_at", DESCENDING)
        for record in newest.limit(1):
            earlier = {"$lt": record["created_at"]}
            superseded = {"state": NotificationState.SUPERSEDED.value, "finished_at": "$created_at"}
            self._outbox.update_many(
                {**pings, "state": _PENDING, "created_at": earlier}, [{"$set": superseded}]
            )

    @translated
    def due_notifications(
        self, until: datetime, limit: int, besides: Collection[str]
    ) -> list[Notification]:
        """Return pending ones that are due, the earliest first."""
        due: Document = {"state": _PENDING, "due_at": {"$lte": until}}
        if besides:
            due["channel"] = {"$nin": list(besides)}
        found = self._outbox.find(due).sort("due_at", ASCENDING).limit(limit)
        return list(readable_notifications(map(from_record, found)))

    @translated
    def change_notifications(self, changes: Sequence[NotificationChange]) -> None:
        """Apply each change to its notification while that is pending."""
        if changes:
            self._outbox.bulk_write([_change(change) for change in changes], ordered=False)

    @translated
    def prune_notifications(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* that are not pending and were created before *before*."""
        old = {"created_at": {"$lt": before}, "state": {"$ne": _PENDING}}
        found = self._outbox.find(old, {"_id": True}).sort("created_at", ASCENDING).limit(limit)
        ids = [record["_id"] for record in found]
        if not ids:
            return 0
        return self._outbox.delete_many({"_id": {"$in": ids}}).deleted_count


class MongoOutboxReaders(_Outbox):
    """What web may ask about notifications."""

    @translated
    def list_notifications(
        self, which: NotificationFilter, limit: int, cursor: str | None
    ) -> Page[Notification]:
        """Return at most *limit* notifications, newest first."""
        wanted = _wanted(which)
        if cursor is not None:
            created_at, note_id = read_notification_cursor(cursor)
            wanted["created_at"] = {"$lte": created_at}
            # Not as two alternatives: they would be looked up one by one.
            wanted["$nor"] = [{"created_at": created_at, "_id": {"$gte": note_id}}]
        found = self._outbox.find(wanted)
        records = list(
            found.sort([("created_at", DESCENDING), ("_id", DESCENDING)]).limit(limit + 1)
        )
        last = last_of(records[limit - 1], "created_at") if len(records) > limit else None
        following = None if last is None else after_notification(*last)
        return Page(tuple(readable_notifications(map(from_record, records[:limit]))), following)

    @translated
    def get_notification(self, notification_id: str) -> Notification:
        """Return the notification."""
        record = self._outbox.find_one({"_id": notification_id})
        if record is None:
            raise NotificationNotFound(notification_id)
        try:
            return notification_from_document(from_record(record))
        except Undecodable as error:
            raise NotificationNotFound(notification_id) from error


def _wanted(which: NotificationFilter) -> Document:
    wanted: Document = {}
    if which.state is not None:
        wanted["state"] = which.state.value
    if which.job_id is not None:
        wanted["job_id"] = which.job_id
    if which.channel is not None:
        wanted["channel"] = which.channel
    return wanted


def _tally_write(tally: Tally) -> ReplaceOne[Document]:
    record = to_record(tally_to_document(tally))
    before = {"_id": tally.job_id, "revision": tally.revision - 1}
    return ReplaceOne(before, record, upsert=tally.revision == 1)


def _change(change: NotificationChange) -> UpdateOne:
    news: Document = {"state": change.state.value, "attempts": change.attempts}
    for name in ("due_at", "finished_at", "last_error"):
        if (value := getattr(change, name)) is not None:
            news[name] = value
    return UpdateOne({"_id": change.id, "state": _PENDING}, {"$set": news})
