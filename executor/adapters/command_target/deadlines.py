"""When whose present phase has lasted long enough.

A heap in which a deadline that was replaced or has become pointless stays behind until
it comes up, or until such leftovers outnumber the others: an hour's worth of programs
that took a moment each must not be kept for the sake of their timeouts.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final, Generic, TypeVar

#: Leftovers not worth the trouble of clearing away.
_FEW: Final = 64

Item = TypeVar("Item")


class Deadlines(Generic[Item]):
    """At most one deadline for each item; belongs to one thread."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Item]] = []
        self._serial = count()
        self._alive: dict[Item, float] = {}

    def __contains__(self, item: Item) -> bool:
        return item in self._alive

    def set(self, item: Item, when: float) -> None:
        """Let *item* come due at *when*, by the monotonic clock, and no other time."""
        self._alive[item] = when
        heappush(self._heap, (when, next(self._serial), item))
        if len(self._heap) > 2 * len(self._alive) + _FEW:
            self._heap = [(at, next(self._serial), living) for living, at in self._alive.items()]
            heapify(self._heap)

    def clear(self, item: Item) -> None:
        """Let *item* never come due."""
        self._alive.pop(item, None)

    def next(self) -> float | None:
        """Return when :meth:`pop` is worth calling, at the latest; None for never."""
        return self._heap[0][0] if self._heap else None

    def pop(self, now: float) -> list[Item]:
        """Return the items that are due, and forget their deadlines."""
        due: list[Item] = []
        while self._heap and self._heap[0][0] <= now:
            when, _, item = heappop(self._heap)
            if self._alive.get(item) == when:
                del self._alive[item]
                due.append(item)
        return due
