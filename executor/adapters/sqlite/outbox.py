"""The outbox in SQLite: notifications, and the tallies of jobs that they follow from."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from executor.adapters.documents import Document, milliseconds
from executor.adapters.outbox_documents import (
    notification_to_document,
    readable_notifications,
    readable_tallies,
    tally_to_document,
)
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.json_text import to_json
from executor.domain.notification import Notification, NotificationChange
from executor.domain.tally import Tally

#: Fields of a notification's document that are columns; what :func:`read_rows` reads.
_APART: Final = ("id", "state", "channel", "job_id", "created_at", "due_at")
COLUMNS: Final = f"{', '.join(_APART)}, document"

_LISTED: Final = "IN (SELECT value FROM json_each(?))"

_ADD: Final = f"INSERT INTO outbox ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"

_SUPERSEDE: Final = """
    UPDATE outbox INDEXED BY outbox_by_job
    SET state = 'superseded', document = json_set(document, '$.finished_at', created_at)
    WHERE job_id = :job_id AND channel = '' AND state = 'pending' AND created_at < (
        SELECT max(created_at) FROM outbox INDEXED BY outbox_by_job
        WHERE job_id = :job_id AND channel = ''
    )
"""

_DUE: Final = f"""
    SELECT {COLUMNS} FROM outbox INDEXED BY outbox_due
    WHERE state = 'pending' AND due_at <= ? AND channel NOT {_LISTED}
    ORDER BY due_at LIMIT ?
"""

_CHANGE: Final = """
    UPDATE outbox SET state = ?, due_at = coalesce(?, due_at), document = json_patch(document, ?)
    WHERE id = ? AND state = 'pending'
"""

_PRUNE: Final = """
    DELETE FROM outbox WHERE row IN (
        SELECT row FROM outbox INDEXED BY outbox_by_time
        WHERE created_at < ? AND state <> 'pending' ORDER BY created_at LIMIT ?
    )
"""

_READ_TALLIES: Final = f"SELECT job_id, revision, document FROM tallies WHERE job_id {_LISTED}"


class OutboxTable:
    """Implements :class:`~executor.ports.store.OutboxStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read_tallies(self, job_ids: Collection[str]) -> list[Tally]:
        """Return the tallies of these jobs."""
        with self._database.read() as connection:
            return _tallies(connection, job_ids)

    def write_tallies(self, tallies: Sequence[Tally]) -> list[bool]:
        """Store each tally by compare-and-set; say which of them stand."""
        if not tallies:
            return []
        with self._database.write() as connection:
            return [_write_tally(connection, tally) for tally in tallies]

    def add_notifications(self, notifications: Sequence[Notification]) -> None:
        """Insert each unless its id is taken; of a job's pings the newest counts."""
        if not notifications:
            return
        with self._database.write() as connection:
            connection.executemany(_ADD, [_to_row(one) for one in notifications])
            pinged = {one.job_id for one in notifications if one.is_ping}
            connection.executemany(_SUPERSEDE, [{"job_id": one} for one in sorted(pinged)])

    def due_notifications(
        self, until: datetime, limit: int, besides: Collection[str]
    ) -> list[Notification]:
        """Return pending ones that are due, the earliest first."""
        with self._database.read() as connection:
            wanted = (milliseconds(until), to_json(list(besides)), limit)
            rows = connection.execute(_DUE, wanted).fetchall()
        return list(readable_notifications(read_rows(rows)))

    def change_notifications(self, changes: Sequence[NotificationChange]) -> None:
        """Apply each change to its notification while that is pending."""
        if not changes:
            return
        with self._database.write() as connection:
            connection.executemany(_CHANGE, map(_change_row, changes))

    def prune_notifications(self, before: datetime, limit: int) -> int:
        """Remove at most *limit* that are not pending and were created before *before*."""
        with self._database.write() as connection:
            return connection.execute(_PRUNE, (milliseconds(before), limit)).rowcount


def read_rows(rows: Iterable[tuple[Any, ...]]) -> Iterator[Document]:
    """Yield the documents of rows of :data:`COLUMNS`, without those that are not JSON."""
    for *columns, text in rows:
        try:
            document: Document = json.loads(text)
            document.update(zip(_APART, columns, strict=True))
        except (AttributeError, TypeError, ValueError):
            continue
        yield document


def _to_row(one: Notification) -> tuple[Any, ...]:
    document = notification_to_document(one)
    apart = [document.pop(name) for name in _APART[:4]]
    times = [milliseconds(document.pop(name)) for name in _APART[4:]]
    return (*apart, *times, to_json(document))


def _change_row(change: NotificationChange) -> tuple[Any, ...]:
    news: Document = {"attempts": change.attempts}
    for name in ("finished_at", "last_error"):
        if (value := getattr(change, name)) is not None:
            news[name] = value
    due_at = None if change.due_at is None else milliseconds(change.due_at)
    return change.state.value, due_at, to_json(news), change.id


def _tallies(connection: sqlite3.Connection, job_ids: Collection[str]) -> list[Tally]:
    rows = connection.execute(_READ_TALLIES, (to_json(list(job_ids)),)).fetchall()
    return list(readable_tallies(_tally_documents(rows)))


def _tally_documents(rows: Iterable[tuple[Any, ...]]) -> Iterator[Document]:
    for job_id, revision, text in rows:
        try:
            document: Document = json.loads(text)
            document.update(id=job_id, revision=revision)
        except (AttributeError, TypeError, ValueError):
            continue
        yield document


def _write_tally(connection: sqlite3.Connection, tally: Tally) -> bool:
    document = tally_to_document(tally)
    del document["id"], document["revision"]
    row = (tally.revision, to_json(document), tally.job_id)
    if tally.revision == 1:
        insert = (
            "INSERT INTO tallies (revision, document, job_id) VALUES (?, ?, ?) "
            "ON CONFLICT DO NOTHING"
        )
        written = connection.execute(insert, row)
    else:
        update = "UPDATE tallies SET revision = ?, document = ? WHERE job_id = ? AND revision = ?"
        written = connection.execute(update, (*row, tally.revision - 1))
    if written.rowcount:
        return True
    standing = _tallies(connection, [tally.job_id])
    if standing:
        return standing == [tally]
    # It is not there, or cannot be read.
    update = "UPDATE tallies SET revision = ?, document = ? WHERE job_id = ?"
    return bool(connection.execute(update, row).rowcount)
