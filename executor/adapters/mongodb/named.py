"""Named resources in MongoDB: a collection for each kind, a document for each name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from executor.adapters.documents import Document
from executor.adapters.mongodb.connection import (
    MongoPart,
    Records,
    from_record,
    to_record,
    translated,
)
from executor.adapters.named_documents import stored_from_document, stored_to_document
from executor.adapters.verdicts import judge_named
from executor.domain.errors import NamedNotFound
from executor.domain.named import Broken, Kind, NamedClash, NamedWrite, Stored, Value


class _Named(MongoPart):
    """Where they are."""

    def _of(self, kind: Kind[Any]) -> Records:
        return self._connection.records(kind.plural)

    def _read(self, kind: Kind[Value], which: Document) -> list[Stored[Value] | Broken]:
        found = self._of(kind).find(which).sort("_id", ASCENDING)
        return [stored_from_document(kind, from_record(record)) for record in found]


class MongoNamed(_Named):
    """A :class:`~executor.ports.store.NamedStore`."""

    @translated
    def all_named(self, kind: Kind[Value]) -> list[Stored[Value] | Broken]:
        """Return every record, deleted ones included."""
        return self._read(kind, {})

    @translated
    def write_named(self, write: NamedWrite[Value]) -> NamedClash[Value] | None:
        """Store a record whole at the expected revision; None means applied."""
        kind, record = write.kind, write.record
        if self._put(kind, to_record(stored_to_document(kind, record)), write.expect):
            return None
        standing = self._read(kind, {"_id": record.name})
        return judge_named(record, standing[0] if standing else None)

    def _put(self, kind: Kind[Any], record: Document, expect: int | None) -> bool:
        if expect is not None:
            standing = {"_id": record["_id"], "revision": expect}
            return bool(self._of(kind).replace_one(standing, record).matched_count)
        try:
            self._of(kind).insert_one(record)
        except DuplicateKeyError:
            return False
        return True

    @translated
    def purge_named(self, kind: Kind[Any], before: datetime) -> int:
        """Remove the records of those deleted before *before*."""
        gone = {"deleted": True, "updated_at": {"$lt": before}}
        return self._of(kind).delete_many(gone).deleted_count


class MongoNamedReaders(_Named):
    """What web may ask about them."""

    @translated
    def list_named(self, kind: Kind[Value]) -> list[Stored[Value] | Broken]:
        """Return those that are not deleted, in the order of their names."""
        return self._read(kind, {"deleted": False})

    @translated
    def get_named(self, kind: Kind[Value], name: str) -> Stored[Value] | Broken:
        """Return the one with this name."""
        found = self._read(kind, {"_id": name, "deleted": False})
        if not found:
            raise NamedNotFound(kind.word, name)
        return found[0]
