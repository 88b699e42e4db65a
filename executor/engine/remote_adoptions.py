"""Rows of former terms whose work goes on elsewhere: on their way into this term.

A compare-and-set of term and state: whoever had the row may still be recording what it was told,
and a row that changed in between is read again before it is taken over.  A superseded executor's
later changes of an adopted row do nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from executor.domain.replacement import replace
from executor.domain.run import Run
from executor.domain.writes import Adoption
from executor.engine.desk import Call, Desk
from executor.engine.store_requests import AdoptRuns, Request
from executor.engine.timing import ADOPT_ROWS


class RemoteAdoptions:
    """Adopts rows as handed over; tells of each whether it is ours."""

    def __init__(
        self,
        desk: Desk,
        term: int,
        on_ours: Callable[[Run], None],
    ) -> None:
        self._term = term
        self._on_ours = on_ours
        self._waiting: dict[str, Run] = {}
        self._out: dict[str, Run] = {}
        self._adopted: set[str] = set()
        self._call: Call[AdoptRuns] = Call(desk)

    def add(self, run: Run) -> None:
        """Take over *run*, as it was read last."""
        if not self.holds(run.id):
            self._waiting[run.id] = run

    def holds(self, run_id: str) -> bool:
        """Whether the row is under way."""
        return run_id in self._waiting or run_id in self._out

    def has_adopted(self, run_id: str) -> bool:
        """Whether this term has adopted the row: what was read of it before is out of date."""
        return run_id in self._adopted

    def answered(self, request: Request, result: object) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        if not self._call.answered(request):
            return False
        assert isinstance(result, frozenset)
        out, self._out = self._out, {}
        for run in out.values():
            if run.id in result:
                self._adopted.add(run.id)
                self._on_ours(replace(run, term=self._term, remote=True))
        return True

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        return self._call.failed(request)

    def advance(self) -> None:
        """Send the next ones."""
        self._call.advance()
        if not self._waiting or not self._call.idle:
            return
        for run_id in list(self._waiting)[:ADOPT_ROWS]:
            self._out[run_id] = self._waiting.pop(run_id)
        adoptions = (
            Adoption(run.id, run.term, run.clear_at, remote_in=run.state)
            for run in self._out.values()
        )
        self._call.send(AdoptRuns(tuple(adoptions), self._term))

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next repetition."""
        return self._call.wake_at
