"""What the targets saw and what the store did, in the order it happened.

The checker judges from this and from the rows; the engine never sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from executor.domain.run import Run
from executor.domain.term import TermRecord
from executor.ports.store import Adoption
from tests.fakes.memory_store import MemoryStore
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Start:
    """A target was called; ``row`` is how the store had the run at that moment."""

    order: int
    time: float
    run: Run
    instance: str
    row: Run | None


@dataclass(slots=True)
class Ledger:
    """An append-only account of one history."""

    world: World
    rows: Callable[[str], Run | None]
    starts: list[Start] = field(default_factory=list)
    owned: dict[tuple[str, int], int] = field(default_factory=dict)
    clearances: dict[int, list[tuple[int, datetime]]] = field(default_factory=dict)
    minted: list[tuple[float, int, str]] = field(default_factory=list)
    unfinished: set[str] = field(default_factory=set)
    order: int = 0

    def next(self) -> int:
        """Return the next place in the order of things."""
        self.order += 1
        return self.order

    def started(self, run: Run, instance: str) -> None:
        """A target is called now."""
        row = self.rows(run.id)
        self.starts.append(Start(self.next(), self.world.time, run, instance, row))
        self.unfinished.add(run.id)
        self.world.say(instance, f"START {run.job} {run.fire_at} {run.cause} {run.id[:8]}")

    def ended(self, run_id: str) -> None:
        """A target is done."""
        self.unfinished.discard(run_id)


class LedgerStore:
    """The model store with an observer at its door."""

    def __init__(self, store: MemoryStore, ledger: Ledger) -> None:
        self.model = store
        self._ledger = ledger

    def as_seen_by(self, who: str) -> Any:
        """Return the store for one caller."""
        self._who = who
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def mint_term(self, holder: str) -> TermRecord:
        """Mint, and note it."""
        record = self.model.mint_term(holder)
        self._ledger.minted.append((self._ledger.world.time, record.term, holder))
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
        return existing

    def adopt_runs(self, adoptions: Sequence[Adoption], term: int) -> frozenset[str]:
        """Adopt, and note which rows belong to whom."""
        adopted = self.model.adopt_runs(adoptions, term)
        for run_id in adopted:
            self._ledger.owned.setdefault((run_id, term), self._ledger.next())
        return adopted
