"""One alarm for each of many things: when is the next one due, and which?

A heap with one valid entry for each name.  Setting an alarm later leaves the former entry in
the heap; when that comes up it is put back.  So a thing whose alarm is put off again and again,
as by every heartbeat, costs nothing until the former alarm would have rung.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from math import inf


class Alarms:
    """Monotonic times by name."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._set: dict[str, float] = {}
        self._queued: dict[str, float] = {}

    def set(self, name: str, time: float) -> None:
        """Let *name* ring at *time* and not before; infinity: never."""
        self._set[name] = time
        if time < self._queued.get(name, inf):
            self._queued[name] = time
            heapq.heappush(self._heap, (time, name))

    def drop(self, name: str) -> None:
        """Forget *name*."""
        self._set.pop(name, None)
        self._queued.pop(name, None)

    def due(self, now: float) -> Iterator[str]:
        """Yield each name that rings by *now*; it is not set any more then."""
        while self._heap and self._heap[0][0] <= now:
            time, name = heapq.heappop(self._heap)
            if self._queued.get(name) != time:
                continue
            del self._queued[name]
            wanted = self._set[name]
            if wanted > now:
                self.set(name, wanted)
            else:
                del self._set[name]
                yield name

    @property
    def earliest(self) -> float:
        """A time before which none rings; infinity if none is set."""
        return self._heap[0][0] if self._heap else inf
