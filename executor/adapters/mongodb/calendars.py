"""Calendars in MongoDB: one document for each name, deleted ones included."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from executor.adapters.calendar_documents import stored_from_document, stored_to_document
from executor.adapters.documents import Document
from executor.adapters.mongodb.connection import (
    MongoPart,
    Records,
    from_record,
    to_record,
    translated,
)
from executor.adapters.verdicts import judge_calendar
from executor.domain.calendar import StoredCalendar
from executor.domain.errors import CalendarNotFound
from executor.domain.writes import BrokenCalendar, CalendarClash


class _Calendars(MongoPart):
    """Where they are."""

    @property
    def _calendars(self) -> Records:
        return self._connection.records("calendars")

    def _read(self, which: Document) -> list[StoredCalendar | BrokenCalendar]:
        found = self._calendars.find(which).sort("_id", ASCENDING)
        return [stored_from_document(from_record(record)) for record in found]


class MongoCalendars(_Calendars):
    """A :class:`~executor.ports.store.CalendarStore`."""

    @translated
    def all_calendars(self) -> list[StoredCalendar | BrokenCalendar]:
        """Return every record, deleted ones included."""
        return self._read({})

    @translated
    def write_calendar(self, calendar: StoredCalendar, expect: int | None) -> CalendarClash | None:
        """Store *calendar* whole at the expected revision; None means applied."""
        if self._put(to_record(stored_to_document(calendar)), expect):
            return None
        standing = self._read({"_id": calendar.name})
        return judge_calendar(calendar, standing[0] if standing else None)

    def _put(self, record: Document, expect: int | None) -> bool:
        if expect is not None:
            standing = {"_id": record["_id"], "revision": expect}
            return bool(self._calendars.replace_one(standing, record).matched_count)
        try:
            self._calendars.insert_one(record)
        except DuplicateKeyError:
            return False
        return True

    @translated
    def purge_calendars(self, before: datetime) -> int:
        """Remove the records of calendars deleted before *before*."""
        gone = {"deleted": True, "updated_at": {"$lt": before}}
        return self._calendars.delete_many(gone).deleted_count


class MongoCalendarReaders(_Calendars):
    """What web may ask about calendars."""

    @translated
    def list_calendars(self) -> list[StoredCalendar | BrokenCalendar]:
        """Return every calendar that is not deleted, in the order of their names."""
        return self._read({"deleted": False})

    @translated
    def get_calendar(self, name: str) -> StoredCalendar | BrokenCalendar:
        """Return the calendar with this name."""
        found = self._read({"_id": name, "deleted": False})
        if not found:
            raise CalendarNotFound(name)
        return found[0]
