"""Rows that are not known to be durable yet, and who wants to hear of each.

A row is heard of once: as written, with the row that stands in the store then, or as
refused, with the error.  Whoever asks again after that asks for the next time.
"""

from __future__ import annotations

from collections.abc import Callable

from executor.domain.run import Run


class Unwritten:
    """The ids of the rows, and the callbacks by id."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._on_written: dict[str, list[Callable[[Run], None]]] = {}
        self._on_refused: dict[str, list[Callable[[Exception], None]]] = {}

    def __contains__(self, run_id: str) -> bool:
        return run_id in self._ids

    def add(self, run_id: str) -> None:
        """A write of the row is wanted."""
        self._ids.add(run_id)

    def listen(
        self,
        run_id: str,
        on_written: Callable[[Run], None] | None = None,
        on_refused: Callable[[Exception], None] | None = None,
    ) -> None:
        """Call one of these when the row is heard of."""
        if on_refused is not None:
            self._on_refused.setdefault(run_id, []).append(on_refused)
        if on_written is not None:
            self._on_written.setdefault(run_id, []).append(on_written)

    def written(self, run: Run) -> None:
        """*run* stands in the store."""
        self._ids.discard(run.id)
        self._on_refused.pop(run.id, None)
        for then in self._on_written.pop(run.id, ()):
            then(run)

    def refused(self, run_id: str) -> list[Callable[[Exception], None]]:
        """The store does not take the row; return whom to tell, once all else is done."""
        self._ids.discard(run_id)
        self._on_written.pop(run_id, None)
        return self._on_refused.pop(run_id, [])
