"""The OpenAPI document as people read it: parts, operations, fields in words, a request to copy.

Pure: it knows the document and nothing of the service.  All texts of the document are written by
us; they are escaped all the same, and what stands in backticks becomes code.

A schema is shown one level deep, with the objects that are written within it; a schema with a name
of its own is a link to the page that shows it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from markupsafe import Markup, escape

#: Where the page of a schema is.
SCHEMAS: Final = "/docs/schemas"

#: Lowest status of a refusal.
_REFUSED: Final = 400

#: Bounds of numbers and texts, as they are read.
_BOUNDS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {:,} characters",
    "maxItems": "at most {:,} items",
    "maxProperties": "at most {:,} entries",
}

#: The bound of what must not be empty.
_SOMETHING: Final = ("minLength", 1)

#: So many fields of a schema are not written twice on one page.
_MANY: Final = 10

#: What stands in an address for a variable that has no example.
_UNKNOWN: Final = "ID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of an object, or a parameter.

    Attributes:
        kind: its type in words, with links to schemas.
        more: bounds, the default, examples: what a second line says.
        inner: the objects that it may hold, each with a title.
    """

    name: str
    kind: Markup
    required: bool
    text: Markup
    more: Markup
    place: str = ""
    inner: Sequence[tuple[str, Sequence[Field]]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A schema: what it is, and its fields if it is an object.

    Attributes:
        more: examples and the like.
        inner: the objects of which it is one, each with a title.
        like: the name of a schema that has all its other fields; empty: there are no others.
    """

    name: str
    kind: Markup
    text: Markup
    fields: Sequence[Field]
    more: Markup
    inner: Sequence[tuple[str, Sequence[Field]]]
    like: str = ""

    def beside(self, other: Shape) -> Shape:
        """Return what this one has that *other* has not, if it has all fields of that and more."""
        names = {field.name for field in self.fields}
        if len(other.fields) < _MANY or not all(one.name in names for one in other.fields):
            return self
        own = [field for field in self.fields if field not in other.fields]
        return replace(self, fields=own, like=other.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a status means; ``shape`` is the name of the schema of its body."""

    status: str
    text: Markup
    media: str = ""
    shape: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method at one path."""

    id: str
    method: str
    path: str
    summary: str
    text: Markup
    scopes: Sequence[str]
    public: bool
    parameters: Sequence[Field]
    body: str
    answers: Sequence[Answer]
    refusals: Sequence[Answer]
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A tag of the document, and what belongs to it: method, path, summary and id of each."""

    name: str
    text: Markup
    heads: Sequence[tuple[str, str, str, str]]


def prose(text: str) -> Markup:
    """Return *text* with what stands in backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


class Reference:
    """The document, read.

    Args:
        document: OpenAPI 3.1, as ``openapi`` writes it.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._schemas: Mapping[str, Any] = document["components"]["schemas"]

    def parts(self) -> list[Part]:
        """Return the parts in the order of the document."""
        return [
            Part(
                name=tag["name"],
                text=prose(tag["description"]),
                heads=[
                    (method.upper(), path, operation["summary"], operation["operationId"])
                    for method, path, operation in self._operations(tag["name"])
                ],
            )
            for tag in self._document["tags"]
        ]

    def operations(self, part: str, url: str, guarded: bool) -> list[Operation]:
        """Return the operations of *part*; requests go to *url*, with a token if *guarded*."""
        return [
            self._read(method, path, operation, url, guarded)
            for method, path, operation in self._operations(part)
        ]

    def shape(self, name: str) -> Shape | None:
        """Return the schema *name*; None if there is none of it."""
        schema = self._schemas.get(name)
        if schema is None:
            return None
        return Shape(
            name=name,
            kind=_kind(schema),
            text=prose(schema.get("description", "")),
            fields=list(_fields(schema)),
            more=_more(schema),
            inner=[] if "properties" in schema else list(_inner(schema)),
        )

    def _operations(self, part: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for path, methods in self._document["paths"].items():
            for method, operation in methods.items():
                if part in operation["tags"]:
                    yield method, path, operation

    def _read(
        self, method: str, path: str, operation: Mapping[str, Any], url: str, guarded: bool
    ) -> Operation:
        security = operation["security"]
        answers = [_answer(status, one) for status, one in operation["responses"].items()]
        content = operation.get("requestBody", {}).get("content", {})
        return Operation(
            id=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation["summary"],
            text=prose(operation.get("description", "")),
            scopes=security[0]["token"] if security else (),
            public=not security,
            parameters=[_parameter(one) for one in operation["parameters"]],
            body=next((_named(one["schema"]) for one in content.values()), ""),
            answers=[one for one in answers if int(one.status) < _REFUSED],
            refusals=[one for one in answers if int(one.status) >= _REFUSED],
            example=_curl(method, path, operation, url, guarded and bool(security)),
        )


def _answer(status: str, document: Mapping[str, Any]) -> Answer:
    content = document.get("content", {})
    return Answer(
        status=status,
        text=prose(document["description"]),
        media=", ".join(content),
        shape=next((name for one in content.values() if (name := _named(one["schema"]))), ""),
    )


def _named(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _parameter(parameter: Mapping[str, Any]) -> Field:
    schema = parameter["schema"]
    return Field(
        name=parameter["name"],
        kind=_kind(schema),
        required=bool(parameter.get("required")),
        text=prose(parameter.get("description", "")),
        more=_more(schema),
        place=parameter["in"],
    )


def _fields(schema: Mapping[str, Any]) -> Iterator[Field]:
    required = schema.get("required") or ()
    for name, one in schema.get("properties", {}).items():
        yield Field(
            name=name,
            kind=_kind(one),
            required=name in required,
            text=prose(one.get("description", "")),
            more=_more(one),
            inner=list(_inner(one)),
        )


def _inner(schema: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Field]]]:
    """Yield the objects that are written within *schema*, each with a title."""
    for one in (schema, schema.get("items") or {}, *_choices(schema)):
        if "properties" in one:
            kind = one["properties"].get("kind", {}).get("const")
            yield (f"kind {kind}" if kind else "object"), list(_fields(one))


def _choices(schema: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [*schema.get("anyOf", ()), *schema.get("oneOf", ())]


def _kind(schema: Mapping[str, Any]) -> Markup:
    """Return the type of *schema* in words."""
    if name := _named(schema):
        return Markup('<a href="{}/{}">{}</a>').format(SCHEMAS, quote(name), name)
    if "const" in schema:
        return Markup("<code>{}</code>").format(json.dumps(schema["const"]))
    if "enum" in schema:
        values = [Markup("<code>{}</code>").format(one) for one in schema["enum"]]
        return Markup(", ").join(values)
    if "properties" not in schema and (choices := _choices(schema)):
        return Markup(" or ").join(dict.fromkeys(_kind(one) for one in choices))
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        return Markup(" or ").join(kind)
    if kind == "array":
        return Markup("list of {}").format(_kind(schema.get("items", {})))
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return Markup("object of {}").format(_kind(schema["additionalProperties"]))
    return Markup("{}").format("instant" if schema.get("format") == "date-time" else kind)


def _more(schema: Mapping[str, Any]) -> Markup:
    """Return bounds, default and examples of *schema*."""
    notes = [
        Markup("not empty" if (key, schema[key]) == _SOMETHING else words.format(schema[key]))
        for key, words in _BOUNDS.items()
        if key in schema
    ]
    if schema.get("readOnly"):
        notes.append(Markup("set by the service, ignored here"))
    if schema.get("default") not in (None, "", [], {}):
        written = json.dumps(schema["default"], ensure_ascii=False)
        notes.append(Markup("default <code>{}</code>").format(written))
    examples = [one for choice in (schema, *_choices(schema)) for one in choice.get("examples", ())]
    if examples:
        texts = (one if isinstance(one, str) else json.dumps(one) for one in examples[:2])
        shown = [Markup("<code>{}</code>").format(text) for text in texts]
        notes.append(Markup("such as ") + Markup(" or ").join(shown))
    return Markup("; ").join(notes)


def _curl(method: str, path: str, operation: Mapping[str, Any], url: str, token: bool) -> str:
    """Return a request that can be pasted into a shell."""
    parameters = operation["parameters"]
    for one in parameters:
        if one["in"] == "path":
            text = str(one.get("example", _UNKNOWN))
            path = path.replace(f"{{{one['name']}}}", quote(text, safe=""))
    query = [
        f"{one['name']}={quote(_sample(one['schema']), safe='')}"
        for one in parameters
        if one["in"] == "query" and one.get("required")
    ]
    address = f"{url}{path}{'?' if query else ''}{'&'.join(query)}"
    words = ["curl"] + ([] if method == "get" else ["-X", method.upper()])
    lines = [" ".join([*words, shlex.quote(address)])]
    if token:
        lines.append('-H "Authorization: Bearer $SOLOCRON_TOKEN"')
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        if "example" in content:
            body = json.dumps(content["example"], ensure_ascii=False)
            lines += [f"-H 'Content-Type: {media}'", f"-d {shlex.quote(body)}"]
        break
    return " \\\n  ".join(lines)


def _sample(schema: Mapping[str, Any]) -> str:
    if "examples" in schema:
        return str(schema["examples"][0])
    return "2026-12-01T02:30:00Z" if schema.get("format") == "date-time" else _UNKNOWN
