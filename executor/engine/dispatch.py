"""The firing path of one term: claim ahead, clear, hand off.

Order is everything here.

1. *Claim.*  Shortly before a second is due its rows are written, ``pending``.  The
   store's unique key decides who owns a slot; where another row stands already,
   :meth:`Dispatcher._meet` resolves it.
2. *Clear.*  One conditional write, ``cleared_until = T``, that fails once a newer term
   exists.  T stays below the ``clear_at`` of every row that is not yet written, and a
   row's ``clear_at`` lies beyond every clearance requested before the row.  So a row
   beyond the last clearance of its term has certainly not started, and no row starts
   without a clearance that began after it was durable.
3. *Hand off* when the second is due, if the last clearance is fresh enough.  Between
   the due instant and the start stands no call of the store.

The same path serves every kind of run, rows of former terms too: one rule for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from math import inf

from executor.domain.instant import TICK, earlier
from executor.domain.replacement import replace
from executor.domain.run import QUEUED, Reason, Run, RunChange, RunState
from executor.engine.adoptions import Adoptions
from executor.engine.claims import Claims
from executor.engine.clearing import Clearing
from executor.engine.desk import Desk
from executor.engine.effects import StartRuns
from executor.engine.events import Refused
from executor.engine.gate import Gate
from executor.engine.store_requests import AdoptRuns, InsertRuns, Request
from executor.engine.timing import CLEAR_AHEAD_S, HAND_OFF_ROWS
from executor.engine.unwritten import Unwritten
from executor.engine.waiting import Group, WaitingRuns

_CLEAR_AHEAD = timedelta(seconds=CLEAR_AHEAD_S)


class Dispatcher:
    """Owns every row of its term from the claim to the hand-off."""

    def __init__(
        self, desk: Desk, gate: Gate, remembered: Callable[[Run], Run | None], term: int
    ) -> None:
        self._desk = desk
        self._gate = gate
        self._remembered = remembered
        self._term = term
        self._claims = Claims(desk)
        self._adoptions = Adoptions(desk, term)
        self._adopted: set[str] = set()
        self._known: dict[str, Run] = {}  # as claimed, adopted or parked last
        self._unwritten = Unwritten()
        self._waiting = WaitingRuns()
        self._clearing = Clearing(desk, term)
        self._met: dict[str, Run] = {}
        self._parking: dict[str, Run] = {}
        self.claiming = True
        self.held = False  # if it is, nothing is handed off
        self.on_foreign: Callable[[Run], object] = lambda run: None
        self.on_skipped: Callable[[Run], None] = lambda run: None
        self.may_have_started: Callable[[Run], bool] = lambda run: True

    @property
    def trusted_until(self) -> float:
        """Monotonic time until which runs may be started on the strength of the last clearance."""
        return self._clearing.trusted_until

    @property
    def trusted(self) -> bool:
        """Whether the term may be taken for the newest: its last clearance is fresh."""
        return self._clearing.trusted

    @property
    def has_room(self) -> bool:
        """Whether further seconds may be opened: not while too many claims are unwritten."""
        return self._claims.has_room

    @property
    def clearing(self) -> bool:
        """Whether a clearance is out."""
        return self._clearing.out

    @property
    def silent_since(self) -> float:
        """Since when (see ``Desk.awake``) the store fails to do what dispatching needs, or inf."""
        return min(
            self._clearing.silent_since,
            self._claims.call.silent_since,
            self._adoptions.call.silent_since,
        )

    def next_clear_at(self, due: datetime | None = None) -> datetime:
        """Return the ``clear_at`` for a row that is written from now on, to start when it is due.

        *due* None: at once.
        """
        now = self._desk.now
        return self._clearing.beyond(now if due is None else max(due, now))

    def claim(
        self,
        runs: Iterable[Run],
        on_written: Callable[[Run], None] | None = None,
        on_refused: Callable[[Exception], None] | None = None,
    ) -> None:
        """Write rows of this term; pending ones are started once due and cleared.

        Rows whose id this term has claimed before are dropped.  *on_written* is called for each,
        with the row that then stands in the store; *on_refused* for one that it does not take.
        """
        for run in runs:
            self._unwritten.listen(run.id, on_written, on_refused)
            if run.id in self._known:
                if run.id not in self._unwritten:
                    self._unwritten.written(self._known[run.id])
                elif self._adoptions.holds(run.id):
                    # Should the adoption come too late, the slot is still to be accounted for.
                    self._met.setdefault(run.id, run)
            elif (standing := self._remembered(run)) is not None:
                # Handed off before; what the store shows of it may be out of date.
                self._accounted(run, standing)
            else:
                self._known[run.id] = run
                self._unwritten.add(run.id)
                self._claims.add(run)

    def adopt(self, run: Run) -> None:
        """Take over a pending row of a former term that has certainly not been started."""
        if self.has_met(run.id):
            # Whoever reads the row may have read it just before it was adopted.
            return
        self._adopted.add(run.id)
        self._rewrite(run, run.clear_at if run.is_parked else self.next_clear_at(run.due))

    def _park(self, run: Run) -> None:
        """Let a run that may not start now wait for its turn.

        Until that is durable the row looks as if it might have been started.
        """
        self._parking[run.id] = run
        self._rewrite(run, QUEUED)

    def call(self, run: Run, then: Callable[[Run], None] | None = None) -> None:
        """Start a parked row as soon as possible; call *then* when it is parked no more."""
        self._unwritten.listen(run.id, then)
        self._rewrite(run, self.next_clear_at(run.due))

    def _rewrite(self, run: Run, clear_at: datetime) -> None:
        self._known[run.id] = run
        self._unwritten.add(run.id)
        self._adoptions.add(run, clear_at)

    def verify(self, then: Callable[[], None]) -> None:
        """Call *then* after a clearance that begins from now on has succeeded."""
        self._clearing.verify(then)

    def take_back(self, run: Run) -> None:
        """Accept a run that a launcher gave back; it starts once trust is renewed."""
        self._known[run.id] = run
        self._waiting.add(run)

    def knows(self, run_id: str) -> bool:
        """Whether this term has claimed the row and not handed it off yet."""
        return run_id in self._known

    def has_met(self, run_id: str) -> bool:
        """Whether this term has the row in hand, or adopted it once."""
        return run_id in self._known or run_id in self._adopted

    def waiting(self, run_id: str) -> Run | None:
        """Return the row if it waits for its clearance or its second."""
        return self._waiting.find(run_id)

    def withdraw(self, run: Run) -> None:
        """Forget a row that waits; the caller records why it will not start."""
        self._waiting.remove(run.id)
        self._known.pop(run.id, None)
        self._gate.accounted(run.id)

    # Answers ------------------------------------------------------------------------------

    def answered(self, request: Request, result: object) -> bool:
        """Handle the store's answer; False if the request is not one of ours."""
        if self._clearing.answered(request):
            pass
        elif self._claims.answered(request):
            assert isinstance(request, InsertRuns)
            assert isinstance(result, dict)
            self._on_inserted(request, result)
        elif self._adoptions.call.answered(request):
            assert isinstance(request, AdoptRuns)
            assert isinstance(result, frozenset)
            self._on_adopted(request, result)
        else:
            return False
        return True

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not one of ours."""
        calls = (self._clearing, self._claims.call, self._adoptions.call)
        return any(call.failed(request) for call in calls)

    def _on_inserted(self, request: InsertRuns, existing: dict[str, Run | Refused]) -> None:
        for run in request.runs:
            present = existing.get(run.id)
            if present is None:
                self._settle(run)
            elif isinstance(present, Refused):
                self._refused(run, present)
            else:
                self._meet(run, present)

    def _on_adopted(self, request: AdoptRuns, ours: frozenset[str]) -> None:
        for run in self._adoptions.done(request):
            claimed = self._met.pop(run.id, None)
            self._parking.pop(run.id, None)
            if run.id in ours:
                self._settle(run)
                continue
            # Somebody changed it first; supervision will read what it is now.
            self._known.pop(run.id, None)
            self._adopted.discard(run.id)
            if claimed is not None and claimed.scheduled:
                # The slot is to be accounted for: claim it once more, and so learn by whom.
                clear_at = self.next_clear_at(claimed.due)
                self.claim([replace(claimed, clear_at=clear_at)])
            else:
                self._unwritten.written(run)

    def _meet(self, run: Run, present: Run) -> None:
        """Resolve a claim whose place is taken by *present*."""
        if present.term > self._term:
            # This term is over: what becomes of the slot, and its watermark, is not ours to say.
            self._known.pop(run.id, None)
            self._unwritten.written(present)
        elif not present.is_live:
            if present.term == self._term:
                self.on_skipped(present)
            self._accounted(run, present)
        elif present.term == self._term:
            if present.state is RunState.PENDING and not present.remote:
                # Our own row, of which the first answer was lost.
                self._settle(run)
            else:
                self._accounted(run, present)
        elif present.remote or self.may_have_started(present):
            self.on_foreign(present)
            self._accounted(run, present)
        elif present.id in self._adopted:
            # The answer is out of date: the row has been this term's since.
            self._accounted(run, present)
        else:
            self._known.pop(run.id, None)
            self._met[present.id] = run
            self.adopt(present)

    def _accounted(self, run: Run, present: Run) -> None:
        self._known.pop(run.id, None)
        self._gate.accounted(run.id)
        self._unwritten.written(present)

    def _settle(self, run: Run) -> None:
        """Our row is durable."""
        if run.state is RunState.PENDING:
            if run.is_parked:
                self._gate.parked(run)
            else:
                self._waiting.add(run)
            if run.is_parked or run.due_at is not None:
                # It may take long: the watermark does not wait for it.
                self._gate.accounted(run.id)
        else:
            self._known.pop(run.id, None)
            self._gate.accounted(run.id)
            self.on_skipped(run)
        # Whoever hears of it may want to do something with it.
        self._unwritten.written(run)

    def _refused(self, run: Run, refused: Refused) -> None:
        self._known.pop(run.id, None)
        concerned = self._unwritten.refused(run.id)
        self._gate.refused(run, refused.why)
        for then in concerned:
            then(refused.error)

    # Acting -------------------------------------------------------------------------------

    def advance(self) -> None:
        """Do what is due: write claims, clear, hand off."""
        if self.claiming:
            if self._clearing.trusted:
                # An executor that was paused must not write claims for slots that its successor
                # has run, and perhaps removed: it clears first, and so learns that it is over.
                self._claims.advance()
                self._adoptions.advance()
            self._clear()
        self._hand_off()

    def _clear(self) -> None:
        if not self._clearing.possible:
            return
        if not (self._waiting or self._clearing.due):
            return
        now = self._desk.now
        soon = now + _CLEAR_AHEAD
        bound = self._unwritten_from()
        wanted = [
            group.clear_at for group in self._waiting if self._needs_clearance(group, soon, bound)
        ]
        if not (wanted or self._clearing.due):
            return
        until = max([now, *wanted])
        if bound is not None:
            until = min(until, bound - TICK)
        self._clearing.ask(until)

    def _needs_clearance(self, group: Group, soon: datetime, bound: datetime | None) -> bool:
        if group.due > soon:
            return False
        if not self._clearing.is_cleared(group.clear_at):
            return bound is None or group.clear_at < bound
        # Cleared already, but too long ago to start anything on the strength of it.
        return self._desk.monotonic + CLEAR_AHEAD_S >= self._clearing.trusted_until

    def _unwritten_from(self) -> datetime | None:
        """Return the earliest ``clear_at`` of a row that is not known to be durable."""
        return earlier(self._claims.earliest, self._adoptions.earliest)

    def _hand_off(self) -> None:
        if not self._waiting or self.held or not self._clearing.trusted:
            return
        now, cleared = self._desk.now, self._clearing.is_cleared
        ready = [group for group in self._waiting if cleared(group.clear_at) and group.due <= now]
        works = []
        for run in self._waiting.take(ready, HAND_OFF_ROWS) if ready else ():
            self._known.pop(run.id, None)
            work = self._gate.admit(run)
            if work == "wait":
                self._park(run)
            elif work is not None:
                works.append(work)
            self._gate.accounted(run.id)
        if works:
            self._desk.emit(StartRuns(tuple(works), self._gate.sealed(works)))

    @property
    def holds_cleared(self) -> bool:
        """Whether rows are cleared (or may be) and not yet handed off."""
        cleared = self._clearing.is_cleared
        return self._clearing.out or any(cleared(group.clear_at) for group in self._waiting)

    def release(self) -> list[RunChange]:
        """Give up the rows that were cleared but not handed off; the next executor repeats them.

        Rows beyond the last clearance need nothing: they can be seen not to have started.
        """
        requested = self._clearing.requested
        cleared = [
            run
            for group in self._waiting
            if requested is not None and group.clear_at <= requested
            for run in group.runs
        ]
        return [
            RunChange(
                run_id=run.id,
                term=self._term,
                state=RunState.CANCELLED,
                reason=Reason.SUPERSEDED,
                finished_at=self._desk.now,
                follow_up=True,
            )
            for run in (*cleared, *self._parking.values())
        ]

    @property
    def wake_at(self) -> float:
        """Monotonic time at which there is something to do without any news."""
        clearing = self._clearing
        times = [clearing.wake_at if self.claiming else inf]
        if clearing.trusted:
            times += self._claims.call.wake_at, self._adoptions.call.wake_at
        if not self._waiting:
            return min(times)
        bound = self._unwritten_from()
        may_clear = self.claiming and clearing.steady
        for group in self._waiting:
            due = self._desk.deadline(group.due)
            if clearing.is_cleared(group.clear_at):
                starts = not self.held and max(due, self._desk.monotonic) < clearing.trusted_until
                times.append(due if starts else inf)
            elif may_clear and (bound is None or group.clear_at < bound):
                times.append(due - CLEAR_AHEAD_S)
        return min(times)
