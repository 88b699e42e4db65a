"""What Kala's routes take and answer, as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from web.compat.kala_jobs import NEVER
from web.compat.kala_requests import KALA_JOB
from web.documented import Documented
from web.schema_parts import INSTANT, REF, STRING, WHOLE, Schema, object_of, or_null, ref

_YES_NO: Final[Schema] = {"type": "boolean"}
_TIME: Final[Schema] = {**INSTANT, "description": f"`{NEVER}`: never."}
_IDS: Final = or_null({"type": "array", "items": STRING})


def _with(properties: dict[str, Schema], more: dict[str, Schema]) -> Schema:
    """Return an object with *properties*, and *more* if the path has no slash at its end."""
    found = object_of({**properties, **more})
    return {**found, "required": list(properties)}


_STAT: Final = _with(
    {
        "job_id": STRING,
        "ran_at": INSTANT,
        "number_of_retries": WHOLE,
        "success": _YES_NO,
        "execution_duration": {**WHOLE, "description": "Nanoseconds."},
    },
    {"duration": STRING, "finish_at": INSTANT, "error": STRING, "response": STRING},
)

_STATS: Final = or_null({"type": "array", "items": ref("KalaStat")})

_METADATA: Final = object_of(
    {
        "success_count": WHOLE,
        "last_success": _TIME,
        "error_count": {**WHOLE, "description": "Failed attempts."},
        "last_error": _TIME,
        "last_attempted_run": _TIME,
        "number_of_finished_runs": WHOLE,
    },
    "Of the runs that are kept.",
)

_REMOTE: Final = object_of(
    {
        "url": STRING,
        "method": STRING,
        "body": STRING,
        "headers": or_null(
            {"type": "object", "additionalProperties": {"type": "array", "items": STRING}}
        ),
        "timeout": {**WHOLE, "description": "Seconds."},
        "expected_response_codes": or_null({"type": "array", "items": WHOLE}),
    }
)

_JOB: Final = _with(
    {
        "name": STRING,
        "id": STRING,
        "command": STRING,
        "owner": STRING,
        "disabled": _YES_NO,
        "dependent_jobs": _IDS,
        "parent_jobs": _IDS,
        "on_failure_job": STRING,
        "schedule": STRING,
        "retries": WHOLE,
        "epsilon": STRING,
        "next_run_at": _TIME,
        "TemplateDelimiters": STRING,
        "resume_at_next_scheduled_time": _YES_NO,
        "metadata": ref("KalaMetadata"),
        "type": WHOLE,
        "remote_properties": ref("KalaRemote"),
        "stats": _STATS,
        "is_done": _YES_NO,
    },
    {
        "job_type": WHOLE,
        "groupName": STRING,
        "content": STRING,
        "deleted": _YES_NO,
        "created_at": INSTANT,
        "is_running": _YES_NO,
    },
)

_COUNTS: Final = object_of(
    {
        "active_jobs": WHOLE,
        "disabled_jobs": WHOLE,
        "jobs": WHOLE,
        "error_count": WHOLE,
        "success_count": WHOLE,
        "next_run_at": _TIME,
        "last_attempted_run": _TIME,
        "created": INSTANT,
    }
)


def _request() -> dict[str, Schema]:
    """Return the schema of a job that is sent, and of what it consists of."""
    _, found = TypeAdapter.json_schemas(
        [("job", "validation", KALA_JOB)], ref_template=REF, schema_generator=Documented
    )
    generated: dict[str, Schema] = found["$defs"]
    return {
        "KalaRequest": generated["KalaJob"],
        "RemoteProperties": generated["RemoteProperties"],
    }


SCHEMAS: Final[Mapping[str, dict[str, Any]]] = {
    **_request(),
    "KalaError": object_of({"error": STRING}, "What is wrong, and what to do."),
    "KalaCreated": object_of({"id": STRING}),
    "KalaNothing": object_of({}),
    "KalaStat": _STAT,
    "KalaMetadata": _METADATA,
    "KalaRemote": _REMOTE,
    "KalaOneJob": object_of({"job": ref("KalaJob")}),
    "KalaJob": _JOB,
    "KalaJobs": object_of(
        {"jobs": {"type": "object", "additionalProperties": ref("KalaJob")}}, "By id."
    ),
    "KalaJobStats": object_of({"job_stats": _STATS}),
    "KalaCounts": object_of({"Stats": _COUNTS}),
}
