"""Query parameters: each one reads itself, and describes itself for OpenAPI.

A request that holds an unknown parameter, or one twice, is refused by name: a
misspelt filter that is silently ignored would show everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

from werkzeug.datastructures import MultiDict

from executor.domain.command import CommandKind
from executor.domain.errors import Fault
from executor.domain.instant import from_text
from executor.domain.notification import NotificationState
from executor.domain.run import Cause, RunState
from web.problems import bad_request

#: Most and usual number of items in one answer of a list.
MAX_LIMIT: Final = 1_000
DEFAULT_LIMIT: Final = 50

#: The farthest place in an output, bytes: more than any run ever says, and exact in JavaScript.
MAX_OFFSET: Final = 10**15

Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One query parameter.

    ``read`` turns its text into a value or raises ValueError saying what to write instead.
    """

    name: str
    description: str
    read: Callable[[str], Any]
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})
    default: Any = None
    required: bool = False


def read_query(
    parameters: Sequence[Parameter], given: MultiDict[str, str], *, others: bool = False
) -> dict[str, Any]:
    """Return the value of each of *parameters*, its default where it is not given.

    Args:
        others: what else is given is left alone, and no fault.

    Raises:
        Problem: 400 with every fault of the query.
    """
    known = {parameter.name: parameter for parameter in parameters}
    faults = [
        Fault(name, f"is not a parameter of this request; {_hint(known)}")
        for name in given
        if name not in known and not others
    ]
    values = {name: parameter.default for name, parameter in known.items()}
    for name, texts in given.lists():
        if name not in known:
            continue
        if len(texts) > 1:
            faults.append(Fault(name, "is given more than once; give it once"))
            continue
        try:
            values[name] = known[name].read(_plain(texts[0]))
        except ValueError as error:
            faults.append(Fault(name, str(error)))
    faults += [
        Fault(name, f"is required: {parameter.description}")
        for name, parameter in known.items()
        if parameter.required and name not in given
    ]
    if faults:
        raise bad_request(faults)
    return values


def _hint(known: Mapping[str, Parameter]) -> str:
    return f"possible: {', '.join(known)}" if known else "it takes none"


def _plain(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    return text


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from *low* to *high*."""

    def read(text: str) -> int:
        # So many digits at most: int() of a text of a million would take seconds.
        if (
            text.isascii()
            and text.isdigit()
            and len(text) <= len(str(high))
            and low <= int(text) <= high
        ):
            return int(text)
        raise ValueError(f"must be a whole number from {low} to {high}")

    return read


def one_of(choices: type[Choice]) -> Callable[[str], Choice]:
    """Return a reader of the values of *choices*."""

    def read(text: str) -> Choice:
        try:
            return choices(text)
        except ValueError:
            raise ValueError(f"must be one of {', '.join(choices)}") from None

    return read


def _yes_or_no(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("must be true or false")
    return text == "true"


def _one_or_zero(text: str) -> bool:
    if text not in {"1", "0", "true", "false"}:
        raise ValueError("must be 1 or 0")
    return text in {"1", "true"}


def read_instant(text: str) -> datetime:
    """Read an instant of a query.

    Raises:
        ValueError: it is none.
    """
    # A plus sign that was not percent-encoded arrives as a space.
    return from_text(text.replace(" ", "+"))


def _text(name: str, description: str) -> Parameter:
    return Parameter(name=name, description=description, read=lambda text: text or None)


def _choice(name: str, choices: type[Choice], description: str) -> Parameter:
    schema = {"type": "string", "enum": [choice.value for choice in choices]}
    return Parameter(name=name, description=description, read=one_of(choices), schema=schema)


def _moment(name: str, description: str, required: bool = False) -> Parameter:
    schema = {"type": "string", "format": "date-time"}
    return Parameter(
        name=name, description=description, read=read_instant, schema=schema, required=required
    )


def limit(default: int = DEFAULT_LIMIT) -> Parameter:
    """Return the parameter for the number of items in one answer."""
    return Parameter(
        name="limit",
        description="How many items at most.",
        read=whole(1, MAX_LIMIT),
        schema={"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": default},
        default=default,
    )


CURSOR: Final = _text("cursor", "`next` of the answer before; leave it out for the first.")
Q: Final = _text("q", "Part of the job's name, letter case aside.")
TAG: Final = _text("tag", "A tag of the job.")
OWNER: Final = _text("owner", "The job's owner, exactly.")
ENABLED: Final = Parameter(
    name="enabled",
    description="Whether the job is enabled.",
    read=_yes_or_no,
    schema={"type": "boolean"},
)
LAST_STATE: Final = _choice(
    "state", RunState, "State of the job's latest finished run (`last_run.state`)."
)
RUN_STATE: Final = _choice("state", RunState, "The run's state.")
CAUSE: Final = _choice("cause", Cause, "Why the run exists.")
JOB: Final = _text("job", "Id or name of a job; the id of a deleted job finds its runs.")
FROM: Final = _moment(
    "from", "Runs created at or after this instant; of those written ahead the fire time counts."
)
TO: Final = _moment("to", "Runs created, or due on schedule, before this instant.")
NOTIFICATION_STATE: Final = _choice("state", NotificationState, "Where it stands.")
CHANNEL: Final = _text("channel", "The channel's name.")
UPCOMING_CURSOR: Final = _moment(
    "cursor", "`next` of the answer before: the fire time it ended with."
)
ACTOR: Final = _text("actor", "Who asked for it, exactly, as `token:ci`.")
ACTION: Final = _choice("action", CommandKind, "What was done.")
CHANGED_FROM: Final = _moment("from", "Changes made at or after this instant.")
CHANGED_TO: Final = _moment("to", "Changes made before this instant.")
AT: Final = _moment("at", "An instant, as 2026-12-01T02:30:00Z.", required=True)
FOLLOW: Final = Parameter(
    name="follow",
    description="1: send what the run says while it goes on, until it is over.",
    read=_one_or_zero,
    schema={"type": "string", "enum": ["1", "0", "true", "false"], "default": "0"},
    default=False,
)
OFFSET: Final = Parameter(
    name="offset",
    description="Where to begin, in bytes from the start of the output; only with `follow=1`.",
    read=whole(0, MAX_OFFSET),
    schema={"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0},
)
RUN_FILTERS: Final = (RUN_STATE, CAUSE, FROM, TO, limit(), CURSOR)
