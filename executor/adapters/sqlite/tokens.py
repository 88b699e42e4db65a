"""API tokens in SQLite: one row for each name, deleted ones included."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from executor.adapters.documents import Document, milliseconds
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.json_text import to_json
from executor.adapters.token_documents import stored_from_document, stored_to_document
from executor.adapters.verdicts import judge_token
from executor.domain.api_token import StoredToken
from executor.domain.writes import BrokenToken, TokenClash

#: Fields of a token's document that are columns; what :func:`from_row` reads, in its order.
_APART: Final = ("id", "revision", "updated_at", "deleted")
COLUMNS: Final = "name, revision, updated_at, deleted, document"

_INSERT: Final = f"INSERT INTO tokens ({COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_UPDATE: Final = """
    UPDATE tokens SET name = ?, revision = ?, updated_at = ?, deleted = ?, document = ?
    WHERE name = ? AND revision = ?
"""

_USE: Final = """
    INSERT INTO token_uses (name, used_at) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET used_at = max(used_at, excluded.used_at)
"""


class TokenTable:
    """Implements :class:`~executor.ports.store.TokenStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all_tokens(self) -> list[StoredToken | BrokenToken]:
        """Return every record, deleted ones included."""
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT {COLUMNS} FROM tokens ORDER BY name").fetchall()
        return [from_row(row) for row in rows]

    def write_token(self, token: StoredToken, expect: int | None) -> TokenClash | None:
        """Store *token* whole at the expected revision; None means applied."""
        row = _to_row(token)
        with self._database.write() as connection:
            if expect is None:
                written = connection.execute(_INSERT, row)
            else:
                written = connection.execute(_UPDATE, (*row, token.name, expect))
            if written.rowcount:
                return None
            return judge_token(token, find(connection, token.name))

    def note_token_uses(self, uses: Mapping[str, datetime]) -> None:
        """Record when tokens were used last."""
        rows = [(name, milliseconds(at)) for name, at in uses.items()]
        with self._database.write() as connection:
            connection.executemany(_USE, rows)

    def purge_tokens(self, before: datetime) -> int:
        """Remove the records of tokens deleted before *before*, and their uses."""
        with self._database.write() as connection:
            removed = connection.execute(
                "DELETE FROM tokens WHERE deleted AND updated_at < ?", (milliseconds(before),)
            ).rowcount
            if removed:
                connection.execute(
                    "DELETE FROM token_uses WHERE name NOT IN (SELECT name FROM tokens)"
                )
        return removed


def find(connection: sqlite3.Connection, name: str) -> StoredToken | BrokenToken | None:
    """Return the record of that name, deleted or not."""
    row = connection.execute(f"SELECT {COLUMNS} FROM tokens WHERE name = ?", (name,)).fetchone()
    return None if row is None else from_row(row)


def from_row(row: tuple[Any, ...]) -> StoredToken | BrokenToken:
    """Read the values of :data:`COLUMNS`."""
    *columns, text = row
    apart = dict(zip(_APART, columns, strict=True))
    try:
        document: Document = json.loads(text)
        document.update(apart)
    except (AttributeError, TypeError, ValueError) as error:
        text = f"the record is not JSON as Solocron writes it: {error!r}"
        return BrokenToken(columns[0], text, columns[1])
    return stored_from_document(document)


def _to_row(stored: StoredToken) -> tuple[Any, ...]:
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
