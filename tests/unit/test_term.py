"""What a row that a former executor left tells about whether it was started."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from executor.domain.run import RunState
from executor.domain.term import HISTORY, Clearances, FormerTerm, TermRecord
from tests.builders import a_job, a_run, at
from tests.fakes.fake_clock import FakeClock
from tests.fakes.memory_store import MemoryStore

TICK = timedelta(milliseconds=1)


def clearances(**cleared: datetime | None) -> Clearances:
    """Return the clearances of former terms, by ``term_<number>``."""
    previous = [
        FormerTerm(
            term=int(name.removeprefix("term_")), holder="x", cleared_until=until, until=at(99)
        )
        for name, until in cleared.items()
    ]
    return Clearances(
        TermRecord(
            term=9, holder="here", acquired_at=at(99), heartbeat_at=at(99), previous=tuple(previous)
        )
    )


@pytest.mark.parametrize(
    ("cleared", "clear_at", "may"),
    [
        pytest.param(at(10), at(9), True, id="cleared past it"),
        pytest.param(at(10), at(10), True, id="cleared exactly up to it"),
        pytest.param(at(10), at(10) + TICK, False, id="one millisecond beyond the clearance"),
        pytest.param(at(10), at(99), False, id="far beyond the clearance"),
        pytest.param(None, at(1), False, id="a term that never cleared anything"),
    ],
)
def test_a_pending_row_has_certainly_not_started_beyond_the_clearance(
    cleared: datetime | None, clear_at: datetime, may: bool
) -> None:
    """Up to its term's last clearance it may have started, beyond it has not."""
    row = a_run(a_job(), term=3, clear_at=clear_at)

    assert clearances(term_3=cleared).may_have_started(row) is may


def test_a_row_is_judged_by_its_own_term() -> None:
    """What another term had cleared, before or after, says nothing."""
    judge = clearances(term_2=at(99), term_3=at(10), term_4=at(99))

    assert not judge.may_have_started(a_run(a_job(), term=3, clear_at=at(11)))
    assert judge.may_have_started(a_run(a_job(), term=2, clear_at=at(11)))


@pytest.mark.parametrize("term", [1, 9, 10])
def test_a_row_of_an_unknown_term_may_have_started(term: int) -> None:
    """A term out of memory, one's own or a newer one: the judgement is the careful one."""
    row = a_run(a_job(), term=term, clear_at=at(99))

    assert clearances(term_3=at(10)).may_have_started(row)


@pytest.mark.parametrize("state", [state for state in RunState if state is not RunState.PENDING])
def test_a_row_that_is_not_pending_may_have_started(state: RunState) -> None:
    """Whatever is recorded beyond pending was recorded because something happened."""
    row = a_run(a_job(), term=3, clear_at=at(99), state=state)

    assert clearances(term_3=at(10)).may_have_started(row)


def test_rows_are_judged_two_terms_later_as_one_term_later() -> None:
    """A successor of the successor still knows what the first had cleared."""
    store = MemoryStore(FakeClock())
    first = store.mint_term("a")
    store.clear_term(first.term, at(10))
    second = store.mint_term("b")
    store.clear_term(second.term, at(20))

    judge = Clearances(store.mint_term("c"))

    assert judge.may_have_started(a_run(a_job(), term=1, clear_at=at(10)))
    assert not judge.may_have_started(a_run(a_job(), term=1, clear_at=at(11)))
    assert not judge.may_have_started(a_run(a_job(), term=2, clear_at=at(21)))


def test_what_is_older_than_the_history_may_have_started() -> None:
    """The store keeps a limited number of terms; rows of older ones are treated with care."""
    store = MemoryStore(FakeClock())
    for _ in range(HISTORY + 1):
        store.mint_term("a")
    judge = Clearances(store.mint_term("b"))

    assert judge.may_have_started(a_run(a_job(), term=1, clear_at=at(99)))
    assert not judge.may_have_started(a_run(a_job(), term=2, clear_at=at(99)))
