"""Sessions in SQLite: one row for each browser that is signed in."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from executor.adapters.documents import milliseconds
from executor.adapters.session_documents import session_from_document, session_to_document
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.json_text import to_json
from executor.domain.session import Session

_INSERT: Final = """
    INSERT INTO sessions (digest, expires_at, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING
"""


class SessionTable:
    """Implements :class:`~executor.ports.store.SessionStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_sessions(self, sessions: Sequence[Session]) -> None:
        """Keep each session."""
        rows = [
            (one.digest, milliseconds(one.expires_at), to_json(session_to_document(one)))
            for one in sessions
        ]
        with self._database.write() as connection:
            connection.executemany(_INSERT, rows)

    def close_sessions(self, digests: Collection[str]) -> None:
        """Remove these sessions."""
        with self._database.write() as connection:
            connection.executemany(
                "DELETE FROM sessions WHERE digest = ?", [(digest,) for digest in digests]
            )

    def purge_sessions(self, now: datetime) -> None:
        """Remove the sessions that have expired."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM sessions WHERE expires_at <= ?", (milliseconds(now),))


def find(connection: sqlite3.Connection, digest: str) -> Session | None:
    """Return the session with this digest; None if there is none that can be read."""
    row = connection.execute("SELECT document FROM sessions WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        return None
    try:
        return session_from_document(json.loads(row[0]))
    except ValueError:
        return None
