"""Who am I, and how does the command line log in: ``/v1/caller``, ``/v1/login``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from flask import Response

from web.documents import json_response
from web.routes import Answer, Call, Table

TABLE: Final = Table()


@TABLE.add(
    "GET",
    "/v1/caller",
    summary="Who sends this request",
    description="As the audit names the caller, with all scopes that count here.",
    tag="login",
    answers={HTTPStatus.OK: Answer(schema="Caller", description="The caller.")},
)
def get_caller(call: Call) -> Response:
    """Answer with the caller's name and rights."""
    return json_response(
        {"actor": call.caller.actor, "scopes": sorted(map(str, call.caller.rights))}
    )


@TABLE.add(
    "GET",
    "/v1/login",
    summary="How the command line logs in",
    description="What `solocron login` needs to get an access token for this service.",
    tag="login",
    answers={
        HTTPStatus.OK: Answer(schema="Login", description="`provider` is null: API tokens only.")
    },
)
def get_login(call: Call) -> Response:
    """Answer with the identity provider, as a client without a secret sees it."""
    entrance = call.services.entrance
    found = entrance.command_line if entrance.guarded else None
    provider = found and {
        "issuer": found.issuer,
        "client_id": found.client_id,
        "scopes": list(found.scopes),
        "audience": found.audience,
    }
    return json_response({"guarded": entrance.guarded, "provider": provider})
