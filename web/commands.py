"""Asking the executor for changes, and ``GET /v1/commands/{id}``.

Rule 1: web changes nothing itself; every write is a command, and its answer is shown
only once the executor says that it is applied and durable.
Rule 2: an answer that did not come in time is 202 with an address to ask at, never a
guess.  The same holds when the change is made and only its document cannot be read.
Rule 3: a refusal keeps the executor's words and faults.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from flask import Response

from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.domain.errors import Fault, StoreUnavailable
from executor.domain.identity import command_id
from web.documents import command_document, etag, json_response, pending_document
from web.problems import Problem, bad_request
from web.routes import Answer, Call, Table

TABLE: Final = Table()

#: Longest Idempotency-Key, characters; UUIDs and the like have 36.
MAX_KEY: Final = 255

REFUSALS: Final[Mapping[ResultStatus, HTTPStatus]] = {
    ResultStatus.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    ResultStatus.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ResultStatus.CONFLICT: HTTPStatus.CONFLICT,
    ResultStatus.PRECONDITION_FAILED: HTTPStatus.PRECONDITION_FAILED,
}

Show = Callable[[CommandResult], Response]


def command(
    call: Call,
    kind: CommandKind,
    subject: str,
    arguments: dict[str, Any] | None = None,
    if_revision: int | None = None,
    *,
    part: str = "",
) -> Command:
    """Return the command for *call*, with a new id or that of its Idempotency-Key.

    *part* tells the commands of one call apart where there are several.
    """
    key = _key(call)
    return Command(
        id=uuid.uuid4().hex if key is None else command_id(key, _request(call, part)),
        kind=kind,
        subject=subject,
        arguments=arguments or {},
        if_revision=if_revision,
        sent_at=call.services.clock.now(),
        repeatable=key is not None,
        actor=call.caller.actor,
        address=call.caller.address,
        within=call.within,
        nonce=secrets.token_hex(),
    )


def _request(call: Call, part: str) -> str:
    """Return what a key belongs to: nobody is shown the answer to somebody else's request."""
    return f"{call.caller.actor} {call.method} {call.url} {part}".rstrip()


def _key(call: Call) -> str | None:
    key = call.headers.get("Idempotency-Key")
    # Other methods are idempotent by themselves; repeating them needs no key.
    if key is None or call.method != "POST":
        return None
    if not 1 <= len(key) <= MAX_KEY:
        raise bad_request([Fault("Idempotency-Key", f"must have 1 to {MAX_KEY} characters")])
    return key


def send(call: Call, command: Command) -> CommandResult | None:
    """Send *command* and wait for its answer; None when none came in time.

    Raises:
        NoExecutor, BrokerUnavailable: nothing is known to have changed.
    """
    return call.services.sender.send(command, call.services.command_timeout_s)


def check_refusal(result: CommandResult) -> None:
    """Go on only if the executor did not refuse.

    Raises:
        Problem: the executor refused.
    """
    if result.status in REFUSALS:
        status = REFUSALS[result.status]
        raise Problem(status, result.message or status.phrase, result.faults)


def answer(command: Command, result: CommandResult | None, show: Show) -> Response:
    """Answer *command* by its *result*; *show* writes the document of an applied change.

    Raises:
        Problem: the executor refused.
    """
    if result is None:
        return _accepted(command)
    check_refusal(result)
    try:
        return show(result)
    except StoreUnavailable:
        return _accepted(command)


def applied(response: Response, result: CommandResult, address: str) -> Response:
    """Mark *response*, the document of what was changed, with its revision and, if new, place."""
    if result.revision is not None:
        response.headers["ETag"] = etag(result.revision)
    if result.status is ResultStatus.CREATED:
        response.status_code = HTTPStatus.CREATED
        response.headers["Location"] = address
    return response


def carry_out(call: Call, command: Command, show: Show) -> Response:
    """Send *command* and answer by its result."""
    return answer(command, send(call, command), show)


def _accepted(command: Command) -> Response:
    response = json_response(pending_document(command), HTTPStatus.ACCEPTED)
    response.headers["Location"] = f"/v1/commands/{command.id}"
    return response


@TABLE.add(
    "GET",
    "/v1/commands/{command}",
    summary="How a command ended",
    description="For writes that were answered with 202.  404 until the executor has answered.",
    tag="commands",
    answers={HTTPStatus.OK: Answer(schema="Command", description="It has ended.")},
)
def get_command(call: Call) -> Response:
    """Answer with the durable result of a command."""
    return json_response(command_document(call.services.readers.get_result(call.path["command"])))
