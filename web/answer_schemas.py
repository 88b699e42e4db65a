"""What the API answers, as JSON Schema, beside the words of ``documents``.

A test holds the answers against them.  What the API takes is described by the types that
validate it, see ``schemas``.
"""

from __future__ import annotations

from typing import Final

from executor.domain.command import CommandKind, ResultStatus
from executor.domain.run import Cause, Reason, RunState
from web.schema_parts import (
    INSTANT,
    STRING,
    WHOLE,
    Schema,
    enum,
    list_of,
    object_of,
    or_null,
    ref,
)

_FAULTS: Final[Schema] = {
    "type": "array",
    "items": object_of(
        {
            "field": {**STRING, "description": "Dotted path; empty: the whole document."},
            "message": {**STRING, "description": "What to write instead."},
        }
    ),
}

_PAUSE: Final = or_null(
    object_of({"since": INSTANT, "reason": STRING, "by": STRING, "until": or_null(INSTANT)})
)

#: The service's part of a job.
SERVICE_FIELDS: Final[dict[str, Schema]] = {
    "id": STRING,
    "revision": {**WHOLE, "description": "Grows by one with each change; the ETag."},
    "state": enum("active", "paused", "disabled"),
    "created_at": INSTANT,
    "updated_at": INSTANT,
    "next_fire_at": {
        **or_null(INSTANT),
        "description": "The next fire time that is run as things stand: after the end of a pause, "
        "null while the job is disabled, paused without end, or done.",
    },
    "done": {"type": "boolean", "description": "The schedule has no fire time left."},
    "paused": _PAUSE,
    "last_run": or_null(
        object_of(
            {"run_id": STRING, "state": enum(*RunState), "finished_at": INSTANT},
            "The latest run that has finished.",
        )
    ),
    "managed_by": {
        **enum("api", "code"),
        "description": "Whether the job was made through the API, or is declared in code.",
    },
    "in_code": {
        "type": "boolean",
        "description": "The code declared it when an executor last looked.",
    },
    "ping_url": {
        **or_null(STRING),
        "description": "Where a watched job is pinged: shown to those who may write it.  Without "
        "a host where this service does not know its own address.",
    },
}

_RUN: Final = object_of(
    {
        "id": STRING,
        "job_id": STRING,
        "job": {**STRING, "description": "The job's name when the run was made."},
        "cause": enum(*Cause),
        "trigger_id": {**STRING, "description": "The first run of a chain of retriggers."},
        "attempt": WHOLE,
        "state": enum(*RunState),
        "reason": or_null(enum(*Reason)),
        "waiting": {
            **or_null(enum("turn", "dependency", "worker", "ping")),
            "description": "What a pending run waits for besides time.",
        },
        "fire_at": or_null(INSTANT),
        "due_at": {
            **or_null(INSTANT),
            "description": "Not started before; null: at its fire time, or at once.",
        },
        "since": {
            **or_null(INSTANT),
            "description": "When the first of several attempts was asked for.",
        },
        "created_at": INSTANT,
        "started_at": or_null(INSTANT),
        "finished_at": or_null(INSTANT),
        "term": WHOLE,
        "executor": STRING,
        "revision": {**WHOLE, "description": "The job's revision that it ran by."},
        "retriggers": WHOLE,
        "covers": {**WHOLE, "description": "How many slots a skipped row accounts for."},
        "covers_from": or_null(INSTANT),
        "exit_code": or_null(WHOLE),
        "http_status": or_null(WHOLE),
        "retry_after": {
            **or_null(WHOLE),
            "description": "Seconds after its end for which the target asked to be left alone.",
        },
        "error": or_null(STRING),
        "remote": {
            "type": "boolean",
            "description": "Its work was handed over and goes on elsewhere.",
        },
        "details": {
            "type": "object",
            "description": "What the target says of its progress and its result.",
        },
        "parent_run_id": {
            **or_null(STRING),
            "description": "The run that this one repeats or follows.",
        },
        "parent_job_id": {
            **or_null(STRING),
            "description": "The job of that run, if it is another one.",
        },
    }
)

_STATUS: Final = object_of(
    {
        "state": enum("executing", "no_executor", "store_unavailable"),
        "executor": or_null(
            object_of(
                {
                    "instance": STRING,
                    "term": WHOLE,
                    "since": INSTANT,
                    "heartbeat_at": INSTANT,
                    "tzdata": {**STRING, "description": "The time zone data that it goes by."},
                }
            )
        ),
        "instances": {
            "type": "array",
            "items": object_of(
                {
                    "id": STRING,
                    "host": STRING,
                    "version": STRING,
                    "role": STRING,
                    "seen_at": INSTANT,
                    "detail": STRING,
                    "tzdata": STRING,
                }
            ),
        },
        "token": enum("held", "ready", "missing", "unknown"),
        "broker": {**STRING, "description": "`connected`, or what is wrong."},
        "store": {**STRING, "description": "`connected`, or what is wrong."},
        "jobs": or_null(WHOLE),
        "running": or_null(WHOLE),
        "reports": {
            **or_null(object_of(dict.fromkeys(("applied", "late", "illegal"), WHOLE))),
            "description": "Reports about remote runs that the executor has taken in its term.",
        },
        "dead_letters": {
            **or_null(WHOLE),
            "description": "Messages from and for workers that nobody could use.",
        },
        "lateness": or_null(
            object_of(
                {"runs": WHOLE, "median_s": {"type": "number"}, "p99_s": {"type": "number"}},
                "Seconds from fire time to start, of the newest runs on schedule.",
            )
        ),
        "answered_by": {**STRING, "description": "The instance that answered."},
        "version": STRING,
        "now": INSTANT,
    }
)

_COMMAND: Final = object_of(
    {
        "id": STRING,
        "kind": enum(*CommandKind),
        "status": enum("pending", *ResultStatus),
        "finished_at": or_null(INSTANT),
        "job_id": or_null(STRING),
        "run_id": or_null(STRING),
        "revision": or_null(WHOLE),
        "message": STRING,
        "facts": {"type": "object", "description": "Figures of what was done."},
        "errors": _FAULTS,
    }
)

_REVISION: Final = object_of(
    {
        "job_id": STRING,
        "revision": WHOLE,
        "present": {"type": "boolean", "description": "The job is like this now."},
        "updated_at": {**INSTANT, "description": "From when on it was in force."},
        "change": {
            **or_null(enum(*CommandKind)),
            "description": "What made it; null: a change of another job.",
        },
        "paused": _PAUSE,
        "definition": ref("Definition"),
    }
)

_WINDOW: Final = object_of({"from": INSTANT, "to": INSTANT})

#: The service's part of a calendar.
CALENDAR_FIELDS: Final[dict[str, Schema]] = {
    "revision": {**WHOLE, "description": "Grows by one with each change; the ETag."},
    "updated_at": INSTANT,
    "upcoming": {
        "type": "array",
        "items": _WINDOW,
        "description": "When it is closed next; `to` is not part of a window.",
    },
}

_CALENDAR_SUMMARY: Final = object_of(
    {
        "name": STRING,
        "revision": WHOLE,
        "description": STRING,
        "timezone": STRING,
        "updated_at": INSTANT,
    }
)

_SECRET: Final = object_of(
    {
        "name": STRING,
        "revision": WHOLE,
        "key": {
            **enum("current", "former", "unknown"),
            "description": "Which key of the answering instance it is sealed with.",
        },
        "updated_at": INSTANT,
    },
    "What can be known of a secret; its value cannot.",
)

_BACKFILL_PLAN: Final = object_of(
    {
        "slots": {
            "type": "array",
            "items": object_of(
                {"fire_at": INSTANT, "local": INSTANT, "recorded": {"type": "boolean"}}
            ),
            "description": "The first 100 of them.",
        },
        "total": WHOLE,
        "recorded": {**WHOLE, "description": "Of these there is a record already."},
        "would_run": WHOLE,
    }
)

_BACKFILL: Final = object_of(
    {
        "slots": {**WHOLE, "description": "Fire times in the stretch."},
        "backfilled": {**WHOLE, "description": "Runs that were made."},
        "recorded": {**WHOLE, "description": "Fire times of which there was a record."},
    }
)

_BATCH_ITEM: Final = object_of(
    {
        "name": or_null(STRING),
        "status": enum("sound", "faulty", "pending", *ResultStatus),
        "revision": or_null(WHOLE),
        "command": {**or_null(STRING), "description": "See `/v1/commands/{id}`."},
        "message": STRING,
        "errors": _FAULTS,
        "warnings": {"type": "array", "items": STRING},
        "definition": {
            "anyOf": [ref("Definition"), {"type": "null"}],
            "description": "Of a dry run: as the service would keep it.",
        },
    }
)

ANSWERS: Final[dict[str, Schema]] = {
    "Problem": object_of(
        {
            "type": STRING,
            "title": STRING,
            "status": WHOLE,
            "detail": STRING,
            "errors": _FAULTS,
        },
        "Why a request was refused (RFC 9457).",
    ),
    "BrokenJob": object_of(
        {"id": STRING, "name": STRING, "state": {"const": "broken"}, "error": STRING},
        "A job whose record cannot be read.",
    ),
    "Job": {"anyOf": [ref("SoundJob"), ref("BrokenJob")]},
    "Jobs": list_of(ref("Job")),
    "Run": _RUN,
    "Runs": list_of(ref("Run")),
    "Output": object_of(
        {
            "run_id": STRING,
            "head": STRING,
            "tail": {**STRING, "description": "Empty when `head` is the whole."},
            "size": {**WHOLE, "description": "Bytes in all."},
            "complete": {"type": "boolean"},
        }
    ),
    "Revision": _REVISION,
    "Revisions": list_of(ref("Revision")),
    "BackfillPlan": _BACKFILL_PLAN,
    "Backfill": _BACKFILL,
    "Batch": object_of({"items": {"type": "array", "items": _BATCH_ITEM}}),
    "BrokenCalendar": object_of(
        {"name": STRING, "state": {"const": "broken"}, "error": STRING},
        "A calendar whose record cannot be read.",
    ),
    "Calendar": {"anyOf": [ref("SoundCalendar"), ref("BrokenCalendar")]},
    "Calendars": list_of({"anyOf": [_CALENDAR_SUMMARY, ref("BrokenCalendar")]}),
    "BrokenSecret": object_of(
        {"name": STRING, "state": {"const": "broken"}, "error": STRING},
        "A secret whose record cannot be read; put it again.",
    ),
    "Secret": {"anyOf": [_SECRET, ref("BrokenSecret")]},
    "Secrets": list_of(ref("Secret")),
    "Command": _COMMAND,
    "Status": _STATUS,
    "Health": object_of({"status": enum("ok", "ready")}),
    "OpenAPI": {"type": "object", "required": ["openapi", "info", "paths"]},
    "Nothing": {"type": "object", "properties": {}, "additionalProperties": False},
    "Patch": {
        "type": "object",
        "description": "Some fields of a Definition; null sets one to its default.",
        "examples": [{"enabled": False}],
    },
}
