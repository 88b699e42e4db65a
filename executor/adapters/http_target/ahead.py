"""Requests that are written down before they are due.

What a request consists of is known as soon as its run is, some tenths of a second before its
second.  Writing it down takes longer than handing it to libcurl, so of a thousand that are due at
one instant the last is on its way much earlier if they have been written down by then.

Nothing is decided by it: a work that comes to be started is started as it then is, and what was
written down counts only if it was made of the same run and definition.  Belongs to one thread.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from executor.adapters.http_target.flight import Flight, Writer
from executor.domain.filling import is_plain
from executor.domain.targets import HttpTarget
from executor.ports.target import Work

#: Requests kept at most, each with a handle of its own: what can be sent within some tenths of a
#: second, and there is time to write down those that come after meanwhile.
MOST: Final = 1000

#: A request that nobody has asked for so long after its run was due is let go.
KEPT: Final = timedelta(seconds=10)

#: Bytes that the text of a body may have: they are kept once more.
LONGEST_BODY: Final = 4096


class Ahead:
    """Writes works down with *writer*, and keeps the requests until they are asked for."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._waiting: deque[Work] = deque(maxlen=MOST)
        self._ready: OrderedDict[str, Flight] = OrderedDict()

    def add(self, works: Sequence[Work]) -> None:
        """Let *works* wait to be written down; what was for long before them is let go."""
        self._waiting.extend(work for work in works if _is_simple(work))
        latest = max((work.run.due for work in works if work.run.due is not None), default=None)
        while self._ready and latest is not None:
            oldest = next(iter(self._ready.values())).work.run
            if oldest.due is not None and oldest.due > latest - KEPT:
                return
            self._drop(self._ready.pop(oldest.id))

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be written down."""
        return not self._waiting

    def write_some(self, most: int) -> None:
        """Write up to *most* works down."""
        for _ in range(min(most, len(self._waiting))):
            work = self._waiting.popleft()
            try:
                flight = self._writer.write(work)
            except Exception:
                # Starting it will fail likewise, and say so; the thread must not end by it.
                continue
            self._drop(self._ready.pop(work.run.id, None))
            self._ready[work.run.id] = flight
            if len(self._ready) > MOST:
                self._drop(self._ready.popitem(last=False)[1])

    def take(self, work: Work) -> Flight | None:
        """Return the request that was written down for exactly this work, if there is one."""
        flight = self._ready.pop(work.run.id, None)
        if flight is None:
            return None
        foreseen = flight.work
        if foreseen.run is work.run and foreseen.definition is work.definition:
            return flight
        self._drop(flight)
        return None

    def close(self) -> None:
        """Give all handles back."""
        for flight in self._ready.values():
            self._drop(flight)

    def _drop(self, flight: Flight | None) -> None:
        if flight is not None:
            self._writer.take_back(flight.curl)


def _is_simple(work: Work) -> bool:
    """Whether the request has no secrets, which stay closed until then, and no instant in it."""
    target = work.definition.target
    return isinstance(target, HttpTarget) and is_plain(target) and len(target.body) <= LONGEST_BODY
