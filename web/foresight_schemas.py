"""What the API answers about what will be, and why something was not; see ``answer_schemas``."""

from __future__ import annotations

from typing import Final

from executor.domain.explain import Verdict
from executor.domain.load import MINUTES
from web.closures import POLICIES
from web.schema_parts import INSTANT, STRING, WHOLE, Schema, enum, list_of, object_of, or_null, ref

_FIRE_TIME: Final = object_of(
    {"utc": INSTANT, "local": {**INSTANT, "description": "On the schedule's wall clock."}}
)

_BLACKOUT: Final = {
    **or_null(enum(*POLICIES)),
    "description": "What happens to it because a calendar of the job is closed then.",
}

_UPCOMING: Final = object_of(
    {
        "fire_at": INSTANT,
        "local": {**INSTANT, "description": "On the schedule's wall clock."},
        "blackout": _BLACKOUT,
    }
)

_EXPLANATION: Final = object_of(
    {
        "at": INSTANT,
        "slot": {"type": "boolean", "description": "It is a fire time."},
        "verdict": enum(*Verdict),
        "sentence": {**STRING, "description": "What became of it, and why."},
        "before": {**or_null(INSTANT), "description": "The fire time before it."},
        "after": {**or_null(INSTANT), "description": "The fire time after it."},
        "revision": {**or_null(WHOLE), "description": "Of the job, as it was in force."},
        "run": or_null(ref("Run")),
        "decided_by": or_null(
            object_of({"term": WHOLE, "instance": or_null(STRING), "at": INSTANT})
        ),
    }
)

_LOAD: Final = object_of(
    {
        "since": {**INSTANT, "description": "The beginning of the first minute."},
        "minutes": {
            "type": "array",
            "items": WHOLE,
            "minItems": MINUTES,
            "maxItems": MINUTES,
            "description": "Starts in each.",
        },
        "peak": {
            **or_null(object_of({"at": INSTANT, "starts": WHOLE})),
            "description": "The first of the fullest minutes.",
        },
        "jobs": {**WHOLE, "description": "Jobs that were counted."},
        "estimated": {"type": "boolean", "description": "From a sample of the schedules."},
    }
)

#: As in ``answer_schemas``.
FORESIGHT: Final[dict[str, Schema]] = {
    "Upcoming": object_of(
        {
            **list_of(_UPCOMING)["properties"],
            "note": {**or_null(STRING), "description": "How jitter moves the starts."},
        }
    ),
    "Explanation": _EXPLANATION,
    "Load": _LOAD,
    "Preview": object_of(
        {
            "description": STRING,
            "fire_times": {"type": "array", "items": _FIRE_TIME},
            "warnings": {
                "type": "array",
                "items": object_of({"code": STRING, "message": STRING}),
            },
        }
    ),
}
