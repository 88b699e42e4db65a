"""Where the store contract gets its SQLite stores from: a file of each test's own."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from executor.adapters.sqlite import SqliteReaders, SqliteStore
from executor.domain.named import Kind
from executor.ports.store import ExecutorStore, Readers
from tests.contract.store_workshop import StoreWorkshop


class SqliteWorkshop(StoreWorkshop):
    """Makes clients of one file; ``path`` is where it is."""

    @pytest.fixture
    def _world(self, tmp_path: Path) -> Iterator[None]:
        self.path = tmp_path / "data" / "solocron.db"
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
