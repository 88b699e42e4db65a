"""What the API takes and answers, as JSON Schema: the components of the OpenAPI document.

The schemas of requests come from the very types that validate them, those of answers
are written here beside the words of ``documents``; a test holds answers against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter

from executor.domain.command import CommandKind, ResultStatus
from executor.domain.job import DEFINITION
from executor.domain.run import Cause, Reason, RunState
from web.changes import PauseRequest
from web.documents import READ_ONLY
from web.schedules import PreviewRequest

Schema = dict[str, Any]

REF: Final = "#/components/schemas/{model}"

_STRING: Final[Schema] = {"type": "string"}
_WHOLE: Final[Schema] = {"type": "integer"}
_INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}


def ref(name: str) -> Schema:
    """Return a reference to the component *name*."""
    return {"$ref": REF.format(model=name)}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(properties: dict[str, Schema], description: str = "") -> Schema:
    """Return the schema of an answer: every property is always there, and no other."""
    about = {"description": description} if description else {}
    return {
        **about,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _enum(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def _list_of(item: Schema) -> Schema:
    following = {**_or_null(_STRING), "description": "Send it as `cursor` for what follows."}
    return _object({"items": {"type": "array", "items": item}, "next": following})


_FAULTS: Final[Schema] = {
    "type": "array",
    "items": _object(
        {
            "field": {**_STRING, "description": "Dotted path; empty: the whole document."},
            "message": {**_STRING, "description": "What to write instead."},
        }
    ),
}

#: The service's part of a job.
_SERVICE_FIELDS: Final[dict[str, Schema]] = {
    "id": _STRING,
    "revision": {**_WHOLE, "description": "Grows by one with each change; the ETag."},
    "state": _enum("active", "paused", "disabled"),
    "created_at": _INSTANT,
    "updated_at": _INSTANT,
    "next_fire_at": _or_null(_INSTANT),
    "paused": _or_null(
        _object({"since": _INSTANT, "reason": _STRING, "until": _or_null(_INSTANT)})
    ),
    "last_run": _or_null(
        _object(
            {"run_id": _STRING, "state": _enum(*RunState), "finished_at": _INSTANT},
            "The latest run that has finished.",
        )
    ),
}

_RUN: Final = _object(
    {
        "id": _STRING,
        "job_id": _STRING,
        "job": {**_STRING, "description": "The job's name when the run was made."},
        "cause": _enum(*Cause),
        "trigger_id": {**_STRING, "description": "The first run of a chain of retriggers."},
        "attempt": _WHOLE,
        "state": _enum(*RunState),
        "reason": _or_null(_enum(*Reason)),
        "fire_at": _or_null(_INSTANT),
        "created_at": _INSTANT,
        "started_at": _or_null(_INSTANT),
        "finished_at": _or_null(_INSTANT),
        "term": _WHOLE,
        "executor": _STRING,
        "revision": {**_WHOLE, "description": "The job's revision that it ran by."},
        "retriggers": _WHOLE,
        "covers": {**_WHOLE, "description": "How many slots a skipped row accounts for."},
        "covers_from": _or_null(_INSTANT),
        "exit_code": _or_null(_WHOLE),
        "http_status": _or_null(_WHOLE),
        "error": _or_null(_STRING),
        "details": {"type": "object"},
        "parent_run_id": _or_null(_STRING),
    }
)

_STATUS: Final = _object(
    {
        "state": _enum("executing", "no_executor", "store_unavailable"),
        "executor": _or_null(
            _object(
                {
                    "instance": _STRING,
                    "term": _WHOLE,
                    "since": _INSTANT,
                    "heartbeat_at": _INSTANT,
                }
            )
        ),
        "instances": {
            "type": "array",
            "items": _object(
                {
                    "id": _STRING,
                    "host": _STRING,
                    "version": _STRING,
                    "role": _STRING,
                    "seen_at": _INSTANT,
                    "detail": _STRING,
                }
            ),
        },
        "token": _enum("held", "ready", "missing", "unknown"),
        "broker": {**_STRING, "description": "`connected`, or what is wrong."},
        "store": {**_STRING, "description": "`connected`, or what is wrong."},
        "jobs": _or_null(_WHOLE),
        "running": _or_null(_WHOLE),
        "lateness": _or_null(
            _object(
                {"runs": _WHOLE, "median_s": {"type": "number"}, "p99_s": {"type": "number"}},
                "Seconds from fire time to start, of the newest runs on schedule.",
            )
        ),
        "answered_by": {**_STRING, "description": "The instance that answered."},
        "version": _STRING,
        "now": _INSTANT,
    }
)

_COMMAND: Final = _object(
    {
        "id": _STRING,
        "kind": _enum(*CommandKind),
        "status": _enum("pending", *ResultStatus),
        "finished_at": _or_null(_INSTANT),
        "job_id": _or_null(_STRING),
        "run_id": _or_null(_STRING),
        "revision": _or_null(_WHOLE),
        "message": _STRING,
        "errors": _FAULTS,
    }
)

_FIRE_TIME: Final = _object(
    {"utc": _INSTANT, "local": {**_INSTANT, "description": "On the schedule's wall clock."}}
)

_ANSWERS: Final[dict[str, Schema]] = {
    "Problem": _object(
        {
            "type": _STRING,
            "title": _STRING,
            "status": _WHOLE,
            "detail": _STRING,
            "errors": _FAULTS,
        },
        "Why a request was refused (RFC 9457).",
    ),
    "BrokenJob": _object(
        {"id": _STRING, "name": _STRING, "state": {"const": "broken"}, "error": _STRING},
        "A job whose record cannot be read.",
    ),
    "Job": {"anyOf": [ref("SoundJob"), ref("BrokenJob")]},
    "Jobs": _list_of(ref("Job")),
    "Run": _RUN,
    "Runs": _list_of(ref("Run")),
    "Output": _object(
        {
            "run_id": _STRING,
            "head": _STRING,
            "tail": {**_STRING, "description": "Empty when `head` is the whole."},
            "size": {**_WHOLE, "description": "Bytes in all."},
            "complete": {"type": "boolean"},
        }
    ),
    "FireTimes": _list_of(_FIRE_TIME),
    "Preview": _object(
        {
            "description": _STRING,
            "fire_times": {"type": "array", "items": _FIRE_TIME},
            "warnings": {
                "type": "array",
                "items": _object({"code": _STRING, "message": _STRING}),
            },
        }
    ),
    "Command": _COMMAND,
    "Status": _STATUS,
    "Health": _object({"status": _enum("ok", "ready")}),
    "OpenAPI": {"type": "object", "required": ["openapi", "info", "paths"]},
    "Nothing": {"type": "object", "properties": {}, "additionalProperties": False},
    "Patch": {
        "type": "object",
        "description": "Some fields of a Definition; null sets one to its default.",
        "examples": [{"enabled": False}],
    },
}


@cache
def components() -> Mapping[str, Schema]:
    """Return every schema by name; made once, since it takes a tenth of a second."""
    adapters: list[tuple[str, TypeAdapter[Any]]] = [
        ("Definition", DEFINITION),
        ("PauseRequest", TypeAdapter(PauseRequest)),
        ("PreviewRequest", TypeAdapter(PreviewRequest)),
    ]
    _, found = TypeAdapter.json_schemas(
        [(name, "validation", adapter) for name, adapter in adapters], ref_template=REF
    )
    generated: dict[str, Schema] = found["$defs"]
    definition = generated["Definition"]
    return {
        **generated,
        "Replacement": _replacement(definition),
        "SoundJob": _sound_job(definition),
        **_ANSWERS,
    }


def _replacement(definition: Schema) -> Schema:
    """Return what PUT takes: the name may be left out, the service's fields are ignored."""
    ignored = {name: {"readOnly": True} for name in READ_ONLY}
    return {
        **definition,
        "title": "Replacement",
        "properties": {**definition["properties"], **ignored},
        "required": ["target"],
    }


def _sound_job(definition: Schema) -> Schema:
    properties = {**_SERVICE_FIELDS, **definition["properties"]}
    return _object(properties, "A job: its definition and what the service knows about it.")
