"""What the descriptions of answers are made of: JSON Schema in few words."""

from __future__ import annotations

from typing import Any, Final

Schema = dict[str, Any]

REF: Final = "#/components/schemas/{model}"

STRING: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer"}
INSTANT: Final[Schema] = {"type": "string", "format": "date-time"}


def ref(name: str) -> Schema:
    """Return a reference to the component *name*."""
    return {"$ref": REF.format(model=name)}


def or_null(schema: Schema) -> Schema:
    """Return the schema of what may be missing."""
    return {"anyOf": [schema, {"type": "null"}]}


def object_of(properties: dict[str, Schema], description: str = "") -> Schema:
    """Return the schema of an answer: every property is always there, and no other."""
    about = {"description": description} if description else {}
    return {
        **about,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def enum(*values: str) -> Schema:
    """Return the schema of one of these words."""
    return {"type": "string", "enum": list(values)}


def list_of(item: Schema) -> Schema:
    """Return the schema of one part of a list."""
    following = {**or_null(STRING), "description": "Send it as `cursor` for what follows."}
    return object_of({"items": {"type": "array", "items": item}, "next": following})
