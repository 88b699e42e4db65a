"""When API tokens were used last, in MongoDB: one document for each name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pymongo import UpdateOne

from executor.adapters.mongodb.connection import MongoPart, Records, translated
from executor.adapters.token_use_documents import readable_uses
from executor.domain.api_token import TOKENS


class _Uses(MongoPart):
    """Where they are."""

    @property
    def _uses(self) -> Records:
        return self._connection.records("token_uses")


class MongoTokenUses(_Uses):
    """A :class:`~executor.ports.store.TokenUseStore`."""

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
    def purge_token_uses(self) -> None:
        """Remove the uses of tokens that have no record any more."""
        tokens = self._connection.records(TOKENS.plural)
        left = [record["_id"] for record in tokens.find({}, {"_id": True})]
        self._uses.delete_many({"_id": {"$nin": left}})


class MongoTokenUseReaders(_Uses):
    """What web may ask about them."""

    @translated
    def token_uses(self) -> Mapping[str, datetime]:
        """Return when tokens were used last, by name."""
        return readable_uses((one["_id"], one.get("used_at")) for one in self._uses.find({}))
