"""Secrets in MongoDB: one document for each name, deleted ones included."""

from __future__ import annotations

from datetime import datetime

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
from executor.adapters.secret_documents import stored_from_document, stored_to_document
from executor.adapters.verdicts import judge_secret
from executor.domain.errors import SecretNotFound
from executor.domain.secret import StoredSecret
from executor.domain.writes import BrokenSecret, SecretClash


class _Secrets(MongoPart):
    """Where they are."""

    @property
    def _secrets(self) -> Records:
        return self._connection.records("secrets")

    def _read_secrets(self, which: Document) -> list[StoredSecret | BrokenSecret]:
        found = self._secrets.find(which).sort("_id", ASCENDING)
        return [stored_from_document(from_record(record)) for record in found]


class MongoSecrets(_Secrets):
    """A :class:`~executor.ports.store.SecretStore`."""

    @translated
    def all_secrets(self) -> list[StoredSecret | BrokenSecret]:
        """Return every record, deleted ones included."""
        return self._read_secrets({})

    @translated
    def write_secret(self, secret: StoredSecret, expect: int | None) -> SecretClash | None:
        """Store *secret* whole at the expected revision; None means applied."""
        if self._put_secret(to_record(stored_to_document(secret)), expect):
            return None
        standing = self._read_secrets({"_id": secret.name})
        return judge_secret(secret, standing[0] if standing else None)

    def _put_secret(self, record: Document, expect: int | None) -> bool:
        if expect is not None:
            standing = {"_id": record["_id"], "revision": expect}
            return bool(self._secrets.replace_one(standing, record).matched_count)
        try:
            self._secrets.insert_one(record)
        except DuplicateKeyError:
            return False
        return True

    @translated
    def purge_secrets(self, before: datetime) -> int:
        """Remove the records of secrets deleted before *before*."""
        gone = {"deleted": True, "updated_at": {"$lt": before}}
        return self._secrets.delete_many(gone).deleted_count


class MongoSecretReaders(_Secrets):
    """What web may ask about secrets."""

    @translated
    def list_secrets(self) -> list[StoredSecret | BrokenSecret]:
        """Return every secret that is not deleted, in the order of their names."""
        return self._read_secrets({"deleted": False})

    @translated
    def get_secret(self, name: str) -> StoredSecret | BrokenSecret:
        """Return the secret with this name."""
        found = self._read_secrets({"_id": name, "deleted": False})
        if not found:
            raise SecretNotFound(name)
        return found[0]
