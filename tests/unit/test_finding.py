"""What an examination makes of plain figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from executor.domain.finding import Verdict, of_clocks, of_versions, version_of

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "margin_s", "verdict"),
    [
        (0.0, 0.0, Verdict.OK),
        (0.9, 0.0, Verdict.OK),
        (-2.0, 0.0, Verdict.WARNING),
        (2.0, 1.5, Verdict.OK),
        (40.0, 1.0, Verdict.FAULT),
        (-40.0, 1.0, Verdict.FAULT),
    ],
)
def test_clocks_are_judged_by_what_is_certain(
    seconds: float, margin_s: float, verdict: Verdict
) -> None:
    """A difference within the time of the reading is none."""
    found = of_clocks("MongoDB", NOON, NOON + timedelta(seconds=seconds), margin_s)

    assert found.verdict is verdict
    assert bool(found.fix) is (verdict is not Verdict.OK)


def test_versions_side_by_side_are_doubtful() -> None:
    """Those that are not told do not count."""
    assert of_versions("versions", ["1", "", "1"], "update").verdict is Verdict.OK
    mixed = of_versions("versions", ["1", "2"], "update")
    assert (mixed.verdict, mixed.message) == (Verdict.WARNING, "1 and 2 side by side")


def test_versions_compare_as_numbers() -> None:
    """3.10 is later than 3.9, and what is no number ends them."""
    assert version_of("3.10.8") > version_of("3.9.29")
    assert version_of("4.1.x") == (4, 1)
