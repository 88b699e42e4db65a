"""Channels in SQLite: one row for each name, deleted ones included."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Any, Final

from executor.adapters.channel_documents import stored_from_document, stored_to_document
from executor.adapters.documents import Document, milliseconds
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.json_text import to_json
from executor.adapters.verdicts import judge_channel
from executor.domain.channel import StoredChannel
from executor.domain.writes import BrokenChannel, ChannelClash

#: Fields of a channel's document that are columns; what :func:`from_row` reads, in its order.
_APART: Final = ("id", "revision", "updated_at", "deleted")
COLUMNS: Final = "name, revision, updated_at, deleted, document"

_INSERT: Final = f"INSERT INTO channels ({COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_UPDATE: Final = """
    UPDATE channels SET name = ?, revision = ?, updated_at = ?, deleted = ?, document = ?
    WHERE name = ? AND revision = ?
"""


class ChannelTable:
    """Implements :class:`~executor.ports.store.ChannelStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all_channels(self) -> list[StoredChannel | BrokenChannel]:
        """Return every record, deleted ones included."""
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT {COLUMNS} FROM channels ORDER BY name").fetchall()
        return [from_row(row) for row in rows]

    def write_channel(self, channel: StoredChannel, expect: int | None) -> ChannelClash | None:
        """Store *channel* whole at the expected revision; None means applied."""
        row = _to_row(channel)
        with self._database.write() as connection:
            if expect is None:
                written = connection.execute(_INSERT, row)
            else:
                written = connection.execute(_UPDATE, (*row, channel.name, expect))
            if written.rowcount:
                return None
            return judge_channel(channel, find(connection, channel.name))

    def purge_channels(self, before: datetime) -> int:
        """Remove the records of channels deleted before *before*."""
        with self._database.write() as connection:
            return connection.execute(
                "DELETE FROM channels WHERE deleted AND updated_at < ?", (milliseconds(before),)
            ).rowcount


def find(connection: sqlite3.Connection, name: str) -> StoredChannel | BrokenChannel | None:
    """Return the record of that name, deleted or not."""
    row = connection.execute(f"SELECT {COLUMNS} FROM channels WHERE name = ?", (name,)).fetchone()
    return None if row is None else from_row(row)


def from_row(row: tuple[Any, ...]) -> StoredChannel | BrokenChannel:
    """Read the values of :data:`COLUMNS`."""
    *columns, text = row
    apart = dict(zip(_APART, columns, strict=True))
    try:
        document: Document = json.loads(text)
        document.update(apart)
    except (AttributeError, TypeError, ValueError) as error:
        text = f"the record is not JSON as Solocron writes it: {error!r}"
        return BrokenChannel(columns[0], text, columns[1])
    return stored_from_document(document)


def _to_row(stored: StoredChannel) -> tuple[Any, ...]:
    document = stored_to_document(stored)
    for name in _APART:
        del document[name]
    return (
        stored.name,
        stored.revision,
        milliseconds(stored.updated_at),
        stored.deleted,
        to_json(document),
    )
