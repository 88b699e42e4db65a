"""Rows of this term on their way to the store, the earliest to start first."""

from __future__ import annotations

from datetime import datetime

from executor.domain.instant import earlier
from executor.domain.run import Run
from executor.engine.desk import Call, Desk
from executor.engine.store_requests import InsertRuns, Request
from executor.engine.timing import CLAIM_BACKLOG, INSERT_ROWS


class Claims:
    """The outbox, and the batch of it that is out."""

    def __init__(self, desk: Desk) -> None:
        self.call: Call[InsertRuns] = Call(desk)
        self._rows: list[Run] = []
        self._rows_from: datetime | None = None
        self._out_from: datetime | None = None

    def add(self, run: Run) -> None:
        """Write *run* soon."""
        self._rows.append(run)
        self._rows_from = earlier(self._rows_from, run.clear_at)

    @property
    def has_room(self) -> bool:
        """Whether more should be claimed: not while too much is unwritten."""
        request = self.call.request
        return len(self._rows) + (len(request.runs) if request else 0) < CLAIM_BACKLOG

    def answered(self, request: Request) -> bool:
        """Say whether *request* is the batch that was out; then it is not any more."""
        if not self.call.answered(request):
            return False
        self._out_from = None
        return True

    def advance(self) -> None:
        """Send the next batch."""
        self.call.advance()
        if self._rows and self.call.idle:
            self._rows.sort(key=lambda run: run.clear_at)
            batch, self._rows = self._rows[:INSERT_ROWS], self._rows[INSERT_ROWS:]
            self._out_from = batch[0].clear_at
            self._rows_from = self._rows[0].clear_at if self._rows else None
            self.call.send(InsertRuns(tuple(batch)))

    @property
    def earliest(self) -> datetime | None:
        """The earliest ``clear_at`` of what is under way; None if nothing is."""
        return earlier(self._rows_from, self._out_from)
