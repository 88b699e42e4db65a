"""The running processes in SQLite: one row for each, gone when it stops or falls silent."""

from __future__ import annotations

from typing import Final

from executor.adapters.documents import instance_to_document
from executor.adapters.sqlite.connection import Database, now_ms
from executor.adapters.sqlite.json_text import to_json
from executor.domain.writes import Instance

#: How long the row of a silent process is kept, milliseconds: an hour, long after it has left
#: every list, so that whoever looks into the file can still see who was there.
_KEPT_MS: Final = 3_600_000


class InstanceTable:
    """The part of :class:`~executor.ports.store.ExecutorStore` that concerns instances."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, instance: Instance) -> None:
        """Record that *instance* lives."""
        now = now_ms()
        document = to_json(instance_to_document(instance))
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO instances (id, seen_at, document) VALUES (?, ?, ?)",
                (instance.id, now, document),
            )
            connection.execute("DELETE FROM instances WHERE seen_at < ?", (now - _KEPT_MS,))

    def forget_instance(self, instance_id: str) -> None:
        """Remove the record of an instance that stops."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM instances WHERE id = ?", (instance_id,))
