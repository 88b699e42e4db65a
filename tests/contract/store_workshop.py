"""Where the store contract gets its stores from, and who clears up.

A subclass of the contract has one private, empty database for each test; every store
and readers it makes are clients of that one.  ``store`` and ``readers`` are made for
each test, ``another_store`` makes a second client, as a second instance would be.
The fixture ``_world`` is what a subclass overrides to have a database before they are
made and to close the readers and remove it after the stores are closed.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import pytest

from executor.domain.job import Job
from executor.domain.named import Kind
from executor.domain.run import Run
from executor.domain.writes import JobClash, JobWrite
from executor.ports.store import ExecutorStore, Readers
from tests.contract.store_world import PATIENCE_S
from tests.waiting import eventually

Value = TypeVar("Value")


class StoreWorkshop:
    """Makes clients of one database and closes them all after the test."""

    store: ExecutorStore
    readers: Readers

    def make_store(self) -> ExecutorStore:
        """Return a store on the test's database; it need not be prepared."""
        raise NotImplementedError

    def make_readers(self) -> Readers:
        """Return readers of the test's database; the subclass closes them."""
        raise NotImplementedError

    def break_job(self, job_id: str) -> None:
        """Make the job's definition unreadable in the database, and nothing else of the record."""
        raise NotImplementedError

    def break_revision(self, job_id: str, revision: int) -> None:
        """Make the definition of a former revision unreadable in the database."""
        raise NotImplementedError

    def break_named(self, kind: Kind[Any], name: str) -> None:
        """Make what the resource holds unreadable in the database."""
        raise NotImplementedError

    def break_tally(self, job_id: str) -> None:
        """Make the job's tally unreadable in the database, but for its revision."""
        raise NotImplementedError

    def break_change(self, change_id: str) -> None:
        """Make an entry of the audit unreadable in the database."""
        raise NotImplementedError

    def age_instance(self, instance_id: str, seconds: float) -> None:
        """Set back when the instance was seen, as if it had been silent since."""
        raise NotImplementedError

    def let_pass(self, seconds: float) -> None:
        """Move the store's clock on, if it is not the real one."""

    @pytest.fixture
    def _world(self) -> None:
        """Make and remove the database; a subclass that needs to overrides this fixture."""

    @pytest.fixture(autouse=True)
    def _made(self, _world: None) -> Iterator[None]:
        self._stores: list[ExecutorStore] = []
        self.store = self.another_store()
        self.readers = self.make_readers()
        yield
        for store in self._stores:
            store.close()

    def another_store(self) -> ExecutorStore:
        """Return one more client of the same database, prepared."""
        store = self.make_store()
        self._stores.append(store)
        store.prepare()
        return store

    def after(self, seconds: float, fact: Callable[[], Value], what: str) -> Value:
        """Return *fact* once it is true, which needs *seconds* of the store's clock to pass."""
        self.let_pass(seconds)
        return eventually(fact, seconds + PATIENCE_S, what)

    def put_job(self, job: Job) -> Job:
        """Store a new job; return it."""
        assert self.store.write_jobs([JobWrite(job, None)]) == [None]
        return job

    def put_jobs(self, jobs: Sequence[Job]) -> None:
        """Store new jobs."""
        answers: list[JobClash | None] = [None] * len(jobs)
        assert self.store.write_jobs([JobWrite(job, None) for job in jobs]) == answers

    def put_run(self, run: Run) -> Run:
        """Insert a row that nothing stands in the way of; return it."""
        assert self.store.insert_runs([run]) == {}
        return run

    def put_runs(self, runs: Sequence[Run]) -> None:
        """Insert rows that nothing stands in the way of."""
        assert self.store.insert_runs(runs) == {}
