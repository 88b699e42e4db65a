"""What holds for every schedule, tried on random ones against three other opinions."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from cronsim import CronSim
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.domain.cron import parse
from executor.domain.errors import InvalidSchedule
from executor.domain.schedule import (
    CronSchedule,
    DayRule,
    Dialect,
    Fold,
    Gap,
    fire_times,
    next_after,
    next_epoch,
    schedule_from_document,
    schedule_to_document,
)
from tests.unit.cron_oracle import BREAKING, Expressions, Stretch, changes

#: Random expressions around each of about 60 changes, and away from changes.
AROUND_A_CHANGE = 60
AGAINST_CRONSIM = 600
AGAINST_CRONITER = 300

#: Changes of other kinds than those of BREAKING: abolished, moved by politics, by two hours.
MORE_CHANGES = (
    ("America/Sao_Paulo", 2018),
    ("America/Scoresbysund", 2024),
    ("Asia/Tehran", 2022),
    ("Asia/Beirut", 2023),
    ("Asia/Amman", 2022),
    ("Pacific/Norfolk", 2015),
    ("Europe/Istanbul", 2016),
    ("Atlantic/Azores", 1993),
    ("Africa/Juba", 2021),
    ("Asia/Kathmandu", 1986),
    ("Pacific/Kiritimati", 1994),
    ("Europe/London", 1971),
    ("America/Argentina/San_Luis", 2008),
    ("Europe/Lisbon", 1992),
)

PLACES = [
    pytest.param(zone, day, id=f"{zone} {day:%Y-%m-%d}")
    for zone, year in BREAKING + MORE_CHANGES
    for day in changes(zone, year)
]

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


def dialect_of(expression: str) -> Dialect:
    return Dialect.CRON6S if expression.count(" ") == 5 else Dialect.CRON5


@pytest.mark.timeout(30)
@pytest.mark.parametrize(("zone", "day"), PLACES)
def test_slots_around_a_change_are_those_of_real_time(zone: str, day: datetime) -> None:
    """Random expressions with random overrides agree with a walk through every minute."""
    chance = random.Random(f"{zone} {day}")
    stretch = Stretch(zone, day - timedelta(hours=4), day + timedelta(hours=28))
    twice = {wall.hour for wall in stretch.first if stretch.first[wall] != stretch.last[wall]}
    hours = tuple({wall.hour for wall, _ in stretch.skipped} | twice | {0, 2})
    make, compared = Expressions(chance), 0

    while compared < AROUND_A_CHANGE:
        expression = make.six(hours) if compared % 10 == 9 else make.five(hours)
        gap, fold, rule = (
            chance.choice(list(Gap)),
            chance.choice(list(Fold)),
            chance.choice(list(DayRule)),
        )
        try:
            schedule = CronSchedule(expression, dialect_of(expression), zone, gap, fold, rule)
        except InvalidSchedule as refused:
            assert "never fires" in str(refused)  # noqa: PT017
            continue
        found = list(fire_times(schedule, stretch.start - timedelta(seconds=1), stretch.end))
        assert found == stretch.slots(expression, gap, fold, rule), schedule
        compared += 1


def expressions(count: int, special: bool) -> Iterator[tuple[random.Random, str]]:
    """Yield valid random expressions of five columns."""
    chance = random.Random(count)
    make = Expressions(chance, special=special)
    while count:
        expression = make.five()
        try:
            parse(expression, Dialect.CRON5)
        except InvalidSchedule:
            continue
        yield chance, expression
        count -= 1


def july(chance: random.Random) -> datetime:
    """Return a minute in a July: between the changes of the zones asked here."""
    return datetime(chance.randint(2020, 2030), 7, 1, tzinfo=UTC) + timedelta(
        minutes=chance.randrange(20 * 1440)
    )


def test_cronsim_agrees_away_from_changes() -> None:
    """Where no clock changes another engine for Debian's rules finds the same fire times."""
    for chance, expression in expressions(AGAINST_CRONSIM, special=False):
        if re.search(r"\b[0-9]+/", expression.split()[4]):
            continue  # there a weekday a/n runs on to 7, the Sunday after the Saturday
        zone = chance.choice(("UTC", "Europe/Berlin", "America/New_York"))
        schedule, start = CronSchedule(expression, timezone=zone), july(chance)
        end = start + timedelta(days=60) if zone != "UTC" else start + timedelta(days=5000)
        expected = []
        for due in islice(CronSim(expression, start.astimezone(ZoneInfo(zone))), 6):
            if due > end:
                break
            expected.append(due.astimezone(UTC))

        assert list(islice(fire_times(schedule, start, end), 6)) == expected, schedule


def test_croniter_agrees_away_from_changes() -> None:
    """croniter, told which day rule applies, finds the same fire times in UTC."""
    for chance, expression in expressions(AGAINST_CRONITER, special=False):
        if ",*" in expression.split()[2] + expression.split()[4]:
            continue  # there a * anywhere in a day column makes it unrestricted
        schedule, start = CronSchedule(expression), july(chance)
        other = croniter(expression, start, day_or=not schedule.cron().both)
        expected = [other.get_next(datetime) for _ in range(4)]

        found = list(islice(fire_times(schedule, start, start + timedelta(days=36525)), 4))
        assert found == expected, expression


@st.composite
def schedules(draw: st.DrawFn) -> CronSchedule:
    make = Expressions(draw(st.randoms(use_true_random=False)))
    expression = draw(st.sampled_from([make.five, make.six]))()
    try:
        return CronSchedule(
            expression,
            dialect_of(expression),
            draw(st.sampled_from(ZONES)),
            draw(st.sampled_from(Gap)),
            draw(st.sampled_from(Fold)),
            draw(st.sampled_from(DayRule)),
        )
    except InvalidSchedule:
        return CronSchedule("30 2 * * *", timezone=draw(st.sampled_from(ZONES)))


INSTANTS = st.datetimes(
    datetime(1930, 1, 1),  # noqa: DTZ001
    datetime(2150, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
fast = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@fast
@given(schedules(), INSTANTS)
def test_the_next_fire_time_is_strictly_later(schedule: CronSchedule, after: datetime) -> None:
    """Feeding a fire time back always moves on, and a fire time has no microseconds."""
    at: datetime | None = after
    for _ in range(20):
        assert at is not None
        following = next_after(schedule, at)
        if following is None:
            break
        assert following > at
        assert following.microsecond == 0
        assert following.tzinfo is UTC
        at = following


@fast
@given(schedules(), INSTANTS, st.integers(0, 3 * 86400))
def test_no_fire_time_is_skipped(schedule: CronSchedule, after: datetime, later_s: int) -> None:
    """Asking from anywhere before a fire time finds the same one."""
    first = next_after(schedule, after)
    between = after + timedelta(seconds=later_s)

    if first is not None and between < first:
        assert next_after(schedule, between) == first
    if first is not None:
        assert next_after(schedule, first - timedelta(microseconds=1)) == first


@fast
@given(schedules(), INSTANTS)
def test_a_chain_of_next_is_what_fire_times_lists(schedule: CronSchedule, after: datetime) -> None:
    """The end is included, the start is not, and the order is that of time."""
    listed = list(islice(fire_times(schedule, after, datetime(2200, 1, 1, tzinfo=UTC)), 12))

    assert listed[:1] == [due for due in [next_after(schedule, after)] if due]
    assert all(next_after(schedule, one) == other for one, other in pairwise(listed))
    if len(listed) > 1:
        assert list(fire_times(schedule, listed[0], listed[-1])) == listed[1:]


@fast
@given(schedules())
def test_a_schedule_survives_its_document(schedule: CronSchedule) -> None:
    """Written as JSON and read again it is equal, and written again the same."""
    document = schedule_to_document(schedule)
    again = schedule_from_document(json.loads(json.dumps(document)))

    assert again == schedule
    assert hash(again) == hash(schedule)
    assert schedule_to_document(again) == document


@fast
@given(schedules(), INSTANTS)
def test_the_memory_of_a_schedule_never_changes_its_answer(
    schedule: CronSchedule, after: datetime
) -> None:
    """Freshly compiled or asked about other centuries before: the answer is the same."""
    at = int(after.timestamp())
    fresh = schedule.slots().next_epoch(at)

    next_epoch(schedule, at + 10**9)
    next_epoch(schedule, at - 10**9)
    assert next_epoch(schedule, at) == fresh


def test_a_naive_datetime_is_a_mistake_of_the_caller() -> None:
    """It has no instant, so it is refused at once, before anything is listed."""
    schedule = CronSchedule("* * * * *")
    naive, aware = datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)  # noqa: DTZ001

    with pytest.raises(ValueError, match="naive"):
        next_after(schedule, naive)
    with pytest.raises(ValueError, match="naive"):
        fire_times(schedule, naive, aware)
    with pytest.raises(ValueError, match="naive"):
        fire_times(schedule, aware, naive)


def test_a_short_form_is_a_cron_expression_in_utc() -> None:
    """The string alone stands for the document with all defaults."""
    assert schedule_to_document(schedule_from_document(" */5  * * * *")) == {
        "kind": "cron",
        "expression": "*/5 * * * *",
        "dialect": "cron5",
        "timezone": "UTC",
        "gap": "run_after",
        "fold": "first",
        "dom_dow": "cron",
        "engine": 1,
    }


def test_equal_documents_share_one_schedule() -> None:
    """A hundred thousand jobs at the same time hold one value, not as many."""
    one = schedule_from_document({"kind": "cron", "expression": "0 3 * * *"})

    assert schedule_from_document("0 3 * * *") is one


def faults(document: object) -> dict[str, str]:
    with pytest.raises(InvalidSchedule) as refused:
        schedule_from_document(document)
    return {fault.field: fault.message for fault in refused.value.faults}


def test_every_fault_of_a_document_is_reported_at_once() -> None:
    """Unknown fields, wrong types, wrong choices and a wrong expression come together."""
    found = faults(
        {
            "kind": "cron",
            "expression": "0 25 * * *",
            "dialect": "cron7",
            "timezone": "Europe/Berln",
            "gap": "jump",
            "fold": None,
            "dom_dow": "or",
            "engine": 2,
            "timezon": "UTC",
            "colour": "red",
        }
    )

    assert found == {
        "expression": "hour `25`: `25` is out of range; write 0-23",
        "dialect": "`cron7` is not known; write `cron5` or `cron6s`",
        "timezone": "there is no zone `Europe/Berln`; write `Europe/Berlin` or `Europe/Dublin`",
        "gap": "`jump` is not known; write `run_after` or `skip`",
        "fold": "`None` is not known; write `first` or `second` or `both`",
        "dom_dow": "`or` is not known; write `cron` or `and`",
        "engine": "`2` is not known to this version; write 1",
        "timezon": "unknown field; write `timezone`",
        "colour": "unknown field; the fields of `cron` are kind, expression, dialect, timezone, "
        "gap, fold, dom_dow, engine",
    }


@pytest.mark.parametrize(
    ("document", "field", "message"),
    [
        (7, "", "a schedule is an object"),
        ([], "", "a schedule is an object"),
        ({}, "kind", "is missing; write `cron`"),
        ({"kind": "crone", "expression": "* * * * *"}, "kind", "`crone` is not known"),
        ({"kind": ["cron"]}, "kind", "is not known; write `cron`"),
        ({"kind": "cron"}, "expression", "is missing"),
        ({"kind": "cron", "expression": 5}, "expression", "has to be a string"),
        ({"kind": "cron", "expression": "* * * * *", "timezone": 1}, "timezone", "be a string"),
        ({"kind": "cron", "expression": "* * * * *", "engine": True}, "engine", "write 1"),
        ({"kind": "cron", "expression": "* * * * *", "engine": 1.0}, "engine", "write 1"),
        ("every day", "expression", "has 5 fields, not 2"),
    ],
)
def test_a_document_that_is_no_schedule_is_refused(
    document: object, field: str, message: str
) -> None:
    """The fault is under the path of the field it belongs to."""
    assert message in faults(document)[field]
