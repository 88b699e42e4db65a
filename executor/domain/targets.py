"""Targets: what a run does.

The url, header values and body of a request, the command, argv and env values of a program,
and the texts in the arguments of a Python job, are templates (``template.py``): what is
stored and shown is what was written, and every run fills it in for itself.  A field is
judged twice: when the job is saved, as far as that can be without the values, and as a
whole when it is filled in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Union
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from executor.domain import command_line
from executor.domain.errors import Fault, InvalidJob
from executor.domain.expect_body import ExpectBodyField
from executor.domain.fields import CLOSED, PositiveDuration, Text
from executor.domain.http_status import HTTP_STATUS, http_status
from executor.domain.json_value import texts_in, within
from executor.domain.limits import Limits
from executor.domain.template import (
    SECRET_NAME,
    Value,
    check_only_secrets,
    faults,
    parse,
    secrets_in,
)
from executor.domain.tls import Tls
from executor.domain.watch import WatchedTarget, is_watched

_NOT_IN_URL: Final = re.compile(r"[\x00-\x20\x7f]")


def _template(value: str) -> str:
    if "{{" in value and (found := faults(value)):
        raise InvalidJob([Fault("", one) for one in found])
    return value


def _url(value: str) -> str:
    """Judge a URL before its values are known, each of which may be ``x``."""
    parts = parse(_template(value))
    if parts and isinstance(parts[0], Value):
        # It may be the whole address, or its beginning: nothing can be said yet.
        return value
    check_url("".join("x" if isinstance(part, Value) else part for part in parts))
    return value


def check_url(value: str) -> str:
    """Return *value* if a request can be sent there.

    Raises:
        ValueError: it cannot; says why and does not repeat it whole.
    """
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


def check_secret_url(value: str) -> str:
    """Return *value* if it can be an address with secrets in it.

    Raises:
        ValueError: it cannot, whatever the secrets are.
    """
    parts = parse(check_only_secrets(value))
    if parts and not isinstance(parts[0], str):
        # A secret may be the whole address, or its beginning: nothing can be said yet.
        return value
    check_url("".join(part if isinstance(part, str) else "x" for part in parts))
    return value


def check_header(value: str) -> str:
    """Return *value* if it can be that of a header.

    Raises:
        ValueError: it cannot, because it would end the header.
    """
    if any(
        (ord(character) < 32 and character != "\t") or ord(character) == 127 for character in value
    ):
        raise ValueError("header values must not contain control characters or line breaks")
    return value


def _header_name(value: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,200}", value):
        raise ValueError(f"{value!r} is not a header name")
    return value


_NO_PROGRAM: Final = "names no program to run"

#: Why a value may not stand where it does, and what to do instead.
_UNSAFE: Final = (
    "stands where a shell could obey what is in it; take it out of the quotes around it, or set "
    'it in `env` and write "$NAME" here'
)

#: A text with values in it.
_Template = Annotated[Text, AfterValidator(_template)]

#: The JSON schemas of a user and of a mask.
_USER_SCHEMA: Final = {
    "anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}],
    "examples": ["backup", 1000],
}
_UMASK_SCHEMA: Final = {"type": "string", "pattern": "^0?[0-7]{3}$", "examples": ["022"]}


def _user(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    # The characters that useradd(8) accepts anywhere, and those of directory services.
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,99}\$?", value):
        return value
    raise ValueError(f"{value!r} is neither the name of a user nor a number")


def _umask(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"0?[0-7]{3}", value):
        return value
    raise ValueError(f'{value!r} is not a mask; write three octal digits as text: "022"')


_User = Annotated[str, BeforeValidator(_user), WithJsonSchema(_USER_SCHEMA)]
_Umask = Annotated[str, BeforeValidator(_umask), WithJsonSchema(_UMASK_SCHEMA)]


def _callable(value: str) -> str:
    module, colon, function = value.partition(":")
    if not colon or not function.isidentifier() or not _is_module(module):
        raise ValueError(f"{value[:100]!r} names no function; write package.module:function")
    return value


def _is_module(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


#: Longest arguments as JSON text, characters: a run gets them in one message.
_LONGEST_ARGUMENTS: Final = 65_536


def _keywords(value: dict[str, Any]) -> dict[str, Any]:
    for name in value:
        if not name.isidentifier():
            raise ValueError(f"{name[:100]!r} cannot be the name of an argument")
    return value


def _arguments(value: dict[str, Any]) -> dict[str, Any]:
    within(value, _LONGEST_ARGUMENTS)
    for text in texts_in(value):
        _template(text)
    return value


_Arguments = Annotated[dict[Text, Any], AfterValidator(_arguments)]


def _secret_name(value: str) -> str:
    if not SECRET_NAME.fullmatch(value):
        raise ValueError("is no name of a secret: letters, digits, `_` or `-`")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Sign the requests, so that the target can tell who sent them."""

    __pydantic_config__ = CLOSED

    secret: Annotated[str, AfterValidator(_secret_name), Field(max_length=100)]
    """The name of the secret that is the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTarget:
    """Send one HTTP request; it succeeds when the final status and the body are expected."""

    __pydantic_config__ = CLOSED

    kind: Literal["http"] = "http"
    url: Annotated[str, AfterValidator(_url), Field(max_length=8192)]
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "POST"
    headers: dict[
        Annotated[str, AfterValidator(_header_name)],
        Annotated[str, AfterValidator(check_header), AfterValidator(_template)],
    ] = field(default_factory=dict)
    body: Annotated[str, AfterValidator(_template), Field(max_length=1_000_000)] = ""
    timeout: PositiveDuration = timedelta(seconds=30)
    """Longest time for the whole exchange; the job's own ``timeout`` ends it as well."""
    expect: Annotated[
        tuple[
            Annotated[str, BeforeValidator(http_status), WithJsonSchema(HTTP_STATUS)],
            ...,
        ],
        Field(min_length=1),
    ] = ("2xx",)
    expect_body: ExpectBodyField = None
    """What the body has to say besides; null: anything."""
    follow_redirects: bool = True
    callback: bool = False
    """An answer 202 means that the service goes on with it, and reports by a call-back."""
    tls: Tls = field(default_factory=Tls)
    """Whom the certificate of an https URL has to convince; redirects included."""
    sign: Sign | None = None
    """Adds X-Solocron-Timestamp and X-Solocron-Signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandTarget:
    """Run a program on the executor's machine; it succeeds when it exits with 0.

    Exactly one of ``command`` and ``argv``.  ``command`` is split into words as a shell would,
    but no shell runs it: pipes and ``;`` need ``bash -c '...'``.
    """

    __pydantic_config__ = CLOSED

    kind: Literal["command"] = "command"
    command: Annotated[_Template, Field(max_length=100_000)] | None = None
    argv: Annotated[tuple[_Template, ...], Field(min_length=1, max_length=10_000)] | None = None
    env: dict[Text, _Template] = field(default_factory=dict)
    cwd: Text | None = None
    limits: Limits = field(default_factory=Limits)
    user: _User | None = None
    """Name or number of the user it runs as, with that user's groups and HOME; null for the
    service's own.  Another one needs a service that runs as root."""
    umask: _Umask | None = None
    """Permissions that files it makes do not get; null for the service's own mask."""

    @property
    def words(self) -> tuple[str, ...]:
        """The program and its arguments, of a target that has been filled in.

        Raises:
            ValueError: ``command`` has an unclosed quotation, or a template.
        """
        return self.argv if self.argv is not None else command_line.render(self.command or "", {})


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonTarget:
    """Call a function in a process of its own; it succeeds when the function returns.

    The function belongs to one of the modules that the operator permits (``SOLOCRON_JOBS``); it
    gets a context (``executor.jobs``) and ``arguments`` as keywords.
    """

    __pydantic_config__ = CLOSED

    kind: Literal["python"] = "python"
    callable: Annotated[Text, AfterValidator(_callable), Field(max_length=1_000)]
    """Where the function is: package.module:function."""
    arguments: Annotated[_Arguments, AfterValidator(_keywords)] = field(default_factory=dict)
    """JSON values by name; the texts in them are templates."""
    limits: Limits = field(default_factory=Limits)
    user: _User | None = None
    """Name or number of the user it runs as, as in a command."""
    umask: _Umask | None = None
    """Permissions that files it makes do not get; null for the service's own mask."""

    @property
    def module(self) -> str:
        """The module that the function is in."""
        return self.callable.partition(":")[0]


#: Longest name of a job with a message target, bytes: AMQP has 255 for the name of a queue, of
#: which ``scheduler.job.`` and ``.heartbeat`` take 24.
LONGEST_QUEUED_NAME: Final = 231


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTarget:
    """Send the run to a worker, by way of RabbitMQ; it succeeds when the worker says so.

    Which worker is nobody's decision: whoever takes messages of this job's queue.
    """

    __pydantic_config__ = CLOSED

    kind: Literal["message"] = "message"
    arguments: _Arguments = field(default_factory=dict)
    """JSON values by name, for the worker; the texts in them are templates."""


Target = Annotated[
    Union[HttpTarget, CommandTarget, PythonTarget, MessageTarget, WatchedTarget],  # noqa: UP007
    Field(discriminator="kind"),
]


def calls_back(target: Target) -> bool:
    """Whether it is a service that may go on with a run and call back about it."""
    return isinstance(target, HttpTarget) and target.callback


def has_workers(target: Target) -> bool:
    """Whether the runs are taken by workers, who report over the broker."""
    return isinstance(target, MessageTarget)


def goes_on_elsewhere(target: Target) -> bool:
    """Whether the work of a run may go on without its launcher, and be reported about."""
    return calls_back(target) or has_workers(target) or is_watched(target)


def target_faults(target: Target) -> list[Fault]:
    """Return what no single field of *target* says: faults by path within a job."""
    if isinstance(target, HttpTarget):
        return _http_faults(target)
    if isinstance(target, MessageTarget):
        return _message_faults(target)
    return _command_faults(target) if isinstance(target, CommandTarget) else []


def _message_faults(target: MessageTarget) -> list[Fault]:
    return [
        Fault(
            "target.arguments",
            f"a broker keeps what is in a message, so no secret goes there ({name!r}); give it to "
            "the workers themselves",
        )
        for name in sorted(
            {name for text in texts_in(target.arguments) for name in secrets_in(text)}
        )
    ]


def _http_faults(target: HttpTarget) -> list[Fault]:
    faults = [fault.under("target.tls") for fault in target.tls.faults()]
    if target.expect_body is None:
        return faults
    if target.method == "HEAD":
        words = "the answer to HEAD has no body; write GET, or null"
        return [*faults, Fault("target.expect_body", words)]
    return faults + [fault.under("target.expect_body") for fault in target.expect_body.faults()]


def _command_faults(target: CommandTarget) -> list[Fault]:
    if target.command is None and target.argv is None:
        return [Fault("target.command", "is required: one text, or argv with a list")]
    if target.command is not None and target.argv is not None:
        return [Fault("target.argv", "leave it out or command: both say what to run")]
    return [
        *_line_faults(target),
        *(
            Fault(
                f"target.env.{name}" if name else "target.env", "a name must not be empty or hold ="
            )
            for name in target.env
            if not name or "=" in name
        ),
    ]


def _line_faults(target: CommandTarget) -> list[Fault]:
    if target.command is None:
        empty = not target.argv or not target.argv[0]
        return [Fault("target.argv", _NO_PROGRAM)] if empty else []
    where = "target.command"
    try:
        words = command_line.words(target.command)
    except ValueError as error:
        return [Fault(where, f"cannot be split into words: {error}; check the quotes")]
    if not words or not words[0]:
        return [Fault(where, _NO_PROGRAM)]
    return [
        Fault(where, f"`{{{{ {name} }}}}` {_UNSAFE}")
        for name in dict.fromkeys(command_line.unsafe_values(target.command))
    ]
