"""What the API answers about tokens and the audit, as JSON Schema; see ``answer_schemas``."""

from __future__ import annotations

from typing import Final

from executor.domain.command import CommandKind
from web.answer_schemas import Schema, enum, list_of, object_of, or_null, ref

_STRING: Final[Schema] = {"type": "string"}
_INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}

_TOKEN_FIELDS: Final = {
    "name": _STRING,
    "state": enum("active", "expired"),
    "scopes": {"type": "array", "items": _STRING},
    "created_at": _INSTANT,
    "created_by": {**_STRING, "description": "Who made it, as the audit names him."},
    "expires_at": or_null(_INSTANT),
    "last_used_at": {**or_null(_INSTANT), "description": "To about a minute."},
}

_CHANGE: Final = object_of(
    {
        "at": _INSTANT,
        "actor": {
            **_STRING,
            "description": "`token:NAME`, `oidc:SUBJECT`, `cli:USER`, `admin` (the token of the "
            "environment), or `local` where nobody has to say who he is.",
        },
        "address": {**_STRING, "description": "The client's; empty if there was none."},
        "action": enum(*CommandKind),
        "subject": {**_STRING, "description": "Name of what was changed, or id of a run."},
        "job_id": or_null(_STRING),
        "run_id": or_null(_STRING),
        "revision": or_null({"type": "integer"}),
        "before": {
            **or_null({"type": "object"}),
            "description": "null: there was nothing, or it is not kept any more.",
        },
        "after": {
            **or_null({"type": "object"}),
            "description": "null: deleted, or nothing that may be shown.",
        },
    }
)

ANSWERS: Final[dict[str, Schema]] = {
    "BrokenToken": object_of(
        {"name": _STRING, "state": {"const": "broken"}, "error": _STRING},
        "A token whose record cannot be read; nobody is let in by it.",
    ),
    "Token": {"anyOf": [object_of(_TOKEN_FIELDS), ref("BrokenToken")]},
    "NewToken": object_of(
        {**_TOKEN_FIELDS, "token": {**_STRING, "description": "Shown this once."}}
    ),
    "Tokens": list_of(ref("Token")),
    "Changes": list_of(_CHANGE),
}
