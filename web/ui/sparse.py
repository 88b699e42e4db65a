"""Definitions as somebody would have written them: without what is as by default.

Leaving a default out loses nothing as long as it is the same one when the document is read again,
which it is, since that happens in the same process.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from executor.domain.job import (
    Definition,
    definition_from_document,
    definition_to_document,
)

#: What a target or schedule cannot do without, or is told apart by.
_OWN: Final = ("kind", "url", "command", "argv", "callable", "expression", "at")

#: What one of a list cannot do without.
_KEYS: Final = {"notify": "channel", "calendars": "name"}


def sparse(definition: Definition) -> dict[str, Any]:
    """Return the shortest document of *definition*."""
    full = definition_to_document(definition)
    bare: dict[str, Any] = {"name": definition.name, "target": _own(full["target"])}
    if full["schedule"] is not None:
        bare["schedule"] = {**_own(full["schedule"]), **_dialect(full["schedule"])}
    usual = _usual(bare)
    if _dialect(full["schedule"] or {}):
        del usual["schedule"]["dialect"]
    document = {**_without(full, usual), **_rows(full)}
    _tidy(document["target"].get("expect_body"))
    is_same = definition_from_document(document) == definition
    return document if is_same else full


def _usual(document: Mapping[str, Any]) -> dict[str, Any]:
    return definition_to_document(definition_from_document(document))


def _own(part: Mapping[str, Any]) -> dict[str, Any]:
    return {name: part[name] for name in _OWN if part.get(name) is not None}


def _dialect(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an expression cannot be read without, if it is not the usual one."""
    return {"dialect": schedule["dialect"]} if schedule.get("dialect", "cron5") != "cron5" else {}


def _without(value: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """Return *value* without what it has in common with *usual*, but for what it needs."""
    found: dict[str, Any] = {}
    for name, one in value.items():
        other = usual.get(name, ...)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            if inner := _without(one, other):
                found[name] = inner
        elif one != other or (name in {"name", *_OWN} and one is not None):
            found[name] = one
    return found


def _rows(full: Mapping[str, Any]) -> dict[str, Any]:
    """Return the lists of objects of *full*, each object without what it need not say."""
    found = {}
    for name, key in _KEYS.items():
        plain = {"name": full["name"], "target": _own(full["target"])}
        rows = []
        for row in full[name]:
            own = {key: row[key]}
            [usual] = _usual({**plain, name: [own]})[name]
            rows.append({**own, **_without(row, usual)})
        if rows:
            found[name] = rows
    return found


def _tidy(expect_body: dict[str, Any] | None) -> None:
    """Leave out of *expect_body* the question that is not asked."""
    if expect_body is None:
        return
    if expect_body.get("json_pointer") is None:
        expect_body.pop("json_pointer", None)
        expect_body.pop("equals", None)
    elif expect_body.get("contains") is None:
        expect_body.pop("contains", None)
