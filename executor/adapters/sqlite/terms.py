"""The term in SQLite: one row for each, the present one is the highest."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any, Final

from executor.adapters.documents import milliseconds, term_from_document
from executor.adapters.sqlite.connection import Database, now_ms
from executor.domain.errors import StaleTerm
from executor.domain.term import HISTORY, TermRecord

_NEWEST: Final = """
    SELECT term, holder, acquired_at, heartbeat_at, cleared_until, resigned, until, tzdata
    FROM terms ORDER BY term DESC LIMIT ?
"""

#: Fields of the record and of each former term in it, in the order of the columns.
_FIELDS: Final = (
    *("term", "holder", "acquired_at", "heartbeat_at", "cleared_until", "resigned", "until"),
    "tzdata",
)


class TermTable:
    """Implements :class:`~executor.ports.store.TermStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mint_term(self, holder: str, tzdata: str = "") -> TermRecord:
        """Begin the next term for *holder*."""
        now = now_ms()
        with self._database.write() as connection:
            (newest,) = connection.execute("SELECT coalesce(max(term), 0) FROM terms").fetchone()
            connection.execute("UPDATE terms SET until = ? WHERE term = ?", (now, newest))
            connection.execute(
                "INSERT INTO terms (term, holder, acquired_at, heartbeat_at, tzdata) "
                "VALUES (?, ?, ?, ?, ?)",
                (newest + 1, holder, now, now, tzdata),
            )
            connection.execute("DELETE FROM terms WHERE term < ?", (newest + 1 - HISTORY,))
            record = read_record(connection)
        assert record is not None
        return record

    def clear_term(self, term: int, until: datetime) -> None:
        """Record that rows of *term* up to *until* may start."""
        cleared = milliseconds(until)
        with self._database.write() as connection:
            written = connection.execute(
                """
                UPDATE terms
                SET cleared_until = coalesce(max(cleared_until, ?), ?), heartbeat_at = ?
                WHERE term = ? AND term = (SELECT max(term) FROM terms)
                """,
                (cleared, cleared, now_ms(), term),
            ).rowcount
            if not written:
                (newest,) = connection.execute("SELECT max(term) FROM terms").fetchone()
                raise StaleTerm(term, newest or 0)

    def resign_term(self, term: int) -> None:
        """Mark *term* as given up on purpose."""
        with self._database.write() as connection:
            connection.execute(
                "UPDATE terms SET resigned = 1 "
                "WHERE term = ? AND term = (SELECT max(term) FROM terms)",
                (term,),
            )

    def read_term(self) -> TermRecord | None:
        """Return the present term, or None before the first executor."""
        with self._database.read() as connection:
            return read_record(connection)


def read_record(connection: sqlite3.Connection) -> TermRecord | None:
    """Return the present term with its history, or None if there was none yet."""
    rows: list[dict[str, Any]] = [
        dict(zip(_FIELDS, row, strict=True)) for row in connection.execute(_NEWEST, (HISTORY + 1,))
    ]
    if not rows:
        return None
    return term_from_document({**rows[0], "previous": rows[1:]})
