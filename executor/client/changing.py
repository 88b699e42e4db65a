"""One change at a service: asked for once, and waited for until it is known what came of it.

Rules
-----
1. A POST carries an ``Idempotency-Key``, so that what is sent again has no second effect.
2. 202 means that the executor has not answered yet: its answer is asked for until it is there.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from executor.client.connection import Connection, NoAnswer, Refusal, path_of

#: How long an accepted change may take until it is answered, seconds, and the pause between two
#: questions about it.
ANSWERED_WITHIN_S: Final = 60.0
_ASK_EVERY_S: Final = 0.2

#: Answers that mean that a change is made.
MADE: Final = frozenset({"created", "done"})


def change(
    connection: Connection,
    method: str,
    path: str,
    document: Any = None,
    *,
    revision: int | None = None,
) -> Any:
    """Ask for a change, and return the document of what was changed, None if it is gone.

    Args:
        revision: that of the job if nobody has changed it since; None: whatever it is at.

    Raises:
        NoAnswer: it is unknown whether it was made.
        Refusal: it was not made.
    """
    headers = {"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {}
    if revision is not None:
        headers["If-Match"] = f'"{revision}"'
    reply = connection.request(method, path, document, headers)
    if reply.status != HTTPStatus.ACCEPTED:
        return reply.document
    outcome = awaited(connection, reply.document["id"])
    if outcome is None:
        raise NoAnswer(
            f"the executor has not answered within {ANSWERED_WITHIN_S:g} s; look at "
            f"{connection.url}/v1/commands/{reply.document['id']}"
        )
    return _changed(connection, outcome)


def awaited(connection: Connection, command: str) -> Mapping[str, Any] | None:
    """Return the outcome of an accepted command, None if there is none for a long time."""
    deadline = time.monotonic() + ANSWERED_WITHIN_S
    while time.monotonic() < deadline:
        try:
            found: dict[str, Any] = connection.get(path_of("commands", command))
        except Refusal as refusal:
            if refusal.status != HTTPStatus.NOT_FOUND:
                raise
            time.sleep(_ASK_EVERY_S)
        else:
            return found
    return None


def _changed(connection: Connection, outcome: Mapping[str, Any]) -> Any:
    """Return what the answer would have shown, had it come in time."""
    if outcome["status"] not in MADE:
        status = HTTPStatus.CONFLICT
        if outcome["status"] == "precondition_failed":
            status = HTTPStatus.PRECONDITION_FAILED
        raise Refusal(status, outcome["message"] or outcome["status"], outcome["errors"])
    if outcome["kind"] == "delete_job":
        return None
    if outcome["facts"]:
        return outcome["facts"]
    place = ("runs", outcome["run_id"]) if outcome["run_id"] else ("jobs", outcome["job_id"])
    return connection.get(path_of(*place))
