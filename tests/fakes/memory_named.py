"""The part of the memory store that keeps named resources: calendars, secrets."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from executor.adapters.verdicts import judge_named
from executor.domain.errors import NamedNotFound
from executor.domain.named import Broken, Kind, NamedClash, NamedWrite, Stored, Value
from executor.ports.clock import Clock
from tests.fakes.memory_part import MemoryPart


class MemoryNamed(MemoryPart):
    """A :class:`~executor.ports.store.NamedStore`, and the readers' face of it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._named: defaultdict[Kind[Any], dict[str, Stored[Any]]] = defaultdict(dict)
        self._broken_named: set[tuple[Kind[Any], str]] = set()

    def break_named(self, kind: Kind[Any], name: str) -> None:
        """Make the record unreadable."""
        self._broken_named.add((kind, name))

    def _read_named(self, kind: Kind[Value], stored: Stored[Value]) -> Stored[Value] | Broken:
        if (kind, stored.name) in self._broken_named:
            return Broken(stored.name, "broken on purpose", stored.revision)
        return stored

    def all_named(self, kind: Kind[Value]) -> list[Stored[Value] | Broken]:
        """Return every record."""
        with self.lock:
            return [self._read_named(kind, one) for _, one in sorted(self._named[kind].items())]

    def write_named(self, write: NamedWrite[Value]) -> NamedClash[Value] | None:
        """Apply a write by compare-and-set."""
        kind, record = write.kind, write.record
        with self.lock:
            standing = self._named[kind].get(record.name)
            if (None if standing is None else standing.revision) != write.expect:
                read = None if standing is None else self._read_named(kind, standing)
                return judge_named(record, read)
            self._named[kind][record.name] = record
            self._broken_named.discard((kind, record.name))
            return None

    def purge_named(self, kind: Kind[Any], before: datetime) -> int:
        """Remove what was deleted."""
        with self.lock:
            records = self._named[kind]
            gone = [one.name for one in records.values() if one.deleted and one.updated_at < before]
            for name in gone:
                del records[name]
            return len(gone)

    def list_named(self, kind: Kind[Value]) -> list[Stored[Value] | Broken]:
        """Return what is not deleted."""
        with self.lock:
            present = [one for _, one in sorted(self._named[kind].items()) if not one.deleted]
            return [self._read_named(kind, one) for one in present]

    def get_named(self, kind: Kind[Value], name: str) -> Stored[Value] | Broken:
        """Return the one with this name."""
        with self.lock:
            stored = self._named[kind].get(name)
            if stored is None or stored.deleted:
                raise NamedNotFound(kind.word, name)
            return self._read_named(kind, stored)
