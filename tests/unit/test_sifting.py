"""Which entries of a batch are to blame for its failure."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from executor.domain.errors import SolocronError, StaleTerm, StoreUnavailable
from executor.engine.events import Refused
from executor.runtime.sifting import sift


class Scale:
    """Doubles numbers, but fails for a batch with one of *bad*; notes the size of each batch."""

    def __init__(self, *bad: int, error: Exception | None = None) -> None:
        self.bad = set(bad)
        self.error = error or OverflowError("too much")
        self.asked: list[int] = []

    def double(self, numbers: Sequence[int]) -> list[int]:
        self.asked.append(len(numbers))
        if self.bad & set(numbers):
            raise self.error
        return [2 * number for number in numbers]


def test_a_batch_that_is_taken_is_one_call() -> None:
    """The usual case costs nothing."""
    scale = Scale()

    assert sift(scale.double, range(100)) == [2 * number for number in range(100)]
    assert scale.asked == [100]


@pytest.mark.parametrize("bad", [[0], [99], [41], [0, 1, 50, 99], list(range(100))])
def test_every_entry_but_those_to_blame_is_taken(bad: list[int]) -> None:
    """Results come in the order of the entries, with the error in the place of a bad one."""
    scale = Scale(*bad)

    found = sift(scale.double, range(100))

    for number, result in enumerate(found):
        if number in bad:
            assert isinstance(result, Refused)
            assert result.error is scale.error
            assert "too much" in result.why
        else:
            assert result == 2 * number


def test_one_bad_entry_among_many_takes_few_calls() -> None:
    """Two for each halving."""
    scale = Scale(700)

    sift(scale.double, range(1024))

    assert len(scale.asked) == 21


@pytest.mark.parametrize("error", [StaleTerm(1, 2), StoreUnavailable("down")])
def test_a_store_that_is_away_is_not_asked_again(error: SolocronError) -> None:
    """Its own errors blame no entry."""
    scale = Scale(3, error=error)

    with pytest.raises(type(error)):
        sift(scale.double, range(10))

    assert scale.asked == [10]
