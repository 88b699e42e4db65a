"""A store in memory, for tests of whatever stands on one: same contract, no durability.

It is the model store of the simulation too, so it is deterministic: it reads time
only from the clock it is given, and one call is one atomic step.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from executor.domain.command import CommandResult
from executor.domain.errors import CommandNotFound
from executor.domain.run import RunState
from executor.domain.writes import Instance, KnownCommands
from executor.ports.clock import Clock
from executor.ports.store import Counts
from tests.fakes.memory_audit import MemoryAudit
from tests.fakes.memory_outbox import MemoryOutbox
from tests.fakes.memory_output import MemoryOutput
from tests.fakes.memory_revisions import MemoryRevisions
from tests.fakes.memory_sessions import MemorySessions
from tests.fakes.memory_terms import MemoryTerms
from tests.fakes.memory_token_uses import MemoryTokenUses

#: How long a silent instance is still listed.
_SEEN_FOR = timedelta(seconds=30)


class MemoryStore(
    MemoryTerms,
    MemoryTokenUses,
    MemorySessions,
    MemoryAudit,
    MemoryOutbox,
    MemoryOutput,
    MemoryRevisions,
):
    """An :class:`~executor.ports.store.ExecutorStore` and :class:`~executor.ports.store.Readers`.

    Args:
        clock: Of which ``now`` is the store's now.
        unique_slots: False makes it record every scheduled row, as if there were no unique key.
        fenced: False lets every term clear, as if terms were no condition.

    The two switches are for proving that the tests notice what the store is for.
    """

    def __init__(self, clock: Clock, *, unique_slots: bool = True, fenced: bool = True) -> None:
        super().__init__(clock)
        self.unique_slots = unique_slots
        self.fenced = fenced
        self._results: dict[str, CommandResult] = {}
        self._instances: dict[str, Instance] = {}

    def purge_jobs(self, before: datetime, limit: int) -> int:
        """Remove deleted jobs with all that belongs to them."""
        with self.lock:
            purged = super().purge_jobs(before, limit)
            self._tallies = {one: kept for one, kept in self._tallies.items() if one in self._jobs}
            return purged

    def prepare(self) -> None:
        """There is nothing to prepare."""

    def callback_key(self) -> bytes:
        """Return a key that nobody has to guess."""
        return b"k" * 32

    def close(self) -> None:
        """There is nothing to give back."""

    def known_commands(self, command_ids: Collection[str]) -> KnownCommands:
        """Return what is remembered of commands."""
        with self.lock:
            wanted = set(command_ids) - {""}
            made = [
                j for j in self._jobs.values() if j.last_command and j.last_command.id in wanted
            ]
            jobs = self._load(made).jobs
            results = {one: self._results[one] for one in command_ids if one in self._results}
            return KnownCommands(results, jobs)

    def save_results(self, results: Sequence[CommandResult]) -> None:
        """Keep answers, the first for each command."""
        with self.lock:
            for result in results:
                self._results.setdefault(result.command_id, result)

    def get_result(self, command_id: str) -> CommandResult:
        """Return the answer to a command."""
        with self.lock:
            if command_id not in self._results:
                raise CommandNotFound(command_id)
            return self._results[command_id]

    def beat(self, instance: Instance) -> None:
        """Record that an instance lives."""
        with self.lock:
            self._instances[instance.id] = replace(instance, seen_at=self.clock.now())

    def age_instance(self, instance_id: str, seconds: float) -> None:
        """Set back when an instance was seen."""
        with self.lock:
            instance = self._instances[instance_id]
            seen_at = instance.seen_at - timedelta(seconds=seconds)
            self._instances[instance_id] = replace(instance, seen_at=seen_at)

    def forget_instance(self, instance_id: str) -> None:
        """Remove an instance."""
        with self.lock:
            self._instances.pop(instance_id, None)

    def list_instances(self) -> list[Instance]:
        """Return the instances seen lately."""
        with self.lock:
            since = self.clock.now() - _SEEN_FOR
            seen = [one for one in self._instances.values() if one.seen_at >= since]
        return sorted(seen, key=lambda instance: instance.id)

    def count(self) -> Counts:
        """Return the numbers of jobs and of running runs."""
        with self.lock:
            pending = RunState.PENDING
            live = [run for run in self._open_rows() if run.is_live and run.state is not pending]
            return Counts(len(self._present()), len(live))

    def now(self) -> datetime:
        """Return the clock's now."""
        return self.clock.now()
