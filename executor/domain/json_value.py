"""JSON values that people put into a job: judged, and looked through.

A value is kept as a part of the job's definition, by stores with limits of their own, so it
has to be one that each of them gives back as it was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from typing import Any, Final

#: Deepest nesting: values are compared, filled in and written level by level.
_DEEPEST: Final = 20

#: What every store keeps as a whole number: 64 bits with a sign.
_LARGEST: Final = 2**63


def within(value: object, longest: int) -> object:
    """Return *value* if each store can keep it.

    Args:
        longest: characters of its JSON text.

    Raises:
        ValueError: it is no JSON value, too large, or holds what some store cannot keep.
    """
    for part, depth in _parts(value, 1):
        if depth > _DEEPEST:
            raise ValueError(f"is nested deeper than {_DEEPEST} levels")
        if isinstance(part, str) and "\x00" in part:
            raise ValueError("must not contain the NUL character")
        if isinstance(part, float) and not math.isfinite(part):
            raise ValueError("has a number that JSON does not know; write a finite one")
        if isinstance(part, int) and not -_LARGEST <= part < _LARGEST:
            raise ValueError("has a whole number of more than 64 bits; write a smaller one")
    if len(json.dumps(value)) > longest:
        raise ValueError(f"is longer than {longest:,} characters; write something shorter")
    return value


def _parts(value: object, depth: int) -> Iterator[tuple[object, int]]:
    """Return everything within *value*, names too, each with how deep it lies."""
    yield value, depth
    if depth > _DEEPEST:
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


def texts_in(value: Any) -> Iterator[str]:
    """Return every text in *value*, but for names."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from texts_in(member)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)


def with_texts(value: Any, change: Callable[[str], str], *, names: bool = False) -> Any:
    """Return *value* with what *change* makes of each text in it.

    Args:
        names: those of members are texts, too; else they stay.

    Raises:
        RecursionError: it is nested deeper than Python goes; JSON from outside may be.
    """
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {
            change(name) if names else name: with_texts(member, change, names=names)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [with_texts(item, change, names=names) for item in value]
    return value
