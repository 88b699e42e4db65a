"""The store contract on SQLite, and what its records may do when somebody has damaged them."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from tests.contract.damage_law import DamageLaw
from tests.contract.sqlite_workshop import SqliteWorkshop
from tests.contract.store_contract import StoreContract

#: Columns that hold JSON.
WITH_JSON = ("document", "last_run", "output")


class TestSqliteStore(SqliteWorkshop, StoreContract):
    """The law."""


class TestDamagedRows(SqliteWorkshop, DamageLaw):
    """The law about records; a field is a column, or stands in one that holds JSON."""

    depth = 3

    def record(self, table: str, key: str) -> dict[str, Any]:
        with closing(sqlite3.connect(self.path)) as connection:
            connection.row_factory = sqlite3.Row
            row = dict(connection.execute(*_found("SELECT *", table, key)).fetchone())
        return {
            name: json.loads(value) if name in WITH_JSON and value else value
            for name, value in row.items()
            if name not in _keys(table)
        }

    def put_record(self, table: str, key: str, record: Mapping[str, Any]) -> bool:
        names = [name for name in self.record_names(table) if name not in _keys(table)]
        values = [_column(record.get(name)) for name in names]
        news = ", ".join(f"{name} = ?" for name in names)
        statement, (found,) = _found("UPDATE", table, key, f"SET {news}")
        try:
            self._execute(statement, *values, found)
        except sqlite3.DatabaseError:
            return False
        return True

    def record_names(self, table: str) -> list[str]:
        """Return the names of the columns."""
        with closing(sqlite3.connect(self.path)) as connection:
            return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def _keys(table: str) -> tuple[str, ...]:
    if table == "job_revisions":
        return ("job_id", "revision")
    return (
        ("name",)
        if table in {"calendars", "channels", "secrets", "tokens", "token_uses"}
        else (
            "id",
            "row",
        )
    )


def _found(verb: str, table: str, key: str, news: str = "") -> tuple[str, tuple[str]]:
    """Return the statement that reads or changes a record, and its last parameter."""
    which = "revision = 2 AND job_id = ?" if table == "job_revisions" else f"{_keys(table)[0]} = ?"
    middle = f"{verb} {table} {news}" if news else f"{verb} FROM {table}"
    return f"{middle} WHERE {which}", (key,)


def _column(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict | list) else value
