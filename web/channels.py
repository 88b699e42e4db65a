"""Channels: put, listed, tested, deleted.

A channel can be shown as it is: what is secret in it is the name of a secret.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from flask import Response

from executor.domain.channel import (
    CHANNELS,
    Channel,
    channel_from_document,
    channel_to_document,
    check_name,
)
from executor.domain.command import CommandKind, CommandResult
from executor.domain.instant import to_text
from executor.domain.named import Broken, Stored
from executor.domain.notification import Notification, NotificationState
from web.commands import applied, carry_out, command
from web.conditions import if_match
from web.documents import etag, json_response, list_document
from web.notifications import notification_document
from web.routes import NOTHING, Answer, Body, Call, Table

TABLE: Final = Table()

#: How long a test waits for its outcome: looks, and seconds between them; longer than the first
#: attempt to connect takes, and within the time limits of proxies.
_LOOKS: Final = 100
_PAUSE_S: Final = 0.15

_CREATED: Final = Answer(schema="Channel", description="Created.", headers=("Location", "ETag"))
_CHANGED: Final = Answer(schema="Channel", description="As it is now.", headers=("ETag",))


@TABLE.add(
    "GET",
    "/v1/channels",
    summary="List channels",
    description="All of them; a name stands for each credential.",
    tag="channels",
    answers={HTTPStatus.OK: Answer(schema="Channels", description="In the order of names.")},
)
def list_channels(call: Call) -> Response:
    """Answer with every channel."""
    found = call.services.readers.list_named(CHANNELS)
    return json_response(list_document(map(_document, found), None))


@TABLE.add(
    "GET",
    "/v1/channels/{channel}",
    summary="Read a channel",
    tag="channels",
    answers={
        HTTPStatus.OK: Answer(schema="Channel", description="The channel.", headers=("ETag",))
    },
)
def get_channel(call: Call) -> Response:
    """Answer with one channel, its revision as ETag."""
    return _shown(call, call.path["channel"])


@TABLE.add(
    "PUT",
    "/v1/channels/{channel}",
    summary="Create or replace a channel",
    description="Jobs name it in `notify`.  Passwords, and whatever else nobody shall read, are "
    "written as `{{ secret.NAME }}`.",
    tag="channels",
    body=Body(schema="ChannelDefinition", read=channel_from_document),
    writes=True,
    conditional=True,
    answers={HTTPStatus.OK: _CHANGED, HTTPStatus.CREATED: _CREATED},
)
def put_channel(call: Call) -> Response:
    """Ask for a channel to be as the body says."""
    name = check_name(call.path["channel"])
    arguments = {"channel": channel_to_document(call.document)}
    asked = command(call, CommandKind.PUT_CHANNEL, name, arguments, if_match(call))
    return carry_out(call, asked, lambda result: _applied(call, result, name))


@TABLE.add(
    "DELETE",
    "/v1/channels/{channel}",
    summary="Delete a channel",
    description="409 while jobs name it.",
    tag="channels",
    writes=True,
    conditional=True,
    answers={HTTPStatus.NO_CONTENT: Answer(schema=None, description="Deleted.")},
)
def delete_channel(call: Call) -> Response:
    """Ask for a channel to be deleted."""
    name = call.services.readers.get_named(CHANNELS, call.path["channel"]).name
    asked = command(call, CommandKind.DELETE_CHANNEL, name, if_revision=if_match(call))
    return carry_out(call, asked, lambda result: Response(status=HTTPStatus.NO_CONTENT))


@TABLE.add(
    "POST",
    "/v1/channels/{channel}/test",
    summary="Send a test message",
    description="Once, and now.  `state` says whether it was `delivered`, is `dead` (then "
    "`last_error` says why), or is still `pending` after some 15 s.",
    tag="channels",
    body=NOTHING,
    writes=True,
    repeatable=True,
    answers={HTTPStatus.OK: Answer(schema="Notification", description="What came of it.")},
)
def test_channel(call: Call) -> Response:
    """Ask for a test message, and wait for what comes of it."""
    name = call.services.readers.get_named(CHANNELS, call.path["channel"]).name
    asked = command(call, CommandKind.TEST_CHANNEL, name)
    return carry_out(call, asked, lambda result: _outcome(call, result))


def _outcome(call: Call, result: CommandResult) -> Response:
    for _ in range(_LOOKS):
        test = _test_of(call, result)
        if test.state is not NotificationState.PENDING:
            break
        call.services.wait(_PAUSE_S)
    return json_response(notification_document(test))


def _test_of(call: Call, result: CommandResult) -> Notification:
    return call.services.readers.get_notification(str(result.facts.get("notification")))


def _applied(call: Call, result: CommandResult, name: str) -> Response:
    return applied(_shown(call, name), result, f"/v1/channels/{quote(name, safe='')}")


def _shown(call: Call, name: str) -> Response:
    channel = call.services.readers.get_named(CHANNELS, name)
    response = json_response(_document(channel))
    if isinstance(channel, Stored):
        response.headers["ETag"] = etag(channel.revision)
    return response


def _document(channel: Stored[Channel] | Broken) -> dict[str, Any]:
    if isinstance(channel, Broken):
        return {"name": channel.name, "state": "broken", "error": channel.error}
    return {
        "name": channel.name,
        "revision": channel.revision,
        "updated_at": to_text(channel.updated_at),
        "definition": channel_to_document(channel.value),
    }
