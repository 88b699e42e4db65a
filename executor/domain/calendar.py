"""Calendars: named blackouts, times at which the jobs that name a calendar do not run.

:class:`Calendar` is the user's part, exactly the document of the API; what times it means
is in ``blackouts.py``; how they are kept is in ``named.py``.

Words
-----
windows
    Blackouts that begin at the fire times of a cron expression and last so much elapsed time.
dates
    Blackouts from a day to a day, both included, as people write holidays; or from an instant
    up to but not including another.
ics
    The text of an iCalendar file: every event in it is a blackout.

Rules
-----
1. Days, cron expressions and what has no zone in the file are read on the wall clock of the
   calendar's ``timezone``.
2. Whole seconds are the finest step.
3. A document is valid as a whole or not at all; every fault is reported at once, by field.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)

from executor.domain import zone
from executor.domain.cron import Dialect
from executor.domain.cron_schedule import CronSchedule
from executor.domain.errors import Fault, InvalidCalendar, InvalidSchedule
from executor.domain.faults import faults_of
from executor.domain.fields import CLOSED, JobName, PositiveDuration, Text
from executor.domain.ics import FIRST_YEAR, LAST_YEAR, read_events
from executor.domain.instant import from_text, to_text
from executor.domain.named import Kind

#: Longest window: a week, the longest that cron can name, leaves no time in between.
LONGEST_WINDOW: Final = timedelta(days=7)

_SECOND: Final = timedelta(seconds=1)

#: A day, or the beginning of an instant.
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:$|([Tt ]))", re.ASCII)


def _window_length(value: timedelta) -> timedelta:
    if value > LONGEST_WINDOW:
        raise ValueError("is longer than 7 days; write `dates`")
    return _whole_seconds(value)


def _whole_seconds(value: timedelta) -> timedelta:
    if value % _SECOND:
        raise ValueError("has parts of a second; write whole seconds")
    return value


def _cron(value: str, info: ValidationInfo) -> str:
    dialect = info.data.get("dialect")
    if dialect is None:
        return value  # what it means depends on that
    try:
        schedule = CronSchedule(value, dialect=Dialect(dialect))
    except InvalidSchedule as error:
        raise InvalidCalendar([Fault("", fault.message) for fault in error.faults]) from None
    if schedule.hashed:
        raise ValueError("`H` stands for another value in each job; write a number")
    return schedule.expression


@dataclass(frozen=True, slots=True, kw_only=True)
class CronWindow:
    """Blackouts that begin at the fire times of ``cron``, read in the calendar's zone."""

    __pydantic_config__ = CLOSED

    # First, because what cron means depends on it.
    dialect: Literal["cron5", "cron6s", "quartz"] = "cron5"
    cron: Annotated[str, AfterValidator(_cron), Field(examples=["0 2 * * 6"])]
    duration: Annotated[PositiveDuration, AfterValidator(_window_length)]
    """How long each lasts, elapsed time; at most 7 days."""

    def schedule(self, timezone: str) -> CronSchedule:
        """Return when the windows begin, for a calendar in *timezone*."""
        return CronSchedule(self.cron, dialect=Dialect(self.dialect), timezone=timezone)


@dataclass(frozen=True, slots=True)
class Dates:
    """A blackout, written as ``{"from": ..., "to": ...}``; canonical texts.

    A day (``2026-12-24``) begins at its first instant and ends with its last; an instant
    (``2026-12-24T18:00:00Z``) is what it is, and as the end it is not part of the blackout.
    """

    since: str
    until: str


def _dates(value: object) -> object:
    if isinstance(value, Dates):
        return value
    if not isinstance(value, Mapping):
        raise ValueError('has to be an object: {"from": "2026-12-24", "to": "2026-12-26"}')
    faults = [
        Fault(str(name), "unknown field; the fields here are from, to")
        for name in value
        if name not in ("from", "to")
    ]
    since, until = (_date(name, value.get(name), faults) for name in ("from", "to"))
    if not faults and not _is_in_order(since, until):
        faults.append(Fault("to", f"`{until}` is not after `{since}`; swap them"))
    if faults:
        raise InvalidCalendar(faults[:10])
    return Dates(since, until)


def _date(name: str, value: object, faults: list[Fault]) -> str:
    """Return the canonical form of a day or an instant."""
    if value is None or not isinstance(value, str):
        faults.append(Fault(name, "is required" if value is None else "has to be a string"))
        return ""
    try:
        found = read_date(value.strip())
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise ValueError(f"{value!r} lies outside the years {FIRST_YEAR} to {LAST_YEAR}")
    except ValueError as error:
        faults.append(Fault(name, str(error)))
        return ""
    return to_text(found) if isinstance(found, datetime) else found.isoformat()


def read_date(text: str) -> date:
    """Read a day, or an instant (an aware datetime) of whole seconds.

    Raises:
        ValueError: it is neither.
    """
    match = _DATE.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no day; write 2026-12-24, or 2026-12-24T18:00:00Z")
    if match[1]:
        instant = from_text(text)
        if instant.microsecond:
            raise ValueError(f"{text!r} has parts of a second; write whole seconds")
        return instant
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day that exists") from None


def _is_in_order(since: str, until: str) -> bool:
    """Whether the end comes after the beginning; a day ends at its end."""
    if "T" in since and "T" in until:
        return since < until
    return since[:10] <= until[:10]  # a day and an instant: about right, zones differ


def _timezone(value: str) -> str:
    try:
        return zone.zone(value).name
    except InvalidSchedule as error:
        raise ValueError(error.faults[0].message) from None


def _ics(value: str) -> str:
    read_events(value)
    return value


DatesField = Annotated[
    Dates,
    BeforeValidator(_dates),
    PlainSerializer(lambda dates: {"from": dates.since, "to": dates.until}),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["from", "to"],
            "properties": {
                "from": {"type": "string", "examples": ["2026-12-24"]},
                "to": {"type": "string", "examples": ["2026-12-26"]},
            },
        }
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Blackouts as their user writes them."""

    __pydantic_config__ = CLOSED

    name: JobName
    """Unique among all calendars."""
    description: Annotated[Text, Field(max_length=10_000)] = ""
    timezone: Annotated[str, AfterValidator(_timezone)] = "UTC"
    windows: Annotated[tuple[CronWindow, ...], Field(max_length=100)] = ()
    dates: Annotated[tuple[DatesField, ...], Field(max_length=1_000)] = ()
    """Days (the last one included) or instants."""
    ics: Annotated[str, AfterValidator(_ics)] = ""
    """The text of an iCalendar file, at most 256 KB."""


CALENDAR: Final[TypeAdapter[Calendar]] = TypeAdapter(Calendar)

_OBJECTS: Final = {(): Calendar, ("windows",): CronWindow}


def calendar_from_document(document: object) -> Calendar:
    """Read the API's (and the store's) form of a calendar.

    Takes up to a second if its ``ics`` was not read before and is as long as can be.

    Raises:
        InvalidCalendar: with every fault of the document.
    """
    try:
        return CALENDAR.validate_python(document)
    except ValidationError as error:
        raise InvalidCalendar(faults_of(error, _OBJECTS)) from None


def calendar_to_document(calendar: Calendar) -> dict[str, Any]:
    """Write the canonical form: every field present, durations in ISO 8601; JSON-ready."""
    document: dict[str, Any] = CALENDAR.dump_python(calendar, mode="json")
    return document


CALENDARS: Final[Kind[Calendar]] = Kind(
    word="calendar",
    plural="calendars",
    harm="jobs that use it run as if it were not there",
    to_fields=lambda calendar: {"definition": calendar_to_document(calendar)},
    from_fields=lambda document: calendar_from_document(document["definition"]),
)
