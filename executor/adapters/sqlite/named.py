"""Named resources in SQLite: a table for each kind, a row for each name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from executor.adapters.documents import Document, milliseconds
from executor.adapters.named_documents import stored_from_document, stored_to_document
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.json_text import to_json
from executor.adapters.verdicts import judge_named
from executor.domain.named import Broken, Kind, NamedClash, NamedWrite, Stored, Value

#: Fields of a document that are columns; what :func:`_from_row` reads, in its order.
_APART: Final = ("id", "revision", "updated_at", "deleted")
_COLUMNS: Final = "name, revision, updated_at, deleted, document"


class NamedTable:
    """Implements :class:`~executor.ports.store.NamedStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all_named(self, kind: Kind[Value]) -> list[Stored[Value] | Broken]:
        """Return every record, deleted ones included."""
        with self._database.read() as connection:
            return select(connection, kind, "1 ORDER BY name")

    def write_named(self, write: NamedWrite[Value]) -> NamedClash[Value] | None:
        """Store a record whole at the expected revision; None means applied."""
        kind, record = write.kind, write.record
        row = _to_row(kind, record)
        with self._database.write() as connection:
            if write.expect is None:
                insert = f"INSERT INTO {kind.plural} ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"
                written = connection.execute(f"{insert} ON CONFLICT DO NOTHING", row)
            else:
                written = connection.execute(
                    f"UPDATE {kind.plural} SET ({_COLUMNS}) = (?, ?, ?, ?, ?) "
                    "WHERE name = ? AND revision = ?",
                    (*row, record.name, write.expect),
                )
            if written.rowcount:
                return None
            standing = select(connection, kind, "name = ?", (record.name,))
            return judge_named(record, standing[0] if standing else None)

    def purge_named(self, kind: Kind[Any], before: datetime) -> int:
        """Remove the records of those deleted before *before*."""
        delete = f"DELETE FROM {kind.plural} WHERE deleted AND updated_at < ?"
        with self._database.write() as connection:
            return connection.execute(delete, (milliseconds(before),)).rowcount


def select(
    connection: sqlite3.Connection, kind: Kind[Value], which: str, parameters: Sequence[object] = ()
) -> list[Stored[Value] | Broken]:
    """Return the records for which the condition *which* holds."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM {kind.plural} WHERE {which}", parameters)
    return [_from_row(kind, row) for row in rows]


def _from_row(kind: Kind[Value], row: tuple[Any, ...]) -> Stored[Value] | Broken:
    *columns, text = row
    try:
        document: Document = json.loads(text)
        document.update(zip(_APART, columns, strict=True))
    except (AttributeError, TypeError, ValueError) as error:
        text = f"the record is not JSON as Solocron writes it: {error!r}"
        return Broken(columns[0], text, columns[1])
    return stored_from_document(kind, document)


def _to_row(kind: Kind[Value], stored: Stored[Value]) -> tuple[Any, ...]:
    document = stored_to_document(kind, stored)
    for name in _APART:
        del document[name]
    return (
        stored.name,
        stored.revision,
        milliseconds(stored.updated_at),
        stored.deleted,
        to_json(document),
    )
