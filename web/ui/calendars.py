"""*Calendars*: when they are closed, drawn, and the form that makes and changes them.

Rules
-----
1. In the form a line stands for a window (``0 22 * * * for 8h``) or for days (``2026-12-24 to
   2026-12-26``); empty lines do not count.  What is wrong with a line is said with its number.
2. The iCalendar text that a calendar has is not put into the form: it may be long.  It stays
   unless another one is pasted, or it is taken out.
3. A form that changes a calendar changes the revision that it was made from, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from flask import Response

from executor.domain import zone
from executor.domain.blackouts import windows_between
from executor.domain.calendar import CALENDARS, Calendar, CronWindow
from executor.domain.errors import Fault, NamedNotFound
from executor.domain.ics import read_events
from executor.domain.named import Broken, Stored
from executor.domain.preview import describe
from executor.domain.wording import exactly
from web.calendars import HORIZON, delete_calendar, put_calendar
from web.problems import Problem, unprocessable
from web.ui.confirming import confirmed
from web.ui.frame import LATE, Shelf, Visit, led_to, show, tried
from web.ui.months import MONTH_WIDTH, outlook
from web.ui.refusal import NONE, Refusal, refusal
from web.ui.users import users_of

SHELF: Final = Shelf()

HERE: Final = "/ui/calendars"
NEW: Final = "/ui/calendar"

#: The fields of the form that faults may belong to.
FIELDS: Final = ("name", "description", "timezone", "windows", "dates", "ics")

#: Months that are drawn, and windows that are listed.
MONTHS: Final = 3
WINDOWS: Final = 8

#: Between the two ends of a line of days.
_TO: Final = re.compile(r"\s+(?:to|until|-)\s+", re.IGNORECASE)

#: A line of windows: perhaps a dialect, an expression, and how long.
_WINDOW: Final = re.compile(
    r"(?:(?P<dialect>cron5|cron6s|quartz):\s*)?(?P<cron>.+?)\s+for\s+(?P<duration>\S+)",
    re.IGNORECASE,
)


@SHELF.add("GET", HERE)
def list_of_calendars(visit: Visit) -> Response:
    """Show every calendar, with whether it is closed now."""
    now = visit.services.clock.now()
    found = visit.services.readers.list_named(CALENDARS)
    return show(
        visit,
        "ui/calendars.html",
        title="Calendars",
        calendars=[_row(one, now) for one in found],
        may_write=visit.reaches(f"POST {NEW}"),
    )


def _row(calendar: Stored[Calendar] | Broken, now: datetime) -> dict[str, Any]:
    if isinstance(calendar, Broken):
        return {"name": calendar.name, "error": calendar.error}
    windows = windows_between(calendar.value, now, now + HORIZON)
    first = windows[0] if windows else None
    return {
        "name": calendar.name,
        "description": calendar.value.description,
        "timezone": calendar.value.timezone,
        "closed_until": first.end if first and first.start <= now else None,
        "closes_at": first.start if first and first.start > now else None,
    }


@SHELF.add("GET", f"{HERE}/{{calendar}}")
def one_calendar(visit: Visit) -> Response:
    """Show one calendar."""
    return _one(visit)


def _one(visit: Visit, refused: Refusal = NONE) -> Response:
    readers, now = visit.services.readers, visit.services.clock.now()
    stored = readers.get_named(CALENDARS, visit.path["calendar"])
    facts: dict[str, Any] = {"error": stored.error} if isinstance(stored, Broken) else {}
    if isinstance(stored, Stored):
        facts = _about(stored, now)
    response = show(
        visit,
        "ui/calendar.html",
        title=stored.name,
        here=_address(stored.name),
        users=users_of(readers, CALENDARS, stored.name),
        may_write=visit.reaches(f"POST {NEW}"),
        form=_typed(visit) if refused else _written(stored),
        refused=refused,
        horizon=HORIZON.days,
        exactly=exactly,
        **facts,
    )
    response.status_code = refused.status
    return response


def _about(stored: Stored[Calendar], now: datetime) -> dict[str, Any]:
    calendar = stored.value
    clock = zone.zone(calendar.timezone).info
    windows = windows_between(calendar, now, now + HORIZON)
    return {
        "calendar": calendar,
        "updated_at": stored.updated_at,
        "by": stored.last_command.actor if stored.last_command else "",
        "drawn": outlook(calendar, clock, now, MONTHS),
        "month_width": MONTH_WIDTH,
        "windows": [(one, one.start.astimezone(clock)) for one in windows[:WINDOWS]],
        "more": len(windows) > WINDOWS,
        "closed": bool(windows) and windows[0].start <= now,
        "rules": [_in_words(one, calendar.timezone) for one in calendar.windows],
        "events": len(read_events(calendar.ics)) if calendar.ics else 0,
    }


def _in_words(window: CronWindow, timezone: str) -> str:
    return f"{describe(window.schedule(timezone))}, for {exactly(window.duration)}"


def _address(name: str) -> str:
    return f"{HERE}/{quote(name, safe='')}"


@SHELF.add("GET", NEW)
def new_calendar(visit: Visit) -> Response:
    """Show an empty form."""
    return _new(visit, {"timezone": "UTC"})


def _new(visit: Visit, form: Mapping[str, Any], refused: Refusal = NONE) -> Response:
    response = show(visit, "ui/new_calendar.html", title="New calendar", form=form, refused=refused)
    response.status_code = refused.status
    return response


@SHELF.add("POST", NEW)
def make(visit: Visit) -> Response:
    """Make a calendar; one that is there is not replaced."""
    name = visit.text("name")
    try:
        visit.services.readers.get_named(CALENDARS, name)
    except NamedNotFound:
        refused = _put(visit, name)
    else:
        taken = Fault("name", "there is one of this name already; take another, or edit that one")
        refused = refusal(unprocessable([taken]), FIELDS)
    return _new(visit, _typed(visit), refused) if isinstance(refused, Refusal) else refused


@SHELF.add("POST", f"{HERE}/{{calendar}}")
def change(visit: Visit) -> Response:
    """Make a calendar what the form says."""
    refused = _put(visit, visit.path["calendar"])
    return _one(visit, refused) if isinstance(refused, Refusal) else refused


def _put(visit: Visit, name: str) -> Response | Refusal:
    """Have the calendar *name* put as the form says; return where that leads, or why not."""
    try:
        document = _document(visit, name)
        call = visit.call(document, revision=visit.text("revision"), calendar=name)
        outcome = tried(put_calendar, call)
    except Problem as problem:
        if problem.status is not HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
        outcome = problem
    if isinstance(outcome, Problem):
        return refusal(outcome, FIELDS)
    late = outcome.status_code == HTTPStatus.ACCEPTED
    there = HERE if late and not visit.text("revision") else _address(name)
    return led_to(there, LATE if late else f"{name} was saved; it counts from now on.")


def _document(visit: Visit, name: str) -> dict[str, Any]:
    """Return the API's form of what was typed.

    Raises:
        Problem: with a fault for each line that cannot be read.
    """
    faults: list[Fault] = []
    windows = [_window(n, line, faults) for n, line in enumerate(_lines(visit, "windows"))]
    if faults:
        raise unprocessable(faults)
    return {
        "name": name,
        "description": visit.lines("description"),
        "timezone": visit.text("timezone") or "UTC",
        "windows": windows,
        "dates": [_dates(line) for line in _lines(visit, "dates")],
        "ics": _ics(visit, name),
    }


def _lines(visit: Visit, field: str) -> list[str]:
    return [line.strip() for line in visit.lines(field).splitlines() if line.strip()]


def _window(number: int, line: str, faults: list[Fault]) -> dict[str, str]:
    found = _WINDOW.fullmatch(line)
    if found is None:
        message = "write when it begins and how long it lasts, as `0 22 * * * for 8h`"
        faults.append(Fault(f"windows.{number}", message))
        return {}
    return {name: text for name, text in found.groupdict().items() if text}


def _dates(line: str) -> dict[str, str]:
    since, *until = _TO.split(line, maxsplit=1)
    return {"from": since, "to": until[0] if until else since}


def _ics(visit: Visit, name: str) -> str:
    """Return the iCalendar text: the pasted one, or the one that is there."""
    pasted = visit.lines("ics")
    if pasted.strip() or visit.text("forget") == "yes" or not visit.text("revision"):
        return pasted if pasted.strip() else ""
    stored = visit.services.readers.get_named(CALENDARS, name)
    return stored.value.ics if isinstance(stored, Stored) else ""


def _typed(visit: Visit) -> dict[str, Any]:
    """Return the form as it was sent, without its empty lines."""
    form = {name: visit.lines(name) for name in (*FIELDS, "revision")}
    return {**form, **{name: "\n".join(_lines(visit, name)) for name in ("windows", "dates")}}


def _written(stored: Stored[Calendar] | Broken) -> dict[str, Any]:
    """Return the form of the calendar as it is."""
    if isinstance(stored, Broken):
        return {"timezone": "UTC", "revision": stored.revision or ""}
    calendar = stored.value
    return {
        "description": calendar.description,
        "timezone": calendar.timezone,
        "windows": "\n".join(map(_window_line, calendar.windows)),
        "dates": "\n".join(
            one.since if one.since == one.until else f"{one.since} to {one.until}"
            for one in calendar.dates
        ),
        "revision": stored.revision,
    }


def _window_line(window: CronWindow) -> str:
    dialect = "" if window.dialect == "cron5" else f"{window.dialect}: "
    return f"{dialect}{window.cron} for {_length(window.duration)}"


def _length(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


@SHELF.add("POST", f"{HERE}/{{calendar}}/delete")
def delete(visit: Visit) -> Response:
    """Delete a calendar that no job names, once somebody has confirmed it."""
    name = visit.services.readers.get_named(CALENDARS, visit.path["calendar"]).name
    return confirmed(
        visit,
        delete_calendar,
        button="Delete",
        name=name,
        text="It is refused while jobs name it. This cannot be undone.",
        done=f"{name} was deleted.",
        back=_address(name),
        after=HERE,
    )
