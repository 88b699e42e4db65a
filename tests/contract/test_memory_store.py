"""The memory store keeps the law of stores, so tests that stand on it mean something."""

from typing import Any

from executor.domain.named import Kind
from executor.ports.store import ExecutorStore, Readers
from tests.contract.store_contract import StoreContract
from tests.contract.store_world import a_claim, a_run, noon
from tests.fakes.fake_clock import FakeClock
from tests.fakes.memory_store import MemoryStore


class TestMemoryStore(StoreContract):
    """One store is all the clients of one database; time passes only when told to."""

    def _memory(self) -> MemoryStore:
        memory: MemoryStore | None = getattr(self, "memory", None)
        if memory is None:
            self.clock = FakeClock()
            memory = self.memory = MemoryStore(self.clock)
        return memory

    def make_store(self) -> ExecutorStore:
        return self._memory()

    def make_readers(self) -> Readers:
        return self._memory()

    def break_job(self, job_id: str) -> None:
        self._memory().break_job(job_id)

    def break_revision(self, job_id: str, revision: int) -> None:
        self._memory().break_revision(job_id, revision)

    def break_named(self, kind: Kind[Any], name: str) -> None:
        self._memory().break_named(kind, name)

    def break_tally(self, job_id: str) -> None:
        self._memory().break_tally(job_id)

    def break_change(self, change_id: str) -> None:
        self._memory().break_change(change_id)

    def age_instance(self, instance_id: str, seconds: float) -> None:
        self._memory().age_instance(instance_id, seconds)

    def let_pass(self, seconds: float) -> None:
        self.clock.advance(seconds)


class TestFaultyMemoryStore:
    """The faults it can be given, for tests that must notice them."""

    def test_without_unique_slots_every_scheduled_row_is_recorded(self) -> None:
        """Under another id if its own is taken; other rows still have one row for each id."""
        store = MemoryStore(FakeClock(), unique_slots=False)
        claim = a_claim("claim")
        assert store.insert_runs([claim, claim, a_claim("other"), a_run("run")]) == {}
        assert store.insert_runs([a_run("run")]) == {"run": a_run("run")}

        rows = store.every_run()
        assert len({row.id for row in rows}) == len(rows) == 4
        assert [row.fire_at for row in rows].count(claim.fire_at) == 3

    def test_without_fences_an_old_term_clears(self) -> None:
        """It notices nothing, and neither does the new one."""
        store = MemoryStore(FakeClock(), fenced=False)
        old = store.mint_term("a")
        new = store.mint_term("b")
        store.clear_term(old.term, noon())

        assert store.read_term() == new
