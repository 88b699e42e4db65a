"""Named resources: small things that jobs refer to by name, as calendars and secrets are.

All kinds of them are stored, changed and forgotten alike; they differ in what they hold, and
that is a :class:`Kind`.

Rules
-----
1. A record has a name, unique in its kind, and a revision, by which it is written
   (compare-and-set).  The revision counts the changes under the name, deletions among them.
2. A deleted one keeps its record until that is purged, so that a repeated command is known and
   the revisions go on when one of that name is made again.
3. There are few of them: all are loaded at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from executor.domain.job import LastCommand

#: What a resource holds, besides what the service knows of it.
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, eq=False)
class Kind(Generic[Value]):
    """A kind of resource.

    Attributes:
        word: what one is called: in errors, log lines, and the facts of an answer.
        plural: what its records are kept under: a table, a collection.
        harm: what it means that one cannot be read, in words for the operator.
        to_fields: writes a value as fields of its document; ``id``, ``revision``,
            ``updated_at``, ``deleted`` and those of the last command are taken.
        from_fields: reads the value out of a whole document.  Raises what tells why not:
            an error of Solocron's, LookupError, TypeError or ValueError.
    """

    word: str
    plural: str
    harm: str
    to_fields: Callable[[Value], dict[str, Any]]
    from_fields: Callable[[Mapping[str, Any]], Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Generic[Value]):
    """A resource with what the service knows about it.

    Attributes:
        revision: counts the changes under this name, deletions among them, from 1.
        last_command: the command that made this revision.
        deleted: it is gone for its users; the record stays.
    """

    name: str
    value: Value
    revision: int
    updated_at: datetime
    last_command: LastCommand | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that cannot be read; ``revision`` is what a write expects to mend it."""

    name: str
    error: str
    revision: int = 0


@dataclass(frozen=True, slots=True)
class NamedWrite(Generic[Value]):
    """Store ``record`` whole, if it is at revision ``expect`` now (None: if there is none)."""

    kind: Kind[Value]
    record: Stored[Value]
    expect: int | None


@dataclass(frozen=True, slots=True)
class NamedClash(Generic[Value]):
    """A record that was not written: what stands there instead.

    ``current`` is None if there is none, or one that cannot be read.
    """

    current: Stored[Value] | None
