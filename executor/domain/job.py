"""Jobs: what the user defines, and what the service keeps about it.

:class:`Definition` is the user's part, exactly the document of the API; one set of
annotations serves validation, the OpenAPI document and decoding from the store.
:class:`Job` adds the service's part: identity, revision, watermark, pause.

Unknown fields are faults that name them.  A definition is valid as a whole or not at
all: :func:`definition_from_document` reports every fault at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from executor.domain.command import Command, CommandKind
from executor.domain.declared import CodeOrigin
from executor.domain.duration import LONGEST
from executor.domain.errors import Fault, InvalidJob
from executor.domain.expect_body import ExpectBody
from executor.domain.faults import faults_of
from executor.domain.fields import CLOSED, JobName, JobSubject, PositiveDuration, Text
from executor.domain.limits import Limits
from executor.domain.notify import Notify, rule_faults
from executor.domain.policies import After, CalendarUse, Misfire, Overlap, Retry
from executor.domain.run import Cause
from executor.domain.schedule import (
    ContinuousSchedule,
    Schedule,
    schedule_from_document,
    schedule_to_document,
)
from executor.domain.schedule_schema import SCHEDULE_SCHEMA
from executor.domain.targets import (
    LONGEST_QUEUED_NAME,
    CommandTarget,
    HttpTarget,
    MessageTarget,
    PythonTarget,
    Sign,
    Target,
    check_secret_url,
    goes_on_elsewhere,
    target_faults,
)
from executor.domain.tls import Tls
from executor.domain.watch import WatchedTarget, is_watched


def _schedule(value: object) -> object:
    return value if value is None or isinstance(value, Schedule) else schedule_from_document(value)


ScheduleField = Annotated[
    Schedule | None,
    BeforeValidator(_schedule),
    PlainSerializer(lambda value: None if value is None else schedule_to_document(value)),
    WithJsonSchema(SCHEDULE_SCHEMA),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A job as its user writes it."""

    __pydantic_config__ = CLOSED

    name: JobName
    """Unique among all jobs."""
    target: Target
    schedule: ScheduleField = None
    """When the job is due; null means only on request."""
    description: Annotated[Text, Field(max_length=10_000)] = ""
    owner: Annotated[Text, Field(max_length=200)] = ""
    tags: Annotated[
        tuple[Annotated[Text, Field(min_length=1, max_length=100)], ...], Field(max_length=50)
    ] = ()
    labels: Annotated[
        dict[
            Annotated[Text, Field(min_length=1, max_length=100)],
            Annotated[Text, Field(max_length=10_000)],
        ],
        Field(max_length=50),
    ] = field(default_factory=dict)
    """Texts by name, for programs that have something to remember with a job; nothing follows from
    them."""
    enabled: bool = True
    misfire: Misfire = field(default_factory=Misfire)
    overlap: Overlap = field(default_factory=Overlap)
    retry: Retry = field(default_factory=Retry)
    timeout: PositiveDuration = timedelta(hours=1)
    """Longest time a run may take, from its start; of a continuous job 100 years if not given."""
    start_timeout: PositiveDuration | None = None
    """Longest time a run may wait once it is due; then it is skipped."""
    heartbeat_timeout: PositiveDuration | None = None
    """Longest silence of whoever a run was handed over to; then it is sent again, or lost."""
    retrigger: Annotated[int, Field(ge=0, le=100)] = 1
    """How often a lost run is repeated, or one that has fallen silent is sent again."""
    lock: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    """Jobs with the same lock never run at the same time, in the whole cluster."""
    after: After | None = None
    """Run after other jobs, besides the schedule."""
    on_failure: JobSubject | None = None
    """The job (name or id) to run when the last attempt has failed."""
    calendars: Annotated[tuple[CalendarUse, ...], Field(max_length=20)] = ()
    """When the job is not to begin anything."""
    notify: Annotated[tuple[Notify, ...], Field(max_length=20)] = ()
    """Who is told of what."""
    ping: Annotated[str, AfterValidator(check_secret_url), Field(max_length=8192)] | None = None
    """Where a monitor (healthchecks.io and its like) is told of starts and ends; a template of
    secrets."""
    keep_runs: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    keep_for: PositiveDuration = timedelta(days=14)

    @property
    def is_continuous(self) -> bool:
        """Whether it runs for ever: it is started again when it has ended."""
        return isinstance(self.schedule, ContinuousSchedule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Why, by whom, since when and until when (None: until resumed) a job rests."""

    since: datetime
    reason: str = ""
    by: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The job's latest finished run, for lists."""

    run_id: str
    state: str
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCommand:
    """What a redelivered command is recognised by, and its answer made up from.

    ``id`` is empty, and nothing recognised by it, where the change came with that of another
    record: a job that named one that was deleted.  ``actor`` and ``address`` as in
    :class:`Command`; empty in records of older versions.
    """

    id: str
    kind: CommandKind
    digest: str
    actor: str = ""
    address: str = ""

    @classmethod
    def of(cls, command: Command) -> LastCommand:
        """Return what is kept of *command*."""
        return cls(
            id=command.id,
            kind=command.kind,
            digest=command.digest,
            actor=command.actor,
            address=command.address,
        )

    @classmethod
    def beside(cls, command: Command) -> LastCommand:
        """Return what is kept of *command* in a record that it changes besides its own."""
        return replace(cls.of(command), id="", digest="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A definition with what the service knows about it.

    Attributes:
        next_fire_at: the watermark: the earliest slot not yet accounted for.  It only moves
            forward within a revision; None when the schedule has no further slot.
        last_command: the command that made this revision.
        code: that it is declared in code; None: it was made through the API.
        ping_key: what proves that a ping is about this job (see ``watch.py``); empty if the job
            was never watched.
        deleted: the job is gone for its users; the row waits for retention to remove its runs.
    """

    id: str
    definition: Definition
    revision: int
    created_at: datetime
    updated_at: datetime
    next_fire_at: datetime | None = None
    paused: Pause | None = None
    last_run: LastRun | None = None
    last_command: LastCommand | None = None
    deleted: bool = False
    code: CodeOrigin | None = None
    ping_key: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """The definition's name."""
        return self.definition.name

    def is_paused(self, now: datetime) -> bool:
        """Whether a pause is in force at *now*; one whose end has come counts as over."""
        return self.paused is not None and (self.paused.until is None or now < self.paused.until)

    def holds(self, cause: Cause, now: datetime) -> bool:
        """Whether a pause in force at *now* keeps runs of this *cause* from starting.

        What belongs to a run from before the pause goes on: its repetitions, and slots that are
        being caught up.  So does what somebody asks for.
        """
        return cause in _HELD and self.is_paused(now)

    def is_active(self, now: datetime) -> bool:
        """Whether slots of this job are to be run at *now*."""
        return self.definition.enabled and not self.deleted and not self.is_paused(now)


#: Why runs exist that a pause holds: they came due by themselves, or by the ends of other jobs.
_HELD: Final = frozenset({Cause.SCHEDULE, Cause.DEPENDENCY, Cause.FAILURE_HANDLER})

DEFINITION: Final[TypeAdapter[Definition]] = TypeAdapter(Definition)

#: Fields of a job's document in the API that are the service's and never the client's.
READ_ONLY: Final = (
    "id",
    "revision",
    "state",
    "created_at",
    "updated_at",
    "next_fire_at",
    "done",
    "paused",
    "last_run",
    "managed_by",
    "in_code",
    "ping_url",
)

_OBJECTS: Final = {
    (): Definition,
    ("target", "http"): HttpTarget,
    ("target", "http", "expect_body"): ExpectBody,
    ("target", "http", "tls"): Tls,
    ("target", "http", "sign"): Sign,
    ("target", "command"): CommandTarget,
    ("target", "command", "limits"): Limits,
    ("target", "python"): PythonTarget,
    ("target", "python", "limits"): Limits,
    ("target", "message"): MessageTarget,
    ("target", "watched"): WatchedTarget,
    ("misfire",): Misfire,
    ("overlap",): Overlap,
    ("retry",): Retry,
    ("after",): After,
    ("calendars",): CalendarUse,
    ("notify",): Notify,
}


def definition_from_document(document: object) -> Definition:
    """Read the API's (and the store's) form of a job.

    Raises:
        InvalidJob: with every fault of the document.
    """
    try:
        definition = DEFINITION.validate_python(_with_defaults(document))
    except ValidationError as error:
        raise InvalidJob(faults_of(error, _OBJECTS)) from None
    faults = [
        *_name_faults(definition),
        *target_faults(definition.target),
        *_heartbeat_faults(definition),
        *_watched_faults(definition),
        *_continuous_faults(definition),
        *rule_faults(definition.notify),
    ]
    if faults:
        raise InvalidJob(faults)
    return definition


def _with_defaults(document: object) -> object:
    """Return *document* with the defaults that depend on what else it says."""
    if not isinstance(document, Mapping) or "timeout" in document:
        return document
    schedule = document.get("schedule")
    continuous = isinstance(schedule, ContinuousSchedule) or (
        isinstance(schedule, Mapping) and schedule.get("kind") == ContinuousSchedule.kind
    )
    # An hour, the default, would end what is meant to run for ever; watched runs are not.
    target = document.get("target")
    watched = is_watched(target) or (
        isinstance(target, Mapping) and target.get("kind") == "watched"
    )
    return {**document, "timeout": LONGEST} if continuous and not watched else document


def _continuous_faults(definition: Definition) -> list[Fault]:
    overlap = definition.overlap
    if not definition.is_continuous:
        return []
    if overlap.policy not in {"forbid", "replace"}:
        text = "a continuous job has one run at a time; write forbid, or replace"
        return [Fault("overlap.policy", text)]
    if overlap.limit != 1:
        return [Fault("overlap.limit", "a continuous job has one run at a time; write 1")]
    return []


def _name_faults(definition: Definition) -> list[Fault]:
    too_long = len(definition.name.encode()) > LONGEST_QUEUED_NAME
    if isinstance(definition.target, MessageTarget) and too_long:
        words = f"is longer than {LONGEST_QUEUED_NAME} bytes in UTF-8; queues are named after it"
        return [Fault("name", words)]
    return []


def _heartbeat_faults(definition: Definition) -> list[Fault]:
    target = definition.target
    reported = goes_on_elsewhere(target) and not is_watched(target)
    if definition.heartbeat_timeout is None or reported:
        return []
    words = (
        "nobody reports about the runs of this target; leave it out, or write a target of kind "
        "`message`, or `http` with `callback`"
    )
    return [Fault("heartbeat_timeout", words)]


def _watched_faults(definition: Definition) -> list[Fault]:
    """Return what is asked of a job as if its runs were begun, held up or repeated here."""
    if not is_watched(definition.target):
        return []
    elsewhere = "a watched job is run by somebody else"
    wrong = (
        (
            definition.start_timeout is not None,
            "start_timeout",
            "leave it out; target.grace says how long a run may be awaited",
        ),
        (
            definition.retry.attempts > 0,
            "retry.attempts",
            f"{elsewhere}, who is not asked to try again; write 0",
        ),
        (definition.lock is not None, "lock", f"{elsewhere}, who knows of no lock; leave it out"),
        (
            definition.overlap.policy not in {"forbid", "allow"},
            "overlap.policy",
            f"{elsewhere}, who makes nothing wait or end; write forbid, or allow",
        ),
        (
            definition.misfire.policy == "all",
            "misfire.policy",
            f"{elsewhere}, who catches nothing up; write once, or skip",
        ),
    )
    return [Fault(field, words) for is_wrong, field, words in wrong if is_wrong]


def definition_to_document(definition: Definition) -> dict[str, Any]:
    """Write the canonical form: every field present, durations in ISO 8601; JSON-ready."""
    document: dict[str, Any] = DEFINITION.dump_python(definition, mode="json")
    return document
