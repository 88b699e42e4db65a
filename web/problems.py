"""Every refusal in one form: RFC 9457 ``application/problem+json``.

Rule 1: :data:`STATUS` names the HTTP status of every ``SolocronError``; nothing
else in web decides a status from an error's class.
Rule 2: 400 means the request could not be read (query, header, JSON); 422 means it
was read and breaks a rule.  Both name the field and what to write instead.
Rule 3: nothing a caller sends comes back at length: texts and lists are cut.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, current_app, make_response, render_template, request
from werkzeug.exceptions import (
    BadHost,
    ClientDisconnected,
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    SecurityError,
)

from executor.domain import errors
from executor.domain.errors import Fault, InvalidInput, SolocronError
from executor.ports.store import InvalidCursor
from web.documents import json_response

logger = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

#: Seconds after which to try again when a dependency is away: an executor is
#: replaced and a broker or store reconnected within a few.
RETRY_AFTER_S: Final = 5

#: At most so many faults are listed; a query of 8 KB can hold 2,000 of them.
MAX_FAULTS: Final = 101

#: Longest text, characters, of a detail or a fault; messages may quote what was sent.
MAX_TEXT: Final = 1_000

#: error class -> status of its answer.  Complete: a test walks every subclass.
STATUS: Final[Mapping[type[SolocronError], HTTPStatus]] = {
    errors.SolocronError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidSchedule: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidJob: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidCalendar: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidSecret: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidToken: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidChannel: HTTPStatus.UNPROCESSABLE_ENTITY,
    # Web never reads commands, only replies: one that cannot be read leaves the outcome unknown.
    errors.InvalidCommand: HTTPStatus.BAD_GATEWAY,
    errors.JobNotFound: HTTPStatus.NOT_FOUND,
    errors.RevisionNotFound: HTTPStatus.NOT_FOUND,
    errors.NamedNotFound: HTTPStatus.NOT_FOUND,
    errors.NotificationNotFound: HTTPStatus.NOT_FOUND,
    errors.RunNotFound: HTTPStatus.NOT_FOUND,
    errors.CommandNotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.NameTaken: HTTPStatus.CONFLICT,
    errors.JobUnreadable: HTTPStatus.CONFLICT,
    errors.RunRefused: HTTPStatus.CONFLICT,
    errors.NotWatched: HTTPStatus.CONFLICT,
    errors.TokenExists: HTTPStatus.CONFLICT,
    errors.BeyondReach: HTTPStatus.CONFLICT,
    errors.NamedInUse: HTTPStatus.CONFLICT,
    errors.NoSecretKey: HTTPStatus.CONFLICT,
    errors.CommandReused: HTTPStatus.CONFLICT,
    errors.IllegalTransition: HTTPStatus.CONFLICT,
    errors.RevisionConflict: HTTPStatus.PRECONDITION_FAILED,
    errors.CredentialsRefused: HTTPStatus.UNAUTHORIZED,
    errors.SecretUnreadable: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.StaleTerm: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ConfigError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.SchemaTooNew: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.BrokerUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.IssuerUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NoExecutor: HTTPStatus.SERVICE_UNAVAILABLE,
}


class Problem(Exception):
    """Ends a request with this answer; raised by web's own modules only."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.detail, self.faults = status, detail, tuple(faults)
        self.headers = dict(headers or {})
        super().__init__(detail)


def bad_request(faults: Sequence[Fault]) -> Problem:
    """Return the problem of a request whose query, header or body could not be read."""
    return Problem(HTTPStatus.BAD_REQUEST, _summary(faults), faults)


def unprocessable(faults: Sequence[Fault]) -> Problem:
    """Return the problem of a request that was read and breaks a rule."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, _summary(faults), faults)


def problem_of(error: SolocronError) -> Problem:
    """Return the answer to *error*."""
    status = status_of(type(error))
    faults = error.faults if isinstance(error, InvalidInput) else ()
    return Problem(status, str(error), faults)


def status_of(kind: type[SolocronError]) -> HTTPStatus:
    """Return the status of the nearest class of *kind*'s that :data:`STATUS` lists."""
    return next(STATUS[parent] for parent in kind.__mro__ if parent in STATUS)


def problem_response(problem: Problem) -> Response:
    """Write *problem* as an answer."""
    document = problem_document(problem)
    return with_headers(json_response(document, problem.status, MEDIA_TYPE), problem)


def with_headers(response: Response, problem: Problem) -> Response:
    """Return *response*, which refuses with *problem*, with the headers that belong to it."""
    response.headers.update(problem.headers)
    if problem.status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def problem_document(problem: Problem) -> dict[str, Any]:
    """Return the JSON form; ``errors`` is always there, empty when no field is to blame."""
    faults = [
        {"field": _cut(fault.field), "message": _cut(fault.message)}
        for fault in problem.faults[:MAX_FAULTS]
    ]
    if len(problem.faults) > MAX_FAULTS:
        left = len(problem.faults) - MAX_FAULTS
        faults.append({"field": "", "message": f"and {left:,} more"})
    return {
        "type": "about:blank",
        "title": problem.status.phrase,
        "status": problem.status.value,
        "detail": _cut(problem.detail),
        "errors": faults,
    }


#: Writes a problem as an answer.
Form = Callable[[Problem], Response]

#: Name under which an application has the forms of its faces, among its extensions.
_FORMS: Final = "problem-forms"


def install(app: Flask, forms: Mapping[str, Form] | None = None) -> None:
    """Make *app* answer every error with a problem.

    Args:
        forms: for everything below a path, another form; the longest path counts.
    """
    app.extensions[_FORMS] = sorted((forms or {}).items(), key=lambda form: -len(form[0]))
    app.register_error_handler(Problem, _refusal)
    app.register_error_handler(SolocronError, lambda error: _refusal(problem_of(error)))
    app.register_error_handler(InvalidCursor, _foreign_cursor)
    app.register_error_handler(HTTPException, _framework_problem)
    app.register_error_handler(Exception, _unexpected)


def _refusal(problem: Problem) -> Response:
    """Write *problem* in the form that belongs to the address that was asked for."""
    for place, form in current_app.extensions[_FORMS]:
        if request.path == place or request.path.startswith(f"{place}/"):
            return with_headers(form(problem), problem)
    return with_headers(_page(problem), problem) if _is_read() else problem_response(problem)


def _is_read() -> bool:
    """Whether a person asked for a page, at an address that is not the API's."""
    asks = request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("Accept", "")
    return asks and not request.path.startswith("/v1/")


def _page(problem: Problem) -> Response:
    # Not in the frame of the other pages: nobody knows yet who asks, and this one must not fail.
    text = f"{problem.detail[:1].upper()}{problem.detail[1:]}."
    page = render_template("lost.html", title=problem.status.phrase, text=_cut(text))
    return make_response(page, problem.status)


def _foreign_cursor(error: InvalidCursor) -> Response:
    message = "is not a `next` of this list; leave it out to begin at the start"
    return _refusal(bad_request([Fault("cursor", message)]))


def _framework_problem(error: HTTPException) -> Response:
    """Answer what Flask itself refuses: unknown routes, wrong methods, long bodies."""
    status = HTTPStatus(error.code or 500)
    headers: dict[str, str] = {}
    match error:
        case NotFound():
            detail = f"there is nothing at {request.path}; /openapi.json lists what there is"
        case MethodNotAllowed():
            allowed = ", ".join(sorted(error.valid_methods or ()))
            headers["Allow"] = allowed
            detail = f"{request.method} is not possible at {request.path}; possible: {allowed}"
        case RequestEntityTooLarge():
            # One less than what werkzeug is told; see bodies.limit.
            limit = (request.max_content_length or 1) - 1
            detail = f"the body is longer than {limit:,} bytes; send less"
        case BadHost() | SecurityError():
            detail = "Host: is no name of a host; send the one that you have connected to"
        case ClientDisconnected():
            detail = "the body did not arrive whole; send it again"
        case _:
            detail = error.description or status.phrase
    return _refusal(Problem(status, detail, headers=headers))


def _unexpected(error: Exception) -> Response:
    # The last resort: the caller learns that it is our fault, the log learns why.
    logger.error(
        "request failed",
        exc_info=error,
        extra={"action": "request_failed", "method": request.method, "path": request.path},
    )
    detail = "an error in Solocron, not in the request; the log of this instance has it"
    return _refusal(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail))


def _summary(faults: Sequence[Fault]) -> str:
    return str(InvalidInput(faults))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."
