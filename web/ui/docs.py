"""*The API*: its description as pages, one for each part and one for each schema.

The same document as at ``/openapi.json``, for whom that is: everybody.  A page of a part says
everything once: what stands there already is led to, or pages would outgrow what one reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, request
from markupsafe import Markup

from web.problems import Problem
from web.ui.frame import Shelf, Visit, show
from web.ui.reference import Answer, Reference, Shape


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
            shown=_Shown(reference),
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
    """What a page has shown already.

    Attributes:
        refusals: the place on the page where each is explained, by status and meaning.
    """

    def __init__(self, reference: Reference) -> None:
        self._reference = reference
        self._shapes: dict[str, Shape] = {}
        self.refusals: dict[tuple[str, Markup], str] = {}

    def first_of(self, name: str) -> Shape | None:
        """Return the schema *name* the first time, beside one it is like; None afterwards."""
        shape = None if name in self._shapes else self._reference.shape(name)
        if shape is None:
            return None
        for other in self._shapes.values():
            if not shape.like:
                shape = shape.beside(other)
        self._shapes[name] = shape
        return shape

    def place_of(self, refusal: Answer) -> str:
        """Return where on the page *refusal* is explained."""
        key = refusal.status, refusal.text
        if key not in self.refusals:
            others = sum(status == refusal.status for status, _ in self.refusals)
            self.refusals[key] = f"refused-{refusal.status}" + (f"-{others + 1}" if others else "")
        return self.refusals[key]


def _missing(detail: str) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, f"{detail}; /docs lists what there is")


def _url(visit: Visit) -> str:
    return visit.services.url or request.url_root.rstrip("/")
