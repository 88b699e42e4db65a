"""API tokens: made, listed by name, revoked.  A token itself is shown once, when it is made.

It is drawn here; what is sent on is its digest.  So neither the queue, nor the store, nor a log
ever holds what would let anybody in.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

from flask import Response
from pydantic import ConfigDict, Field

from executor.domain.api_token import (
    LIFETIME,
    MOST_SCOPES,
    RANDOM_BYTES,
    TOKENS,
    check_name,
    creation_arguments,
    token_document,
    written,
)
from executor.domain.command import CommandKind, CommandResult
from executor.domain.fields import PositiveDuration
from web.bodies import object_reader
from web.commands import carry_out, command
from web.documents import json_response, list_document
from web.routes import Answer, Body, Call, Table

TABLE: Final = Table()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What a token is to be."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    scopes: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_SCOPES)]
    """Each `jobs:read`, `jobs:write`, `runs:read`, `runs:write`, or one of these with `#` and a
    tag: only for jobs that carry it; or `admin`."""
    lifetime: PositiveDuration | None = LIFETIME
    """How long it is accepted; null: for ever."""


@TABLE.add(
    "GET",
    "/v1/tokens",
    summary="List API tokens by name",
    description="All of them, without the tokens themselves: these cannot be read.",
    tag="tokens",
    answers={HTTPStatus.OK: Answer(schema="Tokens", description="In the order of names.")},
)
def list_tokens(call: Call) -> Response:
    """Answer with what is known of every token."""
    readers = call.services.readers
    uses, now = readers.token_uses(), call.services.clock.now()
    listed = (token_document(token, uses, now) for token in readers.list_named(TOKENS))
    return json_response(list_document(listed, None))


@TABLE.add(
    "POST",
    "/v1/tokens",
    summary="Make an API token",
    description="The answer holds the token; it is not shown again.  409 while one of the name "
    "is there.  Should the answer be 202, revoke what was made and ask again.",
    tag="tokens",
    body=Body(schema="TokenRequest", read=object_reader(TokenRequest)),
    writes=True,
    answers={HTTPStatus.CREATED: Answer(schema="NewToken", description="The token.")},
)
def create_token(call: Call) -> Response:
    """Draw a token and ask for it to be let in."""
    asked: TokenRequest = call.document
    text = written(secrets.token_bytes(RANDOM_BYTES))
    now = call.services.clock.now()
    arguments = creation_arguments(text, asked.scopes, asked.lifetime, now)
    asking = command(call, CommandKind.CREATE_TOKEN, check_name(asked.name), arguments)
    return carry_out(call, asking, lambda result: _made(call, result, asked.name, text))


@TABLE.add(
    "DELETE",
    "/v1/tokens/{token}",
    summary="Revoke an API token",
    description="It is refused by every instance within seconds.",
    tag="tokens",
    writes=True,
    answers={HTTPStatus.NO_CONTENT: Answer(schema=None, description="Revoked.")},
)
def delete_token(call: Call) -> Response:
    """Ask for a token to be let in no more."""
    name = call.services.readers.get_named(TOKENS, call.path["token"]).name
    asked = command(call, CommandKind.DELETE_TOKEN, name)
    return carry_out(call, asked, lambda result: Response(status=HTTPStatus.NO_CONTENT))


def _made(call: Call, result: CommandResult, name: str, text: str) -> Response:
    token = call.services.readers.get_named(TOKENS, name)
    document = token_document(token, {}, call.services.clock.now())
    return json_response({**document, "token": text}, HTTPStatus.CREATED)
