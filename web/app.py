"""The factory: a Flask application from :class:`~web.services.Services`, and nothing global.

Everything that can go wrong is done at start: the OpenAPI document is written once,
routes that clash would raise here.
"""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response

from executor.domain.faces import Face
from web import (
    audit,
    backfills,
    batches,
    bodies,
    calendars,
    callers,
    changes,
    channels,
    commands,
    explanations,
    jobs,
    load,
    notifications,
    openapi,
    outputs,
    pings,
    problems,
    protection,
    reports,
    revisions,
    runs,
    schedules,
    secrets,
    sign_in,
    status,
    tokens,
    ui,
    upcoming,
)
from web.addresses import Application
from web.compat import spoken
from web.documents import json_response
from web.following import FOLLOWERS
from web.gate import Gate
from web.routes import Answer, Call, Route, register
from web.services import Services

__all__ = ["Services", "create_app"]

_TABLES: Final = (
    jobs.TABLE,
    changes.TABLE,
    batches.TABLE,
    upcoming.TABLE,
    explanations.TABLE,
    backfills.TABLE,
    revisions.TABLE,
    runs.TABLE,
    outputs.TABLE,
    reports.TABLE,
    pings.TABLE,
    calendars.TABLE,
    secrets.TABLE,
    tokens.TABLE,
    audit.TABLE,
    channels.TABLE,
    notifications.TABLE,
    schedules.TABLE,
    load.TABLE,
    commands.TABLE,
    callers.TABLE,
    status.TABLE,
)


def create_app(services: Services) -> Flask:
    """Return the WSGI application that serves *services*; safe under threads."""
    app = Application(frozenset(services.faces))
    bodies.limit(app, services.max_body)
    app.extensions[FOLLOWERS] = services.followers
    faces = spoken(services.faces)
    problems.install(app, {face.place: face.refuse for face in faces})
    protection.install(app, services.entrance)
    gate = Gate(services)
    routes, description = _routes(frozenset(services.faces), services.version)
    for route in routes:
        register(app, route, services, gate)
    ui.install(app, services, gate, description)
    sign_in.install(app, services, gate)
    app.complete()
    return app


@cache
def _routes(faces: frozenset[Face], version: str) -> tuple[list[Route], dict[str, Any]]:
    """Return the routes of the API and of *faces*, and the document that describes them all."""
    foreign = spoken(faces)
    tables = [*_TABLES, *(table for face in foreign for table in face.tables)]
    routes = [route for table in tables for route in table.routes]
    schemas = {name: schema for face in foreign for name, schema in face.schemas.items()}
    description: dict[str, Any] = {}
    described = [*routes, _description_route(description)]
    description.update(openapi.document(described, version, schemas))
    return described, description


def _description_route(description: dict[str, Any]) -> Route:
    """Return the route that answers with *description*, which it is a part of itself."""

    def get_openapi(call: Call) -> Response:
        return json_response(description)

    return Route(
        method="GET",
        path="/openapi.json",
        handler=get_openapi,
        summary="This document",
        tag="status",
        answers={HTTPStatus.OK: Answer(schema="OpenAPI", description="OpenAPI 3.1.")},
    )
