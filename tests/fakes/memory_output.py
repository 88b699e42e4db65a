"""The part of the memory store that keeps what runs say while they go on."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from executor.domain.live_output import KEPT, OutputChunk
from executor.domain.run import RunState
from executor.ports.clock import Clock
from tests.fakes.memory_runs import MemoryRuns


class MemoryOutput(MemoryRuns):
    """An :class:`~executor.ports.store.OutputStore`, and the readers' face of it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._said: dict[str, dict[int, OutputChunk]] = {}
        self._said_at: dict[str, datetime] = {}

    def keep_output(self, chunks: Sequence[OutputChunk]) -> None:
        """Keep chunks, the newest of each run."""
        with self.lock:
            for chunk in chunks:
                self._said.setdefault(chunk.run_id, {})[chunk.offset] = chunk
                self._said_at[chunk.run_id] = self.clock.now()
            for run_id in {chunk.run_id for chunk in chunks}:
                kept = self._said[run_id]
                oldest = max(chunk.end for chunk in kept.values()) - KEPT
                self._said[run_id] = {at: one for at, one in kept.items() if one.end > oldest}

    def purge_output(self, rest_s: float) -> None:
        """Remove the chunks of runs that are over, once they have rested."""
        with self.lock:
            before = self.clock.now() - timedelta(seconds=rest_s)
            for run_id, at in list(self._said_at.items()):
                run = self._runs.get(run_id)
                needed = run is not None and (run.is_live or run.state is RunState.LOST)
                if not needed and at <= before:
                    del self._said[run_id], self._said_at[run_id]

    def read_output(self, run_id: str, offset: int, limit: int) -> list[OutputChunk]:
        """Return chunks of what a run said."""
        with self.lock:
            chunks = sorted(self._said.get(run_id, {}).items())
            return [chunk for _, chunk in chunks if chunk.end > offset][:limit]
