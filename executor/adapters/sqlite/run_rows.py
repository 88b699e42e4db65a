"""Runs as rows: what is searched or written by itself has a column, the rest is JSON."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Final

from executor.adapters.documents import Document, Undecodable, milliseconds
from executor.adapters.run_documents import run_from_document, run_to_document
from executor.adapters.sqlite.json_text import to_json
from executor.domain.run import Run

#: Fields that are columns under the same name, in the order in which rows are read and written.
_COLUMNS: Final = (
    *("id", "job_id", "cause", "state", "term", "scheduled", "fire_at"),
    *("clear_at", "created_at", "lease_until", "follow_up"),
)

#: Those of them that hold instants.
_INSTANTS: Final = ("fire_at", "clear_at", "created_at", "lease_until")

#: What :func:`run_from_row` reads: with the output, and without it for lists.
WITH_OUTPUT: Final = ", ".join((*_COLUMNS, "document", "output"))
WITHOUT_OUTPUT: Final = ", ".join((*_COLUMNS, "document", "NULL"))

#: Adds the row of :func:`run_to_row` unless its id or its slot is taken.
INSERT: Final = (
    f"INSERT INTO runs ({WITH_OUTPUT}) VALUES ({', '.join('?' * (len(_COLUMNS) + 2))}) "
    "ON CONFLICT DO NOTHING"
)


def run_to_row(run: Run) -> tuple[Any, ...]:
    """Return the values for :data:`INSERT`."""
    document = run_to_document(run)
    output = document.pop("output", None)
    columns = {name: document.pop(name, None) for name in _COLUMNS}
    for name in _INSTANTS:
        if columns[name] is not None:
            columns[name] = milliseconds(columns[name])
    columns["scheduled"], columns["follow_up"] = run.scheduled, run.follow_up
    return (*columns.values(), to_json(document), None if output is None else to_json(output))


def run_from_row(row: tuple[Any, ...]) -> Run:
    """Read a row of :data:`WITH_OUTPUT` or :data:`WITHOUT_OUTPUT`.

    Raises:
        Undecodable: it is not one that Solocron wrote.
    """
    *columns, text, output = row
    try:
        document: Document = json.loads(text)
        document.update(zip(_COLUMNS, columns, strict=True))
        # SQLite has no truth values.
        document["scheduled"] = bool(document["scheduled"])
        document["follow_up"] = bool(document["follow_up"])
        if output is not None:
            document["output"] = json.loads(output)
    except (AttributeError, TypeError, ValueError) as error:
        raise Undecodable("run", str(columns[0]), error) from error
    return run_from_document(document)


def readable_runs(rows: Iterable[tuple[Any, ...]]) -> list[Run]:
    """Read *rows*; those that cannot be read are left out."""
    runs = []
    for row in rows:
        try:
            runs.append(run_from_row(row))
        except Undecodable:
            continue
    return runs


def find_run(connection: sqlite3.Connection, run_id: str) -> Run | None:
    """Return the run with its output, or None.

    Raises:
        Undecodable: its row cannot be read.
    """
    row = connection.execute(f"SELECT {WITH_OUTPUT} FROM runs WHERE id = ?", (run_id,)).fetchone()
    return None if row is None else run_from_row(row)
