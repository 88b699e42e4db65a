"""When API tokens were used last, in SQLite: one row for each name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from executor.adapters.documents import milliseconds
from executor.adapters.sqlite.connection import Database

_USE: Final = """
    INSERT INTO token_uses (name, used_at) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET used_at = max(used_at, excluded.used_at)
"""


class TokenUseTable:
    """Implements :class:`~executor.ports.store.TokenUseStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note_token_uses(self, uses: Mapping[str, datetime]) -> None:
        """Record when tokens were used last."""
        rows = [(name, milliseconds(at)) for name, at in uses.items()]
        with self._database.write() as connection:
            connection.executemany(_USE, rows)

    def purge_token_uses(self) -> None:
        """Remove the uses of tokens that have no record any more."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM token_uses WHERE name NOT IN (SELECT name FROM tokens)")
