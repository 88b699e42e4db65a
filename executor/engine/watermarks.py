"""Up to where the slots of each job are accounted for, while their rows are on the way.

A claim stands for the slots from one watermark to the next and holds a row for each of
them.  A row is accounted for once nobody has to look after it any more: it is handed off,
or somebody else's, or over.

1. A claim is done when *every* row of it is accounted for.  A row that turns out to be
   over already is done at once, long before one that waits for its clearance beside it.
2. The watermark moves over claims that are done, in their order, and never past one that
   is not: a successor takes what it finds pending before the watermark for a leftover.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True, eq=False)
class _Claim:
    job_id: str
    begin: datetime
    end: datetime | None
    open: set[str]


@dataclass(frozen=True, slots=True)
class Moved:
    """The slots of a job are accounted for up to ``watermark``; None: there are no more."""

    job_id: str
    watermark: datetime | None


class Watermarks:
    """The claims under way, by job and by row."""

    def __init__(self) -> None:
        self._claims: dict[str, deque[_Claim]] = {}
        self._by_row: dict[str, _Claim] = {}

    def claim(
        self, job_id: str, begin: datetime, end: datetime | None, rows: Iterable[str]
    ) -> None:
        """Note that *rows* stand for the job's slots from *begin* to before *end*."""
        claim = _Claim(job_id, begin, end, set(rows))
        self._claims.setdefault(job_id, deque()).append(claim)
        self._by_row.update(dict.fromkeys(claim.open, claim))

    def accounted(self, run_id: str) -> Moved | None:
        """Note that a row is accounted for; return where its job's watermark moves, if it does."""
        claim = self._by_row.pop(run_id, None)
        if claim is None:
            return None
        claim.open.discard(run_id)
        claims = self._claims.get(claim.job_id)
        moved = None
        while claims and not claims[0].open:
            moved = Moved(claim.job_id, claims.popleft().end)
        if not claims:
            self._claims.pop(claim.job_id, None)
        return moved

    def begin(self, job_id: str) -> datetime | None:
        """Return the first slot of the job that is not accounted for; None if all are."""
        claims = self._claims.get(job_id)
        return claims[0].begin if claims else None

    def holds(self, run_id: str) -> bool:
        """Whether a claim waits for this row."""
        return run_id in self._by_row

    def forget(self, job_id: str) -> None:
        """Forget every claim of a job: its slots are others now, or will be claimed anew."""
        for claim in self._claims.pop(job_id, ()):
            for run_id in claim.open:
                del self._by_row[run_id]
