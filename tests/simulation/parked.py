"""Rows that wait for more than time: what the store shows of them, and what an executor knows.

:class:`Wholes` follows the jobs that run after all of several others, call by call.
:class:`LineWatch` follows one process: which rows it has been told are parked, and which of
them it has called since.  What has been called was drawn up after the adoption before it was
sent, so whatever was known by then stood in line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, Final

from executor.domain.run import AWAITING, QUEUED, Run, RunState
from executor.domain.term import TermRecord
from executor.engine.effects import Note
from executor.engine.store_requests import AdoptRuns, InsertRuns, MintTerm, Request

if TYPE_CHECKING:
    from tests.simulation.ledger import Ledger

#: A run that may not start is parked so soon after it is due, as far as the store lets it.
PARKED_BY: Final = timedelta(seconds=6)

#: So long (s) it takes at most to record what a run was waiting for as joined with it.
JOINED_BY_S: Final = 8.0


@dataclass(slots=True)
class Wholes:
    """Jobs that run once all of several others have had an end.

    ``parents`` has the ids of the parents of each, by its name.
    """

    ledger: Ledger
    parents: dict[str, frozenset[str]] = field(default_factory=dict)
    _rows: dict[str, Run] = field(default_factory=dict)
    _came: dict[str, int] = field(default_factory=dict)
    _went: dict[str, int] = field(default_factory=dict)
    _joined: dict[str, int] = field(default_factory=dict)
    _dropped: set[str] = field(default_factory=set)
    _consumed: dict[str, str] = field(default_factory=dict)

    def inserted(self, run: Run) -> None:
        """A row has come to stand."""
        if run.job in self.parents and run.clear_at == AWAITING:
            self._rows[run.id] = run
            self._came[run.id] = self.ledger.next()

    def joined(self, run_id: str) -> None:
        """A row has done its part, or another one of the same parent has taken its place."""
        run = self._rows[run_id]
        self._joined[run_id] = self._went[run_id] = self.ledger.next()
        if any(
            other.parent_job_id == run.parent_job_id
            and self._went.get(other.id, inf) > self._came[run_id]
            for other in self._rows.values()
            if other.job == run.job and other.id != run_id
        ):
            self._dropped.add(run_id)

    def released(self, run_id: str, term: int) -> None:
        """A row waits no more: for each other parent one has been joined with it, durably.

        It may be let go again: by a successor that has read it just before and takes it back.
        """
        run = self._rows[run_id]
        self._went[run_id] = self.ledger.next()
        self._consumed = {one: by for one, by in self._consumed.items() if by != run_id}
        for parent in self.parents[run.job] - {str(run.parent_job_id)}:
            free = [
                one
                for one, row in self._rows.items()
                if row.job == run.job
                and row.parent_job_id == parent
                and one in self._joined
                and one not in self._consumed
            ]
            if free:
                lasting = [one for one in free if one not in self._dropped]
                self._consumed[(lasting or free)[0]] = run_id
            elif term == max(self.ledger.minted):
                self.ledger.wrong.append(
                    f"{run.job} {run_id[:8]}: let go at {self.ledger.world.time:.3f} although "
                    f"nothing of {parent} is joined with it"
                )

    def whole(self, job: str, waiting: list[Run], term: int) -> bool:
        """Whether *waiting* rows, with what former terms have joined, make a whole."""
        met = {run.parent_job_id for run in waiting}
        minted = self.ledger.minted_at[term]
        for run_id, order in self._joined.items():
            run = self._rows[run_id]
            if run_id in self._dropped or run_id in self._consumed:
                continue
            if run.job == job and order < minted:
                met.add(run.parent_job_id)
        return bool(waiting) and self.parents[job] <= met


class LineWatch:
    """What one process is known to know of parked rows, in its present term."""

    def __init__(self, ledger: Ledger, who: str) -> None:
        self._ledger = ledger
        self._who = who
        self._begin(0)

    def _begin(self, term: int) -> None:
        self.term = term
        self._known: dict[str, float] = {}
        self._called: dict[str, float] = {}
        self._handed: set[str] = set()
        self._ours: dict[str, float] = {}
        self._sent: set[Request] = set()
        self._parked: list[str] = []
        self._adopted_at = -inf

    def sent(self, request: Request) -> None:
        """A call is made, perhaps for another time."""
        if request in self._sent:
            return
        if isinstance(request, AdoptRuns):
            self._sent.add(request)
            for adoption in request.adoptions:
                if adoption.from_term != request.term:
                    continue
                if adoption.clear_at < AWAITING:
                    self._called[adoption.run_id] = self._adopted_at
            self._adopted_at = self._ledger.world.time
        elif isinstance(request, InsertRuns):
            self._sent.add(request)
            for job in {run.job for run in request.runs} & self._ledger.wholes.parents.keys():
                self.check_whole(job)

    def answered(self, request: Request, result: object) -> None:
        """A call has been made, and the process learns what came of it."""
        now = self._ledger.world.time
        if isinstance(request, MintTerm):
            assert isinstance(result, TermRecord)
            self._begin(result.term)
        elif isinstance(request, AdoptRuns):
            assert isinstance(result, frozenset)
            for adoption in request.adoptions:
                self._ours.setdefault(adoption.run_id, now)
                self._known.pop(adoption.run_id, None)
                if adoption.clear_at >= AWAITING or adoption.run_id not in result:
                    self._called.pop(adoption.run_id, None)
                if adoption.clear_at >= AWAITING and adoption.run_id in result:
                    self._known[adoption.run_id] = now
                    self._parked.append(adoption.run_id)
        elif isinstance(request, InsertRuns):
            assert isinstance(result, dict)
            for run in request.runs:
                self._ours.setdefault(run.id, now)
                present = result.get(run.id, run)
                if isinstance(present, Run) and present.term == self.term and present.is_parked:
                    self._known[present.id] = now

    def _in_line(self, clear_at: datetime, before: float) -> list[Run]:
        """Return the rows that stood in line before a time, and have not been called since."""
        rows = []
        for run_id, known in self._known.items():
            row = self._ledger.row(run_id)
            if known < before and run_id not in self._called and row is not None:
                ours = row.term == self.term and row.state is RunState.PENDING
                if ours and row.clear_at == clear_at:
                    rows.append(row)
        return rows

    def check_wholes(self) -> None:
        """Nothing that could go is left lying."""
        if self.term == max(self._ledger.minted, default=0):
            for job in self._ledger.wholes.parents:
                self.check_whole(job)

    def check_whole(self, job: str) -> None:
        """Nothing new comes while what waits for all parents could go."""
        now = self._ledger.world.time
        waiting = [run for run in self._in_line(AWAITING, now) if run.job == job]
        if len(waiting) > 1:
            # The others are recorded as joined first, which takes its time.
            waiting = [run for run in self._in_line(AWAITING, now - JOINED_BY_S) if run.job == job]
        if any(
            row.job == job and row.clear_at == AWAITING
            for row in map(self._ledger.row, self._called)
            if row is not None
        ):
            return
        if self._ledger.wholes.whole(job, waiting, self.term):
            self._ledger.wrong.append(
                f"{job}: {self._who} at {now:.3f} holds back {[run.id[:8] for run in waiting]}, "
                f"which have nothing left to wait for"
            )

    def handed(self, runs: Sequence[Run], wall: datetime) -> None:
        """Runs are handed to the launchers: nobody has been before them in line."""
        self._handed.update(run.id for run in runs)
        for run in runs:
            if run.job in self._ledger.in_order:
                self._check_line(run)
        for job in {run.job for run in runs} & self._ledger.in_order:
            self._check_parked(job, wall)

    def acted(self) -> None:
        """Everything that followed from an event has been done."""
        if not self._parked:
            return
        parked, self._parked = self._parked, []
        for run_id in parked:
            self._check_replaced(run_id)

    def _check_replaced(self, run_id: str) -> None:
        """What is parked because it replaces others has had them ended, once it is in line."""
        row = self._ledger.row(run_id)
        if row is None or row.job not in self._ledger.replaces:
            return
        alone = self._ledger.left_alone(row.job, self._who)
        if len(alone) >= self._ledger.limits[row.job]:
            self._ledger.wrong.append(
                f"{row.job} {row.fire_at} {run_id[:8]}: waits for {alone}, which it replaces"
            )

    def noted(self, note: Note) -> None:
        """What is skipped waits no more, however late that is recorded."""
        if note.action == "run_skipped":
            self._handed.add(str(note.facts["run_id"]))

    def _check_line(self, run: Run) -> None:
        now = self._ledger.world.time
        called = run.id in self._called
        for other in self._in_line(QUEUED, self._called.get(run.id, now)):
            if other.job == run.job and not (called and _place(run) <= _place(other)):
                self._ledger.wrong.append(
                    f"{run.job} {run.fire_at} {run.id[:8]} handed off at {now:.3f} before "
                    f"{other.fire_at} {other.id[:8]} ({called})"
                )

    def _check_parked(self, job: str, wall: datetime) -> None:
        now = self._ledger.world.time
        patience = PARKED_BY.total_seconds()
        if now < self._ledger.well_since(self._ledger.minted[self.term]) + patience:
            return  # The store did not let it.
        for row in self._ledger.model.open_runs_before(self.term + 1):
            if row.id in self._handed or row.id in self._called or row.job != job:
                continue
            waits = row.state is RunState.PENDING and not row.is_parked and row.term == self.term
            due_long = (row.due or row.created_at) < wall - PARKED_BY
            if waits and due_long and self._ours.get(row.id, now) < now - patience:
                self._ledger.wrong.append(
                    f"{job} {row.fire_at} {row.id[:8]} waits without a sign of it at {now:.3f}"
                )


def _place(run: Run) -> datetime:
    return run.fire_at or run.created_at
