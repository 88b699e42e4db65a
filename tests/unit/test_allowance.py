"""How long a place has to wait after too much came from it."""

from __future__ import annotations

import pytest

from web.allowance import Allowance

NOW = 123_456.0


@pytest.mark.parametrize("times", [3, 4, 1_000])
def test_nobody_waits_longer_than_for_the_next_one(times: int) -> None:
    """However much came although it should have waited."""
    allowance = Allowance(3, 6.0)
    for _ in range(times):
        allowance.note("here", NOW)

    assert allowance.wait_s("here", NOW) == pytest.approx(6)
    assert allowance.wait_s("here", NOW + 6) == pytest.approx(0)
    assert allowance.wait_s("there", NOW) == 0


def test_all_is_forgotten_after_a_while() -> None:
    """Then as many may come at once as at first."""
    allowance = Allowance(3, 6.0)
    for _ in range(1_000):
        allowance.note("here", NOW)

    waits = []
    for _ in range(4):
        waits.append(allowance.wait_s("here", NOW + 18))
        allowance.note("here", NOW + 18)
    assert waits == pytest.approx([0, 0, 0, 6])
