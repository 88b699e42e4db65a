"""The memory store keeps the law of stores, so tests that stand on it mean something."""

from executor.ports.store import ExecutorStore, Readers
from tests.contract.store_contract import StoreContract
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

    def age_instance(self, instance_id: str, seconds: float) -> None:
        self._memory().age_instance(instance_id, seconds)

    def let_pass(self, seconds: float) -> None:
        self.clock.advance(seconds)
