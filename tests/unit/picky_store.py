"""A store that does not take some entries, whatever stands beside them in a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from executor.domain.job import Job
from executor.domain.run import Run, RunChange
from executor.domain.writes import Adoption, JobClash, JobProgress, JobWrite
from tests.fakes.fake_clock import FakeClock
from tests.fakes.memory_store import MemoryStore


class PickyStore(MemoryStore):
    """Raises, for a whole batch, what a driver raises for a text that cannot be encoded.

    Attributes:
        rows, adoptions, changes, news, jobs: names of jobs that it takes no such entries of.
        texts: whether it takes changes of those jobs that bring no output.
        stumbles: so many batches of changes are not taken, whatever is in them.
    """

    def __init__(self, *jobs: Job) -> None:
        super().__init__(FakeClock())
        self.rows: set[str] = set()
        self.adoptions: set[str] = set()
        self.changes: set[str] = set()
        self.news: set[str] = set()
        self.jobs: set[str] = set()
        self.texts = False
        self.stumbles = 0
        assert not any(self.write_jobs([JobWrite(job, None) for job in jobs]))

    def insert_runs(self, runs: Sequence[Run]) -> Mapping[str, Run]:
        """Insert rows, unless one is not to its taste."""
        _refuse(any(run.job in self.rows for run in runs))
        return super().insert_runs(runs)

    def adopt_runs(self, adoptions: Sequence[Adoption], term: int) -> frozenset[str]:
        """Adopt rows, unless one is not to its taste."""
        _refuse(any(self.get_run(one.run_id).job in self.adoptions for one in adoptions))
        return super().adopt_runs(adoptions, term)

    def change_runs(self, changes: Sequence[RunChange]) -> None:
        """Change rows, unless one is not to its taste."""
        if self.stumbles:
            self.stumbles -= 1
            _refuse(True)
        _refuse(any(map(self._is_bad, changes)))
        super().change_runs(changes)

    def _is_bad(self, change: RunChange) -> bool:
        if self.texts and change.output is None:
            return False
        return self.get_run(change.run_id).job in self.changes

    def advance_jobs(self, progress: Sequence[JobProgress]) -> None:
        """Record progress, unless one is not to its taste."""
        _refuse(any(one.job_id in {f"job-{name}" for name in self.news} for one in progress))
        super().advance_jobs(progress)

    def write_jobs(self, writes: Sequence[JobWrite]) -> list[JobClash | None]:
        """Write jobs, unless one is not to its taste."""
        _refuse(any(write.job.name in self.jobs for write in writes))
        return super().write_jobs(writes)


def _refuse(bad: bool) -> None:
    if bad:
        raise OverflowError("no number of ours")
