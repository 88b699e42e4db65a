"""*Channels*: where people are told of their jobs; made, edited, tried, deleted.

Rules
-----
1. A form is for one kind of channel; whoever makes one chooses the kind first.
2. What is secret is the name of a secret here too, so a channel is shown and edited as it is.
3. A form that changes a channel changes the revision that it was made from, or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from flask import Response

from executor.domain.channel import (
    CHANNELS,
    Channel,
    EmailChannel,
    channel_from_document,
    channel_to_document,
)
from executor.domain.errors import Fault, InvalidChannel, NamedNotFound
from executor.domain.named import Broken, Stored
from executor.domain.notification import NotificationState
from executor.ports.store import NotificationFilter
from web.channels import delete_channel, put_channel, test_channel
from web.problems import Problem, problem_of, unprocessable
from web.ui.confirming import confirmed
from web.ui.frame import LATE, Shelf, Visit, led_to, show, tried
from web.ui.notifications import listed
from web.ui.refusal import NONE, Refusal, refusal
from web.ui.users import users_of

SHELF: Final = Shelf()

HERE: Final = "/ui/channels"
NEW: Final = "/ui/channel"

#: The kinds, and how they are called.
KINDS: Final = {"email": "Mail", "slack": "Slack or its like", "webhook": "Webhook"}

#: kind -> the fields of its document that are one line of the form each; empty ones are left out.
_PLAIN: Final = {
    "email": ("host", "security", "user", "password", "from"),
    "slack": ("url",),
    "webhook": ("url", "authorization"),
}

#: The fields of the form that faults may belong to.
FIELDS: Final = (
    *("name", "url", "authorization", "sign", "host", "port", "security", "user", "password"),
    *("from", "to"),
)

#: The newest notifications that a channel shows.
LATEST: Final = 8


@SHELF.add("GET", HERE)
def list_of_channels(visit: Visit) -> Response:
    """Show every channel."""
    found = visit.services.readers.list_named(CHANNELS)
    return show(
        visit,
        "ui/channels.html",
        title="Channels",
        channels=[_row(one) for one in found],
        kinds=KINDS,
        may_write=visit.reaches(f"POST {NEW}"),
    )


def _row(channel: Stored[Channel] | Broken) -> dict[str, Any]:
    if isinstance(channel, Broken):
        return {"name": channel.name, "error": channel.error}
    return {
        "name": channel.name,
        "kind": channel.value.kind,
        "where": where(channel.value),
        "updated_at": channel.updated_at,
        "by": channel.last_command.actor if channel.last_command else "",
    }


def where(channel: Channel) -> str:
    """Return where *channel* leads, on one line."""
    return ", ".join(channel.to) if isinstance(channel, EmailChannel) else channel.url


@SHELF.add("GET", f"{HERE}/{{channel}}")
def one_channel(visit: Visit) -> Response:
    """Show one channel, what was sent over it, and its form."""
    return _one(visit)


def _one(visit: Visit, refused: Refusal = NONE) -> Response:
    readers = visit.services.readers
    stored = readers.get_named(CHANNELS, visit.path["channel"])
    sent = visit.reaches("GET /ui/notifications")
    which = NotificationFilter(channel=stored.name)
    page = readers.list_notifications(which, LATEST, None) if sent else None
    response = show(
        visit,
        "ui/channel.html",
        title=stored.name,
        here=_address(stored.name),
        channel=_row(stored),
        kinds=KINDS,
        form=_typed(visit) if refused else _written(stored),
        refused=refused,
        users=users_of(readers, CHANNELS, stored.name),
        may_write=visit.reaches(f"POST {NEW}"),
        sent=None if page is None else listed(page.items),
    )
    response.status_code = refused.status
    return response


def _address(name: str) -> str:
    return f"{HERE}/{quote(name, safe='')}"


@SHELF.add("GET", NEW)
def new_channel(visit: Visit) -> Response:
    """Show an empty form for a kind, the first one if none is chosen."""
    kind = visit.text("kind")
    return _new(visit, {"kind": kind if kind in KINDS else next(iter(KINDS))})


def _new(visit: Visit, form: Mapping[str, Any], refused: Refusal = NONE) -> Response:
    response = show(
        visit,
        "ui/new_channel.html",
        title="New channel",
        form=form,
        kinds=KINDS,
        refused=refused,
    )
    response.status_code = refused.status
    return response


@SHELF.add("POST", NEW)
def make(visit: Visit) -> Response:
    """Make a channel; one that is there is not replaced."""
    name = visit.text("name")
    try:
        visit.services.readers.get_named(CHANNELS, name)
    except NamedNotFound:
        refused = _put(visit, name, "was made; try whether it works.")
    else:
        taken = Fault("name", "there is one of this name already; take another, or edit that one")
        refused = refusal(unprocessable([taken]), FIELDS)
    return _new(visit, _typed(visit), refused) if isinstance(refused, Refusal) else refused


@SHELF.add("POST", f"{HERE}/{{channel}}")
def change(visit: Visit) -> Response:
    """Make a channel what the form says."""
    refused = _put(visit, visit.path["channel"], "was saved.")
    return _one(visit, refused) if isinstance(refused, Refusal) else refused


def _put(visit: Visit, name: str, done: str) -> Response | Refusal:
    """Have the channel *name* put as the form says; return where that leads, or why not."""
    try:
        document = channel_from_document(_document(visit))
    except InvalidChannel as error:
        return refusal(problem_of(error), FIELDS)
    outcome = tried(
        put_channel, visit.call(document, revision=visit.text("revision"), channel=name)
    )
    if isinstance(outcome, Problem):
        return refusal(outcome, FIELDS)
    late = outcome.status_code == HTTPStatus.ACCEPTED
    there = HERE if late and not visit.text("revision") else _address(name)
    return led_to(there, LATE if late else f"{name} {done}")


def _document(visit: Visit) -> dict[str, Any]:
    """Return the API's form of what was typed; what is empty is left out."""
    kind = visit.text("kind")
    document: dict[str, Any] = {"kind": kind}
    document |= {name: text for name in _PLAIN.get(kind, ()) if (text := visit.text(name))}
    if kind == "email":
        document["to"] = [one for one in re.split(r"[\s,;]+", visit.lines("to")) if one]
        if port := visit.text("port"):
            document["port"] = int(port) if port.isdecimal() and len(port) < 9 else port
    if kind == "webhook" and (secret := visit.text("sign")):
        document["sign"] = {"secret": secret}
    return document


def _typed(visit: Visit) -> dict[str, Any]:
    """Return the form as it was sent."""
    form = {name: visit.text(name) for name in (*FIELDS, "revision", "kind")}
    kind = form["kind"]
    return {**form, "kind": kind if kind in KINDS else next(iter(KINDS)), "to": visit.lines("to")}


def _written(stored: Stored[Channel] | Broken) -> dict[str, Any]:
    """Return the form of the channel as it is."""
    if isinstance(stored, Broken):
        return {"kind": next(iter(KINDS)), "revision": stored.revision or ""}
    form = {**channel_to_document(stored.value), "revision": stored.revision}
    if form["kind"] == "email":
        form |= {"to": "\n".join(form["to"]), "port": form["port"] or ""}
    if sign := form.get("sign"):
        form["sign"] = sign["secret"]
    return form


@SHELF.add("POST", f"{HERE}/{{channel}}/test")
def test(visit: Visit) -> Response:
    """Send a test message over a channel, and say what came of it."""
    name = visit.services.readers.get_named(CHANNELS, visit.path["channel"]).name
    outcome = tried(test_channel, visit.call())
    if isinstance(outcome, Problem):
        return led_to(_address(name), refusal(outcome, ()).text, bad=True)
    if outcome.status_code == HTTPStatus.ACCEPTED:
        return led_to(_address(name), LATE)
    return led_to(_address(name), *_told(outcome.get_json()))


def _told(test: Mapping[str, Any]) -> tuple[str, bool]:
    """Say what came of a test, and whether that is bad."""
    if test["state"] == NotificationState.DELIVERED:
        return "The test message was delivered.", False
    if test["state"] == NotificationState.PENDING:
        return "The test message is still on its way; look again in a moment.", False
    return f"The test message did not get through: {test['last_error']}", True


@SHELF.add("POST", f"{HERE}/{{channel}}/delete")
def delete(visit: Visit) -> Response:
    """Delete a channel that no job names, once somebody has confirmed it."""
    name = visit.services.readers.get_named(CHANNELS, visit.path["channel"]).name
    return confirmed(
        visit,
        delete_channel,
        button="Delete",
        name=name,
        text="Nobody is told of anything over it then. It is refused while jobs name it.",
        done=f"{name} was deleted.",
        back=_address(name),
        after=HERE,
    )
