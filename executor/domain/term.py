"""Terms: who may decide, and what a former executor can have started.

The store mints a term, a strictly increasing number, for each executor.  Before a
second is due its holder *clears* it: one conditional write, which fails once a newer
term exists.  Minting keeps what every former term had cleared last, in the same
atomic write, so a successor can tell for every row it finds

* it has certainly not started: the row lies beyond its term's last clearance, or
* it may have started: the row lies at or before it.

No clock takes part: all these instants are values that executors wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from executor.domain.run import Run, RunState

#: How many former terms the store keeps.  A row older than that is treated as possibly started.
HISTORY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerTerm:
    """One executor's tenure that is over; ``until`` is when its successor was minted."""

    term: int
    holder: str
    cleared_until: datetime | None
    until: datetime
    tzdata: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermRecord:
    """The one document that says who executes.

    ``heartbeat_at`` (store's clock) advances with every clearance; ``resigned`` means the holder
    has stopped deciding on purpose.  ``tzdata`` is the time zone data that it goes by; empty where
    an older version wrote the record.  ``previous`` is newest first, at most :data:`HISTORY` long.
    """

    term: int
    holder: str
    acquired_at: datetime
    heartbeat_at: datetime
    cleared_until: datetime | None = None
    resigned: bool = False
    tzdata: str = ""
    previous: tuple[FormerTerm, ...] = ()


class Clearances:
    """What every former term had cleared when it ended, for judging the rows it left."""

    def __init__(self, record: TermRecord) -> None:
        self._cleared = {former.term: former.cleared_until for former in record.previous}

    def may_have_started(self, run: Run) -> bool:
        """Return False only if *run*, a row of a former term, has certainly not been started."""
        if run.state is not RunState.PENDING:
            return True
        if run.term not in self._cleared:
            return True
        cleared = self._cleared[run.term]
        return cleared is not None and run.clear_at <= cleared
