"""What web may ask about notifications, answered from the SQLite file."""

from __future__ import annotations

from executor.adapters.cursors import after_notification, read_notification_cursor
from executor.adapters.outbox_documents import readable_notifications
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.newest_first import Narrowing, page_of
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
        after = None if cursor is None else read_notification_cursor(cursor)
        with self._database.read() as connection:
            rows, last = page_of(
                connection, COLUMNS, "outbox", "created_at", _narrowing(which), after, limit
            )
        found = tuple(readable_notifications(read_rows(rows)))
        return Page(found, None if last is None else after_notification(*last))

    def get_notification(self, notification_id: str) -> Notification:
        """Return the notification."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM outbox WHERE id = ?", (notification_id,)
            ).fetchall()
        for found in readable_notifications(read_rows(rows)):
            return found
        raise NotificationNotFound(notification_id)


def _narrowing(which: NotificationFilter) -> Narrowing:
    narrowing = Narrowing("outbox_by_time")
    narrowing.choose(
        ("channel = ?", "outbox_by_time", which.channel),
        ("state = ?", "outbox_by_state", which.state),
        ("job_id = ?", "outbox_by_job", which.job_id),
    )
    return narrowing
