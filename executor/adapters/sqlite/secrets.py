"""Secrets in SQLite: one row for each name, deleted ones included."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Any, Final

from executor.adapters.documents import Document, milliseconds
from executor.adapters.secret_documents import stored_from_document, stored_to_document
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.json_text import to_json
from executor.adapters.verdicts import judge_secret
from executor.domain.secret import StoredSecret
from executor.domain.writes import BrokenSecret, SecretClash

#: Fields of a secret's document that are columns; what :func:`from_row` reads, in its order.
_APART: Final = ("id", "revision", "updated_at", "deleted")
COLUMNS: Final = "name, revision, updated_at, deleted, document"

_INSERT: Final = f"INSERT INTO secrets ({COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_UPDATE: Final = """
    UPDATE secrets SET name = ?, revision = ?, updated_at = ?, deleted = ?, document = ?
    WHERE name = ? AND revision = ?
"""


class SecretTable:
    """Implements :class:`~executor.ports.store.SecretStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all_secrets(self) -> list[StoredSecret | BrokenSecret]:
        """Return every record, deleted ones included."""
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT {COLUMNS} FROM secrets ORDER BY name").fetchall()
        return [from_row(row) for row in rows]

    def write_secret(self, secret: StoredSecret, expect: int | None) -> SecretClash | None:
        """Store *secret* whole at the expected revision; None means applied."""
        row = _to_row(secret)
        with self._database.write() as connection:
            if expect is None:
                written = connection.execute(_INSERT, row)
            else:
                written = connection.execute(_UPDATE, (*row, secret.name, expect))
            if written.rowcount:
                return None
            return judge_secret(secret, find(connection, secret.name))

    def purge_secrets(self, before: datetime) -> int:
        """Remove the records of secrets deleted before *before*."""
        with self._database.write() as connection:
            return connection.execute(
                "DELETE FROM secrets WHERE deleted AND updated_at < ?", (milliseconds(before),)
            ).rowcount


def find(connection: sqlite3.Connection, name: str) -> StoredSecret | BrokenSecret | None:
    """Return the record of that name, deleted or not."""
    row = connection.execute(f"SELECT {COLUMNS} FROM secrets WHERE name = ?", (name,)).fetchone()
    return None if row is None else from_row(row)


def from_row(row: tuple[Any, ...]) -> StoredSecret | BrokenSecret:
    """Read the values of :data:`COLUMNS`."""
    *columns, text = row
    apart = dict(zip(_APART, columns, strict=True))
    try:
        document: Document = json.loads(text)
        document.update(apart)
    except (AttributeError, TypeError, ValueError) as error:
        text = f"the record is not JSON as Solocron writes it: {error!r}"
        return BrokenSecret(columns[0], text, columns[1])
    return stored_from_document(document)


def _to_row(stored: StoredSecret) -> tuple[Any, ...]:
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
