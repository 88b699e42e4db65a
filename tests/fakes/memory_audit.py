"""The part of the memory store that keeps the audit."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from executor.adapters.audit_documents import with_before
from executor.adapters.cursors import after_change, read_change_cursor
from executor.domain.audit import Change
from executor.ports.clock import Clock
from executor.ports.readers import ChangeFilter, Page
from tests.fakes.memory_part import MemoryPart


class MemoryAudit(MemoryPart):
    """An :class:`~executor.ports.store.AuditStore`, and the readers' face of it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._changes: dict[str, Change] = {}
        self._broken_changes: set[str] = set()

    def append_changes(self, changes: Sequence[Change]) -> None:
        """Keep entries, the first for each id."""
        with self.lock:
            for change in changes:
                self._changes.setdefault(change.id, replace(change, before=None))

    def prune_changes(self, before: datetime, limit: int) -> int:
        """Remove old entries."""
        with self.lock:
            old = [one for one in self.every_change() if one.at < before][:limit]
            for one in old:
                del self._changes[one.id]
            return len(old)

    def break_change(self, change_id: str) -> None:
        """Make an entry unreadable."""
        self._broken_changes.add(change_id)

    def list_changes(self, which: ChangeFilter, limit: int, cursor: str | None) -> Page[Change]:
        """Return a page of entries, newest first."""
        before = None if cursor is None else read_change_cursor(cursor)
        with self.lock:
            found = [
                one
                for one in self.every_change()
                if _matches(one, which) and (before is None or (one.at, one.id) < before)
            ]
            found.reverse()
            last = found[limit - 1] if len(found) > limit else None
            page = [one for one in found[:limit] if one.id not in self._broken_changes]
            following = None if last is None else after_change(last.at, last.id)
            return Page(with_before(page, self._changes.values()), following)

    def every_change(self) -> list[Change]:
        """Return every entry, oldest first."""
        with self.lock:
            return sorted(self._changes.values(), key=lambda one: (one.at, one.id))


def _matches(change: Change, which: ChangeFilter) -> bool:
    return (
        which.job_id in (None, change.job_id)
        and which.actor in (None, change.actor)
        and which.action in (None, change.action)
        and (which.since is None or change.at >= which.since)
        and (which.until is None or change.at < which.until)
    )
