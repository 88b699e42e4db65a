"""What simple-scheduler's face takes and answers, as JSON Schema, and the form of its answers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from flask import Response

from web.compat.simple_scheduler_words import NEVER, STATUSES
from web.documents import json_response
from web.routes import Answer
from web.schema_parts import INSTANT, STRING, WHOLE, Schema, enum, object_of, or_null, ref

#: Name of the schema of its refusals.
REFUSAL: Final = "SchedulerRefusal"

#: What ``error`` says of callers: the header, the token, its rights.
REFUSED: Final = (
    "Authorization header is missing",
    "Invalid authorization format",
    "Access token is missing",
    "Invalid access token",
    "Invalid issuer",
    "Invalid expiration time",
    "Access token has expired",
    "Invalid claims",
    "Missing required scopes",
)

#: How a read of something that is not there is answered.
NOTHING_THERE: Final = Answer(schema=None, description="There is none; the body is empty.")

#: What it calls its JSON.
_MEDIA_TYPE: Final = "application/json; charset=utf-8"

_BOOLEAN: Final[Schema] = {"type": "boolean"}
_MS: Final[Schema] = {**WHOLE, "description": "Milliseconds; 0: none."}

#: What a client may write besides the name.
_SETTINGS: Final[dict[str, Schema]] = {
    "enabled": _BOOLEAN,
    "nextRunAt": {**INSTANT, "description": f"{NEVER}: no run is due."},
    "interval": {**WHOLE, "description": "Milliseconds, in whole seconds; 0: one run."},
    "runExecutionTimeout": _MS,
    "runStartTimeout": _MS,
    "maxQueueCount": {**WHOLE, "description": "0: a run that comes due meanwhile is skipped."},
    "allowConcurrentRuns": _BOOLEAN,
    "heartbeatTimeout": _MS,
}

_GIVEN: Final = {name: or_null(schema) for name, schema in _SETTINGS.items()}

SCHEMAS: Final[dict[str, Schema]] = {
    "SchedulerStatus": object_of({"status": enum("OK")}),
    "SchedulerName": object_of({"name": STRING}),
    "SchedulerJob": object_of(
        {
            "name": STRING,
            **_SETTINGS,
            "managerId": {**STRING, "description": "Of the instance that executes."},
            "heartbeat": INSTANT,
        },
        "A job in the words of simple-scheduler.",
    ),
    "SchedulerJobs": or_null({"type": "array", "items": ref("SchedulerJob")}),
    "SchedulerNewJob": {
        "type": "object",
        "properties": {"name": STRING, **_GIVEN, "nextRunAt": INSTANT, "enabled": _BOOLEAN},
        "required": ["name", "enabled", "nextRunAt"],
    },
    "SchedulerJobUpdate": {"type": "object", "properties": _GIVEN},
    "SchedulerRun": object_of(
        {
            "id": STRING,
            "jobName": STRING,
            "status": enum(*sorted(set(STATUSES.values()))),
            "createdTime": INSTANT,
            "startTime": INSTANT,
            "endTime": INSTANT,
            "heartbeat": INSTANT,
        },
        "A run in the words of simple-scheduler.",
    ),
    "SchedulerRuns": or_null({"type": "array", "items": ref("SchedulerRun")}),
    REFUSAL: {
        "type": "object",
        "properties": {
            "error": {**STRING, "examples": list(REFUSED)},
            "detail": STRING,
            "status": STRING,
            "missing_scopes": {"type": "array", "items": STRING},
        },
        "required": ["error"],
        "additionalProperties": False,
    },
}


def json_answer(document: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Write *document* as an answer."""
    return json_response(document, status, _MEDIA_TYPE)
