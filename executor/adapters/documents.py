"""How values are written down: the term, answers and instances as plain documents.

A document is a dict of str, int, bool, list, dict and instants, under the key ``id``.
Every store keeps these and no other form; jobs are in ``job_documents.py``, runs in
``run_documents.py``.  The term is only read here: each store writes it by atomic
statements of its own.

1. A field that has its default is left out: most runs use a third of theirs, and a
   small document is cheaper everywhere.  Absent and None mean the same.
2. Instants are written as aware UTC datetimes in whole milliseconds.  They are read in
   any form a store can give them back: aware UTC, naive UTC, or whole milliseconds
   since 1970 for stores that have no dates.
3. Decoding trusts nothing: a field of a wrong type would come out wherever it is compared or
   shown, and take down the list in which it stands.  A job that does not decode becomes a
   :class:`~executor.domain.writes.BrokenJob`; anything else raises :class:`Undecodable`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar

from executor.domain.command import CommandKind, CommandResult, ResultStatus
from executor.domain.errors import Fault, SolocronError
from executor.domain.instant import TICK
from executor.domain.term import FormerTerm, TermRecord
from executor.domain.writes import Instance

Document: TypeAlias = dict[str, Any]
Value = TypeVar("Value")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

#: The latest instant that can be read, in whole milliseconds.
LATEST: Final = datetime.max.replace(microsecond=999_000, tzinfo=UTC)

#: Numbers from here on do not fit in the 64 bits that stores have for one.
_BEYOND: Final = 2**63

#: What reading a record that is not ours can raise: a missing field, one of the wrong type,
#: an unknown word (``InvalidJob`` is a ValueError).
UNREADABLE: Final = (AttributeError, KeyError, TypeError, ValueError, OverflowError)


class Undecodable(SolocronError):
    """A record that is not in the form written here; whoever reads a list leaves it out."""

    def __init__(self, kind: str, identity: str, cause: Exception) -> None:
        self.kind, self.identity = kind, identity
        super().__init__(f"the record of {kind} {identity!r} cannot be read: {cause!r}")


def instant(value: datetime | int) -> datetime:
    """Read an instant in any form a store gives back (rule 2).

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, datetime):
        return value if value.tzinfo is UTC else value.replace(tzinfo=UTC)
    if type(value) is int:
        return _EPOCH + timedelta(milliseconds=value)
    raise TypeError(f"{value!r} is not an instant")


def text(value: object) -> str:
    """Read a text.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, str):
        return value
    raise TypeError(f"{type(value).__name__} is not a text")


def whole(value: object) -> int:
    """Read a whole number that every store can hold, within 64 bits.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, int) and not isinstance(value, bool) and -_BEYOND <= value < _BEYOND:
        return value
    raise TypeError(f"{type(value).__name__} is not a whole number within 64 bits")


def truth(value: object) -> bool:
    """Read a truth value.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, bool):
        return value
    raise TypeError(f"{type(value).__name__} is not true or false")


def optional(read: Callable[[Any], Value], value: Any) -> Value | None:
    """Read a field that may be absent; None stays None."""
    return None if value is None else read(value)


def milliseconds(moment: datetime) -> int:
    """Return whole milliseconds since 1970, exactly: no float is involved.

    >>> milliseconds(datetime(1970, 1, 1, 0, 0, 1, 234_000, tzinfo=UTC))
    1234
    """
    return (moment - _EPOCH) // TICK


def term_from_document(document: Mapping[str, Any]) -> TermRecord:
    """Read the term.

    Raises:
        Undecodable: it is not one; nobody may execute on such a record.
    """

    def read() -> TermRecord:
        return TermRecord(
            term=whole(document["term"]),
            holder=text(document["holder"]),
            acquired_at=instant(document["acquired_at"]),
            heartbeat_at=instant(document["heartbeat_at"]),
            cleared_until=optional(instant, document.get("cleared_until")),
            resigned=bool(document["resigned"]),
            tzdata=text(document.get("tzdata") or ""),
            previous=tuple(_read_former(former) for former in document["previous"]),
        )

    return _decoded("term", str(document.get("term", "")), read)


def _read_former(document: Mapping[str, Any]) -> FormerTerm:
    return FormerTerm(
        term=whole(document["term"]),
        holder=text(document["holder"]),
        cleared_until=optional(instant, document.get("cleared_until")),
        until=instant(document["until"]),
        tzdata=text(document.get("tzdata") or ""),
    )


def result_to_document(result: CommandResult) -> Document:
    """Write the answer to a command, under the command's id."""
    document: Document = {
        "id": result.command_id,
        "kind": result.kind.value,
        "digest": result.digest,
        "status": result.status.value,
        "finished_at": result.finished_at,
    }
    for name in ("job_id", "run_id", "revision"):
        value = getattr(result, name)
        if value is not None:
            document[name] = value
    if result.message:
        document["message"] = result.message
    if result.faults:
        document["faults"] = [[fault.field, fault.message] for fault in result.faults]
    return document


def result_from_document(document: Mapping[str, Any]) -> CommandResult:
    """Read the answer to a command.

    Raises:
        Undecodable: it is not one.
    """

    def read() -> CommandResult:
        return CommandResult(
            command_id=text(document["id"]),
            kind=CommandKind(document["kind"]),
            digest=text(document["digest"]),
            status=ResultStatus(document["status"]),
            finished_at=instant(document["finished_at"]),
            job_id=optional(text, document.get("job_id")),
            run_id=optional(text, document.get("run_id")),
            revision=optional(whole, document.get("revision")),
            message=text(document.get("message") or ""),
            faults=tuple(Fault(text(at), text(what)) for at, what in document.get("faults") or ()),
        )

    return _decoded("command", str(document.get("id", "")), read)


def instance_to_document(instance: Instance) -> Document:
    """Write an instance; ``seen_at`` is the store's to set."""
    return {
        "id": instance.id,
        "host": instance.host,
        "version": instance.version,
        "role": instance.role,
        "detail": instance.detail,
        "tzdata": instance.tzdata,
        "reports": dict(instance.reports),
    }


def instance_from_document(document: Mapping[str, Any]) -> Instance:
    """Read an instance, with the ``seen_at`` that the store has set.

    Raises:
        Undecodable: it is not one.
    """

    def read() -> Instance:
        return Instance(
            id=text(document["id"]),
            host=text(document["host"]),
            version=text(document["version"]),
            role=text(document["role"]),
            seen_at=instant(document["seen_at"]),
            detail=text(document["detail"]),
            tzdata=text(document.get("tzdata") or ""),
            reports={text(kind): whole(n) for kind, n in (document.get("reports") or {}).items()},
        )

    return _decoded("instance", str(document.get("id", "")), read)


def _decoded(kind: str, identity: str, read: Callable[[], Value]) -> Value:
    try:
        return read()
    except UNREADABLE as error:
        raise Undecodable(kind, identity, error) from error
