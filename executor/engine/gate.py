"""What the dispatcher asks about jobs, whose rules it does not know."""

from __future__ import annotations

from typing import Protocol

from executor.domain.job import Definition
from executor.domain.run import Run


class Gate(Protocol):
    """Decides at the hand-off; the roster is one."""

    def admit(self, run: Run) -> tuple[Run, Definition] | None:
        """Return the run as it is to be started and by which definition; None: it is not."""
        ...

    def accounted(self, run_id: str) -> None:
        """Take note that the row of this id needs no claim any more."""
        ...

    def refused(self, run: Run, why: str) -> None:
        """Take note that the store does not take this row, alone neither."""
        ...
