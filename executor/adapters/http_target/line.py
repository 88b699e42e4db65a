"""The line of requests that wait for capacity, in which no host stands in another's way.

Works are taken in the order in which they came, but for those whose host has as many
requests in flight as one host may have: they step aside until one of these is over.  So a
host that never answers keeps only its own jobs waiting.

libcurl has a limit of the same kind (MAX_HOST_CONNECTIONS).  It is of no use here: a
transfer that libcurl holds back has been handed over already, so it takes up one of the
places in flight, its time is running, and its run is called started.

A host is what the job's URL names, with its port; where redirects lead is not known
beforehand and does not count.  Not safe to share between threads.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable

from executor.ports.target import Work


class Line:
    """Works that wait.

    Args:
        host_of: returns what a work's host is counted under.
        per_host: requests of one host in flight at most.
    """

    def __init__(self, host_of: Callable[[Work], str], per_host: int) -> None:
        self._host_of = host_of
        self._per_host = per_host
        self._busy: dict[str, int] = {}
        self._ready: OrderedDict[str, Work] = OrderedDict()
        #: Those that had stepped aside and whose turn it is: before everybody else.
        self._freed: OrderedDict[str, Work] = OrderedDict()
        self._aside: defaultdict[str, OrderedDict[str, Work]] = defaultdict(OrderedDict)

    def add(self, works: Iterable[Work]) -> None:
        """Let *works* join at the end."""
        self._ready.update((work.run.id, work) for work in works)

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits, nor has stepped aside."""
        return not (self._freed or self._ready or self._aside)

    def may_move(self) -> bool:
        """Whether :meth:`take` would do anything."""
        return bool(self._freed or self._ready)

    def take(self) -> Work | None:
        """Return the next work and count it as in flight, or None if it had to step aside.

        One step for each call, however many works of a full host stand in front.
        """
        _, work = (self._freed or self._ready).popitem(last=False)
        host = self._host_of(work)
        busy = self._busy.get(host, 0)
        if busy >= self._per_host:
            self._aside[host][work.run.id] = work
            return None
        self._busy[host] = busy + 1
        return work

    def leave(self, work: Work) -> None:
        """Count *work*, once taken, as in flight no more."""
        host = self._host_of(work)
        self._busy[host] -= 1
        if not self._busy[host]:
            del self._busy[host]
        self._free_one(host)

    def drop(self, run_id: str) -> Work | None:
        """Take the work of this run out of the line; None if it is not in it."""
        if run_id in self._ready:
            return self._ready.pop(run_id)
        if run_id in self._freed:
            work = self._freed.pop(run_id)
            self._free_one(self._host_of(work))
            return work
        for host, works in self._aside.items():
            if run_id in works:
                work = works.pop(run_id)
                self._forget_if_empty(host)
                return work
        return None

    def _free_one(self, host: str) -> None:
        """Let the first work that had stepped aside for *host* come next."""
        if host in self._aside:
            run_id, work = self._aside[host].popitem(last=False)
            self._freed[run_id] = work
            self._forget_if_empty(host)

    def _forget_if_empty(self, host: str) -> None:
        if not self._aside[host]:
            del self._aside[host]
