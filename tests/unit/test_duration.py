"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.domain.duration import LONGEST, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT30S", 30),
        ("PT0S", 0),
        ("PT1.5S", 1.5),
        ("PT0.001S", 0.001),
        ("PT5M", 300),
        ("PT1H30M", 5400),
        ("P14D", 14 * 86400),
        ("P2W", 14 * 86400),
        ("P1W2DT3H4M5S", 9 * 86400 + 3 * 3600 + 4 * 60 + 5),
        ("PT90M", 5400),
        ("pt30s", 30),
        ("30s", 30),
        ("0s", 0),
        ("0.25s", 0.25),
        ("5m", 300),
        ("14d", 14 * 86400),
        ("2w", 14 * 86400),
        ("1h30m", 5400),
        ("1h 30m 5s", 5405),
        ("  10s ", 10),
        ("P36525D", 36525 * 86400),
    ],
)
def test_both_forms_are_read(text: str, seconds: float) -> None:
    """ISO 8601 and the short form, any subset of parts from large to small."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "T30S",
        "30",
        "1.5m",
        "-5s",
        "PT-5S",
        "+PT5S",
        "5 minutes",
        "30s 5m",
        "PT5S5M",
        "1M",
        "5min",
        "PT0.0001S",
        "PT1,5S",
        "٣s",
        "PT30S\n5",
        "P1D1D",
    ],
)
def test_anything_else_is_refused_with_both_forms_shown(text: str) -> None:
    """The message quotes what was written and shows what to write."""
    with pytest.raises(ValueError, match="is not a duration; write ISO 8601") as refused:
        parse_duration(text)

    assert repr(text) in str(refused.value)


@pytest.mark.parametrize("text", ["P1Y", "P6M", "p1y", "P1Y2M", "P1Y2M3D"])
def test_years_and_months_are_refused_by_name(text: str) -> None:
    """Their length varies; the message says to write days."""
    with pytest.raises(ValueError, match="counts years or months, whose length varies"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["P36525DT0.001S", "P5219W", "9" * 30 + "s", "9" * 400 + "w"])
def test_more_than_a_hundred_years_are_refused(text: str) -> None:
    """However long the number, it is one answer and not an overflow."""
    with pytest.raises(ValueError, match="is longer than 100 years"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(0), "PT0S"),
        (timedelta(milliseconds=1), "PT0.001S"),
        (timedelta(seconds=1.5), "PT1.5S"),
        (timedelta(seconds=90), "PT1M30S"),
        (timedelta(hours=24), "P1D"),
        (timedelta(days=14), "P14D"),
        (timedelta(hours=25, milliseconds=500), "P1DT1H0.5S"),
        (timedelta(hours=1, seconds=10), "PT1H10S"),
    ],
)
def test_the_canonical_form_has_days_and_time_parts(duration: timedelta, text: str) -> None:
    """Zero parts are left out, and a whole number of days has no time."""
    assert format_duration(duration) == text


@settings(max_examples=50, deadline=None)
@given(st.integers(0, LONGEST // timedelta(milliseconds=1)))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    """Every duration in whole milliseconds, up to the longest, survives writing and reading."""
    duration = timedelta(milliseconds=milliseconds)

    assert parse_duration(format_duration(duration)) == duration


@settings(max_examples=50, deadline=None)
@given(st.from_regex(r"P?([0-9]{1,12}[WDHMSwdhms.T]?){0,4}") | st.text(max_size=12))
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    """No text makes it fail in another way, and what it accepts has a canonical form."""
    try:
        duration = parse_duration(text)
    except ValueError:
        return

    assert timedelta(0) <= duration <= LONGEST
    assert parse_duration(format_duration(duration)) == duration
