"""Where a document stands: its file, and the line of every field.

What reads a file makes a :class:`Source` for each document in it, so that whoever finds a fault,
here or at the service, can say where to correct it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A fault and where it is; ``line`` counts from 1, 0 where there is none."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return (
            f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}"
        )

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "file": self.file,
            "line": self.line or None,
            "field": self.field,
            "message": self.message,
        }


class Faulty(Exception):
    """Something is wrong with the documents; nothing was changed.  Lists every fault."""

    def __init__(self, faults: Iterable[Place]) -> None:
        self.faults = sorted(faults)
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(frozen=True, slots=True)
class Source:
    """A document as it was read.

    Attributes:
        value: JSON-ready.
        lines: of each field by its dotted path; ``""`` is the document's first line.
    """

    file: str
    value: Any
    lines: Mapping[str, int]

    def line_of(self, field: str) -> int:
        """Return the line of *field*, or of the closest object around it that was written."""
        while field and field not in self.lines:
            field = field.rpartition(".")[0]
        return self.lines[field]

    def fault(self, field: str, message: str) -> Place:
        """Return what is wrong with *field*, with its place."""
        return Place(self.file, self.line_of(field), field, message)
