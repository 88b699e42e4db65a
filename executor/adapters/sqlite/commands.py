"""Answers to commands in SQLite, kept for a day."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import Final

from executor.adapters.documents import (
    Undecodable,
    result_from_document,
    result_to_document,
)
from executor.adapters.revision_documents import readable
from executor.adapters.sqlite.connection import Database, now_ms
from executor.adapters.sqlite.job_rows import COLUMNS, job_from_row
from executor.adapters.sqlite.json_text import to_json
from executor.domain.command import CommandResult
from executor.domain.writes import KnownCommands

#: How long an answer is kept, milliseconds: a day, as the port promises.
_KEPT_MS: Final = 86_400_000


class CommandTable:
    """Implements :class:`~executor.ports.store.CommandStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known_commands(self, command_ids: Collection[str]) -> KnownCommands:
        """Return what is remembered of *command_ids*."""
        wanted = to_json(list(command_ids))
        with self._database.read() as connection:
            kept = connection.execute(
                """
                SELECT document FROM results
                WHERE command_id IN (SELECT value FROM json_each(?))
                """,
                (wanted,),
            ).fetchall()
            rows = connection.execute(
                f"""
                SELECT {COLUMNS} FROM jobs
                WHERE last_command IN (SELECT value FROM json_each(?))
                """,
                (wanted,),
            ).fetchall()
        results = [result for (text,) in kept if (result := result_from_text(text)) is not None]
        jobs = tuple(readable(map(job_from_row, rows)))
        return KnownCommands({result.command_id: result for result in results}, jobs)

    def save_results(self, results: Sequence[CommandResult]) -> None:
        """Keep each answer; one that is kept already stays as it was."""
        now = now_ms()
        rows = [(result.command_id, now, to_json(result_to_document(result))) for result in results]
        with self._database.write() as connection:
            connection.executemany(
                "INSERT INTO results (command_id, saved_at, document) VALUES (?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                rows,
            )
            connection.execute("DELETE FROM results WHERE saved_at < ?", (now - _KEPT_MS,))


def find_result(connection: sqlite3.Connection, command_id: str) -> CommandResult | None:
    """Return the answer to the command; None if there is none, or none that can be read."""
    row = connection.execute(
        "SELECT document FROM results WHERE command_id = ?", (command_id,)
    ).fetchone()
    return None if row is None else result_from_text(row[0])


def result_from_text(text: str) -> CommandResult | None:
    """Read an answer; None if it is not one."""
    try:
        return result_from_document(json.loads(text))
    except (Undecodable, ValueError):
        return None
