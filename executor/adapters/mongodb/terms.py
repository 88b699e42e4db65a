"""The term in MongoDB: one document, changed in single atomic steps.

Minting is one aggregation pipeline, so that the term a new executor gets and what
every former one had cleared last are of the same instant.  A clearance names its term
in the condition: it meets either its own term or nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from executor.adapters.documents import term_from_document
from executor.adapters.mongodb.connection import MongoPart, Records, translated
from executor.domain.errors import StaleTerm
from executor.domain.term import HISTORY, TermRecord

#: The id of the one document.
_ID: Final = "executor"

#: The present term as a former one; fields that are missing stay missing.
_FORMER: Final = {
    "term": "$term",
    "holder": "$holder",
    "cleared_until": "$cleared_until",
    "until": "$$NOW",
    "tzdata": "$tzdata",
}

#: The former terms of the term to be minted: none when there is no record yet.
_PREVIOUS: Final = {
    "$cond": [
        {"$eq": [{"$type": "$term"}, "missing"]},
        [],
        {"$slice": [{"$concatArrays": [[_FORMER], "$previous"]}, HISTORY]},
    ]
}


def _successor(holder: str, tzdata: str) -> dict[str, Any]:
    return {
        "_id": _ID,
        "term": {"$add": [{"$ifNull": ["$term", 0]}, 1]},
        "holder": {"$literal": holder},
        "acquired_at": "$$NOW",
        "heartbeat_at": "$$NOW",
        "resigned": False,
        "tzdata": {"$literal": tzdata},
        "previous": _PREVIOUS,
    }


class MongoTerms(MongoPart):
    """A :class:`~executor.ports.store.TermStore`."""

    @translated
    def mint_term(self, holder: str, tzdata: str = "") -> TermRecord:
        """Begin the next term for *holder*; one atomic step."""
        try:
            return self._mint(holder, tzdata)
        except DuplicateKeyError:
            # Two candidates made the very first record at once; now it is there.
            return self._mint(holder, tzdata)

    def _mint(self, holder: str, tzdata: str) -> TermRecord:
        record = self._executor.find_one_and_update(
            {"_id": _ID},
            [{"$replaceWith": _successor(holder, tzdata)}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        assert record is not None, "an upsert returns what it has made"
        return term_from_document(record)

    @translated
    def clear_term(self, term: int, until: datetime) -> None:
        """Let rows of *term* up to *until* start.

        Raises:
            StaleTerm: *term* is not the term any more.
        """
        cleared = self._executor.update_one(
            {"_id": _ID, "term": term},
            {"$max": {"cleared_until": until}, "$currentDate": {"heartbeat_at": True}},
        )
        if cleared.matched_count == 0:
            record = read_term(self._executor)
            raise StaleTerm(term, 0 if record is None else record.term)

    @translated
    def resign_term(self, term: int) -> None:
        """Mark *term* as given up, if it still stands."""
        self._executor.update_one({"_id": _ID, "term": term}, {"$set": {"resigned": True}})

    @translated
    def read_term(self) -> TermRecord | None:
        """Return the present term."""
        return read_term(self._executor)


def read_term(executor: Records) -> TermRecord | None:
    """Return the present term, or None before the first executor."""
    record = executor.find_one({"_id": _ID})
    return None if record is None else term_from_document(record)
