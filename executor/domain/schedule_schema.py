"""The document of a schedule as JSON Schema, for the API's description of itself.

Says which fields there are and of which form; what an expression may hold is the
business of its kind.  A test holds it against the fields that are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from executor.domain.cron import DayRule, Dialect
from executor.domain.cron_schedule import Fold, Gap

_Schema = dict[str, Any]


def _or_null(schema: _Schema) -> _Schema:
    return {"anyOf": [schema, {"type": "null"}], "default": None}


_INSTANT: Final[_Schema] = {
    "type": "string",
    "format": "date-time",
    "examples": ["2026-12-01T00:00:00Z"],
}

#: The fields that every kind has.
_COMMON: Final[_Schema] = {
    "jitter": {
        "type": "string",
        "default": "PT0S",
        "examples": ["PT30S", "5m"],
        "description": "Longest delay of a start, spread over the jobs; at most P1D.",
    },
    "not_before": {**_or_null(_INSTANT), "description": "Slots before it do not exist."},
    "not_after": {**_or_null(_INSTANT), "description": "Slots after it do not exist."},
    "engine": {"const": 1, "default": 1, "description": "The set of rules."},
}


def _kind(name: str, required: str, fields: _Schema) -> _Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["kind", required],
        "properties": {"kind": {"const": name}, **fields, **_COMMON},
    }


def _enum(values: Iterable[StrEnum]) -> _Schema:
    names = [str(value) for value in values]
    return {"enum": names, "default": names[0]}


#: A schedule as in a job: a short form, an object of one of the kinds, or null.
SCHEDULE_SCHEMA: Final[_Schema] = {
    "anyOf": [
        {
            "type": "string",
            "examples": ["*/5 * * * *", "R/2026-12-01T00:00:00Z/PT10S"],
            "description": "Five cron columns, or a repeating interval.",
        },
        _kind(
            "cron",
            "expression",
            {
                "expression": {
                    "type": "string",
                    "examples": ["30 2 * * *", "H H(0-5) * * mon-fri"],
                },
                "dialect": _enum(Dialect),
                "timezone": {"type": "string", "default": "UTC", "examples": ["Europe/Berlin"]},
                "gap": _enum(Gap),
                "fold": _enum(Fold),
                "dom_dow": _enum(DayRule),
            },
        ),
        _kind(
            "interval",
            "expression",
            {
                "expression": {
                    "type": "string",
                    "examples": ["R5/2026-12-01T00:00:00Z/P1M", "R/2026-12-01T00:00:00Z/PT10S"],
                    "description": "ISO 8601: how often (`R` for ever, `Rn` n repeats after the "
                    "first run), START, distance.",
                },
                "timezone": {
                    **_or_null({"type": "string", "examples": ["Europe/Berlin"]}),
                    "description": "Whose wall clock years to days keep; null: START's offset.",
                },
            },
        ),
        _kind("once", "at", {"at": {**_INSTANT, "description": "The one instant."}}),
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["kind"],
            "properties": {
                "kind": {"const": "continuous"},
                "delay": {
                    "type": "string",
                    "default": "PT1S",
                    "examples": ["PT1S", "5s"],
                    "description": "From the end of a run to the next one.",
                },
                "max_delay": {
                    "type": "string",
                    "default": "PT1M",
                    "examples": ["PT1M", "1h"],
                    "description": "The same after failures in a row, for each of which it is "
                    "twice as long: at most this.",
                },
                "engine": _COMMON["engine"],
            },
        },
        {"type": "null"},
    ]
}
