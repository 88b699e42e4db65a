"""One instant, first and last instants, and what is refused only when it is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from executor.domain.errors import Fault
from executor.domain.schedule import (
    CronSchedule,
    Dialect,
    Gap,
    IntervalSchedule,
    OnceSchedule,
    Schedule,
    creation_faults,
    fire_times,
    next_after,
    schedule_from_document,
    schedule_to_document,
)

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)


def due(schedule: Schedule) -> list[str]:
    return [f"{at:%m-%d %H:%M}" for at in fire_times(schedule, START, FAR)]


def test_once_is_one_instant() -> None:
    """Strictly before it there is one slot, from it on there is none."""
    schedule = schedule_from_document({"kind": "once", "at": "2026-12-01T00:00:00+01:00"})
    at = datetime(2026, 11, 30, 23, tzinfo=UTC)

    assert next_after(schedule, at - timedelta(microseconds=1)) == at
    assert next_after(schedule, at) is None
    assert list(fire_times(schedule, START, FAR)) == [at]


def test_once_keeps_the_offset_it_was_written_with() -> None:
    """People see the clock they meant; milliseconds of zero are no fraction."""
    document = schedule_to_document(OnceSchedule("2026-12-01 00:00:00.000+01:00"))

    assert document == {
        "kind": "once",
        "at": "2026-12-01T00:00:00+01:00",
        "jitter": "PT0S",
        "not_before": None,
        "not_after": None,
        "engine": 1,
    }
    assert OnceSchedule("2026-12-01T00:00:00+00:00").at == "2026-12-01T00:00:00Z"


def test_an_interval_is_written_as_it_was_read() -> None:
    """Every field, defaults included; read again it is the same object."""
    schedule = schedule_from_document(" R5/2026-12-01T00:00:00Z/P1M ")
    document = schedule_to_document(schedule)

    assert document == {
        "kind": "interval",
        "expression": "R5/2026-12-01T00:00:00Z/P1M",
        "timezone": None,
        "jitter": "PT0S",
        "not_before": None,
        "not_after": None,
        "engine": 1,
    }
    assert schedule_from_document(document) is schedule


def test_documents_from_before_a_field_was_there_are_read() -> None:
    """A job stored without jitter and bounds has none."""
    old = {"kind": "cron", "expression": "0 3 * * *", "timezone": "UTC", "engine": 1}

    assert schedule_from_document(old) == CronSchedule("0 3 * * *")


def test_both_bounds_belong_to_the_schedule() -> None:
    """A slot at the very first or last instant exists; a millisecond beyond it does not."""
    noon = CronSchedule(
        "0 12 * * *", not_before="2026-11-23T12:00:00Z", not_after="2026-11-25T13:00:00+01:00"
    )
    within = CronSchedule(
        "0 12 * * *", not_before="2026-11-23T12:00:00.001Z", not_after="2026-11-25T11:59:59.999Z"
    )

    assert due(noon) == ["11-23 12:00", "11-24 12:00", "11-25 12:00"]
    assert due(within) == ["11-24 12:00"]
    assert noon.not_after == "2026-11-25T12:00:00Z"


def test_bounds_do_not_move_the_anchor_of_an_interval() -> None:
    """Runs and repeats are counted from START; what lies outside is just not there."""
    schedule = IntervalSchedule(
        "R4/2026-11-21T18:00:00Z/P1DT1H",
        not_before="2026-11-23T00:00:00Z",
        not_after="2026-11-24T23:00:00Z",
    )

    assert due(schedule) == ["11-23 20:00", "11-24 21:00"]


def test_a_bound_far_ahead_is_reached_in_one_step() -> None:
    """The search starts at the bound, not at the instant asked about."""
    schedule = CronSchedule("* * * * *", not_before="2099-01-01T00:00:00Z")

    assert next_after(schedule, START) == datetime(2099, 1, 1, tzinfo=UTC)
    assert next_after(schedule, datetime(1900, 1, 1, tzinfo=UTC)) is not None


@pytest.mark.parametrize(
    "schedule",
    [
        CronSchedule("*/5 * * * *"),
        CronSchedule("0 0 29 2 *", timezone="Europe/Berlin"),
        IntervalSchedule("R/2026-11-21T12:00:01Z/PT10S"),
        OnceSchedule("2026-11-21T12:00:01Z"),
        CronSchedule("0 12 * * *", not_before="2026-01-01T00:00:00Z"),
        CronSchedule("0 0 12 1 1 ? 2027", Dialect.QUARTZ),
    ],
)
def test_what_has_a_future_may_be_created(schedule: Schedule) -> None:
    """Nothing to say."""
    assert creation_faults(schedule, START) == []


@pytest.mark.parametrize(
    ("schedule", "field", "message"),
    [
        (
            OnceSchedule("2026-11-21T13:00:00+01:00"),
            "at",
            (
                "`2026-11-21T13:00:00+01:00` is not later than now, 2026-11-21T12:00:00Z; "
                "write a later instant"
            ),
        ),
        (
            IntervalSchedule("R/2026-11-21T12:00:00Z/P1D"),
            "expression",
            (
                "START `2026-11-21T12:00:00Z` is not later than now, 2026-11-21T12:00:00Z; "
                "write a later one, such as `R/2026-11-22T12:00:00Z/P1D`"
            ),
        ),
        (
            IntervalSchedule("R5/2025-11-21T12:00:00Z/P1D"),
            "expression",
            (
                "START `2025-11-21T12:00:00Z` is not later than now, 2026-11-21T12:00:00Z; "
                "write a later one"
            ),
        ),
        (
            CronSchedule("0 0 12 1 1 ? 2025", Dialect.QUARTZ),
            "expression",
            "never fires after 2026-11-21T12:00:00Z; write another expression",
        ),
        (
            CronSchedule("0 12 * * *", not_after="2026-11-22T11:00:00Z"),
            "not_after",
            "no fire time is left within the bounds after 2026-11-21T12:00:00Z; write other bounds",
        ),
        (
            OnceSchedule("2026-12-01T00:00:00Z", not_before="2027-01-01T00:00:00Z"),
            "not_before",
            "no fire time is left within the bounds after 2026-11-21T12:00:00Z; write other bounds",
        ),
        (
            CronSchedule("30 2 * 3 0#2", timezone="America/New_York", gap=Gap.SKIP),
            "expression",
            (
                "never fires: the clocks of America/New_York skip every time it asks for; "
                "write another hour"
            ),
        ),
    ],
)
def test_what_has_no_future_is_refused_when_it_is_set(
    schedule: Schedule, field: str, message: str
) -> None:
    """As a document it stays valid, so that stored jobs that have run are read."""
    assert creation_faults(schedule, START) == [Fault(field, message)]
    assert schedule_from_document(schedule_to_document(schedule)) == schedule
