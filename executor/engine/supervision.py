"""Rows that former executors left behind.

At the takeover and once a second afterwards the open rows of former terms are read.

* A pending row beyond its term's last clearance has certainly not started: adopt it,
  unless its slot lies before its job's watermark.  Then it is a leftover: skip it.
* A row that is marked as *remote* was handed over: it is adopted whatever its state, and followed
  by ``remote``.
* So is a row of a *watched* job that may have been started: nobody here could have begun it.
* Any other live row may be in progress where it was: it occupies its job until its
  executor finishes it or its lease ends by the store's clock.  A row without a lease
  gets one when it is first seen, so that every owner has a full lease's time to renew.
* A row that is over but demands a follow-up is left to ``consequences``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from executor.domain.run import Reason, Run
from executor.domain.term import Clearances
from executor.engine.admission import Admission
from executor.engine.awaited import watches
from executor.engine.consequences import Consequences
from executor.engine.desk import Call, Desk
from executor.engine.dispatch import Dispatcher
from executor.engine.roster import Roster
from executor.engine.store_requests import Request, WatchOpenRuns
from executor.engine.timing import SUPERVISION_S


class Supervision:
    """Watches over what former terms left unfinished."""

    def __init__(
        self,
        desk: Desk,
        roster: Roster,
        admission: Admission,
        dispatcher: Dispatcher,
        consequences: Consequences,
        clearances: Clearances,
        term: int,
        lease_s: float,
    ) -> None:
        self._desk = desk
        self._roster = roster
        self._admission = admission
        self._consequences = consequences
        self._dispatcher = dispatcher
        self._clearances = clearances
        self._term = term
        self._lease_s = lease_s
        self._foreign: dict[str, Run] = {}
        self._unstamped: tuple[str, ...] = ()
        self._deferred: dict[str, Run] = {}
        self._look: Call[WatchOpenRuns] = Call(desk)
        self._look_at = desk.monotonic + SUPERVISION_S
        self.all_loaded = False
        self.on_handed_over: Callable[[Run], None] = lambda run: None
        self.has_adopted: Callable[[str], bool] = lambda run_id: False
        self.is_adopting: Callable[[str], bool] = lambda run_id: False
        self.on_stock: Callable[[], None] = lambda: None
        dispatcher.on_foreign = self._meet
        dispatcher.may_have_started = clearances.may_have_started

    def take_stock(self, rows: Sequence[Run]) -> None:
        """Take in every open row of a former term, as read at one time."""
        self._admission.joins.recover(rows)
        former, self._foreign = self._foreign, {}
        for run in rows:
            if run.is_live and run.remote:
                if self._meet(run):
                    self.on_handed_over(run)
            elif run.is_live and self._clearances.may_have_started(run):
                if self._meet(run) and self._is_watched(run):
                    # Whether it was begun does not depend on its executor.
                    self.on_handed_over(run)
            elif run.job_id in self._roster or self.all_loaded:
                self._take_up(run)
            else:
                # Whether and how it may start is its job's to say.
                self._deferred[run.id] = run
        for run_id, run in former.items():
            if run_id in self._foreign:
                continue
            if self.is_adopting(run_id):
                # Perhaps it is this term's already, and only the store's answer is on its way.
                self._foreign[run_id] = run
            else:
                self._admission.vacate(run)
        self._unstamped = tuple(
            run.id for run in self._foreign.values() if run.lease_until is None and not run.remote
        )
        self.on_stock()

    def _is_watched(self, run: Run) -> bool:
        job = self._roster.get(run.job_id)
        return job is not None and watches(job.definition)

    def _take_up(self, run: Run) -> None:
        """Adopt or repeat a row that is certainly not in progress."""
        if not run.is_live:
            self._consequences.take(run)
        elif self._roster.is_past(run) and not self._dispatcher.has_met(run.id):
            # Written by a superseded executor after its slot had been run, and that row been
            # removed by retention.
            self._admission.skip(run, Reason.SUPERSEDED)
        else:
            self._dispatcher.adopt(run)

    def _meet(self, run: Run) -> bool:
        """Note a row that may be in progress elsewhere; False if it has been adopted since."""
        if self.has_adopted(run.id):
            # It was read before that.
            return False
        self._foreign[run.id] = run
        self._admission.turns.occupy(run)
        return True

    def find(self, run_id: str) -> Run | None:
        """Return a row that may be in progress elsewhere."""
        return self._foreign.get(run_id)

    def let_go(self, run_id: str) -> None:
        """Forget a row that has become this term's; it goes on occupying its job."""
        self._foreign.pop(run_id, None)

    def answered(self, request: Request, result: object) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        if self._look.answered(request):
            assert isinstance(result, tuple)
            rows, lost = result
            self._look_at = self._desk.monotonic + SUPERVISION_S
            gone = {run.id for run in lost}
            self.take_stock([run for run in rows if run.id not in gone])
            for run in lost:
                self._on_lost(run)
        else:
            return False
        return True

    def _on_lost(self, run: Run) -> None:
        self._desk.note(
            "run_lost",
            "the outcome of a run is unknown: its executor died or was cut off",
            "WARNING",
            run_id=run.id,
            job=run.job,
            term=run.term,
        )
        self._foreign.pop(run.id, None)
        self._admission.vacate(run)
        self._consequences.take(run)

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        return self._look.failed(request)

    def advance(self) -> None:
        """Look again if it is time."""
        self._look.advance()
        if self.all_loaded and self._deferred:
            deferred, self._deferred = self._deferred, {}
            for run in deferred.values():
                self._take_up(run)
        if self._look.idle and self._desk.monotonic >= self._look_at:
            self._look.send(WatchOpenRuns(self._term, self._unstamped, self._lease_s))

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next look or repetition."""
        return self._look_at if self._look.idle else self._look.wake_at
