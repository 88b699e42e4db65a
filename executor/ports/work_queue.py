"""A worker's end of the broker: runs come in, news of them go out.

Checked by ``tests/contract/test_rabbitmq_work_queue.py``.  The adapter runs its own thread,
reconnects by itself with back-off, and speaks through the callback that it was started with;
that returns at once and never raises.  What is told goes out in the order in which it was told,
and is kept while the broker is away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from executor.domain.report import ReportStatus
from executor.domain.run import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A run for a worker.

    Attributes:
        fire_time: RFC 3339 text; empty for a run that was asked for.
        timeout_s: how long the run may take; None: whoever sent it says when to stop.
        beat_s: seconds between two signs of life.
    """

    run_id: str
    job: str
    attempt: int = 1
    term: int = 0
    trigger_id: str = ""
    cause: str = ""
    fire_time: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    timeout_s: float | None = None
    beat_s: float
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """A run has come; ``tag`` is what settles it.

    ``doubtful``: somebody else may have it, or have had it.
    """

    tag: object
    assignment: Assignment
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Recall:
    """A run is to end, whoever has it."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Overheard:
    """Another worker tells of a run; ``over``: it is the end."""

    run_id: str
    over: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """The answer to :meth:`WorkQueue.count_loss`: how often it was asked of this run."""

    run_id: str
    losses: int


@dataclass(frozen=True, slots=True)
class EndTold:
    """The broker keeps the end that was told of this run."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Connected:
    """There is a broker."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """There is none; every tag is void, and the runs behind them come again, to anybody."""


WorkNews = Taken | Recall | Overheard | Counted | EndTold | Connected | Disconnected


class WorkQueue(Protocol):
    """Takes the runs of a worker's jobs.  All methods return at once; any thread may call."""

    def start(self, on_news: Callable[[WorkNews], None]) -> None:
        """Connect and take runs, as many of each job as the worker asked for."""
        ...

    def acknowledge(self, tag: object) -> None:
        """Remove a run from the queue; a void tag does nothing."""
        ...

    def give_back(self, tag: object) -> None:
        """Return a run to the queue, for anybody; a void tag does nothing."""
        ...

    def bury(self, tag: object, reason: str) -> None:
        """Lay a copy of a run's message among the dead letters; the run stays in hand."""
        ...

    def tell(self, assignment: Assignment, status: ReportStatus, outcome: Outcome | None) -> None:
        """Report what a run has come to; an end, with its *outcome*, is answered by EndTold."""
        ...

    def beat(self, assignment: Assignment, details: Mapping[str, Any] | None) -> None:
        """Report that a run goes on.  Not kept while the broker is away."""
        ...

    def overhear(self, jobs: frozenset[str]) -> None:
        """From now on be told what other workers report about exactly these jobs."""
        ...

    def count_loss(self, run_id: str, job: str) -> None:
        """Count that the worker which had this run was lost; answered by Counted."""
        ...

    def forget_losses(self, run_id: str) -> None:
        """Forget what was counted: the run is over."""
        ...

    def stop_taking(self) -> None:
        """Take no more runs; those that were taken stay."""
        ...

    def describe(self) -> str:
        """Say in a few words how the connection stands: ``connected``, or what is wrong."""
        ...

    def stop(self) -> None:
        """Close and end; runs that are not settled go back to the queue."""
        ...
