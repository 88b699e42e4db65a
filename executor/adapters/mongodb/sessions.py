"""Sessions in MongoDB: one document for each browser that is signed in."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from pymongo import UpdateOne

from executor.adapters.mongodb.connection import (
    MongoPart,
    Records,
    from_record,
    to_record,
    translated,
)
from executor.adapters.session_documents import session_from_document, session_to_document
from executor.domain.session import Session


class _Sessions(MongoPart):
    """Where they are."""

    @property
    def _sessions(self) -> Records:
        return self._connection.records("sessions")


class MongoSessions(_Sessions):
    """A :class:`~executor.ports.store.SessionStore`."""

    @translated
    def open_sessions(self, sessions: Sequence[Session]) -> None:
        """Keep each session."""
        records = [to_record(session_to_document(one)) for one in sessions]
        inserts = [
            UpdateOne({"_id": record["_id"]}, {"$setOnInsert": record}, upsert=True)
            for record in records
        ]
        if inserts:
            self._sessions.bulk_write(inserts, ordered=False)

    @translated
    def close_sessions(self, digests: Collection[str]) -> None:
        """Remove these sessions."""
        self._sessions.delete_many({"_id": {"$in": list(digests)}})

    @translated
    def purge_sessions(self, now: datetime) -> None:
        """Remove the sessions that have expired."""
        self._sessions.delete_many({"expires_at": {"$lte": now}})


class MongoSessionReaders(_Sessions):
    """What web may ask about them."""

    @translated
    def find_session(self, digest: str) -> Session | None:
        """Return the session with this digest."""
        record = self._sessions.find_one({"_id": digest})
        return None if record is None else session_from_document(from_record(record))
