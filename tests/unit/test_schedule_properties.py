"""What holds for every schedule, tried on random ones of every kind."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.domain.errors import InvalidSchedule
from executor.domain.schedule import (
    CronSchedule,
    DayRule,
    Dialect,
    Fold,
    Gap,
    IntervalSchedule,
    Schedule,
    fire_times,
    next_after,
    next_epoch,
    schedule_from_document,
    schedule_to_document,
)
from tests.unit.cron_oracle import Expressions

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


def dialect_of(expression: str) -> Dialect:
    return Dialect.CRON6S if expression.count(" ") == 5 else Dialect.CRON5


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


@st.composite
def intervals(draw: st.DrawFn) -> IntervalSchedule:
    start = draw(st.datetimes(datetime(1930, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001
    repeats = draw(st.sampled_from(["R", "R0", "R3", "R1000"]))
    distance = draw(
        st.sampled_from(["P1M", "P1Y", "P2W", "P1D", "P1DT1H", "P1M10DT1S", "PT7S", "PT90M"])
    )
    first = draw(st.none() | st.sampled_from(["1980-05-05T00:00:00Z", "2050-01-01T12:00:00Z"]))
    return IntervalSchedule(
        f"{repeats}/{start:%Y-%m-%dT%H:%M:%S}+01:00/{distance}",
        draw(st.none() | st.sampled_from(ZONES)),
        jitter=draw(st.sampled_from(["PT0S", "PT10M"])),
        not_before=first,
        not_after=draw(st.none() | st.just("2060-06-06T00:00:00Z")),
    )


ANY = schedules() | intervals()

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
@given(ANY, INSTANTS)
def test_the_next_fire_time_is_strictly_later(schedule: Schedule, after: datetime) -> None:
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
@given(ANY, INSTANTS, st.integers(0, 3 * 86400))
def test_no_fire_time_is_skipped(schedule: Schedule, after: datetime, later_s: int) -> None:
    """Asking from anywhere before a fire time finds the same one."""
    first = next_after(schedule, after)
    between = after + timedelta(seconds=later_s)

    if first is not None and between < first:
        assert next_after(schedule, between) == first
    if first is not None:
        assert next_after(schedule, first - timedelta(microseconds=1)) == first


@fast
@given(ANY, INSTANTS)
def test_a_chain_of_next_is_what_fire_times_lists(schedule: Schedule, after: datetime) -> None:
    """The end is included, the start is not, and the order is that of time."""
    listed = list(islice(fire_times(schedule, after, datetime(2200, 1, 1, tzinfo=UTC)), 12))

    assert listed[:1] == [due for due in [next_after(schedule, after)] if due]
    assert all(next_after(schedule, one) == other for one, other in pairwise(listed))
    if len(listed) > 1:
        assert list(fire_times(schedule, listed[0], listed[-1])) == listed[1:]


@fast
@given(ANY)
def test_a_schedule_survives_its_document(schedule: Schedule) -> None:
    """Written as JSON and read again it is equal, and written again the same."""
    document = schedule_to_document(schedule)
    again = schedule_from_document(json.loads(json.dumps(document)))

    assert again == schedule
    assert hash(again) == hash(schedule)
    assert schedule_to_document(again) == document


@fast
@given(ANY, INSTANTS)
def test_the_memory_of_a_schedule_never_changes_its_answer(
    schedule: Schedule, after: datetime
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
        "jitter": "PT0S",
        "not_before": None,
        "not_after": None,
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
        "dialect": "`cron7` is not known; write `cron5` or `cron6s` or `quartz`",
        "timezone": "there is no zone `Europe/Berln`; write `Europe/Berlin` or `Europe/Dublin`",
        "gap": "`jump` is not known; write `run_after` or `skip`",
        "fold": "`None` is not known; write `first` or `second` or `both`",
        "dom_dow": "`or` is not known; write `cron` or `and`",
        "engine": "`2` is not known to this version; write 1",
        "timezon": "unknown field; write `timezone`",
        "colour": "unknown field; the fields of `cron` are kind, expression, dialect, timezone, "
        "gap, fold, dom_dow, jitter, not_before, not_after, engine",
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


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(
    st.text("0123456789*/-,?LWH#()RPTYMDSZ:+. @janfri", max_size=30)
    | st.tuples(
        st.sampled_from(["R", "R0", "R3"]),
        st.sampled_from(
            ["2026-12-01T00:00:00Z", "0001-01-03T00:00:00-12:00", "9999-12-28T00:00:00Z"]
        ),
        st.text("PTYMWDHS0123456789", max_size=8),
    ).map("/".join)
)
def test_any_text_is_a_schedule_or_is_refused(text: str) -> None:
    """No other error, and what is read has a next fire time or none."""
    try:
        schedule = schedule_from_document(text)
    except InvalidSchedule:
        return
    assert schedule_from_document(schedule_to_document(schedule)) == schedule
    following = next_after(schedule, datetime(2026, 1, 1, tzinfo=UTC))
    assert following is None or following.microsecond == 0
