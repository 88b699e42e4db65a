"""Live output in SQLite: one row for each chunk, the newest of each run."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from executor.adapters.sqlite.connection import Database, now_ms
from executor.adapters.sqlite.schema import LIVE_STATES
from executor.domain.live_output import KEPT, OutputChunk

_KEEP: Final = """
    INSERT INTO output_chunks (run_id, start, finish, written_at, data) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (run_id, start) DO UPDATE
    SET finish = excluded.finish, written_at = excluded.written_at, data = excluded.data
"""

#: The runs whose chunks nobody needs any more; each is looked up by itself, and they are few.
_PURGEABLE: Final = f"""
    SELECT run_id FROM (SELECT DISTINCT run_id FROM output_chunks) AS speaking
    WHERE NOT EXISTS (
        SELECT 1 FROM runs WHERE id = run_id AND state IN ({LIVE_STATES}, 'lost')
    ) AND NOT EXISTS (
        SELECT 1 FROM output_chunks AS late
        WHERE late.run_id = speaking.run_id AND late.written_at > ?
    )
"""


class OutputTable:
    """Implements :class:`~executor.ports.store.OutputStore`."""

    def __init__(self, database: Database) -> None:
        """Use *database*, which need not be durable."""
        self._database = database

    def keep_output(self, chunks: Sequence[OutputChunk]) -> None:
        """Keep *chunks*, and of each run no more than its newest bytes."""
        if not chunks:
            return
        now = now_ms()
        ends: dict[str, int] = {}
        for one in chunks:
            ends[one.run_id] = max(one.end, ends.get(one.run_id, 0))
        with self._database.write() as connection:
            connection.executemany(
                _KEEP, [(one.run_id, one.offset, one.end, now, one.data) for one in chunks]
            )
            connection.executemany(
                "DELETE FROM output_chunks WHERE run_id = ? AND finish <= ?",
                [(run_id, end - KEPT) for run_id, end in ends.items() if end > KEPT],
            )

    def purge_output(self, rest_s: float) -> None:
        """Remove the chunks of runs that are over, once they have rested."""
        before = now_ms() - round(rest_s * 1000)
        with self._database.read() as connection:
            gone = connection.execute(_PURGEABLE, (before,)).fetchall()
        if gone:
            # Nobody writes a chunk of these any more, or it is purged the next time.
            with self._database.write() as connection:
                connection.executemany("DELETE FROM output_chunks WHERE run_id = ?", gone)


def chunks(
    connection: sqlite3.Connection, run_id: str, offset: int, limit: int
) -> list[OutputChunk]:
    """Return at most *limit* chunks of the run, from the one that holds *offset* on."""
    rows = connection.execute(
        "SELECT start, data FROM output_chunks INDEXED BY output_chunks_by_finish "
        "WHERE run_id = ? AND finish > ? ORDER BY finish LIMIT ?",
        (run_id, offset, limit),
    ).fetchall()
    return [OutputChunk(run_id, start, data) for start, data in rows]
