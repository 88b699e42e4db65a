"""Jobs: what the user defines, and what the service keeps about it.

:class:`Definition` is the user's part, exactly the document of the API; one set of
annotations serves validation, the OpenAPI document and decoding from the store.
:class:`Job` adds the service's part: identity, revision, watermark, pause.

Unknown fields are faults that name them.  A definition is valid as a whole or not at
all: :func:`definition_from_document` reports every fault at once.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, Union
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from executor.domain.command import Command, CommandKind
from executor.domain.duration import format_duration, parse_duration
from executor.domain.errors import Fault, InvalidJob
from executor.domain.faults import faults_of
from executor.domain.schedule import Schedule, schedule_from_document, schedule_to_document

_CLOSED: Final = ConfigDict(extra="forbid", use_attribute_docstrings=True)

#: A name must survive in a URL path segment and in a header, and must not look like an id.
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f/?#%\\]{1,200}")


def is_job_id(text: str) -> bool:
    """Whether *text* has the form of a job's id; no job's name has."""
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None


_NOT_IN_URL: Final = re.compile(r"[\x00-\x20\x7f]")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value) or value != value.strip() or value in {".", ".."}:
        raise ValueError(
            "use 1 to 200 characters without control characters, / ? # % \\ or spaces at the ends"
        )
    if is_job_id(value):
        raise ValueError("32 hexadecimal digits look like a job id; choose another name")
    return value


def _duration(value: object) -> object:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, timedelta):
        return value
    raise ValueError("write a duration as text: PT30S, PT5M, 30s, 5m")


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than zero")
    return value


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"is not a URL: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write an absolute URL that starts with http:// or https://")
    if _NOT_IN_URL.search(value):
        raise ValueError("contains white space or control characters; percent-encode them")
    return value


def _header_text(value: str) -> str:
    if any(
        (ord(character) < 32 and character != "\t") or ord(character) == 127 for character in value
    ):
        raise ValueError("header values must not contain control characters or line breaks")
    return value


def _header_name(value: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}", value):
        raise ValueError(f"{value!r} is not a header name")
    return value


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the NUL character")
    return value


def _expected(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and re.fullmatch(r"[1-5](\d\d|xx)", value):
        return value
    raise ValueError(f"{value!r} is neither a status (204) nor a class of statuses (2xx)")


def _schedule(value: object) -> object:
    return value if value is None or isinstance(value, Schedule) else schedule_from_document(value)


_SCHEDULE_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "string", "examples": ["*/5 * * * *"]},
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["kind", "expression"],
            "properties": {
                "kind": {"const": "cron"},
                "expression": {"type": "string", "examples": ["30 2 * * *"]},
                "dialect": {"enum": ["cron5", "cron6s"], "default": "cron5"},
                "timezone": {"type": "string", "default": "UTC"},
                "gap": {"enum": ["run_after", "skip"], "default": "run_after"},
                "fold": {"enum": ["first", "second", "both"], "default": "first"},
                "dom_dow": {"enum": ["cron", "and"], "default": "cron"},
                "engine": {"const": 1, "default": 1},
            },
        },
        {"type": "null"},
    ]
}

Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["PT30S", "5m"]}),
]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Text = Annotated[str, AfterValidator(_no_nul)]
ScheduleField = Annotated[
    Schedule | None,
    BeforeValidator(_schedule),
    PlainSerializer(lambda value: None if value is None else schedule_to_document(value)),
    WithJsonSchema(_SCHEDULE_SCHEMA),
]
JobName = Annotated[str, AfterValidator(_name), Field(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTarget:
    """Send one HTTP request; it succeeds when the final status is expected."""

    __pydantic_config__ = _CLOSED

    kind: Literal["http"] = "http"
    url: Annotated[str, AfterValidator(_url), Field(max_length=8192)]
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "POST"
    headers: dict[
        Annotated[str, AfterValidator(_header_name)], Annotated[str, AfterValidator(_header_text)]
    ] = field(default_factory=dict)
    body: Annotated[str, Field(max_length=1_000_000)] = ""
    timeout: PositiveDuration = timedelta(seconds=30)
    """Longest time for the whole exchange; the job's own ``timeout`` ends it as well."""
    expect: Annotated[
        tuple[
            Annotated[
                str,
                BeforeValidator(_expected),
                WithJsonSchema({"type": "string", "pattern": "^[1-5](\\d\\d|xx)$"}),
            ],
            ...,
        ],
        Field(min_length=1),
    ] = ("2xx",)
    follow_redirects: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTarget:
    """Run a program on the executor's machine; it succeeds when it exits with 0.

    Exactly one of ``command`` and ``argv``.  ``command`` is split into words as a shell would,
    but no shell runs it: pipes and ``;`` need ``bash -c '...'``.
    """

    __pydantic_config__ = _CLOSED

    kind: Literal["command"] = "command"
    command: Annotated[Text, Field(max_length=100_000)] | None = None
    argv: Annotated[tuple[Text, ...], Field(min_length=1, max_length=10_000)] | None = None
    env: dict[Text, Text] = field(default_factory=dict)
    cwd: Text | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The program and its arguments.

        Raises:
            ValueError: ``command`` has an unclosed quotation.
        """
        return self.argv if self.argv is not None else tuple(shlex.split(self.command or ""))


Target = Annotated[Union[HttpTarget, CommandTarget], Field(discriminator="kind")]  # noqa: UP007


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfire:
    """What happens to slots found between the watermark and now.

    ``once``: one catch-up run for the latest slot, the others are recorded as skipped.
    A slot noticed later than ``deadline`` is skipped.
    """

    __pydantic_config__ = _CLOSED

    policy: Literal["once"] = "once"
    deadline: PositiveDuration = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What happens to a slot that comes due while an earlier run is unfinished.

    ``forbid``: it is recorded as skipped.
    """

    __pydantic_config__ = _CLOSED

    policy: Literal["forbid"] = "forbid"
    limit: Literal[1] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A job as its user writes it."""

    __pydantic_config__ = _CLOSED

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
    enabled: bool = True
    misfire: Misfire = field(default_factory=Misfire)
    overlap: Overlap = field(default_factory=Overlap)
    timeout: PositiveDuration = timedelta(hours=1)
    """Longest time a run may take, from its start."""
    retrigger: Annotated[int, Field(ge=0, le=100)] = 1
    """How often a lost run is repeated."""
    keep_runs: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    keep_for: PositiveDuration = timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Why, since when and until when (None: until resumed) a job rests."""

    since: datetime
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The job's latest finished run, for lists."""

    run_id: str
    state: str
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCommand:
    """What a redelivered command is recognised by, and its answer made up from."""

    id: str
    kind: CommandKind
    digest: str

    @classmethod
    def of(cls, command: Command) -> LastCommand:
        """Return what is kept of *command*."""
        return cls(id=command.id, kind=command.kind, digest=command.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A definition with what the service knows about it.

    Attributes:
        next_fire_at: the watermark: the earliest slot not yet accounted for.  It only moves
            forward within a revision; None when the schedule has no further slot.
        last_command: the command that made this revision.
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

    @property
    def name(self) -> str:
        """The definition's name."""
        return self.definition.name

    def is_paused(self, now: datetime) -> bool:
        """Whether a pause is in force at *now*; one whose end has come counts as over."""
        return self.paused is not None and (self.paused.until is None or now < self.paused.until)

    def is_active(self, now: datetime) -> bool:
        """Whether slots of this job are to be run at *now*."""
        return self.definition.enabled and not self.deleted and not self.is_paused(now)


DEFINITION: Final[TypeAdapter[Definition]] = TypeAdapter(Definition)

_OBJECTS: Final = {
    (): Definition,
    ("target", "http"): HttpTarget,
    ("target", "command"): CommandTarget,
    ("misfire",): Misfire,
    ("overlap",): Overlap,
}


def definition_from_document(document: object) -> Definition:
    """Read the API's (and the store's) form of a job.

    Raises:
        InvalidJob: with every fault of the document.
    """
    try:
        definition = DEFINITION.validate_python(document)
    except ValidationError as error:
        raise InvalidJob(faults_of(error, _OBJECTS)) from None
    faults = _cross_field_faults(definition)
    if faults:
        raise InvalidJob(faults)
    return definition


def definition_to_document(definition: Definition) -> dict[str, Any]:
    """Write the canonical form: every field present, durations in ISO 8601; JSON-ready."""
    document: dict[str, Any] = DEFINITION.dump_python(definition, mode="json")
    return document


def _cross_field_faults(definition: Definition) -> list[Fault]:
    target = definition.target
    if not isinstance(target, CommandTarget):
        return []
    if target.command is None and target.argv is None:
        return [Fault("target.command", "is required: one text, or argv with a list")]
    if target.command is not None and target.argv is not None:
        return [Fault("target.argv", "leave it out or command: both say what to run")]
    where = "target.command" if target.argv is None else "target.argv"
    try:
        words = target.words
    except ValueError as error:
        return [Fault(where, f"cannot be split into words: {error}; check the quotes")]
    if not words or not words[0]:
        return [Fault(where, "names no program to run")]
    return [
        Fault(f"target.env.{name}" if name else "target.env", "a name must not be empty or hold =")
        for name in target.env
        if not name or "=" in name
    ]
