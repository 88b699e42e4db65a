"""One table for serving and for describing: what a route takes, does and answers.

A handler is a function from :class:`Call` to a response and sees a request that has
been read and checked already.  ``app`` registers the table with Flask, ``openapi``
writes the API's description from it, so the two cannot disagree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, request
from werkzeug.datastructures import Headers

from executor.domain.access import Caller
from executor.domain.errors import Fault
from web.access import narrowed, need_of
from web.bodies import JSON, read_bytes, read_object
from web.gate import Gate
from web.parameters import Parameter, read_query
from web.problems import unprocessable
from web.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as a handler sees it.

    Attributes:
        services: with readers that show what the caller may see.
        within: the tags that he is narrowed to; None: to none.
        path: the variable parts of the path.
        query: every parameter of the route, the default where none was given.
        document: what the route's body made of the JSON object, or the bytes of a raw one; None
            without a body.
    """

    services: Services
    caller: Caller
    within: tuple[str, ...] | None
    method: str
    url: str
    path: Mapping[str, str]
    query: Mapping[str, Any]
    document: Any
    headers: Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a route accepts as its body: a JSON object.

    Attributes:
        schema: name of its schema in ``schemas``.
        read: makes the handler's value of the object, or raises what answers 422.
        required: an empty body is a fault; otherwise it is read as ``{}``.
        media_types: what it may be sent as; none: whatever it is said to be.
    """

    schema: str
    read: Callable[[dict[str, Any]], Any]
    required: bool = True
    media_types: tuple[str, ...] = (JSON,)


def _read_nothing(document: dict[str, Any]) -> None:
    if document:
        raise unprocessable(
            [Fault(name, "unknown field; this request has none") for name in document]
        )


#: The body of a request that needs no arguments: absent, or an object without fields.
NOTHING: Final = Body(schema="Nothing", read=_read_nothing, required=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A success: the name of its schema in ``schemas``, None for an empty body.

    ``streams`` are the media types of text that it may be instead, or is without a schema.
    """

    schema: str | None
    description: str
    headers: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method at one path, written as in OpenAPI: ``/v1/jobs/{job}``.

    Attributes:
        writes: sends a command; it may be answered with 202, and with 409 and 503.
        conditional: honours ``If-Match``.
        repeatable: honours ``Idempotency-Key``.
        token: asks for the token of a run.
        lenient: of another system's protocol: whatever else the query holds is left alone, and a
            slash at the end of the path may be left out.
        refusal: name of the schema of its problems.
        raw: takes any body, as bytes: the beginning of it, if it is long.
        problems: statuses of refusals that do not follow from the rest.
    """

    method: str
    path: str
    handler: Callable[[Call], Response]
    summary: str
    tag: str
    answers: Mapping[HTTPStatus, Answer]
    description: str = ""
    query: tuple[Parameter, ...] = ()
    body: Body | None = None
    writes: bool = False
    conditional: bool = False
    repeatable: bool = False
    token: bool = False
    lenient: bool = False
    refusal: str = "Problem"
    raw: bool = False
    problems: tuple[HTTPStatus, ...] = ()

    @property
    def name(self) -> str:
        """The handler's name: unique, and the route's ``operationId``."""
        return self.handler.__name__

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variable parts of the path."""
        return tuple(re.findall(r"{(\w+)}", self.path))


@dataclass(frozen=True, slots=True)
class Table:
    """The routes of one module, collected by :meth:`add`."""

    routes: list[Route] = field(default_factory=list)

    def add(
        self, method: str, path: str, **about: Any
    ) -> Callable[[Callable[[Call], Response]], Callable[[Call], Response]]:
        """Return a decorator that lists its function as the handler of *method* and *path*."""

        def listed(handler: Callable[[Call], Response]) -> Callable[[Call], Response]:
            self.routes.append(Route(method=method, path=path, handler=handler, **about))
            return handler

        return listed


def register(app: Flask, route: Route, services: Services, gate: Gate) -> None:
    """Make *app* serve *route* to whom *gate* lets in with the rights it needs."""
    need = need_of(route.method, route.path)

    def view(**path: str) -> Response:
        caller = gate.caller(request, need)
        seen, within = narrowed(services, caller, need)
        return route.handler(_call(route, seen, caller, within, path))

    rule = re.sub(r"{(\w+)}", r"<\1>", route.path)
    app.add_url_rule(
        rule,
        endpoint=route.name,
        view_func=view,
        methods=[route.method],
        strict_slashes=not route.lenient,
    )


def _call(
    route: Route,
    services: Services,
    caller: Caller,
    within: tuple[str, ...] | None,
    path: dict[str, str],
) -> Call:
    query = read_query(route.query, request.args, others=route.lenient)
    document: Any = None
    if route.raw:
        document = read_bytes(request)
    elif route.body is not None:
        document = route.body.read(
            read_object(request, route.body.media_types, route.body.required)
        )
    return Call(
        services=services,
        caller=caller,
        within=within,
        method=request.method,
        url=request.path,
        path=path,
        query=query,
        document=document,
        headers=request.headers,
    )
