"""Rows that change hands, or their ``clear_at``: on their way to the store.

A row of a former term is adopted.  A row of this term is adopted from itself, to be parked
or to be parked no more.  Until the store has answered, nobody knows what the row says.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from executor.domain.replacement import replace
from executor.domain.run import AWAITING, Run
from executor.domain.writes import Adoption
from executor.engine.desk import Call, Desk
from executor.engine.store_requests import AdoptRuns
from executor.engine.timing import ADOPT_ROWS


class Adoptions:
    """The adoptions under way."""

    def __init__(self, desk: Desk, term: int) -> None:
        self._term = term
        self._waiting: list[Adoption] = []
        self._rows: dict[str, Run] = {}
        self.call: Call[AdoptRuns] = Call(desk)

    def add(self, run: Run, clear_at: datetime) -> None:
        """Take *run* over, to be started once this term is cleared up to *clear_at*."""
        expected = run.clear_at if run.term == self._term else None
        # What was parked once is past its job's watermark; that it is due marks it as no leftover.
        due_at = run.due if run.is_parked or clear_at >= AWAITING else run.due_at
        moved = replace(run, term=self._term, clear_at=clear_at, due_at=due_at)
        self._rows[run.id] = moved
        self._waiting.append(Adoption(run.id, run.term, clear_at, expected, due_at))

    def advance(self) -> None:
        """Send the next ones."""
        self.call.advance()
        if self._waiting and self.call.idle:
            some, self._waiting = self._waiting[:ADOPT_ROWS], self._waiting[ADOPT_ROWS:]
            self.call.send(AdoptRuns(tuple(some), self._term))

    def done(self, request: AdoptRuns) -> Iterator[Run]:
        """Yield the rows of a request that is answered, as they are if they are ours."""
        for adoption in request.adoptions:
            yield self._rows.pop(adoption.run_id)

    def holds(self, run_id: str) -> bool:
        """Whether the row is under way."""
        return run_id in self._rows

    @property
    def earliest(self) -> datetime | None:
        """The earliest ``clear_at`` of the rows under way; None if there are none."""
        if not self._rows:
            return None
        return min(run.clear_at for run in self._rows.values())
