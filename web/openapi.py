"""``GET /openapi.json``: the API described, from the tables that serve it.

Statuses that follow from what a route takes (a query can be wrong, a job can be
unknown, a command can be refused) are added by rule, so no route can forget one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from web import parameters
from web.access import need_of
from web.bodies import JSON
from web.examples import BODIES, VARIABLES
from web.problems import MEDIA_TYPE
from web.refusals import EXAMPLES
from web.routes import Answer, Body, Route
from web.schema_parts import ref
from web.schemas import components

#: Why each problem is answered.
_PROBLEMS: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.BAD_REQUEST: "The query, a header or the body cannot be read.",
    HTTPStatus.UNAUTHORIZED: "No token, or one that does not count; see `WWW-Authenticate`.",
    HTTPStatus.FORBIDDEN: "A scope is missing, or a page of another site sent the request.",
    HTTPStatus.NOT_FOUND: "What the address names does not exist.",
    HTTPStatus.CONFLICT: "The present state refuses it.",
    HTTPStatus.PRECONDITION_FAILED: "It is not at the revision of `If-Match`.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too long.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not sent as JSON.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The body breaks a rule; `errors` names each field.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many pings of a job, or too many tokens that do not count "
    "from this address; try again after `Retry-After`.",
    HTTPStatus.SERVICE_UNAVAILABLE: "No executor, broker or store; try again after `Retry-After`.",
}

_HEADERS: Final[Mapping[str, str]] = {
    "ETag": "The revision, for `If-Match`; absent where the record is broken.",
    "Location": "The address of what was made.",
    "Retry-After": "Seconds.",
    "WWW-Authenticate": "How to identify oneself, and the scope that is missing.",
}

_TEXT: Final = {"type": "string", "minLength": 1}

#: Variable parts of paths that are not simply ids.
_VARIABLES: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "job": ("Id or name of a job.", _TEXT),
    "calendar": ("Name of a calendar.", _TEXT),
    "secret": ("Name of a secret.", _TEXT),
    "token": ("Name of a token.", _TEXT),
    "channel": ("Name of a channel.", _TEXT),
    "key": ("The key of a watched job, as in its `ping_url`.", _TEXT),
    "signal": (
        "`start`, `fail`, `log`, or an exit code from 0 to 255.",
        {"type": "string", "pattern": "^(start|fail|log|[0-9]{1,3})$"},
    ),
    "revision": ("Number of a revision.", {"type": "integer", "minimum": 1}),
}

#: What each part of the API is for, in the order in which one meets them.
_TAGS: Final[Mapping[str, str]] = {
    "jobs": "What is to be run, when, and by which policies: make, change, pause, run, remove.",
    "schedules": "When a schedule fires, before there is a job with it.",
    "runs": "What became of each fire time and each request: read, follow, cancel, report.",
    "revisions": "What a job was before each change, and the way back.",
    "pings": "Signals of work that goes on elsewhere and is only watched here.",
    "calendars": "Days and windows in which jobs are to rest.",
    "secrets": "Values that targets use and nobody reads.",
    "channels": "Where messages about runs go.",
    "notifications": "Messages that wait, were sent, or could not be.",
    "status": "Who executes, how everything stands, and this description.",
    "commands": "What became of a change that was answered with 202.",
    "audit": "Who changed what.",
    "tokens": "Credentials of programs.",
    "login": "Who one is, and how one becomes somebody.",
    "kala": "Kala's protocol, for its clients.",
    "simple-scheduler": "simple-scheduler's protocol, for its clients.",
    "ha-jobs": "The protocol of ha-jobs, for its clients.",
}

_SCHEMES: Final = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token (`slc_...`), or an access token of the identity provider.",
    }
}

_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag as it was read: refuse the change unless it is still the same.",
    "schema": {"type": "string", "pattern": '^"[0-9]{1,18}"$'},
}

_RUN_TOKEN: Final[dict[str, Any]] = {
    "name": "X-Solocron-Token",
    "in": "header",
    "required": False,
    "description": "The token that came with the run's request; or `Authorization: Bearer`.",
    "schema": _TEXT,
}

_IDEMPOTENCY_KEY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Any text of your own: the same request sent again with it has one effect.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def document(
    routes: Iterable[Route], version: str, schemas: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of *routes*, which use *schemas* besides the service's."""
    paths: dict[str, dict[str, Any]] = {}
    used = set()
    for route in routes:
        used.add(route.tag)
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Solocron",
            "version": version,
            "summary": "Cron jobs that run once, whatever happens to the machines.",
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "tags": [
            {"name": name, "description": text} for name, text in _TAGS.items() if name in used
        ],
        "paths": paths,
        "components": {"schemas": {**components(), **(schemas or {})}, "securitySchemes": _SCHEMES},
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    need = need_of(route.method, route.path)
    # No scheme is also enough: whether any is asked for is the installation's to decide.
    operation["security"] = [] if need.public else [{"token": list(need.scopes)}, {}]
    if route.description:
        operation["description"] = route.description
    if route.body is not None:
        operation["requestBody"] = _request_body(route.body)
    if route.raw:
        text = {"text/plain": {"schema": {"type": "string"}}}
        operation["requestBody"] = {"required": False, "content": text}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [_path_parameter(name) for name in route.variables]
    found += [_query_parameter(parameter) for parameter in route.query]
    if route.conditional:
        found.append(_IF_MATCH)
    if route.repeatable:
        found.append(_IDEMPOTENCY_KEY)
    if route.token:
        found.append(_RUN_TOKEN)
    return found


def _path_parameter(name: str) -> dict[str, Any]:
    described, schema = _VARIABLES.get(name, (f"Id of a {name}.", _TEXT))
    parameter = {
        "name": name,
        "in": "path",
        "required": True,
        "description": described,
        "schema": schema,
    }
    return parameter | ({"example": VARIABLES[name]} if name in VARIABLES else {})


def _query_parameter(parameter: parameters.Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _request_body(body: Body) -> dict[str, Any]:
    content = {"schema": ref(body.schema)}
    if body.schema in BODIES:
        content["example"] = BODIES[body.schema]
    return {
        "required": body.required,
        "content": dict.fromkeys(body.media_types or (JSON,), content),
    }


def _responses(route: Route) -> dict[str, Any]:
    responses = {str(status.value): _answer(answer) for status, answer in route.answers.items()}
    if route.writes and "202" not in responses:
        accepted = Answer(
            schema="Command",
            description="Accepted durably, not yet answered; ask at Location.",
            headers=("Location",),
        )
        responses["202"] = _answer(accepted)
    for status in sorted(_problem_statuses(route) - set(route.answers)):
        described = _problem(status, route.refusal)
        if route.refusal == "Problem" and not need_of(route.method, route.path).public:
            described["content"][MEDIA_TYPE] |= _examples(status)
        responses[str(status.value)] = described
    return responses


def _answer(answer: Answer) -> dict[str, Any]:
    described: dict[str, Any] = {"description": answer.description}
    content = {} if answer.schema is None else {"application/json": {"schema": ref(answer.schema)}}
    content |= {media_type: {"schema": {"type": "string"}} for media_type in answer.streams}
    if content:
        described["content"] = content
    if answer.headers:
        described["headers"] = {name: _header(name) for name in answer.headers}
    return described


def _problem(status: HTTPStatus, schema: str) -> dict[str, Any]:
    media_type = MEDIA_TYPE if schema == "Problem" else JSON
    described: dict[str, Any] = {
        "description": _PROBLEMS[status],
        "content": {media_type: {"schema": ref(schema)}},
    }
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        described["headers"] = {"Retry-After": _header("Retry-After")}
    if status is HTTPStatus.UNAUTHORIZED:
        described["headers"] = {"WWW-Authenticate": _header("WWW-Authenticate")}
    return described


def _examples(status: HTTPStatus) -> dict[str, Any]:
    return {"examples": EXAMPLES[status]} if status in EXAMPLES else {}


def _header(name: str) -> dict[str, Any]:
    return {"description": _HEADERS[name], "schema": {"type": "string"}}


def _problem_statuses(route: Route) -> set[HTTPStatus]:
    # Every request can carry an unknown query parameter and find a dependency away.
    found = {HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE, *route.problems}
    if route.variables or parameters.JOB in route.query:
        found.add(HTTPStatus.NOT_FOUND)
    if "job" in route.variables:
        found.add(HTTPStatus.CONFLICT)
    # Also a page of another site, or one under another name.
    found.add(HTTPStatus.FORBIDDEN)
    if not need_of(route.method, route.path).public:
        found |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS}
    if route.body is not None:
        found |= {
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        }
    if route.writes:
        found |= {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}
    if route.token:
        found.add(HTTPStatus.UNAUTHORIZED)
    if route.conditional:
        found.add(HTTPStatus.PRECONDITION_FAILED)
    return found
