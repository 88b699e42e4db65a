"""What the parts of the memory store have in common: one clock and one lock."""

import threading

from executor.ports.clock import Clock


class MemoryPart:
    """A part of :class:`~tests.fakes.memory_store.MemoryStore`; every method is one atomic step."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
