"""Long lists in MongoDB, newest first: where a page ends, whatever its last record holds."""

from __future__ import annotations

from datetime import datetime

from bson.datetime_ms import DatetimeMS

from executor.adapters.documents import LATEST, Document, instant


def last_of(record: Document, at: str) -> tuple[datetime, str] | None:
    """Return the key after which the rest of a list begins that is sorted by the field *at*.

    What is no instant stands behind all that are, by MongoDB's order of types: then nothing that
    can be read is left, and the answer is None.  One that is too late for Python stands before
    them, and the rest begins with the latest of these.
    """
    key = record.get(at)
    if isinstance(key, datetime):
        return instant(key), record["_id"]
    is_later = isinstance(key, DatetimeMS) and int(key) > 0
    return (LATEST, "") if is_later else None
