"""Secrets: put, listed by name, deleted, and never shown.

The value is sealed here, before it is sent: neither the command on the queue, nor its answer,
nor the store, nor a log ever holds it as it is.  Web cannot open what it has sealed; it can
only have it replaced in what others say (``web.redacted``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Final

from flask import Response
from pydantic import ConfigDict, WithJsonSchema

from executor.domain.command import CommandKind, CommandResult
from executor.domain.errors import NoSecretKey
from executor.domain.instant import to_text
from executor.domain.named import Broken, Stored
from executor.domain.secret import LONGEST, SECRETS, SHORTEST, check_name, check_value
from web.bodies import object_reader
from web.commands import applied, carry_out, command
from web.conditions import if_match
from web.documents import etag, json_response, list_document
from web.routes import Answer, Body, Call, Table

TABLE: Final = Table()

_CREATED: Final = Answer(schema="Secret", description="Created.", headers=("Location", "ETag"))
_CHANGED: Final = Answer(schema="Secret", description="As it is now.", headers=("ETag",))

_VALUE: Final = {
    "type": "string",
    "minLength": SHORTEST,
    "maxLength": LONGEST,
    "writeOnly": True,
    "description": "Cannot be read back.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretValue:
    """What a secret is to be."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    value: Annotated[str, WithJsonSchema(_VALUE)] = field(repr=False)


@TABLE.add(
    "GET",
    "/v1/secrets",
    summary="List secrets by name",
    description="All of them, without their values: these cannot be read.  Once the `key` of each "
    "is `current`, `SOLOCRON_SECRET_KEY_OLD` is needed no more.",
    tag="secrets",
    answers={HTTPStatus.OK: Answer(schema="Secrets", description="In the order of names.")},
)
def list_secrets(call: Call) -> Response:
    """Answer with what is known of every secret."""
    records = call.services.readers.list_named(SECRETS)
    return json_response(list_document((_document(call, one) for one in records), None))


@TABLE.add(
    "GET",
    "/v1/secrets/{secret}",
    summary="Look at a secret",
    description="Its revision and when it was put; its value cannot be read.",
    tag="secrets",
    answers={HTTPStatus.OK: Answer(schema="Secret", description="The secret.", headers=("ETag",))},
)
def get_secret(call: Call) -> Response:
    """Answer with what is known of one secret, its revision as ETag."""
    return _shown(call, call.path["secret"])


@TABLE.add(
    "PUT",
    "/v1/secrets/{secret}",
    summary="Create or replace a secret",
    description="Jobs use it as `{{ secret.NAME }}`, from their next run on.  409 while there is "
    "no key to seal it with (`SOLOCRON_SECRET_KEY`).",
    tag="secrets",
    body=Body(schema="SecretValue", read=object_reader(SecretValue)),
    writes=True,
    conditional=True,
    answers={HTTPStatus.OK: _CHANGED, HTTPStatus.CREATED: _CREATED},
)
def put_secret(call: Call) -> Response:
    """Seal the value, and ask for the secret to be that."""
    name = check_name(call.path["secret"])
    value = check_value(call.document.value)
    if call.services.sealer is None:
        raise NoSecretKey
    arguments = {"sealed": call.services.sealer.seal(name, value)}
    asked = command(call, CommandKind.PUT_SECRET, name, arguments, if_match(call))
    return carry_out(call, asked, lambda result: _applied(call, result, name))


@TABLE.add(
    "DELETE",
    "/v1/secrets/{secret}",
    summary="Delete a secret",
    description="409 while jobs use it.",
    tag="secrets",
    writes=True,
    conditional=True,
    answers={HTTPStatus.NO_CONTENT: Answer(schema=None, description="Deleted.")},
)
def delete_secret(call: Call) -> Response:
    """Ask for a secret to be deleted."""
    name = call.services.readers.get_named(SECRETS, call.path["secret"]).name
    asked = command(call, CommandKind.DELETE_SECRET, name, if_revision=if_match(call))
    return carry_out(call, asked, lambda result: Response(status=HTTPStatus.NO_CONTENT))


def _applied(call: Call, result: CommandResult, name: str) -> Response:
    return applied(_shown(call, name), result, f"/v1/secrets/{name}")


def _shown(call: Call, name: str) -> Response:
    secret = call.services.readers.get_named(SECRETS, name)
    response = json_response(_document(call, secret))
    if isinstance(secret, Stored):
        response.headers["ETag"] = etag(secret.revision)
    return response


def _document(call: Call, secret: Stored[str] | Broken) -> dict[str, Any]:
    if isinstance(secret, Broken):
        return {"name": secret.name, "state": "broken", "error": secret.error}
    sealer = call.services.sealer
    return {
        "name": secret.name,
        "revision": secret.revision,
        "key": "unknown" if sealer is None else sealer.key_of(secret.value),
        "updated_at": to_text(secret.updated_at),
    }
