"""Calendars in SQLite: one row for each name, deleted ones included."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from typing import Any, Final

from executor.adapters.calendar_documents import stored_from_document, stored_to_document
from executor.adapters.documents import Document, milliseconds
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.json_text import to_json
from executor.adapters.verdicts import judge_calendar
from executor.domain.calendar import StoredCalendar
from executor.domain.writes import BrokenCalendar, CalendarClash

#: Fields of a calendar's document that are columns; what :func:`from_row` reads, in its order.
_APART: Final = ("id", "revision", "updated_at", "deleted")
COLUMNS: Final = "name, revision, updated_at, deleted, document"

_INSERT: Final = f"INSERT INTO calendars ({COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_UPDATE: Final = """
    UPDATE calendars SET name = ?, revision = ?, updated_at = ?, deleted = ?, document = ?
    WHERE name = ? AND revision = ?
"""


class CalendarTable:
    """Implements :class:`~executor.ports.store.CalendarStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all_calendars(self) -> list[StoredCalendar | BrokenCalendar]:
        """Return every record, deleted ones included."""
        with self._database.read() as connection:
            rows = connection.execute(f"SELECT {COLUMNS} FROM calendars ORDER BY name").fetchall()
        return [from_row(row) for row in rows]

    def write_calendar(self, calendar: StoredCalendar, expect: int | None) -> CalendarClash | None:
        """Store *calendar* whole at the expected revision; None means applied."""
        row = _to_row(calendar)
        with self._database.write() as connection:
            if expect is None:
                written = connection.execute(_INSERT, row)
            else:
                written = connection.execute(_UPDATE, (*row, calendar.name, expect))
            if written.rowcount:
                return None
            return judge_calendar(calendar, find(connection, calendar.name))

    def purge_calendars(self, before: datetime) -> int:
        """Remove the records of calendars deleted before *before*."""
        with self._database.write() as connection:
            return connection.execute(
                "DELETE FROM calendars WHERE deleted AND updated_at < ?", (milliseconds(before),)
            ).rowcount


def find(connection: sqlite3.Connection, name: str) -> StoredCalendar | BrokenCalendar | None:
    """Return the record of that name, deleted or not."""
    row = connection.execute(f"SELECT {COLUMNS} FROM calendars WHERE name = ?", (name,)).fetchone()
    return None if row is None else from_row(row)


def from_row(row: tuple[Any, ...]) -> StoredCalendar | BrokenCalendar:
    """Read the values of :data:`COLUMNS`."""
    *columns, text = row
    apart = dict(zip(_APART, columns, strict=True))
    try:
        document: Document = json.loads(text)
        document.update(apart)
    except (AttributeError, TypeError, ValueError) as error:
        text = f"the record is not JSON as Solocron writes it: {error!r}"
        return BrokenCalendar(columns[0], text, columns[1])
    return stored_from_document(document)


def _to_row(stored: StoredCalendar) -> tuple[Any, ...]:
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
