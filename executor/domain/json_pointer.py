"""JSON Pointer: the place of one value in a JSON document, as text.

``/jobs/0/state`` is the member ``state`` of the first item of the member ``jobs``; the
empty pointer is the document itself.  ``~1`` stands for a slash within a name and ``~0``
for a tilde.  Places in lists are counted from 0, without leading zeros; ``-``, the place
after the last item, is never there.

Source: RFC 6901.
"""

from __future__ import annotations

import re
from typing import Any, Final

_POINTER: Final = re.compile(r"(/([^~]|~[01])*)?", re.DOTALL)
_PLACE: Final = re.compile(r"0|[1-9][0-9]{0,17}")


def check_pointer(text: str) -> str:
    """Return *text* if it is a JSON pointer.

    Raises:
        ValueError: it is not; says how to write one.
    """
    if not _POINTER.fullmatch(text):
        raise ValueError(
            f"{text!r} is not a JSON pointer; begin with /, as in /jobs/0/state, "
            "and write ~1 for / and ~0 for ~ within a name"
        )
    return text


def look_up(document: Any, pointer: str) -> Any:
    """Return the value at *pointer*, one that :func:`check_pointer` has passed.

    Raises:
        LookupError: there is nothing at this place.

    >>> look_up({"jobs": [{"a/b": None}]}, "/jobs/0/a~1b") is None
    True
    """
    value = document
    for token in pointer.split("/")[1:]:
        # In this order, or ~01 would become a slash.
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and _PLACE.fullmatch(name):
            value = value[int(name)]
        elif isinstance(value, dict):
            value = value[name]
        else:
            raise LookupError(name)
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values mean the same: 1 is 1.0, but neither is true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
