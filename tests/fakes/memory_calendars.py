"""The part of the memory store that keeps calendars."""

from datetime import datetime

from executor.adapters.verdicts import judge_calendar
from executor.domain.calendar import StoredCalendar
from executor.domain.errors import CalendarNotFound
from executor.domain.writes import BrokenCalendar, CalendarClash
from executor.ports.clock import Clock
from tests.fakes.memory_part import MemoryPart


class MemoryCalendars(MemoryPart):
    """A :class:`~executor.ports.store.CalendarStore`, and the readers' face of it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._calendars: dict[str, StoredCalendar] = {}
        self._broken_calendars: set[str] = set()

    def break_calendar(self, name: str) -> None:
        """Make the calendar's record unreadable."""
        self._broken_calendars.add(name)

    def _read_calendar(self, stored: StoredCalendar) -> StoredCalendar | BrokenCalendar:
        if stored.name in self._broken_calendars:
            return BrokenCalendar(stored.name, "broken on purpose", stored.revision)
        return stored

    def all_calendars(self) -> list[StoredCalendar | BrokenCalendar]:
        """Return every record."""
        with self.lock:
            return [self._read_calendar(stored) for _, stored in sorted(self._calendars.items())]

    def write_calendar(self, calendar: StoredCalendar, expect: int | None) -> CalendarClash | None:
        """Apply a write by compare-and-set."""
        with self.lock:
            standing = self._calendars.get(calendar.name)
            if (None if standing is None else standing.revision) != expect:
                read = None if standing is None else self._read_calendar(standing)
                return judge_calendar(calendar, read)
            self._calendars[calendar.name] = calendar
            self._broken_calendars.discard(calendar.name)
            return None

    def purge_calendars(self, before: datetime) -> int:
        """Remove deleted calendars."""
        with self.lock:
            gone = [one for one in self._calendars.values() if one.deleted]
            gone = [one for one in gone if one.updated_at < before]
            for one in gone:
                del self._calendars[one.name]
            return len(gone)

    def list_calendars(self) -> list[StoredCalendar | BrokenCalendar]:
        """Return every calendar that is not deleted."""
        with self.lock:
            present = [one for _, one in sorted(self._calendars.items()) if not one.deleted]
            return [self._read_calendar(one) for one in present]

    def get_calendar(self, name: str) -> StoredCalendar | BrokenCalendar:
        """Return the calendar with this name."""
        with self.lock:
            stored = self._calendars.get(name)
            if stored is None or stored.deleted:
                raise CalendarNotFound(name)
            return self._read_calendar(stored)
