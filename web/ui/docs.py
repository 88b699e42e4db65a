"""*The API*: its description as pages, one for each part and one for each schema.

The same document as at ``/openapi.json``, for whom that is: everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, request

from web.problems import Problem
from web.ui.frame import Shelf, Visit, show
from web.ui.reference import Reference, Shape


def pages(document: Mapping[str, Any]) -> Shelf:
    """Return the pages that show the OpenAPI *document*."""
    shelf, reference = Shelf(), Reference(document)

    @shelf.add("GET", "/docs")
    def docs(visit: Visit) -> Response:
        return show(
            visit,
            "ui/docs.html",
            title="The API",
            parts=reference.parts(),
            part=None,
            url=_url(visit),
            guarded=visit.services.entrance.guarded,
        )

    @shelf.add("GET", "/docs/{part}")
    def docs_part(visit: Visit) -> Response:
        parts, guarded = reference.parts(), visit.services.entrance.guarded
        part = next((one for one in parts if one.name == visit.path["part"]), None)
        if part is None:
            raise _missing(f"the API has no part {visit.path['part']!r}")
        operations = reference.operations(part.name, _url(visit), guarded)
        return show(
            visit,
            "ui/docs_part.html",
            title=f"The API: {part.name}",
            parts=parts,
            part=part,
            operations=operations,
            first_of=_Shown(reference).first_of,
        )

    @shelf.add("GET", "/docs/schemas/{schema}")
    def docs_schema(visit: Visit) -> Response:
        shape = reference.shape(visit.path["schema"])
        if shape is None:
            raise _missing(f"the API has no schema {visit.path['schema']!r}")
        return show(
            visit,
            "ui/docs_schema.html",
            title=f"The API: {shape.name}",
            parts=reference.parts(),
            part=None,
            shape=shape,
        )

    return shelf


class _Shown:
    """Which schemas a page has shown already: each is written once, later ones lead there."""

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._names: set[str] = set()

    def first_of(self, name: str) -> Shape | None:
        """Return the schema *name* the first time; None afterwards."""
        if name in self._names:
            return None
        self._names.add(name)
        return self._reference.shape(name)


def _missing(detail: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"{detail}; /docs lists what there is")


def _url(visit: Visit) -> str:
    return visit.services.url or request.url_root.rstrip("/")
