"""What the API answers about callers, tokens and the audit; see ``answer_schemas``."""

from __future__ import annotations

from typing import Final

from executor.domain.command import CommandKind
from web.schema_parts import INSTANT, STRING, Schema, enum, list_of, object_of, or_null, ref

_TOKEN_FIELDS: Final = {
    "name": STRING,
    "state": enum("active", "expired"),
    "scopes": {"type": "array", "items": STRING},
    "created_at": INSTANT,
    "created_by": {**STRING, "description": "Who made it, as the audit names him."},
    "expires_at": or_null(INSTANT),
    "last_used_at": {**or_null(INSTANT), "description": "To about a minute."},
}

_CHANGE: Final = object_of(
    {
        "at": INSTANT,
        "actor": {
            **STRING,
            "description": "`token:NAME`, `oidc:SUBJECT`, `cli:USER`, `code` (a declaration of "
            "Python code), `admin` (the token of the environment), or `local` where nobody has to "
            "say who he is.",
        },
        "address": {**STRING, "description": "The client's; empty if there was none."},
        "action": enum(*CommandKind),
        "subject": {**STRING, "description": "Name of what was changed, or id of a run."},
        "job_id": or_null(STRING),
        "run_id": or_null(STRING),
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
        {"name": STRING, "state": {"const": "broken"}, "error": STRING},
        "A token whose record cannot be read; nobody is let in by it.",
    ),
    "Token": {"anyOf": [object_of(_TOKEN_FIELDS), ref("BrokenToken")]},
    "NewToken": object_of(
        {**_TOKEN_FIELDS, "token": {**STRING, "description": "Shown this once."}}
    ),
    "Tokens": list_of(ref("Token")),
    "Changes": list_of(_CHANGE),
    "Caller": object_of({"actor": STRING, "scopes": {"type": "array", "items": STRING}}),
    "Login": object_of(
        {
            "guarded": {"type": "boolean", "description": "Whether callers have to log in."},
            "provider": or_null(
                object_of(
                    {
                        "issuer": STRING,
                        "client_id": STRING,
                        "scopes": {"type": "array", "items": STRING},
                        "audience": STRING,
                    }
                )
            ),
        }
    ),
}
