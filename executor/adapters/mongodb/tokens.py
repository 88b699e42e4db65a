"""API tokens in MongoDB: one document for each name, deleted ones included."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pymongo import ASCENDING, UpdateOne
from pymongo.errors import DuplicateKeyError

from executor.adapters.documents import Document, instant
from executor.adapters.mongodb.connection import (
    MongoPart,
    Records,
    from_record,
    to_record,
    translated,
)
from executor.adapters.token_documents import stored_from_document, stored_to_document
from executor.adapters.verdicts import judge_token
from executor.domain.api_token import StoredToken
from executor.domain.errors import TokenNotFound
from executor.domain.writes import BrokenToken, TokenClash


class _Tokens(MongoPart):
    """Where they are."""

    @property
    def _tokens(self) -> Records:
        return self._connection.records("tokens")

    @property
    def _uses(self) -> Records:
        return self._connection.records("token_uses")

    def _read_tokens(self, which: Document) -> list[StoredToken | BrokenToken]:
        found = self._tokens.find(which).sort("_id", ASCENDING)
        return [stored_from_document(from_record(record)) for record in found]


class MongoTokens(_Tokens):
    """A :class:`~executor.ports.store.TokenStore`."""

    @translated
    def all_tokens(self) -> list[StoredToken | BrokenToken]:
        """Return every record, deleted ones included."""
        return self._read_tokens({})

    @translated
    def write_token(self, token: StoredToken, expect: int | None) -> TokenClash | None:
        """Store *token* whole at the expected revision; None means applied."""
        if self._put_token(to_record(stored_to_document(token)), expect):
            return None
        standing = self._read_tokens({"_id": token.name})
        return judge_token(token, standing[0] if standing else None)

    def _put_token(self, record: Document, expect: int | None) -> bool:
        if expect is not None:
            standing = {"_id": record["_id"], "revision": expect}
            return bool(self._tokens.replace_one(standing, record).matched_count)
        try:
            self._tokens.insert_one(record)
        except DuplicateKeyError:
            return False
        return True

    @translated
    def note_token_uses(self, uses: Mapping[str, datetime]) -> None:
        """Record when tokens were used last."""
        updates = [
            UpdateOne({"_id": name}, {"$max": {"used_at": at}}, upsert=True)
            for name, at in uses.items()
        ]
        if updates:
            self._uses.bulk_write(updates, ordered=False)

    @translated
    def purge_tokens(self, before: datetime) -> int:
        """Remove the records of tokens deleted before *before*."""
        gone = {"deleted": True, "updated_at": {"$lt": before}}
        removed = self._tokens.delete_many(gone).deleted_count
        if removed:
            left = [record["_id"] for record in self._tokens.find({}, {"_id": True})]
            self._uses.delete_many({"_id": {"$nin": left}})
        return removed


class MongoTokenReaders(_Tokens):
    """What web may ask about tokens."""

    @translated
    def list_tokens(self) -> list[StoredToken | BrokenToken]:
        """Return every token that is not deleted, in the order of their names."""
        return self._read_tokens({"deleted": False})

    @translated
    def get_token(self, name: str) -> StoredToken | BrokenToken:
        """Return the token with this name."""
        found = self._read_tokens({"_id": name, "deleted": False})
        if not found:
            raise TokenNotFound(name)
        return found[0]

    @translated
    def token_uses(self) -> Mapping[str, datetime]:
        """Return when tokens were used last, by name."""
        return {record["_id"]: instant(record["used_at"]) for record in self._uses.find({})}
