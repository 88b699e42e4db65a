"""What the judges of one scene are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from executor.domain.job import Job
from executor.domain.run import Run
from tests.simulation.correspondence import Asked
from tests.simulation.ledger import Handed, Ledger


@dataclass(frozen=True)
class Facts:
    """The end of a history.

    What had happened by ``rest`` has had all the consequences that it is going to have.
    """

    ledger: Ledger
    rows: Mapping[str, Run]
    jobs: Mapping[str, Job]
    asked: Mapping[str, Asked]
    rest: datetime

    def of(self, job: str) -> list[Run]:
        """Return the rows of a job."""
        return [row for row in self.rows.values() if row.job == job]

    @cached_property
    def started(self) -> frozenset[str]:
        """The ids of the runs that reached a target."""
        return frozenset(start.run.id for start in self.ledger.starts)

    def handed(self, job: str) -> list[Handed]:
        """Return the hand-offs of a job."""
        return [one for one in self.ledger.hand_offs if one.run.job == job]
