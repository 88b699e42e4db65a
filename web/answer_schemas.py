"""What the API answers, as JSON Schema, beside the words of ``documents``.

A test holds the answers against them.  What the API takes is described by the types that
validate it, see ``schemas``.
"""

from __future__ import annotations

from typing import Any, Final

from executor.domain.command import CommandKind, ResultStatus
from executor.domain.explain import Verdict
from executor.domain.load import MINUTES
from executor.domain.notification import NotificationState
from executor.domain.notify import Event
from executor.domain.run import Cause, Reason, RunState
from web.closures import POLICIES

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


def object_of(properties: dict[str, Schema], description: str = "") -> Schema:
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
    return object_of({"items": {"type": "array", "items": item}, "next": following})


_FAULTS: Final[Schema] = {
    "type": "array",
    "items": object_of(
        {
            "field": {**_STRING, "description": "Dotted path; empty: the whole document."},
            "message": {**_STRING, "description": "What to write instead."},
        }
    ),
}

_PAUSE: Final = _or_null(
    object_of({"since": _INSTANT, "reason": _STRING, "by": _STRING, "until": _or_null(_INSTANT)})
)

#: The service's part of a job.
SERVICE_FIELDS: Final[dict[str, Schema]] = {
    "id": _STRING,
    "revision": {**_WHOLE, "description": "Grows by one with each change; the ETag."},
    "state": _enum("active", "paused", "disabled"),
    "created_at": _INSTANT,
    "updated_at": _INSTANT,
    "next_fire_at": _or_null(_INSTANT),
    "done": {"type": "boolean", "description": "The schedule has no fire time left."},
    "paused": _PAUSE,
    "last_run": _or_null(
        object_of(
            {"run_id": _STRING, "state": _enum(*RunState), "finished_at": _INSTANT},
            "The latest run that has finished.",
        )
    ),
}

_RUN: Final = object_of(
    {
        "id": _STRING,
        "job_id": _STRING,
        "job": {**_STRING, "description": "The job's name when the run was made."},
        "cause": _enum(*Cause),
        "trigger_id": {**_STRING, "description": "The first run of a chain of retriggers."},
        "attempt": _WHOLE,
        "state": _enum(*RunState),
        "reason": _or_null(_enum(*Reason)),
        "waiting": {
            **_or_null(_enum("turn", "dependency")),
            "description": "What a pending run waits for besides time.",
        },
        "fire_at": _or_null(_INSTANT),
        "due_at": {
            **_or_null(_INSTANT),
            "description": "Not started before; null: at its fire time, or at once.",
        },
        "since": {
            **_or_null(_INSTANT),
            "description": "When the first of several attempts was asked for.",
        },
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
        "parent_run_id": {
            **_or_null(_STRING),
            "description": "The run that this one repeats or follows.",
        },
        "parent_job_id": {
            **_or_null(_STRING),
            "description": "The job of that run, if it is another one.",
        },
    }
)

_STATUS: Final = object_of(
    {
        "state": _enum("executing", "no_executor", "store_unavailable"),
        "executor": _or_null(
            object_of(
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
            "items": object_of(
                {
                    "id": _STRING,
                    "host": _STRING,
                    "version": _STRING,
                    "role": _STRING,
                    "seen_at": _INSTANT,
                    "detail": _STRING,
                    "tzdata": _STRING,
                }
            ),
        },
        "token": _enum("held", "ready", "missing", "unknown"),
        "broker": {**_STRING, "description": "`connected`, or what is wrong."},
        "store": {**_STRING, "description": "`connected`, or what is wrong."},
        "jobs": _or_null(_WHOLE),
        "running": _or_null(_WHOLE),
        "lateness": _or_null(
            object_of(
                {"runs": _WHOLE, "median_s": {"type": "number"}, "p99_s": {"type": "number"}},
                "Seconds from fire time to start, of the newest runs on schedule.",
            )
        ),
        "answered_by": {**_STRING, "description": "The instance that answered."},
        "version": _STRING,
        "now": _INSTANT,
    }
)

_COMMAND: Final = object_of(
    {
        "id": _STRING,
        "kind": _enum(*CommandKind),
        "status": _enum("pending", *ResultStatus),
        "finished_at": _or_null(_INSTANT),
        "job_id": _or_null(_STRING),
        "run_id": _or_null(_STRING),
        "revision": _or_null(_WHOLE),
        "message": _STRING,
        "facts": {"type": "object", "description": "Figures of what was done."},
        "errors": _FAULTS,
    }
)

_FIRE_TIME: Final = object_of(
    {"utc": _INSTANT, "local": {**_INSTANT, "description": "On the schedule's wall clock."}}
)

_BLACKOUT: Final = {
    **_or_null(_enum(*POLICIES)),
    "description": "What happens to it because a calendar of the job is closed then.",
}

_UPCOMING: Final = object_of(
    {
        "fire_at": _INSTANT,
        "local": {**_INSTANT, "description": "On the schedule's wall clock."},
        "blackout": _BLACKOUT,
    }
)

_EXPLANATION: Final = object_of(
    {
        "at": _INSTANT,
        "slot": {"type": "boolean", "description": "It is a fire time."},
        "verdict": _enum(*Verdict),
        "sentence": {**_STRING, "description": "What became of it, and why."},
        "before": {**_or_null(_INSTANT), "description": "The fire time before it."},
        "after": {**_or_null(_INSTANT), "description": "The fire time after it."},
        "revision": {**_or_null(_WHOLE), "description": "Of the job, as it was in force."},
        "run": _or_null(ref("Run")),
        "decided_by": _or_null(
            object_of({"term": _WHOLE, "instance": _or_null(_STRING), "at": _INSTANT})
        ),
    }
)

_LOAD: Final = object_of(
    {
        "since": {**_INSTANT, "description": "The beginning of the first minute."},
        "minutes": {
            "type": "array",
            "items": _WHOLE,
            "minItems": MINUTES,
            "maxItems": MINUTES,
            "description": "Starts in each.",
        },
        "peak": {
            **_or_null(object_of({"at": _INSTANT, "starts": _WHOLE})),
            "description": "The first of the fullest minutes.",
        },
        "jobs": {**_WHOLE, "description": "Jobs that were counted."},
        "estimated": {"type": "boolean", "description": "From a sample of the schedules."},
    }
)

_REVISION: Final = object_of(
    {
        "job_id": _STRING,
        "revision": _WHOLE,
        "present": {"type": "boolean", "description": "The job is like this now."},
        "updated_at": {**_INSTANT, "description": "From when on it was in force."},
        "change": {
            **_or_null(_enum(*CommandKind)),
            "description": "What made it; null: a change of another job.",
        },
        "paused": _PAUSE,
        "definition": ref("Definition"),
    }
)

_WINDOW: Final = object_of({"from": _INSTANT, "to": _INSTANT})

#: The service's part of a calendar.
CALENDAR_FIELDS: Final[dict[str, Schema]] = {
    "revision": {**_WHOLE, "description": "Grows by one with each change; the ETag."},
    "updated_at": _INSTANT,
    "upcoming": {
        "type": "array",
        "items": _WINDOW,
        "description": "When it is closed next; `to` is not part of a window.",
    },
}

_CALENDAR_SUMMARY: Final = object_of(
    {
        "name": _STRING,
        "revision": _WHOLE,
        "description": _STRING,
        "timezone": _STRING,
        "updated_at": _INSTANT,
    }
)

_SECRET: Final = object_of(
    {"name": _STRING, "revision": _WHOLE, "updated_at": _INSTANT},
    "What can be known of a secret; its value cannot.",
)

_CHANNEL: Final = object_of(
    {
        "name": _STRING,
        "revision": _WHOLE,
        "updated_at": _INSTANT,
        "definition": ref("ChannelDefinition"),
    }
)

_NOTIFICATION: Final = object_of(
    {
        "id": {**_STRING, "description": "The `Idempotency-Key` of its delivery."},
        "event": _enum(*Event),
        "channel": {**_or_null(_STRING), "description": "Null for a ping."},
        "job_id": {**_or_null(_STRING), "description": "Null for a test of a channel."},
        "job": _or_null(_STRING),
        "run_id": _or_null(_STRING),
        "state": _enum(*NotificationState),
        "attempts": _WHOLE,
        "created_at": {**_INSTANT, "description": "When what it tells of happened."},
        "due_at": {**_or_null(_INSTANT), "description": "When it is tried next."},
        "finished_at": _or_null(_INSTANT),
        "last_error": {**_or_null(_STRING), "description": "Why the last attempt failed."},
        "subject": {**_STRING, "description": "What it says, in one line."},
    }
)

_BACKFILL_PLAN: Final = object_of(
    {
        "slots": {
            "type": "array",
            "items": object_of(
                {"fire_at": _INSTANT, "local": _INSTANT, "recorded": {"type": "boolean"}}
            ),
            "description": "The first 100 of them.",
        },
        "total": _WHOLE,
        "recorded": {**_WHOLE, "description": "Of these there is a record already."},
        "would_run": _WHOLE,
    }
)

_BACKFILL: Final = object_of(
    {
        "slots": {**_WHOLE, "description": "Fire times in the stretch."},
        "backfilled": {**_WHOLE, "description": "Runs that were made."},
        "recorded": {**_WHOLE, "description": "Fire times of which there was a record."},
    }
)

ANSWERS: Final[dict[str, Schema]] = {
    "Problem": object_of(
        {
            "type": _STRING,
            "title": _STRING,
            "status": _WHOLE,
            "detail": _STRING,
            "errors": _FAULTS,
        },
        "Why a request was refused (RFC 9457).",
    ),
    "BrokenJob": object_of(
        {"id": _STRING, "name": _STRING, "state": {"const": "broken"}, "error": _STRING},
        "A job whose record cannot be read.",
    ),
    "Job": {"anyOf": [ref("SoundJob"), ref("BrokenJob")]},
    "Jobs": _list_of(ref("Job")),
    "Run": _RUN,
    "Runs": _list_of(ref("Run")),
    "Output": object_of(
        {
            "run_id": _STRING,
            "head": _STRING,
            "tail": {**_STRING, "description": "Empty when `head` is the whole."},
            "size": {**_WHOLE, "description": "Bytes in all."},
            "complete": {"type": "boolean"},
        }
    ),
    "Upcoming": object_of(
        {
            **_list_of(_UPCOMING)["properties"],
            "note": {**_or_null(_STRING), "description": "How jitter moves the starts."},
        }
    ),
    "Explanation": _EXPLANATION,
    "Load": _LOAD,
    "Revision": _REVISION,
    "Revisions": _list_of(ref("Revision")),
    "BackfillPlan": _BACKFILL_PLAN,
    "Backfill": _BACKFILL,
    "BrokenCalendar": object_of(
        {"name": _STRING, "state": {"const": "broken"}, "error": _STRING},
        "A calendar whose record cannot be read.",
    ),
    "Calendar": {"anyOf": [ref("SoundCalendar"), ref("BrokenCalendar")]},
    "Calendars": _list_of({"anyOf": [_CALENDAR_SUMMARY, ref("BrokenCalendar")]}),
    "BrokenSecret": object_of(
        {"name": _STRING, "state": {"const": "broken"}, "error": _STRING},
        "A secret whose record cannot be read; put it again.",
    ),
    "Secret": {"anyOf": [_SECRET, ref("BrokenSecret")]},
    "Secrets": _list_of(ref("Secret")),
    "BrokenChannel": object_of(
        {"name": _STRING, "state": {"const": "broken"}, "error": _STRING},
        "A channel whose record cannot be read; put it again.",
    ),
    "Channel": {"anyOf": [_CHANNEL, ref("BrokenChannel")]},
    "Channels": _list_of(ref("Channel")),
    "Notification": _NOTIFICATION,
    "Notifications": _list_of(ref("Notification")),
    "Preview": object_of(
        {
            "description": _STRING,
            "fire_times": {"type": "array", "items": _FIRE_TIME},
            "warnings": {
                "type": "array",
                "items": object_of({"code": _STRING, "message": _STRING}),
            },
        }
    ),
    "Command": _COMMAND,
    "Status": _STATUS,
    "Health": object_of({"status": _enum("ok", "ready")}),
    "OpenAPI": {"type": "object", "required": ["openapi", "info", "paths"]},
    "Nothing": {"type": "object", "properties": {}, "additionalProperties": False},
    "Patch": {
        "type": "object",
        "description": "Some fields of a Definition; null sets one to its default.",
        "examples": [{"enabled": False}],
    },
}
