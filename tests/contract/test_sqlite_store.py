"""The store contract on SQLite, and what only a file can be asked."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from executor.adapters.sqlite import SqliteReaders, SqliteStore
from executor.domain.named import Kind
from executor.ports.store import ExecutorStore, Readers
from tests.contract.store_contract import StoreContract


@pytest.fixture(autouse=True)
def database(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A file of the test's own; here and not in the class, so that it comes before the stores."""
    path = tmp_path / "data" / "solocron.db"
    request.instance.path = path
    return path


class TestSqliteStore(StoreContract):
    """The law."""

    path: Path

    @pytest.fixture(autouse=True)
    def _closed(self) -> Iterator[None]:
        yield
        readers = self.readers
        assert isinstance(readers, SqliteReaders)
        readers.close()

    def make_store(self) -> ExecutorStore:
        return SqliteStore(self.path)

    def make_readers(self) -> Readers:
        return SqliteReaders(self.path)

    def break_job(self, job_id: str) -> None:
        self._execute(
            "UPDATE jobs SET document = json_remove(document, '$.definition.target') WHERE id = ?",
            job_id,
        )

    def break_revision(self, job_id: str, revision: int) -> None:
        self._execute(
            "UPDATE job_revisions SET document = json_remove(document, '$.definition.target') "
            "WHERE job_id = ? AND revision = ?",
            job_id,
            revision,
        )

    def break_named(self, kind: Kind[Any], name: str) -> None:
        self._execute(
            f"UPDATE {kind.plural} SET document = json_remove("
            "document, '$.definition.name', '$.definition.kind', '$.sealed', '$.digest') "
            "WHERE name = ?",
            name,
        )

    def break_tally(self, job_id: str) -> None:
        damage = "json_remove(document, '$.failures')"
        self._execute(f"UPDATE tallies SET document = {damage} WHERE job_id = ?", job_id)

    def break_change(self, change_id: str) -> None:
        self._execute("UPDATE audit SET document = '[]' WHERE id = ?", change_id)

    def age_instance(self, instance_id: str, seconds: float) -> None:
        self._execute(
            "UPDATE instances SET seen_at = seen_at - ? WHERE id = ?", seconds * 1000, instance_id
        )

    def _execute(self, statement: str, *parameters: object) -> None:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute(statement, parameters)
