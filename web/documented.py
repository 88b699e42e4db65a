"""JSON Schema of the types that validate requests, with what their fields' docstrings say.

pydantic can read them, too, but when it builds the validator: in every process that has one, and
from the whole module's source for each class.  That was half of the time that a process needs to
start; only the API's description shows them.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema


class Documented(GenerateJsonSchema):
    """Describes each field of a dataclass by the text that stands below it."""

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        """Return the schema of a dataclass."""
        written = super().dataclass_schema(schema)
        texts = _texts_of(schema["cls"])
        for field in _fields(schema["schema"]):
            shown = written["properties"].get(field.get("validation_alias") or field["name"])
            if shown is not None and field["name"] in texts:
                shown.setdefault("description", texts[field["name"]])
        return written


def _fields(schema: Mapping[str, Any]) -> list[dict[str, Any]]:
    while "fields" not in schema:
        schema = schema["schema"]
    fields: list[dict[str, Any]] = schema["fields"]
    return fields


def _texts_of(kind: type) -> dict[str, str]:
    texts: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        if one is not object:
            texts.update(_texts(one.__module__).get(one.__qualname__, {}))
    return texts


@cache
def _texts(module: str) -> Mapping[str, Mapping[str, str]]:
    """Return what stands below the fields of each class at the top level of *module*."""
    body = ast.parse(inspect.getsource(sys.modules[module])).body
    return {one.name: _below(one.body) for one in body if isinstance(one, ast.ClassDef)}


def _below(body: list[ast.stmt]) -> dict[str, str]:
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
