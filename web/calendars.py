"""Calendars: named blackouts, read and changed.

A calendar is addressed by its name, and PUT makes or replaces it.  What GET shows may be
edited and PUT back: the service's own fields are ignored there.
"""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from flask import Response

from executor.domain.blackouts import windows_between
from executor.domain.calendar import (
    CALENDARS,
    Calendar,
    calendar_from_document,
    calendar_to_document,
)
from executor.domain.command import CommandKind, CommandResult
from executor.domain.errors import Fault
from executor.domain.instant import to_text
from executor.domain.named import Broken, Stored
from web.commands import applied, carry_out, command
from web.conditions import if_match
from web.documents import etag, json_response, list_document
from web.problems import unprocessable
from web.routes import Answer, Body, Call, Table

TABLE: Final = Table()

#: How far ahead the next windows are shown, and how many at most.
HORIZON: Final = timedelta(days=60)
SHOWN: Final = 100

#: Fields of a calendar's document that are the service's and never the client's.
READ_ONLY: Final = ("revision", "updated_at", "upcoming")

_CREATED: Final = Answer(schema="Calendar", description="Created.", headers=("Location", "ETag"))
_CHANGED: Final = Answer(schema="Calendar", description="As it is now.", headers=("ETag",))


@TABLE.add(
    "GET",
    "/v1/calendars",
    summary="List calendars by name",
    description="All of them, without their windows; read one for these.",
    tag="calendars",
    answers={HTTPStatus.OK: Answer(schema="Calendars", description="In the order of names.")},
)
def list_calendars(call: Call) -> Response:
    """Answer with every calendar in short."""
    calendars = call.services.readers.list_named(CALENDARS)
    return json_response(list_document(map(_summary, calendars), None))


@TABLE.add(
    "GET",
    "/v1/calendars/{calendar}",
    summary="Read a calendar",
    description=f"With its windows of the next {HORIZON.days} days, at most {SHOWN}.",
    tag="calendars",
    answers={
        HTTPStatus.OK: Answer(schema="Calendar", description="The calendar.", headers=("ETag",))
    },
)
def get_calendar(call: Call) -> Response:
    """Answer with one calendar, its revision as ETag."""
    return _shown(call, call.path["calendar"])


@TABLE.add(
    "PUT",
    "/v1/calendars/{calendar}",
    summary="Create or replace a calendar",
    description="Jobs name it in their `calendars`.  Counts from now on, also for what waits.  "
    "Fields that only the service sets are ignored.",
    tag="calendars",
    body=Body(schema="CalendarReplacement", read=dict),
    writes=True,
    conditional=True,
    answers={HTTPStatus.OK: _CHANGED, HTTPStatus.CREATED: _CREATED},
)
def put_calendar(call: Call) -> Response:
    """Ask for a calendar to be as given, whether it exists or not."""
    name = call.path["calendar"]
    document = {key: value for key, value in call.document.items() if key not in READ_ONLY}
    if document.setdefault("name", name) != name:
        raise unprocessable([Fault("name", "differs from the name in the address")])
    calendar = calendar_from_document(document)
    arguments = {"calendar": calendar_to_document(calendar)}
    asked = command(call, CommandKind.PUT_CALENDAR, name, arguments, if_match(call))
    return carry_out(call, asked, lambda result: _applied(call, result, name))


@TABLE.add(
    "DELETE",
    "/v1/calendars/{calendar}",
    summary="Delete a calendar",
    description="409 while jobs name it.",
    tag="calendars",
    writes=True,
    conditional=True,
    answers={HTTPStatus.NO_CONTENT: Answer(schema=None, description="Deleted.")},
)
def delete_calendar(call: Call) -> Response:
    """Ask for a calendar to be deleted."""
    name = call.services.readers.get_named(CALENDARS, call.path["calendar"]).name
    asked = command(call, CommandKind.DELETE_CALENDAR, name, if_revision=if_match(call))
    return carry_out(call, asked, lambda result: Response(status=HTTPStatus.NO_CONTENT))


def _applied(call: Call, result: CommandResult, name: str) -> Response:
    return applied(_shown(call, name), result, f"/v1/calendars/{quote(name, safe='')}")


def _shown(call: Call, name: str) -> Response:
    calendar = call.services.readers.get_named(CALENDARS, name)
    if isinstance(calendar, Broken):
        return json_response(_broken(calendar))
    now = call.services.clock.now()
    windows = windows_between(calendar.value, now, now + HORIZON)[:SHOWN]
    upcoming = [{"from": to_text(one.start), "to": to_text(one.end)} for one in windows]
    response = json_response(
        {
            "revision": calendar.revision,
            **calendar_to_document(calendar.value),
            "updated_at": to_text(calendar.updated_at),
            "upcoming": upcoming,
        }
    )
    response.headers["ETag"] = etag(calendar.revision)
    return response


def _summary(calendar: Stored[Calendar] | Broken) -> dict[str, Any]:
    if isinstance(calendar, Broken):
        return _broken(calendar)
    return {
        "name": calendar.name,
        "revision": calendar.revision,
        "description": calendar.value.description,
        "timezone": calendar.value.timezone,
        "updated_at": to_text(calendar.updated_at),
    }


def _broken(calendar: Broken) -> dict[str, Any]:
    return {"name": calendar.name, "state": "broken", "error": calendar.error}
