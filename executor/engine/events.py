"""What happens to the engine.

Every event is handled at a :class:`Moment`, which the runtime reads from the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from executor.domain.command import Command
from executor.domain.declared import Declarations
from executor.domain.errors import SolocronError
from executor.domain.report import Report
from executor.domain.run import Outcome
from executor.domain.writes import LoadedJobs
from executor.engine.effects import AskPrecondition, ReadDeclarations
from executor.engine.store_requests import ReadAllJobs, Request


class Moment(NamedTuple):
    """Both readings of the clock: ``now`` aware UTC in whole ms, ``monotonic`` in seconds."""

    now: datetime
    monotonic: float


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; nothing else."""


@dataclass(frozen=True, slots=True)
class TokenGained:
    """The broker says that this instance holds the token."""


@dataclass(frozen=True, slots=True)
class TokenGone:
    """This instance cannot prove that it holds the token."""

    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The store did what ``request`` asked; what ``result`` is stands at the request."""

    request: Request
    result: Any


@dataclass(frozen=True, slots=True, eq=False)
class Refused:
    """In an answer, in the place of an entry of a batch that cannot be written, not even alone.

    All others of its batch are written.  Nothing is known of this one but the error.
    """

    error: Exception

    @property
    def why(self) -> str:
        """The reason, for people."""
        return repr(self.error)


@dataclass(frozen=True, slots=True)
class Failed:
    """The store did not do it: StaleTerm (nothing was written) or StoreUnavailable (unknown)."""

    request: Request
    error: SolocronError


@dataclass(frozen=True, slots=True)
class JobsLoaded:
    """A batch of the answer to :class:`ReadAllJobs`; more may follow."""

    request: ReadAllJobs
    loaded: LoadedJobs


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """A command came off the queue; ``tag`` is what :class:`Settle` needs.

    ``first``: it is certain that no executor was handed this message before.
    """

    tag: object
    command: Command
    first: bool = False


@dataclass(frozen=True, slots=True)
class RunEvent:
    """What a launcher reports about a run."""

    run_id: str


@dataclass(frozen=True, slots=True)
class RunStarted(RunEvent):
    """A launcher has begun the work."""

    at: datetime


@dataclass(frozen=True, slots=True)
class RunProgressed(RunEvent):
    """The work has something to say of itself; ``details`` replace those told before."""

    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunNotStarted(RunEvent):
    """A launcher gave the work back untouched, because trust had run out."""


@dataclass(frozen=True, slots=True)
class RunSaid(RunEvent):
    """The work has said ``data``, from ``offset`` (bytes) on, and goes on."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class RunFinished(RunEvent):
    """The work has ended."""

    at: datetime
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class RunHandedOver(RunEvent):
    """A launcher has let go of the work, which goes on elsewhere (``running``) or waits there."""

    at: datetime
    running: bool


@dataclass(frozen=True, slots=True)
class ReportReceived:
    """Somebody elsewhere tells of a run; ``tag`` is what :class:`SettleReport` needs."""

    tag: object
    report: Report


@dataclass(frozen=True, slots=True)
class DeclarationsRead:
    """What the code declares."""

    request: ReadDeclarations
    declarations: Declarations


@dataclass(frozen=True, slots=True)
class PreconditionAnswered:
    """Whether scheduling may begin: ``fault`` None, or why not."""

    request: AskPrecondition
    fault: str | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The courier is done with a notification; ``error`` says why it failed, if it did."""

    notification_id: str
    at: datetime
    error: str | None = None


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The process was asked to end cleanly."""


Event = (
    Tick
    | TokenGained
    | TokenGone
    | Answered
    | Failed
    | JobsLoaded
    | CommandReceived
    | RunEvent
    | ReportReceived
    | Delivered
    | DeclarationsRead
    | PreconditionAnswered
    | StopRequested
)
