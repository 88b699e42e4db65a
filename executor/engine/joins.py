"""Jobs that run after *all* of several others: ends that wait for each other.

The end of each parent writes a parked row of the dependent, :data:`AWAITING`.  A row per
parent makes a whole: then the newest becomes the run, and the others, recorded as skipped
(``joined``), have done their part.  So what is met so far survives every executor.

A further end of the same parent takes the place of the one that waits, which is skipped as
joined with it.

The order is: the others are skipped, naming the newest (``trigger_id``) and still demanding
something (``follow_up``); the newest is let go; the others' demand is settled.  Cut off in
between, a successor finds either the newest still waiting for them, or gone: then there is
nothing left to do.  What was begun is finished first: an end that came meanwhile belongs to the
next whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from executor.domain.job import Job
from executor.domain.replacement import replace
from executor.domain.run import AWAITING, Reason, Run, RunChange, RunState
from executor.engine.desk import Desk
from executor.engine.journal import Journal


@dataclass(slots=True)
class _Whole:
    """A row for each parent: the newest, and the others on their way to the store."""

    newest: Run
    others: list[str]
    unwritten: set[str] = field(default_factory=set)


class Joins:
    """The rows that wait for other jobs, by dependent and parent."""

    def __init__(
        self,
        desk: Desk,
        journal: Journal,
        find: Callable[[str], Job | None],
        skip: Callable[[Run, Reason], None],
    ) -> None:
        self._desk = desk
        self._journal = journal
        self._find = find
        self._skip = skip
        self._waiting: dict[str, dict[str, Run]] = {}
        #: By dependent: what was joined with rows that still wait, and is still to be settled.
        self._joined: dict[str, list[Run]] = {}
        self._wholes: dict[str, _Whole] = {}
        #: Joined with what is gone since, and not yet written.
        self._vain: set[str] = set()
        self._recovered: set[str] = set()
        self._to_look_at: set[str] = set()
        self.release: Callable[[Run, Callable[[Run], None]], None] = lambda run, then: None
        self.withdraw: Callable[[Run], None] = lambda run: None
        self.settle: Callable[[str], None] = lambda run_id: None

    def recover(self, rows: Sequence[Run]) -> None:
        """Take in what a former executor has joined, from all *rows* that it left open."""
        joined = {run.id: run for run in rows if run.reason is Reason.JOINED}
        joined |= {run.id: run for here in self._joined.values() for run in here}
        waiting = {run.id for here in self._waiting.values() for run in here.values()}
        waiting |= {run.id for run in rows if _waits(run)}
        for run in joined.values():
            if run.id in self._recovered:
                continue
            self._recovered.add(run.id)
            if _led_to(run, joined) in waiting:
                self._joined.setdefault(run.job_id, []).append(run)
                self._to_look_at.add(run.job_id)
            else:
                self.settle(run.id)

    def enter(self, run: Run) -> None:
        """Let a parked row wait for the other parents."""
        rows = self._waiting.setdefault(run.job_id, {})
        former = rows.get(str(run.parent_job_id))
        if former is not None:
            older, run = sorted((former, run), key=_age)
            self.withdraw(older)
            self._recovered.add(older.id)
            self._joined.setdefault(run.job_id, []).append(self._end(older, run))
        rows[str(run.parent_job_id)] = run
        self._to_look_at.add(run.job_id)

    def look_again(self) -> None:
        """Note that jobs have changed: what a row waits for may be another."""
        self._to_look_at |= self._waiting.keys()

    def find(self, run_id: str) -> Run | None:
        """Return the waiting row with this id."""
        for rows in self._waiting.values():
            for run in rows.values():
                if run.id == run_id:
                    return run
        return None

    def leave(self, run_id: str) -> None:
        """Forget a waiting row."""
        run = self.find(run_id)
        if run is not None:
            self._remove(run)

    def _remove(self, run: Run) -> None:
        rows = self._waiting[run.job_id]
        del rows[str(run.parent_job_id)]
        if not rows:
            del self._waiting[run.job_id]
        here = self._joined.pop(run.job_id, [])
        joined = {one.id: one for one in here}
        for one in here:
            if _led_to(one, joined) != run.id:
                self._joined.setdefault(run.job_id, []).append(one)
            elif self._journal.remembers(one.id):
                self._vain.add(one.id)
            else:
                self.settle(one.id)

    def advance(self) -> None:
        """Join what is complete; drop what nobody waits for any more."""
        if not self._to_look_at:
            return
        to_look_at, self._to_look_at = self._to_look_at, set()
        for job_id in sorted(to_look_at & self._waiting.keys()):
            self._look_at(job_id)

    def _look_at(self, job_id: str) -> None:
        job = self._find(job_id)
        parents = set() if job is None else self._parents(job)
        rows = self._waiting[job_id]
        for run in list(rows.values()):
            if run.parent_job_id not in parents:
                self._remove(run)
                self.withdraw(run)
                self._skip(run, Reason.DELETED if job is None else Reason.SUPERSEDED)
        met = {str(run.parent_job_id) for run in self._joined.get(job_id, ())}
        if rows and parents <= rows.keys() | met:
            self._join(job_id)

    def _parents(self, job: Job) -> set[str]:
        after = job.definition.after
        found = map(self._find, after.jobs if after else ())
        return {parent.id for parent in found if parent is not None}

    def _join(self, job_id: str) -> None:
        rows = self._waiting.pop(job_id)
        here = self._joined.pop(job_id, [])
        leads = {one.id: _led_to(one, {other.id: other for other in here}) for one in here}
        newest = _begun(rows, here, leads) or max(rows.values(), key=_age)
        met = {one.parent_job_id for one in here if leads[one.id] == newest.id}
        further = {of: run for of, run in rows.items() if of in met and run is not newest}
        ours = [one for one in here if leads[one.id] not in {run.id for run in further.values()}]
        if further:
            self._waiting[job_id] = further
            self._joined[job_id] = [one for one in here if one not in ours]
        others = [run for of, run in rows.items() if run is not newest and of not in further]
        earlier = [one.id for one in ours]
        unwritten = {run.id for run in others} | set(filter(self._journal.remembers, earlier))
        whole = _Whole(newest, [*earlier, *(run.id for run in others)], unwritten)
        self._wholes |= dict.fromkeys(unwritten, whole)
        for run in others:
            self.withdraw(run)
            self._end(run, newest)
        if not unwritten:
            self._let_go(whole)

    def _end(self, run: Run, newer: Run) -> Run:
        """Record *run* as joined with *newer*; return it as it is then."""
        ended = replace(
            run, state=RunState.SKIPPED, reason=Reason.JOINED, trigger_id=newer.id, follow_up=True
        )
        self._journal.change(
            RunChange(
                run_id=run.id,
                term=run.term,
                state=ended.state,
                reason=ended.reason,
                trigger_id=ended.trigger_id,
                finished_at=self._desk.now,
                follow_up=True,
            ),
            ended,
        )
        return ended

    def written(self, run_id: str) -> bool:
        """Note that the end of a row is durable; False if it was not joined here."""
        whole = self._wholes.pop(run_id, None)
        if run_id in self._vain:
            self._vain.discard(run_id)
            self.settle(run_id)
            return True
        if whole is None:
            return False
        whole.unwritten.discard(run_id)
        if not whole.unwritten:
            self._let_go(whole)
        return True

    def _let_go(self, whole: _Whole) -> None:
        def then(_: Run) -> None:
            for run_id in whole.others:
                self.settle(run_id)

        self.release(whole.newest, then)


def _age(run: Run) -> tuple[object, str]:
    return run.created_at, run.id


def _waits(run: Run) -> bool:
    return run.state is RunState.PENDING and run.clear_at == AWAITING


def _begun(rows: Mapping[str, Run], joined: Sequence[Run], leads: Mapping[str, str]) -> Run | None:
    """Return the row that a former executor was about to let go for ends of *other* parents."""
    waiting = {run.id: run for run in rows.values()}
    for one in joined:
        run = waiting.get(leads[one.id])
        if run is not None and run.parent_job_id != one.parent_job_id:
            return run
    return None


def _led_to(run: Run, joined: Mapping[str, Run]) -> str:
    """Return the row that *run* was joined with, or that it was joined with in turn."""
    while run.trigger_id in joined and run.trigger_id != run.id:
        run = joined[run.trigger_id]
    return run.trigger_id
