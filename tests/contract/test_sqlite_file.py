"""What holds for the SQLite store because it is a file that several processes share."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from executor.adapters.sqlite import SqliteReaders, SqliteStore
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.job_rows import WRITTEN, job_to_row
from executor.adapters.sqlite.schema import OPEN, UPGRADES, VERSION
from executor.domain.calendar import CALENDARS
from executor.domain.errors import SchemaTooNew, StoreUnavailable
from executor.domain.live_output import OutputChunk
from executor.domain.run import LIVE, RunState
from executor.domain.writes import JobWrite
from tests.contract.embedded_world import Child
from tests.contract.store_world import a_claim, a_job, a_run, noon, race, slot

#: Processes that write at the same time and are killed one after the other.
WRITERS = 6

#: Bytes to which the write-ahead log may grow while nobody reads: it is copied into the
#: database after 16 MB, and the writing here would make it three times as long as this.
LOG_BOUND = 30_000_000


class TestSqliteFile:
    """One file, its permissions, its versions and its accidents."""

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> Iterator[None]:
        self.path = tmp_path / "data" / "solocron.db"
        self.store = SqliteStore(self.path)
        self.readers = SqliteReaders(self.path)
        yield
        self.readers.close()
        self.store.close()

    def _execute(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def test_only_its_owner_can_read_it(self) -> None:
        """The database, its log and its shared memory; definitions may hold secrets."""
        self.store.prepare()
        self.store.mint_term("a")

        files = list(self.path.parent.iterdir())
        assert {file.suffix for file in files} == {".db", ".db-wal", ".db-shm"}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE(self.path.parent.stat().st_mode) == 0o700

    def test_before_it_is_prepared_everything_is_unavailable(self) -> None:
        """Web may be there before the first executor: that is no fault, and passes."""
        with pytest.raises(StoreUnavailable):
            self.readers.count()
        with pytest.raises(StoreUnavailable):
            self.store.mint_term("a")
        self.store.prepare()

        assert self.readers.count().jobs == 0

    def test_it_can_be_prepared_by_all_at_once(self) -> None:
        """Instances that start together do not fail each other."""
        stores = [SqliteStore(self.path) for _ in range(8)]

        race(lambda store: store.prepare(), stores)

        for store in stores:
            store.close()
        assert self._execute("PRAGMA user_version") == [(VERSION,)]
        assert self._execute("PRAGMA journal_mode") == [("wal",)]

    def test_a_file_of_an_older_version_is_upgraded(self) -> None:
        """What was in it is still there, and what is new can be used; also once more."""
        Database(self.path, StoreUnavailable).close()
        self._execute("PRAGMA journal_mode = WAL")
        for statement in UPGRADES[0]:
            self._execute(statement)
        self._execute("PRAGMA user_version = 1")
        row = dict(zip(WRITTEN, job_to_row(a_job()), strict=True))
        del row["ping_digest"]
        places = ", ".join("?" * len(row))
        self._execute(f"INSERT INTO jobs ({', '.join(row)}) VALUES ({places})", *row.values())
        with pytest.raises(StoreUnavailable):
            self.store.all_named(CALENDARS)

        for _ in range(2):
            self.store.prepare()

        assert self._execute("PRAGMA user_version") == [(VERSION,)]
        assert self.store.load_job(a_job().id) == a_job()
        self.store.archive_jobs([a_job(revision=0)])
        assert self.readers.list_revisions(a_job().id, 5, None).items == (a_job(revision=0),)
        assert self.store.all_named(CALENDARS) == []
        self.store.keep_output([OutputChunk("run", 0, b"said")])
        assert self.readers.read_output("run", 0, 5) == [OutputChunk("run", 0, b"said")]

    def test_a_newer_file_is_refused_and_left_alone(self) -> None:
        """This version cannot know what it means."""
        self._execute(f"PRAGMA user_version = {VERSION + 1}")
        before = self.path.read_bytes()

        with pytest.raises(SchemaTooNew) as caught:
            self.store.prepare()

        assert (caught.value.found, caught.value.known) == (VERSION + 1, VERSION)
        assert self.path.read_bytes() == before

    def test_a_file_that_is_no_database_is_unavailable(self) -> None:
        """Whatever it is, it is not overwritten."""
        self.path.write_bytes(b"no database at all" * 100)

        with pytest.raises(StoreUnavailable) as caught:
            self.store.prepare()

        assert isinstance(caught.value.__cause__, sqlite3.DatabaseError)
        assert self.path.read_bytes().startswith(b"no database")

    def test_a_file_that_somebody_keeps_locked_is_unavailable(self) -> None:
        """After a while; readers do not mind, and it passes with the lock."""
        self.store.prepare()
        database = Database(self.path, StoreUnavailable, patience_s=0.1)
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")

            with pytest.raises(StoreUnavailable), database.write():
                pass
            assert self.readers.count().jobs == 0

            connection.execute("ROLLBACK")
        with database.write():
            pass
        database.close()

    def test_an_error_undoes_the_whole_batch(self) -> None:
        """And leaves the connection fit for the next one."""
        self.store.prepare()
        database = Database(self.path, StoreUnavailable)

        def fail() -> None:
            with database.write() as connection:
                connection.execute("INSERT INTO instances VALUES ('a', 1, '{}')")
                raise ZeroDivisionError

        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                fail()
        database.close()

        assert self._execute("SELECT * FROM instances") == []

    def test_the_index_of_open_rows_knows_every_live_state(self) -> None:
        """A state added to the table of states needs an upgrade of the file."""
        states = ", ".join(sorted(f"'{state}'" for state in LIVE))

        assert f"(state IN ({states}) OR follow_up)" == OPEN

    def test_a_run_that_cannot_be_read_is_reported_as_lost_where_it_stands(self) -> None:
        """Its slot stays taken; lists leave it out."""
        self.store.prepare()
        claim = a_claim()
        self.store.insert_runs([claim, a_run("good")])
        self._execute("UPDATE runs SET document = 'nonsense' WHERE id = 'claim'")

        (standing,) = self.store.insert_runs([a_claim("other")]).values()

        assert (standing.id, standing.state) == ("other", RunState.LOST)
        assert [run.id for run in self.store.open_runs_before(2)] == ["good"]

    def test_the_log_does_not_grow_for_ever(self) -> None:
        """It is copied into the database as it goes, however long the writing."""
        self.store.prepare()
        term = self.store.mint_term("a").term
        for batch in range(40):
            self.store.insert_runs([a_run(f"{batch}-{i}", error="x" * 300) for i in range(500)])
            self.store.clear_term(term, noon(batch))

        assert self.path.with_suffix(".db-wal").stat().st_size < LOG_BOUND

    def test_a_deleted_job_with_many_runs_is_purged_in_parts(self) -> None:
        """In the end all of it is gone."""
        self.store.prepare()
        self.store.write_jobs([JobWrite(a_job(deleted=True), None)])
        skipped = [a_claim(f"c{i}", slot(i), state=RunState.SKIPPED) for i in range(2500)]
        self.store.insert_runs(skipped)

        assert self.store.purge_jobs(noon(1), 10) == 1
        assert self._execute("SELECT count(*) FROM runs") == [(0,)]

    def test_what_was_acknowledged_survives_kill_9(self) -> None:
        """Several processes write at once, none ever fails, each is killed at a random moment."""
        random = Random(4711)
        children = [Child("write", self.path.parent, f"w{number}") for number in range(WRITERS)]
        try:
            for child in children:
                child.await_word("answered", random.randrange(1, 20))
                child.kill()
        finally:
            for child in children:
                child.kill()

        said = [line for child in children for line in child.said]
        assert [line for line in said if line[0] == "failed"] == []
        assert self._execute("PRAGMA integrity_check") == [("ok",)]
        self._check_acknowledged(said)

    def _check_acknowledged(self, said: list[list[str]]) -> None:
        ended = {run_id for line in said if line[0] == "ended" for run_id in line[1:]}
        for word, *names in said:
            for name in names:
                if word == "claimed":
                    state = self.readers.get_run(name).state
                    assert state is RunState.SUCCEEDED or name not in ended
                elif word == "created":
                    assert self.readers.find_job(name).name == name
                elif word == "advanced":
                    job = self.store.load_job(f"job-{name}")
                    assert job is not None
                    assert job.next_fire_at == slot(9)
                elif word == "answered":
                    assert self.readers.get_result(name).command_id == name

    def test_a_full_disk_is_unavailable_until_there_is_room(self) -> None:
        """Nothing that was acknowledged is lost, and writing goes on afterwards."""
        with Child("fill", self.path.parent) as child:
            child.await_word("full")
            child.await_word("healed")

        inserted = [run_id for word, *ids in child.said for run_id in ids if word == "inserted"]
        assert len(inserted) > 20
        assert [self.readers.get_run(run_id).id for run_id in inserted] == inserted
        assert self._execute("PRAGMA integrity_check") == [("ok",)]
