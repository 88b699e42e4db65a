"""What differs between two definitions, field by field, and how that is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, Final

#: Characters of a value that are shown on one line.
_SHOWN: Final = 160

#: What is shown for a field that one side does not have.
ABSENT: Final = "(none)"


class _Absent:
    def __repr__(self) -> str:
        return ABSENT


_ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Difference:
    """A field whose value is to change; either side may be absent."""

    field: str
    old: Any
    new: Any

    def lines(self) -> Iterator[str]:
        """Yield it for people: one line, or for long texts the lines that differ."""
        old, new = self.old, self.new
        if isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
            yield f"{self.field}:"
            before, after = old.splitlines(), new.splitlines()
            for line in list(unified_diff(before, after, lineterm="", n=1))[2:]:
                yield f"  {line}"
            if before == after:
                yield "  (line breaks)"
            return
        yield f"{self.field}: {_shown(self.old)} -> {_shown(self.new)}"

    def sides(self) -> tuple[str | None, str | None]:
        """Return old and new for people, each on one line and cut; None for what is absent."""
        return _side(self.old), _side(self.new)

    def document(self) -> dict[str, Any]:
        """Return it for programs; what is absent is left out."""
        sides = {"old": self.old, "new": self.new}
        return {"field": self.field} | {k: v for k, v in sides.items() if v is not _ABSENT}


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Return the fields in which *new* differs from *old*, in the order of *new*."""
    return list(_differences("", old, new))


def _differences(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*new, *(name for name in old if name not in new)]:
            inner = f"{path}.{name}" if path else name
            yield from _differences(inner, old.get(name, _ABSENT), new.get(name, _ABSENT))
    elif old != new or isinstance(old, bool) is not isinstance(new, bool):
        yield Difference(path, old, new)


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return ABSENT
    text = value if _is_bare(value) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _side(value: Any) -> str | None:
    return None if value is _ABSENT else _shown(value)


def _is_bare(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and bool(value) and " " not in value
