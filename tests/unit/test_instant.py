"""Instants: UTC, whole milliseconds, written as RFC 3339."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.domain.instant import TICK, from_epoch, from_text, to_text, truncate

AWARE = st.datetimes(
    min_value=datetime(2, 1, 1),  # noqa: DTZ001
    max_value=datetime(9998, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-23 * 60, 23 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)


@settings(max_examples=100, deadline=None)
@given(AWARE)
def test_truncating_cuts_down_to_the_millisecond_in_utc(instant: datetime) -> None:
    """The result is the latest whole millisecond that is not later, whatever the zone."""
    cut = truncate(instant)

    assert cut.tzinfo is UTC
    assert cut.microsecond % 1000 == 0
    assert timedelta(0) <= instant - cut < TICK
    assert truncate(cut) == cut


@settings(max_examples=100, deadline=None)
@given(AWARE.map(truncate))
def test_what_is_written_is_read_back(instant: datetime) -> None:
    """Every instant of ours survives its text."""
    assert from_text(to_text(instant)) == instant


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30) | st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-9:.]*[Z+-]?[0-9:]*"))
def test_any_text_is_an_instant_or_a_value_error(text: str) -> None:
    """No text makes it fail in another way."""
    try:
        instant = from_text(text)
    except ValueError:
        return

    assert instant == truncate(instant)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-12-01T02:30:00Z", datetime(2026, 12, 1, 2, 30, tzinfo=UTC)),
        ("2026-12-01T04:30:00+02:00", datetime(2026, 12, 1, 2, 30, tzinfo=UTC)),
        ("2026-12-01T02:30:00.5Z", datetime(2026, 12, 1, 2, 30, 0, 500_000, tzinfo=UTC)),
        ("2026-12-01T02:30:00.123999Z", datetime(2026, 12, 1, 2, 30, 0, 123_000, tzinfo=UTC)),
    ],
)
def test_rfc_3339_is_read(text: str, instant: datetime) -> None:
    """With Z or an offset, with or without fractions; finer than a millisecond is cut."""
    assert from_text(text) == instant


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tomorrow", "is not an instant"),
        ("2026-12-01 25:00:00Z", "is not an instant"),
        ("2026-12-01T02:30:00", "has no zone"),
        ("2026-12-01", "has no zone"),
        ("0001-01-01T00:00:00+14:00", "lies outside the years 1 to 9999"),
        ("9999-12-31T23:59:59-14:00", "lies outside the years 1 to 9999"),
    ],
)
def test_what_is_no_instant_is_refused_with_the_reason(text: str, why: str) -> None:
    """The message quotes what was written and says what is missing."""
    with pytest.raises(ValueError, match=why) as refused:
        from_text(text)

    assert repr(text) in str(refused.value)


def test_milliseconds_are_written_only_where_there_are_any() -> None:
    """Fire times, which are whole seconds, look like it."""
    whole = datetime(2026, 12, 1, 2, 30, tzinfo=UTC)

    assert to_text(whole) == "2026-12-01T02:30:00Z"
    assert to_text(whole + TICK) == "2026-12-01T02:30:00.001Z"
    assert to_text(whole.astimezone(timezone(timedelta(hours=2)))) == "2026-12-01T02:30:00Z"


def test_seconds_since_the_epoch_are_cut_down_as_well() -> None:
    """A clock's float becomes an instant that every store keeps."""
    assert from_epoch(1.9999) == datetime(1970, 1, 1, 0, 0, 1, 999_000, tzinfo=UTC)
    assert from_epoch(0) == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_naive_datetime_has_no_instant() -> None:
    """It is a bug in the caller, and says so."""
    with pytest.raises(ValueError, match="attach a zone"):
        truncate(datetime(2026, 12, 1))  # noqa: DTZ001
