"""The part of the memory store that keeps notifications and tallies."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from executor.adapters.cursors import after_notification, read_notification_cursor
from executor.domain.errors import NotificationNotFound
from executor.domain.notification import (
    Notification,
    NotificationChange,
    NotificationState,
    changed,
)
from executor.domain.tally import Tally
from executor.ports.clock import Clock
from executor.ports.readers import NotificationFilter, Page
from tests.fakes.memory_part import MemoryPart

_PENDING = NotificationState.PENDING


class MemoryOutbox(MemoryPart):
    """An :class:`~executor.ports.store.OutboxStore`, and the readers' face of it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._tallies: dict[str, Tally] = {}
        self._broken_tallies: set[str] = set()
        self._outbox: dict[str, Notification] = {}

    def break_tally(self, job_id: str) -> None:
        """Make the job's tally unreadable."""
        self._broken_tallies.add(job_id)

    def read_tallies(self, job_ids: Collection[str]) -> list[Tally]:
        """Return the tallies that can be read."""
        with self.lock:
            sound = set(job_ids) - self._broken_tallies
            return [self._tallies[one] for one in sorted(sound) if one in self._tallies]

    def write_tallies(self, tallies: Sequence[Tally]) -> list[bool]:
        """Apply writes by compare-and-set."""
        with self.lock:
            return [self._write_tally(tally) for tally in tallies]

    def _write_tally(self, tally: Tally) -> bool:
        standing = self._tallies.get(tally.job_id)
        broken = tally.job_id in self._broken_tallies
        if broken or (standing.revision if standing else 0) == tally.revision - 1:
            self._tallies[tally.job_id] = tally
            self._broken_tallies.discard(tally.job_id)
        return self._tallies.get(tally.job_id) == tally

    def add_notifications(self, notifications: Sequence[Notification]) -> None:
        """Insert what is new; of a job's pings the newest counts."""
        with self.lock:
            for one in notifications:
                self._outbox.setdefault(one.id, one)
            for job_id in {one.job_id for one in notifications if one.is_ping}:
                self._supersede(job_id)

    def _supersede(self, job_id: str) -> None:
        pings = [one for one in self._outbox.values() if one.is_ping and one.job_id == job_id]
        newest = max(one.created_at for one in pings)
        for one in pings:
            if one.state is _PENDING and one.created_at < newest:
                state = NotificationState.SUPERSEDED
                self._outbox[one.id] = replace(one, state=state, finished_at=one.created_at)

    def due_notifications(
        self, until: datetime, limit: int, besides: Collection[str]
    ) -> list[Notification]:
        """Return what is due, the earliest first."""
        with self.lock:
            due = [
                one
                for one in self._outbox.values()
                if one.state is _PENDING and one.due_at <= until and one.channel not in besides
            ]
        return sorted(due, key=lambda one: one.due_at)[:limit]

    def change_notifications(self, changes: Sequence[NotificationChange]) -> None:
        """Apply changes to what is pending."""
        with self.lock:
            for change in changes:
                standing = self._outbox.get(change.id)
                if standing is not None and standing.state is _PENDING:
                    self._outbox[change.id] = changed(standing, change)

    def prune_notifications(self, before: datetime, limit: int) -> int:
        """Remove old ones that are over."""
        with self.lock:
            old = [
                one
                for one in sorted(self._outbox.values(), key=lambda one: one.created_at)
                if one.created_at < before and one.state is not _PENDING
            ][:limit]
            for one in old:
                del self._outbox[one.id]
        return len(old)

    def every_notification(self) -> list[Notification]:
        """Return all, in the order of their insertion."""
        with self.lock:
            return list(self._outbox.values())

    def list_notifications(
        self, which: NotificationFilter, limit: int, cursor: str | None
    ) -> Page[Notification]:
        """Return a part of those that match, newest first."""
        wanted = [one for one in self.every_notification() if _matches(one, which)]
        wanted.sort(key=_place, reverse=True)
        if cursor is not None:
            after = read_notification_cursor(cursor)
            wanted = [one for one in wanted if _place(one) < after]
        page = tuple(wanted[:limit])
        following = after_notification(*_place(page[-1])) if len(wanted) > limit else None
        return Page(page, following)

    def get_notification(self, notification_id: str) -> Notification:
        """Return one notification."""
        with self.lock:
            if notification_id not in self._outbox:
                raise NotificationNotFound(notification_id)
            return self._outbox[notification_id]


def _place(one: Notification) -> tuple[datetime, str]:
    return one.created_at, one.id


def _matches(one: Notification, which: NotificationFilter) -> bool:
    return (
        which.state in (None, one.state)
        and which.job_id in (None, one.job_id)
        and which.channel in (None, one.channel)
    )
