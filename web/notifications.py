"""``GET /v1/notifications``: what people and monitors were told, and what did not get through."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from flask import Response

from executor.domain.instant import to_text
from executor.domain.message import subject
from executor.domain.notification import Notification, NotificationState
from executor.ports.store import NotificationFilter
from web import parameters
from web.documents import instant_text, json_response, list_document
from web.routes import Answer, Call, Table
from web.runs import job_id_of

TABLE: Final = Table()


@TABLE.add(
    "GET",
    "/v1/notifications",
    summary="List notifications",
    description="Messages and pings of the last 14 days, and all that are still to be delivered.",
    tag="notifications",
    query=(
        parameters.NOTIFICATION_STATE,
        parameters.JOB,
        parameters.CHANNEL,
        parameters.limit(),
        parameters.CURSOR,
    ),
    answers={HTTPStatus.OK: Answer(schema="Notifications", description="Newest first.")},
)
def list_notifications(call: Call) -> Response:
    """Answer with a part of the notifications that the query asks for."""
    query = call.query
    job = query["job"]
    which = NotificationFilter(
        state=query["state"],
        job_id=None if job is None else job_id_of(call, job),
        channel=query["channel"],
    )
    page = call.services.readers.list_notifications(which, query["limit"], query["cursor"])
    return json_response(list_document(map(notification_document, page.items), page.next))


@TABLE.add(
    "GET",
    "/v1/notifications/{notification}",
    summary="Read a notification",
    tag="notifications",
    answers={HTTPStatus.OK: Answer(schema="Notification", description="The notification.")},
)
def get_notification(call: Call) -> Response:
    """Answer with one notification."""
    found = call.services.readers.get_notification(call.path["notification"])
    return json_response(notification_document(found))


def notification_document(one: Notification) -> dict[str, Any]:
    """Return the API's form of a notification."""
    pending = one.state is NotificationState.PENDING
    return {
        "id": one.id,
        "event": one.event,
        "channel": one.channel or None,
        "job_id": one.job_id or None,
        "job": one.job or None,
        "run_id": one.run_id,
        "state": one.state,
        "attempts": one.attempts,
        "created_at": to_text(one.created_at),
        "due_at": instant_text(one.due_at if pending else None),
        "finished_at": instant_text(one.finished_at),
        "last_error": one.last_error,
        "subject": subject_of(one),
    }


def subject_of(one: Notification) -> str:
    """Return one line that says what it tells."""
    if one.is_ping:
        return f"{one.job}: {one.payload.get('signal') or 'success'}"
    return subject(one.payload)
