"""What an import brings: documents of jobs, and a report of what is not as it was.

Words
-----
note
    One thing that the reader of an import has to know, with the line (or the job) it is about.
    ``refused``: it could not be taken.  ``differs``: it was taken and will behave otherwise in
    some case.  ``told``: it was taken and means the same, but not in the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from executor.client.source import Source
from executor.domain.fields import is_job_id

#: Longest name that is made up, characters, before a number that makes it unique.
_LONGEST_NAME: Final = 80

#: What a made-up name does not hold: it is typed in shells and stands in addresses.
_NOT_IN_NAMES: Final = re.compile(r"[^\w.@+-]+")

#: Longest time of a run where the other system has no limit: long enough for anything that
#: still does something.
NO_LIMIT: Final = "P7D"


class Kind(StrEnum):
    """What a note says; see the module."""

    REFUSED = "refused"
    DIFFERS = "differs"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the report.

    Attributes:
        line: of the file, from 1; 0: about all of it.
        subject: the job it is about, where there are no lines.
        code: names the kind of thing, for programs.
        message: what is so, and what to do.
    """

    kind: Kind
    code: str
    message: str
    line: int = 0
    subject: str = ""

    def text(self, file: str) -> str:
        """Return it for people; *file* is the name of what was read."""
        where = f"{file}:{self.line}" if self.line else file
        about = f" {self.subject}:" if self.subject else ""
        return f"{where}: {self.kind}:{about} {self.message}"

    def document(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "kind": self.kind.value,
            "code": self.code,
            "line": self.line or None,
            "job": self.subject or None,
            "message": self.message,
        }


@dataclass(slots=True)
class Imported:
    """Documents and notes, in the order in which they were met; ``lines`` has where each began."""

    documents: list[dict[str, Any]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """How many things could not be taken."""
        return sum(note.kind is Kind.REFUSED for note in self.notes)

    def add(self, document: dict[str, Any], line: int = 0) -> None:
        """Take a document that was made of what stands at *line*."""
        self.documents.append(document)
        self.lines.append(line)

    def sources(self, file: str) -> list[Source]:
        """Return the documents as if they had been read from *file*."""
        return [
            Source(file, document, {"": line})
            for document, line in zip(self.documents, self.lines, strict=True)
        ]


class Names:
    """Gives each job a name of its own that can be read, typed and put in an address."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def unique(self, wish: str, instead: str = "job") -> str:
        """Return *wish*, as far as it can be a name, with a number if that is taken."""
        name = _NOT_IN_NAMES.sub("-", wish).strip("-.")[:_LONGEST_NAME].strip("-.")
        if not name or is_job_id(name):
            name = f"{instead}-{name}".strip("-")
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}-{number}"
        self._taken.add(found)
        return found
