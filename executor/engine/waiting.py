"""Rows that are durable and wait: for their clearance, and for the second they are due in.

Rows that may start under the same clearance form a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from executor.domain.run import Run

#: When a run without a second of its own is due: long ago, whatever the wall clock does.
_AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Group:
    """Rows with one ``clear_at``; ``due`` is when the last of them is due."""

    clear_at: datetime
    due: datetime = _AT_ONCE
    runs: list[Run] = field(default_factory=list)


class WaitingRuns:
    """The groups, by their ``clear_at``."""

    def __init__(self) -> None:
        self._groups: dict[datetime, Group] = {}

    def __len__(self) -> int:
        return len(self._groups)

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups.values())

    def add(self, run: Run) -> None:
        """Let *run* wait."""
        group = self._groups.setdefault(run.clear_at, Group(run.clear_at))
        if run.due is not None:
            group.due = max(group.due, run.due)
        group.runs.append(run)

    def take(self, groups: Iterable[Group], most: int) -> list[Run]:
        """Remove up to *most* rows of *groups*, the earliest first, and return them."""
        taken: list[Run] = []
        for group in sorted(groups, key=lambda group: group.clear_at):
            room = most - len(taken)
            taken += group.runs[:room]
            del group.runs[:room]
            if group.runs:
                break
            del self._groups[group.clear_at]
        return taken

    def find(self, run_id: str) -> Run | None:
        """Return the row with this id, if it waits."""
        for group in self:
            for run in group.runs:
                if run.id == run_id:
                    return run
        return None

    def remove(self, run_id: str) -> None:
        """Forget a row."""
        for group in self:
            group.runs = [run for run in group.runs if run.id != run_id]
