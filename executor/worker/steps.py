"""What happens to a worker's bench, and what it wants done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from executor.domain.report import ReportStatus
from executor.domain.run import Outcome, Reason
from executor.ports.work_queue import Assignment, WorkNews


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; nothing else."""


@dataclass(frozen=True, slots=True)
class RunTold:
    """A run that goes on here tells of itself."""

    run_id: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run that went on here is over."""

    run_id: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class StopAsked:
    """The process was asked to end; the second time, at once."""


Event = WorkNews | Tick | RunTold | RunEnded | StopAsked


@dataclass(frozen=True, slots=True)
class Begin:
    """Hand the run to the launcher."""

    assignment: Assignment


@dataclass(frozen=True, slots=True)
class CancelRun:
    """Have the launcher end the run early."""

    run_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Tell:
    """Report what a run has come to; ``outcome`` with an end."""

    assignment: Assignment
    status: ReportStatus
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """Report that a run goes on, and perhaps how."""

    assignment: Assignment
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The run is over: remove its message."""

    tag: object


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Return the run's message to the queue."""

    tag: object


@dataclass(frozen=True, slots=True)
class Bury:
    """Lay a copy of the run's message among the dead letters."""

    tag: object
    reason: str


@dataclass(frozen=True, slots=True)
class Overhear:
    """Listen to what other workers report about exactly these jobs."""

    jobs: frozenset[str]


@dataclass(frozen=True, slots=True)
class CountLoss:
    """Count that whoever had the run was lost."""

    run_id: str
    job: str


@dataclass(frozen=True, slots=True)
class ForgetLosses:
    """Forget what was counted of the run."""

    run_id: str


@dataclass(frozen=True, slots=True)
class StopTaking:
    """Take no more runs."""


@dataclass(frozen=True, slots=True)
class Exit:
    """The process may end; ``clean``: there is nothing that somebody else has to finish."""

    clean: bool


Step = (
    Begin
    | CancelRun
    | Tell
    | Beat
    | Acknowledge
    | GiveBack
    | Bury
    | Overhear
    | CountLoss
    | ForgetLosses
    | StopTaking
    | Exit
)
