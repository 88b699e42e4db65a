"""The law of calendars: written by compare-and-set, few, and loaded whatever is broken."""

from dataclasses import replace

import pytest

from executor.domain.calendar import StoredCalendar
from executor.domain.errors import CalendarNotFound
from executor.domain.writes import BrokenCalendar, CalendarClash
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, a_calendar, made_by, noon, race

#: A file in which no line is like another.
FILE = """BEGIN:VCALENDAR\r
BEGIN:VEVENT\r
SUMMARY:$term ${x} 'quoted' \\, é 日本 😀\r
DTSTART;TZID=Europe/Berlin:20310701T090000\r
DURATION:PT1H\r
RRULE:FREQ=DAILY;COUNT=3\r
END:VEVENT\r
END:VCALENDAR\r
"""


class CalendarLaw(StoreWorkshop):
    """Writing, listing and purging calendars."""

    def _put(self, *calendars: StoredCalendar) -> None:
        for calendar in calendars:
            assert self.store.write_calendar(calendar, None) is None

    def test_a_calendar_comes_back_as_it_went_in(self) -> None:
        """Every field, to the millisecond and to the line ends of the file."""
        full = a_calendar(
            "full é 日本 _x_",
            definition={
                "description": AWKWARD,
                "timezone": "Australia/Lord_Howe",
                "windows": [{"cron": "0 0 2 * * ?", "dialect": "quartz", "duration": "PT2H"}],
                "dates": [{"from": "2031-12-24", "to": "2031-12-31T12:00:00Z"}],
                "ics": FILE,
            },
            revision=2**31,
            updated_at=noon(1),
            last_command=made_by(AWKWARD),
        )
        bare = a_calendar("bare", definition={"dates": []})
        self._put(full, bare)

        assert self.store.all_calendars() == [bare, full]
        assert self.readers.list_calendars() == [bare, full]
        assert [self.readers.get_calendar(one.name) for one in (full, bare)] == [full, bare]

    def test_calendars_come_in_the_order_of_their_names(self) -> None:
        """By code point, for all clients at once."""
        names = ["A", "B a", "_", "a", "a-b", "ä", "日", "\uffee", "😀"]
        self._put(*(a_calendar(name) for name in reversed(names)))

        assert [one.name for one in self.another_store().all_calendars()] == names
        assert [one.name for one in self.readers.list_calendars()] == names

    def test_a_calendar_that_is_not_there_is_an_error_that_names_it(self) -> None:
        """Names differ by letter case; a deleted calendar is not there."""
        self._put(a_calendar("gone", deleted=True), a_calendar("here"))
        for name in ("gone", "unknown", "", "Here"):
            with pytest.raises(CalendarNotFound) as caught:
                self.readers.get_calendar(name)
            assert caught.value.calendar == name

    def test_a_calendar_is_replaced_whole_at_the_expected_revision(self) -> None:
        """Nothing of the former one remains."""
        self._put(a_calendar(definition={"ics": FILE}, last_command=made_by("c1")))
        second = a_calendar(revision=2, updated_at=noon(2))

        assert self.store.write_calendar(second, 1) is None
        assert self.readers.get_calendar("holidays") == second

    def test_a_calendar_at_another_revision_is_left_alone(self) -> None:
        """The answer shows it; so it does where one is to be made that exists."""
        standing = a_calendar(revision=5)
        self._put(standing)
        for expect in (4, 6, None):
            late = a_calendar(revision=7, last_command=made_by("late"))
            assert self.store.write_calendar(late, expect) == CalendarClash(standing)

        assert self.store.all_calendars() == [standing]

    def test_a_calendar_that_does_not_exist_is_not_replaced(self) -> None:
        """Nor is it created."""
        assert self.store.write_calendar(a_calendar(), 1) == CalendarClash(None)
        assert self.store.all_calendars() == []

    def test_a_write_of_a_calendar_may_be_repeated(self) -> None:
        """It is answered as the first time."""
        first, second = a_calendar(), a_calendar(revision=2, last_command=made_by("c"))
        for _ in range(2):
            assert self.store.write_calendar(first, None) is None
        for _ in range(2):
            assert self.store.write_calendar(second, 1) is None

        assert self.store.all_calendars() == [second]

    def test_a_deleted_calendar_keeps_its_record(self) -> None:
        """So its last command is known, and its revisions go on when it is made again."""
        self._put(a_calendar())
        gone = a_calendar(revision=2, deleted=True, last_command=made_by("c"))
        assert self.store.write_calendar(gone, 1) is None
        assert self.store.all_calendars() == [gone]
        assert self.readers.list_calendars() == []
        assert self.store.write_calendar(a_calendar(), None) == CalendarClash(gone)

        again = a_calendar(revision=3)
        assert self.store.write_calendar(again, 2) is None
        assert self.readers.list_calendars() == [again]

    def test_a_broken_calendar_stops_no_other(self) -> None:
        """It is reported with its name and revision, and a write mends it."""
        good = a_calendar("good")
        self._put(a_calendar("bad", revision=4), good)
        self.break_calendar("bad")
        for listed in (self.store.all_calendars(), self.readers.list_calendars()):
            broken, other = listed
            assert isinstance(broken, BrokenCalendar)
            assert (broken.name, broken.revision) == ("bad", 4)
            assert broken.error
            assert other == good
        assert isinstance(self.readers.get_calendar("bad"), BrokenCalendar)

        mended = a_calendar("bad", revision=5)
        assert self.store.write_calendar(mended, 3) == CalendarClash(None)
        assert self.store.write_calendar(mended, 4) is None
        assert self.store.all_calendars() == [mended, good]

    def test_writers_of_one_calendar_do_not_overwrite_each_other(self) -> None:
        """One is applied, the others are shown it."""
        stores = [self.store, self.another_store()] * 3
        expect: int | None = None
        for revision in range(1, 5):
            written = [
                a_calendar(revision=revision, last_command=made_by(f"{revision}-{number}"))
                for number in range(len(stores))
            ]
            answers = race(
                lambda pair, expect=expect: pair[0].write_calendar(pair[1], expect),  # type: ignore[misc]
                list(zip(stores, written, strict=True)),
            )
            expect = revision

            winners = [one for one, met in zip(written, answers, strict=True) if met is None]
            assert self.store.all_calendars() == winners
            assert answers.count(CalendarClash(winners[0])) == len(stores) - 1

    def test_deleted_calendars_are_purged_in_time(self) -> None:
        """Those deleted before the instant; the others stay, however old."""
        old = a_calendar("old", updated_at=noon(-1000))
        late = a_calendar("late", updated_at=noon(2), deleted=True)
        self._put(old, late, a_calendar("early", updated_at=noon(1), deleted=True))

        assert self.store.purge_calendars(noon(2)) == 1
        assert self.store.all_calendars() == [late, old]
        assert self.store.purge_calendars(noon(2)) == 0
        assert self.store.write_calendar(replace(late, revision=2), 1) is None
