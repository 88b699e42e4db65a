"""The audit in SQLite: appended to, read newest first, pruned by age."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from executor.adapters.audit_documents import change_to_document, readable, with_before
from executor.adapters.cursors import after_change, read_change_cursor
from executor.adapters.documents import Document, milliseconds
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.json_text import to_json
from executor.adapters.sqlite.newest_first import Narrowing, page_of
from executor.domain.audit import Change
from executor.ports.readers import ChangeFilter, Page

#: Fields of an entry that are columns.
_APART: Final = ("id", "at", "actor", "action", "job_id")
_COLUMNS: Final = f"{', '.join(_APART)}, document"

_INSERT: Final = f"INSERT INTO audit ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"


class AuditTable:
    """Implements :class:`~executor.ports.store.AuditStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append_changes(self, changes: Sequence[Change]) -> None:
        """Keep each entry; one whose id is kept already stays as it was."""
        rows = [_to_row(change) for change in changes]
        with self._database.write() as connection:
            connection.executemany(_INSERT, rows)

    def prune_changes(self, before: datetime, limit: int) -> int:
        """Remove entries older than *before*."""
        with self._database.write() as connection:
            return connection.execute(
                "DELETE FROM audit WHERE id IN (SELECT id FROM audit INDEXED BY audit_by_time "
                "WHERE at < ? ORDER BY at LIMIT ?)",
                (milliseconds(before), limit),
            ).rowcount


def page(
    connection: sqlite3.Connection, which: ChangeFilter, limit: int, cursor: str | None
) -> Page[Change]:
    """Return a part of the audit, newest first."""
    after = None if cursor is None else read_change_cursor(cursor)
    rows, last = page_of(connection, _COLUMNS, "audit", "at", _narrowing(which), after, limit)
    changes = readable(_documents(rows))
    ids = [change.former_id for change in changes if change.former_id is not None]
    former = connection.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE id IN (SELECT value FROM json_each(?))",
        (to_json(ids),),
    ).fetchall()
    following = None if last is None else after_change(*last)
    return Page(with_before(changes, readable(_documents(former))), following)


def _narrowing(which: ChangeFilter) -> Narrowing:
    narrowing = Narrowing("audit_by_time")
    narrowing.choose(
        ("action = ?", "audit_by_time", which.action),
        ("actor = ?", "audit_by_actor", which.actor),
        ("job_id = ?", "audit_by_job", which.job_id),
    )
    for condition, bound in (("at >= ?", which.since), ("at < ?", which.until)):
        if bound is not None:
            narrowing.add(condition, milliseconds(bound))
    return narrowing


def _documents(rows: Iterable[tuple[Any, ...]]) -> Iterable[Mapping[str, Any]]:
    """Yield the documents of rows, without those that are none."""
    for *columns, text in rows:
        try:
            document: Document = json.loads(text)
            document.update(zip(_APART, columns, strict=True))
        except (AttributeError, ValueError):
            continue
        yield document


def _to_row(change: Change) -> tuple[Any, ...]:
    document = change_to_document(change)
    apart = {name: document.pop(name, None) for name in _APART}
    apart["at"] = milliseconds(change.at)
    return (*apart.values(), to_json(document))
