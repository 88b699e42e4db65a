"""What the targets saw and what the store did, in the order it happened.

The checker judges from this and from the rows; the engine never sees it.  What can only
be judged at the moment itself is judged here, and kept in ``wrong``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from typing import Any, Final

from executor.domain import audit
from executor.domain.command import CommandResult
from executor.domain.errors import CommandNotFound, RunNotFound, StoreUnavailable
from executor.domain.job import Job
from executor.domain.replacement import replace
from executor.domain.run import AWAITING, Reason, Run, RunChange, RunState
from executor.domain.term import TermRecord
from executor.domain.writes import JobClash, JobProgress, JobWrite
from executor.ports.store import Adoption
from tests.fakes.memory_store import MemoryStore
from tests.simulation.parked import Wholes
from tests.simulation.world import EPOCH, World

#: So long (s) after its recovery a well executor has renewed its leases, and has noticed that it
#: was superseded and given up what it did not start: a heartbeat or a renewal, and the journal.
RECOVERY_S: Final = 1.5

#: The watermark of a schedule that is over: past every instant.
_EVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Start:
    """A target was called; ``row`` is how the store had the run at that moment."""

    order: int
    time: float
    run: Run
    instance: str
    row: Run | None


@dataclass(frozen=True, slots=True)
class Handed:
    """A run was handed to the launchers of an instance, at this time by its own wall clock."""

    time: float
    wall: datetime
    run: Run
    paused: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A revision of a job came to stand in the store."""

    time: float
    job: Job


@dataclass(slots=True)
class Ledger:
    """An append-only account of one history.

    ``well_since`` says since when (world time) the holder of a term is well, infinity if it is not.
    ``limits``: so many runs of a job go on at once, one unless it says otherwise.  ``locks``: jobs
    with the same one never do.  ``in_order``: jobs that run one after another, by fire time.
    ``moved``: jobs, by id, and fire times that takeovers have corrected.
    ``replaces``: jobs of which a run is ended when the next one comes due.  ``wishes``: for how
    long (s) the target of a run wanted to be left alone.  ``arrived``: how often each notification
    was delivered.
    """

    world: World
    model: MemoryStore
    well_since: Callable[[str], float] = lambda holder: inf
    starts: list[Start] = field(default_factory=list)
    owned: dict[tuple[str, int], int] = field(default_factory=dict)
    clearances: dict[int, list[tuple[int, datetime]]] = field(default_factory=dict)
    minted: dict[int, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    order: int = 0
    limits: dict[str, float] = field(default_factory=dict)
    locks: dict[str, str] = field(default_factory=dict)
    in_order: set[str] = field(default_factory=set)
    replaces: set[str] = field(default_factory=set)
    told_to_end: set[str] = field(default_factory=set)
    moved: set[tuple[str, str]] = field(default_factory=set)
    wishes: dict[str, int] = field(default_factory=dict)
    minted_at: dict[int, int] = field(default_factory=dict)
    watermarks: dict[str, list[tuple[int, datetime]]] = field(default_factory=dict)
    hand_offs: list[Handed] = field(default_factory=list)
    paused: Callable[[Run, datetime], bool] = lambda run, wall: False
    on_change: Callable[[Run | None, Run | None], None] = lambda before, after: None
    arrived: Counter[str] = field(default_factory=Counter)
    wholes: Wholes = field(init=False)
    _in_progress: dict[str, Start] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.wholes = Wholes(self)

    def next(self) -> int:
        """Return the next place in the order of things."""
        self.order += 1
        return self.order

    def row(self, run_id: str) -> Run | None:
        """Return the store's row of a run."""
        try:
            return self.model.get_run(run_id)
        except RunNotFound:
            return None

    def started(self, run: Run, instance: str) -> None:
        """A target is called now."""
        start = Start(self.next(), self.world.time, run, instance, self.row(run.id))
        self.starts.append(start)
        said = run.job, run.fire_at, run.cause, run.id[:8]
        self.world.say(instance, "START {} {} {} {}", *said)
        others = [one for one in self._in_progress.values() if not self._is_given_up(one.run.id)]
        same = [one for one in others if one.run.job_id == run.job_id]
        if len(same) >= self.limits.get(run.job, 1):
            self._object(start, same)
        lock = self.locks.get(run.job)
        self._object(
            start,
            [
                one
                for one in others
                if lock is not None and self.locks.get(one.run.job) == lock and one not in same
            ],
        )
        self._in_progress[run.id] = start

    def _object(self, start: Start, others: Sequence[Start]) -> None:
        for other in others:
            self.wrong.append(
                f"{start.run.job}: {start.run.id[:8]} of {start.instance} started at "
                f"{self.world.time:.3f} while {other.run.id[:8]} of {other.run.job} by "
                f"{other.instance} is in progress"
            )

    def handed(self, run: Run, wall: datetime) -> None:
        """A run is handed to launchers, at *wall* by their machine's clock."""
        self.hand_offs.append(Handed(self.world.time, wall, run, self.paused(run, wall)))

    def _is_given_up(self, run_id: str) -> bool:
        row = self.row(run_id)
        if row is None or row.state is RunState.LOST:
            return True
        return row.lease_until is not None and row.lease_until <= self.world.now()

    def left_alone(self, job: str, instance: str) -> list[str]:
        """Return the runs of *job* in progress at an instance that nobody wants to end."""
        return [
            one.run.id
            for one in self._in_progress.values()
            if one.run.job == job
            and one.instance == instance
            and one.run.id not in self.told_to_end
        ]

    def ended(self, run_id: str, wish: int | None = None) -> None:
        """A target is done, or gone with its process; *wish*: so long it is to be left alone."""
        self._in_progress.pop(run_id, None)
        self.wishes[run_id] = wish or 0

    def answering(self, instance: str, result: CommandResult, *, given: bool) -> None:
        """An executor answers a command; *given*: it has it, and has not given it back."""
        if not self._follows(result):
            self.settling(instance, result, given=given)
        elif not given:
            self.wrong.append(f"{instance} answers {result.command_id}, which it had given back")

    def _follows(self, result: CommandResult) -> bool:
        """Whether the store shows by a job or by a run what *result* says."""
        if result.run_id is not None:
            return self.row(result.run_id) is not None
        job = self.model.load_job(result.job_id or "")
        made = job.last_command if job is not None else None
        return (
            job is not None
            and made is not None
            and made.id == result.command_id
            and job.revision == result.revision
        )

    def settling(self, instance: str, result: CommandResult, *, given: bool) -> None:
        """An executor is done with a command: its answer is kept, and is the one it gives."""
        what = f"{instance} answers {result.command_id} {result.status}"
        if not given:
            self.wrong.append(f"{what}, which it had given back")
        try:
            kept = self.model.get_result(result.command_id)
        except CommandNotFound:
            self.wrong.append(f"{what} before the answer is kept")
            return
        if replace(kept, finished_at=result.finished_at) != result:
            self.wrong.append(f"{what}, and {kept.status} is kept")

    def lost(self, run: Run) -> None:
        """The store has just declared a run lost."""
        holder = self.minted[run.term]
        well_since = self.well_since(holder)
        assert run.lease_until is not None
        over = (run.lease_until - EPOCH).total_seconds()
        self.world.say("store", f"LOST {run.job} {run.fire_at} {run.id[:8]} of {holder}")
        if over >= well_since + RECOVERY_S:
            self.wrong.append(
                f"{run.job} {run.fire_at} {run.id[:8]}: lost at {self.world.time:.3f}, "
                f"although {holder} is well since {well_since:.3f}"
            )


class LedgerStore:
    """The model store with an observer at its door."""

    def __init__(self, store: MemoryStore, ledger: Ledger) -> None:
        self.model = store
        self._ledger = ledger
        self._who = ""
        self.audit_away = False

    def as_seen_by(self, who: str) -> Any:
        """Return the store for one caller."""
        self._who = who
        return self

    def __getattr__(self, name: str) -> Any:
        """Return what is the model's own; asked for once, as it stays what it is."""
        found = getattr(self.model, name)
        setattr(self, name, found)
        return found

    def append_changes(self, changes: Sequence[audit.Change]) -> None:
        """Append, unless what goes on is that the caller dies, or is cut off, right before."""
        if self.audit_away:
            raise StoreUnavailable("cut off before the audit")
        self.model.append_changes(changes)

    def mint_term(self, holder: str, tzdata: str = "") -> TermRecord:
        """Mint, and note it."""
        record = self.model.mint_term(holder, tzdata)
        self._ledger.minted[record.term] = holder
        self._ledger.minted_at[record.term] = self._ledger.next()
        return record

    def clear_term(self, term: int, until: datetime) -> None:
        """Clear, and note it if it succeeds."""
        self.model.clear_term(term, until)
        self._ledger.clearances.setdefault(term, []).append((self._ledger.next(), until))

    def insert_runs(self, runs: Sequence[Run]) -> Mapping[str, Run]:
        """Insert, and note which rows belong to whom."""
        existing = self.model.insert_runs(runs)
        for run in runs:
            if run.id not in existing:
                self._ledger.owned.setdefault((run.id, run.term), self._ledger.next())
                self._ledger.wholes.inserted(run)
        return existing

    def adopt_runs(self, adoptions: Sequence[Adoption], term: int) -> frozenset[str]:
        """Adopt, and note which rows belong to whom."""
        awaiting = {
            one.run_id
            for one in adoptions
            if one.clear_at < AWAITING and self._state(one.run_id)[1] == AWAITING
        }
        adopted = self.model.adopt_runs(adoptions, term)
        for run_id in adopted:
            self._ledger.owned.setdefault((run_id, term), self._ledger.next())
            if run_id in awaiting and self._state(run_id)[1] != AWAITING:
                self._ledger.wholes.released(run_id, term)
        return adopted

    def change_runs(self, changes: Sequence[RunChange]) -> None:
        """Change rows, and note which are joined by it."""
        for change in changes:
            before = self._ledger.row(change.run_id)
            self.model.change_runs([change])
            after = self._ledger.row(change.run_id)
            self._ledger.on_change(before, after)
            if change.reason is Reason.JOINED and before != after:
                self._ledger.wholes.joined(change.run_id)

    def _state(self, run_id: str) -> tuple[RunState | None, datetime | None]:
        row = self._ledger.row(run_id)
        return (None, None) if row is None else (row.state, row.clear_at)

    def advance_jobs(self, progress: Sequence[JobProgress]) -> None:
        """Advance, and note how far each job is accounted for."""
        self.model.advance_jobs(progress)
        for news in progress:
            mark = _EVER if news.over else news.next_fire_at
            if mark is not None:
                order = self._ledger.next()
                known = self._ledger.watermarks.setdefault(news.job_id, [])
                known.append((order, mark))

    def expire_runs(self, term: int) -> list[Run]:
        """Declare runs lost, and note each."""
        lost = self.model.expire_runs(term)
        for run in lost:
            self._ledger.lost(run)
        return lost

    def write_jobs(self, writes: Sequence[JobWrite]) -> list[JobClash | None]:
        """Write, and note every revision that came to stand by it."""
        clashes: list[JobClash | None] = []
        for write in writes:
            before = self.model.load_job(write.job.id)
            clashes += self.model.write_jobs([write])
            after = self.model.load_job(write.job.id)
            if after is not None and after is not before:
                self._ledger.changes.append(Change(self._ledger.world.time, after))
                said = after.name, after.revision, after.definition.description
                self._ledger.world.say(self._who, "WRITE {} {} {}", *said)
        return clashes
