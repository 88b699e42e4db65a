"""Long lists in SQLite, newest first: a page follows an index and begins at the cursor's key.

The index is named, not left to SQLite, which knows nothing of how many rows have a value: a job
has few runs among all, a state or a cause may have nearly all of them.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from executor.adapters.documents import LATEST, UNREADABLE, instant, milliseconds

#: What rows are sorted by: an instant, and the id among those of the same one.
Key = tuple[datetime, str]


@dataclass(slots=True)
class Narrowing:
    """What a list is narrowed to, and the index to follow."""

    index: str
    conditions: list[str] = field(default_factory=lambda: ["TRUE"])
    parameters: list[Any] = field(default_factory=list)

    def add(self, condition: str, *parameters: Any) -> None:
        """Ask for *condition* too."""
        self.conditions.append(condition)
        self.parameters += parameters

    def choose(self, *choices: tuple[str, str, Any]) -> None:
        """Ask for each condition whose value is given; the last of their indexes is followed."""
        for condition, index, value in choices:
            if value is not None:
                self.index = index
                self.add(condition, value)


def page_of(
    connection: sqlite3.Connection,
    columns: str,
    table: str,
    at: str,
    which: Narrowing,
    after: Key | None,
    limit: int,
) -> tuple[list[tuple[Any, ...]], Key | None]:
    """Return at most *limit* rows, and the key after which there are more.

    Args:
        at: the column with the instant that the rows are sorted by.
        after: where the page before ended.
    """
    if after is not None:
        which.add(f"({at}, id) < (?, ?)", milliseconds(after[0]), after[1])
    rows = connection.execute(
        f"SELECT {columns}, {at}, id FROM {table} INDEXED BY {which.index} "
        f"WHERE {' AND '.join(which.conditions)} ORDER BY {at} DESC, id DESC LIMIT ?",
        (*which.parameters, limit + 1),
    ).fetchall()
    following = _last_of(rows[limit - 1]) if len(rows) > limit else None
    return [row[:-2] for row in rows[:limit]], following


def _last_of(row: tuple[Any, ...]) -> Key | None:
    """Return the key after which the rest of the list begins, by the last row of a page.

    What is no instant stands before all that are, or behind them, by SQLite's order of types.  The
    rest begins with the latest of these then; or there is nothing left that can be read, and the
    answer is None.
    """
    *_, at, item_id = row
    try:
        return instant(int(at) if isinstance(at, float) else at), item_id
    except UNREADABLE:
        is_earlier = isinstance(at, int | float) and at < 0
        return None if is_earlier else (LATEST, "")
