"""What the API answers about channels and notifications, as JSON Schema."""

from __future__ import annotations

from typing import Final

from executor.domain.notification import NotificationState
from executor.domain.notify import Event
from web.schema_parts import INSTANT, STRING, WHOLE, Schema, enum, list_of, object_of, or_null, ref

_CHANNEL: Final = object_of(
    {
        "name": STRING,
        "revision": WHOLE,
        "updated_at": INSTANT,
        "definition": ref("ChannelDefinition"),
    }
)

_NOTIFICATION: Final = object_of(
    {
        "id": {**STRING, "description": "The `Idempotency-Key` of its delivery."},
        "event": enum(*Event),
        "channel": {**or_null(STRING), "description": "Null for a ping."},
        "job_id": {**or_null(STRING), "description": "Null for a test of a channel."},
        "job": or_null(STRING),
        "run_id": or_null(STRING),
        "state": enum(*NotificationState),
        "attempts": WHOLE,
        "created_at": {**INSTANT, "description": "When what it tells of happened."},
        "due_at": {**or_null(INSTANT), "description": "When it is tried next."},
        "finished_at": or_null(INSTANT),
        "last_error": {**or_null(STRING), "description": "Why the last attempt failed."},
        "subject": {**STRING, "description": "What it says, in one line."},
    }
)

#: As in ``answer_schemas``.
TELLING: Final[dict[str, Schema]] = {
    "BrokenChannel": object_of(
        {"name": STRING, "state": {"const": "broken"}, "error": STRING},
        "A channel whose record cannot be read; put it again.",
    ),
    "Channel": {"anyOf": [_CHANNEL, ref("BrokenChannel")]},
    "Channels": list_of(ref("Channel")),
    "Notification": _NOTIFICATION,
    "Notifications": list_of(ref("Notification")),
}
