"""JSON values that people write into a job: what each store can keep, and how large they may be.

A value is judged as a whole and never changed.  Rules: numbers are finite, whole ones have 64
bits at most, names are texts, and nothing is nested deeper than :data:`DEEPEST` levels, because
values are walked level by level for every run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Final

#: Deepest nesting, levels; people write three or four.
DEEPEST: Final = 20

#: What every store keeps as a whole number: 64 bits with a sign.
_LARGEST: Final = 2**63


def checked_json(value: object, longest: int) -> object:
    """Return *value* if each store can keep it.

    Args:
        longest: characters that its JSON text may have.

    Raises:
        ValueError: it is no JSON value, too large, or holds what some store cannot keep.
    """
    for part, depth in _parts(value, 1):
        if depth > DEEPEST:
            raise ValueError(f"is nested deeper than {DEEPEST} levels")
        if isinstance(part, str) and "\x00" in part:
            raise ValueError("must not contain the NUL character")
        if isinstance(part, float) and not math.isfinite(part):
            raise ValueError("has a number that JSON does not know; write a finite one")
        if isinstance(part, int) and not -_LARGEST <= part < _LARGEST:
            raise ValueError("has a whole number of more than 64 bits; write a smaller one")
    if len(json.dumps(value)) > longest:
        raise ValueError(f"is longer than {longest:,} characters; write a smaller one")
    return value


def _parts(value: object, depth: int) -> Iterator[tuple[object, int]]:
    """Return everything within *value*, names too, each with how deep it lies."""
    yield value, depth
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        for name, member in value.items():
            if not isinstance(name, str):
                raise ValueError("names have to be strings")
            yield name, depth
            yield from _parts(member, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _parts(item, depth + 1)
    elif value is not None and not isinstance(value, (str, int, float)):
        raise ValueError("has to be a JSON value")
