"""What one tenure knows of the named resources of a kind: the newest record of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic

from executor.domain.named import Broken, Stored, Value


class Records(Generic[Value]):
    """The records by name, deleted and broken ones included."""

    def __init__(self) -> None:
        self._records: dict[str, Stored[Value] | Broken] = {}

    def put(self, record: Stored[Value] | Broken) -> None:
        """Add a record, or replace the one of that name by a newer one."""
        former = self._records.get(record.name)
        if former is None or former.revision <= record.revision:
            self._records[record.name] = record

    def record(self, name: str) -> Stored[Value] | Broken | None:
        """Return what is known of a name, deleted or not."""
        return self._records.get(name)

    def value(self, name: str) -> Value | None:
        """Return what the resource holds; None if there is none, or it cannot be read."""
        record = self._records.get(name)
        return record.value if isinstance(record, Stored) and not record.deleted else None

    def values(self) -> Iterator[tuple[str, Value]]:
        """Return the names of those that are there and can be read, and what they hold."""
        for name, record in self._records.items():
            if isinstance(record, Stored) and not record.deleted:
                yield name, record.value

    def stands(self, name: str) -> bool:
        """Whether there is one, readable or not."""
        record = self._records.get(name)
        return isinstance(record, Broken) or (record is not None and not record.deleted)
