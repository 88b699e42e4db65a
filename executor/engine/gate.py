"""What the dispatcher asks about jobs, whose rules it does not know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Protocol

from executor.domain.job import Definition
from executor.domain.run import Run


class Gate(Protocol):
    """Decides at the hand-off; the roster is one."""

    def admit(self, run: Run) -> tuple[Run, Definition] | Literal["wait"] | None:
        """Return the run as it is to be started and by which definition.

        ``wait``: it is to be parked.  None: it is not to start, which is recorded.
        """
        ...

    def sealed(self, works: Iterable[tuple[Run, Definition]]) -> Mapping[str, str]:
        """Return the secrets that *works*, just admitted, need: sealed, by their names."""
        ...

    def parked(self, run: Run) -> None:
        """Take note that a parked row is durable."""
        ...

    def accounted(self, run_id: str) -> None:
        """Take note that the row of this id needs no claim any more."""
        ...

    def refused(self, run: Run, why: str) -> None:
        """Take note that the store does not take this row, alone neither."""
        ...
