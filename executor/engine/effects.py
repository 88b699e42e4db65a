"""What the engine wants done.

A :class:`~executor.engine.store_requests.Request` is answered; all other effects need no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from executor.domain.channel import Channel
from executor.domain.command import CommandResult
from executor.domain.job import Definition
from executor.domain.notification import Notification
from executor.domain.run import Reason, Run
from executor.engine.store_requests import Request


@dataclass(frozen=True, slots=True)
class PrepareRuns:
    """Get these runs ready: they are to be started soon, if nothing comes in between."""

    works: tuple[tuple[Run, Definition], ...]


@dataclass(frozen=True, slots=True)
class StartRuns:
    """Hand these runs to the launchers, now; with the secrets they need, sealed, by name."""

    works: tuple[tuple[Run, Definition], ...]
    sealed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CancelWork:
    """End this run's work early."""

    run_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class RecallWork:
    """Ask whoever has a run that was handed over to end it."""

    run: Run
    definition: Definition
    reason: Reason


@dataclass(frozen=True, slots=True)
class AttendWorkers:
    """Take reports about exactly these jobs, by name; unsettled ones about others go back."""

    jobs: frozenset[str]


@dataclass(frozen=True, slots=True)
class SettleReport:
    """What a report says is durable, or was refused: forget it; ``tag`` came with it."""

    tag: object


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand a notification to the courier; with its channel (None: a ping) and sealed secrets."""

    notification: Notification
    channel: Channel | None
    sealed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenIntake:
    """Take commands from the queue."""


@dataclass(frozen=True, slots=True)
class CloseIntake:
    """Take no more commands; the unsettled ones go back to the queue."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer a command; it stays in the queue until it is settled."""

    tag: object
    result: CommandResult


@dataclass(frozen=True, slots=True)
class Settle:
    """Answer a command, unless it is, and remove it from the queue; ``tag`` came with it."""

    tag: object
    result: CommandResult


@dataclass(frozen=True, slots=True, eq=False)
class ReadDeclarations:
    """Ask the code which jobs it declares; answered by ``DeclarationsRead``."""


@dataclass(frozen=True, slots=True, eq=False)
class AskPrecondition:
    """Ask the code whether scheduling may begin; answered by ``PreconditionAnswered``."""


@dataclass(frozen=True, slots=True)
class StepAside:
    """Give the token away and keep away from it for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class StopToken:
    """Hand the token back and compete no more."""


@dataclass(frozen=True, slots=True)
class Exit:
    """Everything this process owes is written; it may end."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something an operator should be able to follow: a fixed sentence and its facts.

    ``level`` is a name of the standard library's logging.
    """

    action: str
    sentence: str
    facts: dict[str, object] = field(default_factory=dict)
    level: str = "INFO"


Effect = (
    Request
    | PrepareRuns
    | StartRuns
    | CancelWork
    | RecallWork
    | AttendWorkers
    | SettleReport
    | Deliver
    | OpenIntake
    | CloseIntake
    | Reply
    | Settle
    | ReadDeclarations
    | AskPrecondition
    | StepAside
    | StopToken
    | Exit
    | Note
)
