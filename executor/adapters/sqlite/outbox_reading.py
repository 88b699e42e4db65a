"""What web may ask about notifications, answered from the SQLite file.

As with runs, a page follows an index and begins at the cursor's key; the index is named, because
SQLite knows nothing of how many rows have a value.
"""

from __future__ import annotations

from typing import Any

from executor.adapters.cursors import after_notification, read_notification_cursor
from executor.adapters.documents import instant, milliseconds
from executor.adapters.outbox_documents import readable_notifications
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.outbox import COLUMNS, read_rows
from executor.domain.errors import NotificationNotFound
from executor.domain.notification import Notification
from executor.ports.readers import NotificationFilter, Page


class OutboxReading:
    """The part of :class:`~executor.ports.store.Readers` about notifications."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list_notifications(
        self, which: NotificationFilter, limit: int, cursor: str | None
    ) -> Page[Notification]:
        """Return at most *limit* notifications, newest ``created_at`` first."""
        index, conditions, parameters = _conditions(which)
        if cursor is not None:
            created_at, last = read_notification_cursor(cursor)
            conditions.append("(created_at, id) < (?, ?)")
            parameters += [milliseconds(created_at), last]
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS}, created_at, id FROM outbox INDEXED BY {index} "
                f"WHERE {' AND '.join(conditions)} ORDER BY created_at DESC, id DESC LIMIT ?",
                (*parameters, limit + 1),
            ).fetchall()
        following = None
        if len(rows) > limit:
            *_, created, last_id = rows[limit - 1]
            following = after_notification(instant(created), last_id)
        documents = read_rows(row[:-2] for row in rows[:limit])
        return Page(tuple(readable_notifications(documents)), following)

    def get_notification(self, notification_id: str) -> Notification:
        """Return the notification."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM outbox WHERE id = ?", (notification_id,)
            ).fetchall()
        for found in readable_notifications(read_rows(rows)):
            return found
        raise NotificationNotFound(notification_id)


def _conditions(which: NotificationFilter) -> tuple[str, list[str], list[Any]]:
    """Return the index to follow, the conditions and their parameters."""
    index = "outbox_by_time"
    conditions: list[str] = ["TRUE"]
    parameters: list[Any] = []
    for condition, following, value in (
        ("channel = ?", index, which.channel),
        ("state = ?", "outbox_by_state", which.state),
        ("job_id = ?", "outbox_by_job", which.job_id),
    ):
        if value is not None:
            index = following
            conditions.append(condition)
            parameters.append(value)
    return index, conditions, parameters
