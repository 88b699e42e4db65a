"""The small parts that documents are made of: texts, durations, sizes, names.

Each is a set of annotations that validates, writes and describes a value: the same for
the API, the OpenAPI document and the store.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from executor.domain.duration import format_duration, parse_duration
from executor.domain.size import format_size, parse_size

#: Of every object of a document: unknown fields are faults.
CLOSED: Final = ConfigDict(extra="forbid")

#: A name must survive in a URL path segment and in a header, and must not look like an id.
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f/?#%\\]{1,200}")


def is_job_id(text: str) -> bool:
    """Whether *text* has the form of a job's id; no job's name has."""
    return re.fullmatch(r"[0-9a-f]{32}", text) is not None


def is_name(text: str) -> bool:
    """Whether a job can be called *text*."""
    try:
        return _name(text) == text
    except ValueError:
        return False


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


def _size(value: object) -> int:
    if isinstance(value, str):
        return parse_size(value)
    raise ValueError("write a size as text, with its unit: 512MiB")


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than zero")
    return value


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not contain the NUL character")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["PT30S", "5m"]}),
]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Text = Annotated[str, AfterValidator(_no_nul)]
Size = Annotated[
    int,
    BeforeValidator(_size),
    PlainSerializer(format_size, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["512MiB", "64KiB"]}),
]
JobName = Annotated[str, AfterValidator(_name), Field(min_length=1, max_length=200)]
JobSubject = Annotated[Text, Field(min_length=1, max_length=200)]
