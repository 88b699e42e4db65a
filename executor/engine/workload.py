"""Runs in the hands of this machine's launchers.

They outlive the tenure that started them: a superseded or stopping executor lets its
work finish, as long as it can renew the run leases.  A lease that cannot be renewed
means that somebody has declared the run lost and may repeat it; then it is cancelled.

A run whose launcher lets go of it is not in these hands any more, see ``remote``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import inf

from executor.domain.job import Definition
from executor.domain.replacement import replace
from executor.domain.run import Outcome, Reason, Run, RunChange, RunState
from executor.engine.desk import Call, Desk
from executor.engine.effects import CancelWork
from executor.engine.endings import Endings
from executor.engine.events import RunFinished, RunProgressed, RunStarted
from executor.engine.journal import Journal
from executor.engine.live_output import LiveOutput
from executor.engine.store_requests import RenewLeases, Request


@dataclass(slots=True)
class Piece:
    """A run in hand.

    ``cancelling``: why its launcher was asked to end it, if it was.
    """

    run: Run
    definition: Definition
    started_at: datetime | None = None
    cancelling: Reason | None = None


class Workload:
    """Follows every run from the hand-off to its end."""

    def __init__(
        self, desk: Desk, journal: Journal, endings: Endings, instance: str, lease_s: float
    ) -> None:
        self._desk = desk
        self._journal = journal
        self._endings = endings
        self._instance = instance
        self._lease_s = lease_s
        self._pieces: dict[str, Piece] = {}
        self._renew_at = inf
        self._start_by: dict[str, float] = {}
        self._renewals: dict[int, Call[RenewLeases]] = {}
        self.live_output = LiveOutput(desk)
        self.on_started: Callable[[Run, datetime], None] = lambda run, at: None
        self.on_given_back: Callable[[Run], bool] = lambda run: False

    def __len__(self) -> int:
        return len(self._pieces)

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._pieces

    def runs_of(self, job_id: str) -> list[Run]:
        """Return the runs of a job in hand."""
        return [piece.run for piece in self._pieces.values() if piece.run.job_id == job_id]

    def remembered(self, run: Run) -> Run | None:
        """Return what stands for *run*: in hand here, or with news that are not durable yet.

        None: this process knows nothing of it that the store does not.
        """
        piece = self._pieces.get(run.id)
        return self._journal.remembered(run) if piece is None else piece.run

    def add(self, run: Run, definition: Definition) -> None:
        """Take charge of a run that is handed to the launchers."""
        self._pieces[run.id] = Piece(run, definition)
        if definition.start_timeout is not None:
            latest = (run.due or run.created_at) + definition.start_timeout
            self._start_by[run.id] = self._desk.deadline(latest)
        if self._renew_at == inf:
            self._renew_at = self._desk.monotonic + self._period

    @property
    def _period(self) -> float:
        # Five chances before the lease is over.
        return self._lease_s / 5

    def started(self, event: RunStarted) -> None:
        """A launcher began."""
        piece = self._pieces.get(event.run_id)
        if piece is None:
            return
        self._start_by.pop(event.run_id, None)
        piece.started_at = event.at
        self._journal.change(
            RunChange(
                run_id=piece.run.id,
                term=piece.run.term,
                state=RunState.RUNNING,
                executor=self._instance,
                revision=piece.run.revision,
                started_at=event.at,
                lease_s=self._lease_s,
            ),
            piece.run,
        )
        self.on_started(piece.run, event.at)

    def progressed(self, event: RunProgressed) -> None:
        """A run says how it goes on."""
        piece = self._pieces.get(event.run_id)
        if piece is None or piece.cancelling is not None:
            return
        run = piece.run
        self._journal.change(
            RunChange(run_id=run.id, term=run.term, state=RunState.RUNNING, details=event.details),
            run,
        )

    def given_back(self, run_id: str) -> None:
        """A launcher gave the run back untouched."""
        piece = self._pop(run_id)
        if piece is None:
            return
        if piece.cancelling is Reason.REQUESTED:
            cancelled = Outcome(state=RunState.CANCELLED, reason=Reason.REQUESTED)
            self._end(piece, cancelled, self._desk.now)
        elif piece.cancelling is Reason.START_TIMEOUT:
            skipped = Outcome(state=RunState.SKIPPED, reason=Reason.START_TIMEOUT)
            self._end(piece, skipped, self._desk.now)
        elif piece.cancelling is None and self.on_given_back(piece.run):
            self._endings.on_finished(piece.run)
        else:
            given_up = Outcome(state=RunState.CANCELLED, reason=Reason.SUPERSEDED)
            self._end(piece, given_up, self._desk.now)

    def _pop(self, run_id: str) -> Piece | None:
        self._start_by.pop(run_id, None)
        return self._pieces.pop(run_id, None)

    def forget(self, run_id: str) -> bool:
        """Let go of a run of a former term that is followed elsewhere; False if it is not here."""
        return self._pop(run_id) is not None

    def find(self, run_id: str) -> Piece | None:
        """Return the run with this id, if it is in hand."""
        return self._pieces.get(run_id)

    def hand_over(self, run_id: str, at: datetime, *, running: bool) -> Piece | None:
        """Let go of a run whose work goes on elsewhere, and record that; None if it is not here.

        *running*: it is known to have begun.  Whoever owns the row supervises it from now on.
        """
        piece = self._pop(run_id)
        if piece is None:
            return None
        if running and piece.started_at is None:
            piece.started_at = at
        state = RunState.RUNNING if piece.started_at is not None else RunState.PENDING
        if _is_recorded(piece.cancelling):
            state = RunState.CANCELLING
        piece.run = replace(piece.run, state=state, started_at=piece.started_at, remote=True)
        self._journal.change(
            RunChange(
                run_id=run_id,
                term=piece.run.term,
                state=state,
                executor=self._instance,
                revision=piece.run.revision,
                started_at=piece.started_at,
                remote=True,
            ),
            piece.run,
        )
        return piece

    def finished(self, event: RunFinished) -> None:
        """A launcher reports the end."""
        piece = self._pop(event.run_id)
        if piece is not None:
            self._end(piece, event.outcome, event.at)

    def _end(self, piece: Piece, outcome: Outcome, at: datetime) -> None:
        self._endings.end(piece.run, outcome, at, piece.started_at)

    def cancel(self, run_id: str, reason: Reason) -> None:
        """Ask the launcher to end the run; what it reports then decides the state."""
        piece = self._pieces.get(run_id)
        if piece is None or piece.cancelling is not None:
            return
        piece.cancelling = reason
        if _is_recorded(reason):
            run = piece.run
            self._journal.change(
                RunChange(run_id=run.id, term=run.term, state=RunState.CANCELLING, reason=reason),
                run,
            )
        self._desk.emit(CancelWork(run_id, reason))

    def cancel_unstarted(self) -> None:
        """Take back what waits in the launchers: by a later trust it must not start."""
        for run_id, piece in list(self._pieces.items()):
            if piece.started_at is None:
                self.cancel(run_id, Reason.SUPERSEDED)

    def cancel_all(self, reason: Reason) -> None:
        """Ask the launchers to end everything."""
        for run_id in list(self._pieces):
            self.cancel(run_id, reason)

    def answered(self, request: Request, gone: object) -> bool:
        """Handle a renewal's answer; False if the request is not ours."""
        if self.live_output.answered(request):
            return True
        if not any(call.answered(request) for call in self._renewals.values()):
            return False
        assert isinstance(gone, frozenset)
        # In our order: a set's differs from process to process, and no history could be replayed.
        for run_id, piece in [(one, it) for one, it in self._pieces.items() if one in gone]:
            if piece.cancelling is None:
                self._desk.note(
                    "lease_lost",
                    "the run was declared lost by another executor; cancelling it",
                    "WARNING",
                    run_id=run_id,
                    job=piece.run.job,
                    term=piece.run.term,
                )
                self.cancel(run_id, Reason.SUPERSEDED)
        return True

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        # The next round renews everything again; repeating this one would add nothing.
        return self.live_output.failed(request) or any(
            call.answered(request) for call in self._renewals.values()
        )

    def advance(self) -> None:
        """Renew the leases if it is time; take back what has not started in time."""
        self.live_output.advance()
        if self._start_by:
            self._cancel_late()
        if self._desk.monotonic < self._renew_at:
            return
        by_term: dict[int, list[str]] = {}
        for piece in self._pieces.values():
            # Also what is being cancelled: until it has ended nobody shall repeat it.
            by_term.setdefault(piece.run.term, []).append(piece.run.id)
        self._renewals = {term: call for term, call in self._renewals.items() if not call.idle}
        for term, run_ids in by_term.items():
            call = self._renewals.setdefault(term, Call(self._desk))
            if call.idle:
                call.send(RenewLeases(term, tuple(run_ids), self._lease_s))
        self._renew_at = self._desk.monotonic + self._period if self._pieces else inf

    def _cancel_late(self) -> None:
        late = [one for one, latest in self._start_by.items() if latest <= self._desk.monotonic]
        for run_id in late:
            del self._start_by[run_id]
            self.cancel(run_id, Reason.START_TIMEOUT)

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next renewal or piece of output, or of a start that is overdue."""
        return min(self._renew_at, *self._start_by.values(), self.live_output.wake_at)


def _is_recorded(reason: Reason | None) -> bool:
    """Whether a run that is cancelled for *reason* shows that before it has ended.

    What is taken back because it was to start no more may be given back untouched.
    """
    return reason not in {None, Reason.SUPERSEDED, Reason.START_TIMEOUT}
