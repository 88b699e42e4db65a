"""Events of iCalendar files: when they are, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from executor.domain import zone
from executor.domain.errors import InvalidCalendar
from executor.domain.ics import MOST_EVENTS, MOST_RECURRING, read_events
from executor.domain.recurrence import BadRule, read_rule

LOW = datetime(2020, 1, 1, tzinfo=UTC)
HIGH = datetime(2036, 1, 1, tzinfo=UTC)


def file_of(*events: str) -> str:
    """Return a file; an event is its lines but BEGIN and END."""
    parts = "".join(f"BEGIN:VEVENT\n{lines}\nEND:VEVENT\n" for lines in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:tests\n{parts}END:VCALENDAR\n"


def spans(*events: str, timezone: str = "Europe/Berlin") -> list[str]:
    """Return the occurrences from 2020 to 2035 in UTC, as ``start/end``, in order."""
    floating = zone.zone(timezone)
    low, high = int(LOW.timestamp()), int(HIGH.timestamp())
    found = {
        span
        for event in read_events(file_of(*events))
        for span in (*event.listed(floating), *event.recurring(floating, low, high))
    }
    return [f"{written(start)}/{written(end)}" for start, end in sorted(found)]


def written(epoch_s: int) -> str:
    """Return an instant as the files have it."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y%m%dT%H%M%SZ")


def fault_of(*events: str) -> str:
    """Return the one fault of a file."""
    with pytest.raises(InvalidCalendar) as refused:
        read_events(file_of(*events))
    (fault,) = refused.value.faults
    assert fault.field == ""
    return fault.message


class TestTimes:
    """One occurrence each."""

    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            # UTC, TZID, floating (on the clock of the calendar), all day
            (
                "DTSTART:20260701T100000Z\nDTEND:20260701T110000Z",
                "20260701T100000Z/20260701T110000Z",
            ),
            (
                "DTSTART;TZID=America/New_York:20260701T100000\nDURATION:PT1H",
                "20260701T140000Z/20260701T150000Z",
            ),
            ("DTSTART:20260701T100000\nDURATION:PT1H", "20260701T080000Z/20260701T090000Z"),
            ("DTSTART;VALUE=DATE:20260701", "20260630T220000Z/20260701T220000Z"),
            (
                "DTSTART;VALUE=DATE:20260701\nDTEND;VALUE=DATE:20260703",
                "20260630T220000Z/20260702T220000Z",
            ),
            ("DTSTART;VALUE=DATE:20260701\nDURATION:P2D", "20260630T220000Z/20260702T220000Z"),
            # two zones in one event
            (
                "DTSTART;TZID=Asia/Tokyo:20260701T100000\nDTEND;TZID=Asia/Dubai:20260701T100000",
                "20260701T010000Z/20260701T060000Z",
            ),
            # names that stand for IANA zones
            (
                "DTSTART;TZID=W. Europe Standard Time:20260701T100000\nDURATION:PT1H",
                "20260701T080000Z/20260701T090000Z",
            ),
            (
                "DTSTART;TZID=/mozilla.org/20050126_1/Europe/Berlin:20260701T100000\nDURATION:PT1H",
                "20260701T080000Z/20260701T090000Z",
            ),
            # the night in which clocks go forward: days of the wall clock, hours of real time
            (
                "DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:P1D",
                "20260328T110000Z/20260329T100000Z",
            ),
            (
                "DTSTART;TZID=Europe/Berlin:20260329T010000\nDURATION:PT2H",
                "20260329T000000Z/20260329T020000Z",
            ),
            # a start that clocks skip is the first instant after the gap
            (
                "DTSTART;TZID=Europe/Berlin:20260329T023000\nDURATION:PT1H",
                "20260329T010000Z/20260329T020000Z",
            ),
        ],
    )
    def test_an_event_lies_where_its_zone_says(self, lines: str, expected: str) -> None:
        """The end is not part of it."""
        assert spans(lines) == [expected]

    def test_the_files_own_zone_is_not_looked_at(self) -> None:
        """A name that no database knows is refused, whatever the file says about it."""
        message = fault_of("SUMMARY:Move\nDTSTART;TZID=Office:20260701T100000\nDURATION:PT1H")

        assert message == (
            "event `Move`: TZID `Office` is not known; write an IANA name such as `Europe/Berlin`"
        )

    def test_whether_time_is_free_or_cancelled(self) -> None:
        """Free is closed all the same; cancelled is not there."""
        day = "DTSTART;VALUE=DATE:20260701"

        assert len(spans(f"{day}\nTRANSP:TRANSPARENT")) == 1
        assert spans(f"{day}\nSTATUS:CANCELLED", "DTSTART;VALUE=DATE:20260801") == [
            "20260731T220000Z/20260801T220000Z"
        ]


class TestRecurrence:
    """Rules, and exceptions from them."""

    def test_an_event_recurs_on_the_wall_clock(self) -> None:
        """In summer as in winter; UNTIL in UTC includes its instant."""
        assert spans(
            "DTSTART;TZID=Europe/Berlin:20260328T090000\nDURATION:PT1H\n"
            "RRULE:FREQ=DAILY;UNTIL=20260330T070000Z"
        ) == [
            "20260328T080000Z/20260328T090000Z",
            "20260329T070000Z/20260329T080000Z",
            "20260330T070000Z/20260330T080000Z",
        ]

    @pytest.mark.parametrize(
        "until", ["20260703", "20260702T220000Z", "20260703T215959Z", "20260703T000000"]
    )
    def test_the_last_of_some_days_is_written_in_many_ways(self, until: str) -> None:
        """As programs do: a day, its first or last instant in UTC, its midnight."""
        found = spans(f"DTSTART;VALUE=DATE:20260701\nRRULE:FREQ=DAILY;UNTIL={until}")

        assert [span[:8] for span in found] == ["20260630", "20260701", "20260702"]

    def test_a_count_counts(self) -> None:
        """From DTSTART; however far away one looks."""
        found = spans("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=3")

        # The first day is no last day of a month, but it is when the event is.
        assert [span[:8] for span in found] == ["20251231", "20260130", "20260227", "20260330"]

    def test_exceptions_are_left_out_and_additions_put_in(self) -> None:
        """EXDATE as a time, as an instant, or as a day, of an event at a time; and RDATE."""
        found = spans(
            "DTSTART;TZID=Europe/Berlin:20260701T090000\nDURATION:PT1H\n"
            "RRULE:FREQ=DAILY;COUNT=6\n"
            "EXDATE;TZID=Europe/Berlin:20260701T090000,20260702T090000\n"
            "EXDATE:20260703T070000Z\nEXDATE;VALUE=DATE:20260704\n"
            "RDATE:20270101T000000Z"
        )

        assert [span[:16] for span in found] == [
            "20260705T070000Z",
            "20260706T070000Z",
            "20270101T000000Z",
        ]

    def test_an_event_replaces_an_occurrence_of_another(self) -> None:
        """By its UID; a cancelled one takes it away."""
        rule = "UID:1\nDTSTART:20260701T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4"
        moved = "UID:1\nRECURRENCE-ID:20260702T090000Z\nDTSTART:20260702T150000Z\nDURATION:PT1H"
        gone = (
            "UID:1\nRECURRENCE-ID:20260703T090000Z\nDTSTART:20260703T090000Z\nDURATION:PT1H\n"
            "STATUS:CANCELLED"
        )
        other = "UID:2\nRECURRENCE-ID:20260701T090000Z\nDTSTART:20260720T090000Z\nDURATION:PT1H"

        assert [span[:11] for span in spans(moved, rule, gone, other)] == [
            "20260701T09",
            "20260702T15",
            "20260704T09",
            "20260720T09",
        ]


#: Rules of every kind: a frequency, and parts that may go with it.
RULES: st.SearchStrategy[str] = st.one_of(
    st.builds("FREQ=DAILY;INTERVAL={}{}".format, st.integers(1, 40), st.sampled_from(
        ["", ";BYMONTH=2,7", ";BYDAY=MO,TU", ";BYMONTH=12;BYDAY=SU"])),
    st.builds("FREQ=WEEKLY;INTERVAL={};WKST={}{}".format, st.integers(1, 900),
        st.sampled_from(["MO", "SU", "WE"]),
        st.sampled_from(
            ["", ";BYDAY=MO,SU", ";BYDAY=SU;BYMONTH=3", ";BYDAY=MO,WE,FR;BYSETPOS=-1"])),
    st.builds("FREQ=MONTHLY;INTERVAL={}{}".format, st.integers(1, 300), st.sampled_from(
        ["", ";BYMONTHDAY=13,-1", ";BYDAY=1MO,-1FR", ";BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
         ";BYDAY=FR;BYMONTHDAY=13", ";BYMONTH=2;BYMONTHDAY=29"])),
    st.builds("FREQ=YEARLY;INTERVAL={}{}".format, st.integers(1, 30), st.sampled_from(
        ["", ";BYMONTH=1,6", ";BYMONTH=11;BYDAY=4TH", ";BYYEARDAY=1,-1", ";BYDAY=20MO",
         ";BYWEEKNO=20;BYDAY=MO", ";BYDAY=SU;BYMONTH=4;BYSETPOS=-1"])),
)  # fmt: skip


class TestAgainstDateutil:
    """The search from the middle of nowhere finds what the search from the beginning finds."""

    @settings(max_examples=300, deadline=None)
    @given(
        rule=RULES,
        first=st.dates(date(1990, 1, 1), date(2030, 1, 1)),
        ahead=st.integers(-400, 15_000),
        length=st.integers(1, 800),
    )
    def test_any_stretch_has_the_days_of_the_whole(
        self, rule: str, first: date, ahead: int, length: int
    ) -> None:
        """Whatever the rule, its first day, and how far away the stretch is."""
        parts: dict[str, Any] = {
            name: values.split(",")
            for name, values in (part.split("=") for part in rule.split(";"))
        }
        try:
            found, last = read_rule(parts, first.toordinal())
        except BadRule:
            reject()  # it never comes true
        start = datetime.combine(first, datetime.min.time())
        low = first + timedelta(days=ahead)
        high = low + timedelta(days=length)
        whole = rrulestr(f"RRULE:{rule}", dtstart=start)
        expected = whole.between(
            datetime.combine(low, start.time()), datetime.combine(high, start.time()), inc=True
        )

        assert last is None
        assert [date.fromordinal(day) for day in found.days(low.toordinal(), high.toordinal())] == [
            moment.date() for moment in expected if moment.date() < high
        ]

    def test_a_period_that_begins_long_after_the_one_before_is_found(self) -> None:
        """However many years lie between them."""
        first = date(1990, 3, 1).toordinal()
        rule, _ = read_rule({"FREQ": ["YEARLY"], "INTERVAL": ["40"]}, first)
        low, high = date(2029, 12, 1), date(2030, 6, 1)

        assert list(rule.days(low.toordinal(), high.toordinal())) == [date(2030, 3, 1).toordinal()]


class TestRefusals:
    """What is refused, and the words for it."""

    @pytest.mark.parametrize(
        ("lines", "message"),
        [
            ("DURATION:PT1H", "DTSTART is missing"),
            ("DTSTART:20260701T100000Z", "has no end; write DTEND or DURATION"),
            ("DTSTART:20260701T250000Z\nDURATION:PT1H", "DTSTART cannot be read: "),
            ("DTSTART;VALUE=DATE:20260701\nDTEND:20260702T000000Z", "not both days, or both times"),
            ("DTSTART:20260701T100000Z\nDTEND:20260701T100000Z", "ends before it has begun"),
            ("DTSTART:20260701T100000Z\nDURATION:-PT1H", "ends before it has begun"),
            ("DTSTART:20260701T100000Z\nDURATION:P367D", "lasts longer than 366 days"),
            (
                "DTSTART:20260701T100000Z\nDURATION:PT1H\nDTEND:20260702T000000Z",
                "DTEND and DURATION are both given",
            ),
            (
                "DTSTART:20260701T100000Z\nDTSTART:20260702T100000Z\nDURATION:PT1H",
                "DTSTART is given more than once",
            ),
            ("DTSTART;VALUE=DATE:18990101", "lies outside the years 1900 to 2999"),
            ("DTSTART;VALUE=DATE:20260701\nRDATE;VALUE=PERIOD:20260801T000000Z/PT1H", "neither a"),
            (
                "DTSTART;VALUE=DATE:20260701\nRECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260701",
                "RECURRENCE-ID names more than one occurrence",
            ),
        ],
    )
    def test_what_is_no_event_is_refused_by_name(self, lines: str, message: str) -> None:
        """The fault begins with the event's title."""
        text = fault_of(f"SUMMARY:Party\n{lines}")

        assert text.startswith("event `Party`: ")
        assert message in text

    @pytest.mark.parametrize(
        ("rule", "message"),
        [
            ("FREQ=SECONDLY", "RRULE has FREQ `SECONDLY`; write `DAILY` or"),
            ("INTERVAL=2", "RRULE has FREQ ``; write"),
            ("FREQ=FOO", "RRULE cannot be read: "),
            ("FREQ=DAILY;INTERVAL=0", "RRULE has INTERVAL `0`; write 1 to 1,000"),
            ("FREQ=DAILY;COUNT=100000", "RRULE has COUNT `100000`; write 1 to 1,000"),
            ("FREQ=DAILY;COUNT=3;UNTIL=20270101", "RRULE has COUNT and UNTIL"),
            ("FREQ=DAILY;BYHOUR=1,2", "RRULE has `BYHOUR`, which is not known here"),
            ("FREQ=DAILY;BYMONTHDAY=1", "BYMONTHDAY, which does not go with FREQ `DAILY`"),
            ("FREQ=MONTHLY;BYMONTHDAY=32", "RRULE has BYMONTHDAY `32`; write -31 to -1 or 1 to 31"),
            ("FREQ=YEARLY;BYMONTH=5L", "RRULE has BYMONTH `5L`; write 1 to 12"),
            ("FREQ=WEEKLY;BYDAY=2MO", "RRULE has BYDAY `2MO`; write `MO`"),
            ("FREQ=MONTHLY;BYDAY=51MO", "BYDAY `51MO`; write -5 to -1 or 1 to 5 before"),
            ("FREQ=YEARLY;BYMONTH=12;BYDAY=53MO", "BYDAY `53MO`; write -5 to -1 or 1 to 5"),
            ("FREQ=MONTHLY;BYDAY=2MO,TU", "with and without numbers; write two events"),
            ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "RRULE never comes true"),
            ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "RRULE never comes true"),
        ],
    )
    def test_a_rule_that_is_none_is_refused(self, rule: str, message: str) -> None:
        """Wednesday, 1 July: the fault says which part."""
        assert message in fault_of(f"SUMMARY:Party\nDTSTART;VALUE=DATE:20260701\nRRULE:{rule}")

    def test_all_faults_come_together(self) -> None:
        """Up to twenty."""
        with pytest.raises(InvalidCalendar) as refused:
            read_events(file_of(*(f"SUMMARY:{number}" for number in range(30))))

        messages = [fault.message for fault in refused.value.faults]
        assert messages == [f"event `{number}`: DTSTART is missing" for number in range(20)]

    @pytest.mark.parametrize(
        "text",
        [
            "rubbish",
            "\x00",
            "BEGIN:VCALENDAR\nEND:VCALENDAR",
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\n",
            "BEGIN:VTODO\nEND:VTODO",
            "BEGIN:VEVENT\n" * 5_000,
            "BEGIN:VEVENT\n" * 5_000 + "END:VEVENT\n" * 5_000,
        ],
        ids=lambda text: repr(text[:20]),
    )
    def test_what_is_no_file_is_refused(self, text: str) -> None:
        """It is one fault."""
        with pytest.raises(InvalidCalendar) as refused:
            read_events(text)

        assert len(refused.value.faults) == 1

    def test_a_folder_of_zones_is_no_zone(self) -> None:
        """The fault says so, and nothing of where the folder is."""
        fault = fault_of("DTSTART;TZID=Europe:20260701T090000\nDTEND:20260701T100000Z")

        assert fault.endswith("a TZID is no time zone; write an IANA name such as `Europe/Berlin`")

    def test_a_file_may_be_empty(self) -> None:
        """That is the default."""
        assert read_events("") == read_events(" \n") == ()

    def test_files_have_a_limited_number_of_events(self) -> None:
        """And of those that recur fewer, since they have to be spelt out."""
        day = "DTSTART;VALUE=DATE:20260701"

        assert "more than 2,000 events" in fault_of(*[day] * (MOST_EVENTS + 1))
        recurring = [f"{day}\nRRULE:FREQ=DAILY"] * (MOST_RECURRING + 1)
        assert "more than 100 events recur" in fault_of(*recurring)

    @settings(max_examples=300, deadline=None)
    @given(st.data())
    def test_damage_leads_to_events_or_to_faults(self, data: st.DataObject) -> None:
        """To nothing else, whatever is cut out, doubled or put in."""
        text = file_of(
            "UID:1\nDTSTART;TZID=Europe/Berlin:20260701T090000\nDTEND:20260701T100000Z\n"
            "RRULE:FREQ=MONTHLY;BYDAY=1MO;COUNT=5\nEXDATE;VALUE=DATE:20260702",
            "UID:1\nRECURRENCE-ID:20260701T070000Z\nDTSTART;VALUE=DATE:20260701\nDURATION:P1D",
        )
        for _ in range(data.draw(st.integers(1, 4))):
            here = data.draw(st.integers(0, len(text)))
            there = data.draw(st.integers(here, min(here + 12, len(text))))
            put = data.draw(st.sampled_from(["", "9", "-", ";", ":", "\n", "Z", "=", text[here:]]))
            text = text[:here] + put + text[there:]
        try:
            events = read_events(text)
        except InvalidCalendar:
            return
        floating = zone.zone("Europe/Berlin")
        for event in events:
            assert list(event.listed(floating)) or event.excluded
            list(event.recurring(floating, 1_780_000_000, 1_790_000_000))
