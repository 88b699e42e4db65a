"""The law of terms: one document, minted and cleared in atomic steps, and the only fence."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest

from executor.domain.errors import StaleTerm
from executor.domain.term import HISTORY, FormerTerm, TermRecord
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, noon, race


class TermLaw(StoreWorkshop):
    """Minting, clearing and resigning."""

    def test_there_is_no_term_before_the_first_executor(self) -> None:
        """Both faces of the store answer None."""
        assert self.store.read_term() is None
        assert self.readers.read_term() is None

    def test_a_first_term_begins_now_and_has_cleared_nothing(self) -> None:
        """It names its holder, has no history, and its times are the store's."""
        before = self.readers.now()
        record = self.store.mint_term("a")
        after = self.readers.now()

        assert record.term > 0
        assert record.holder == "a"
        assert before <= record.acquired_at <= after
        assert before <= record.heartbeat_at <= after
        assert record.cleared_until is None
        assert not record.resigned
        assert record.previous == ()

    def test_a_minted_term_is_what_everybody_reads(self) -> None:
        """The answer of mint is the record as it stands, for every client."""
        record = self.store.mint_term("a")

        assert self.store.read_term() == record
        assert self.readers.read_term() == record
        assert self.another_store().read_term() == record

    def test_a_term_is_higher_than_every_former_one(self) -> None:
        """Terms strictly increase, also for one and the same holder."""
        terms = [self.store.mint_term(holder).term for holder in "abba"]

        assert terms == sorted(set(terms))

    def test_a_successor_is_told_what_its_predecessor_had_cleared(self) -> None:
        """The former term is the first of the history, over since the successor began."""
        first = self.store.mint_term("a")
        self.store.clear_term(first.term, noon(5))
        second = self.store.mint_term("b")

        assert second.previous == (
            FormerTerm(
                term=first.term, holder="a", cleared_until=noon(5), until=second.acquired_at
            ),
        )

    def test_a_successor_begins_with_nothing_cleared(self) -> None:
        """Clearances are a term's own, and so is its resignation."""
        first = self.store.mint_term("a")
        self.store.clear_term(first.term, noon(5))
        self.store.resign_term(first.term)
        second = self.store.mint_term("b")

        assert second.cleared_until is None
        assert not second.resigned

    def test_a_term_that_cleared_nothing_is_remembered_as_such(self) -> None:
        """Its rows have certainly not been started: None, not some instant."""
        self.store.mint_term("a")

        assert self.store.mint_term("b").previous[0].cleared_until is None

    def test_the_history_is_newest_first_and_bounded(self) -> None:
        """It holds the latest former terms, no more than HISTORY of them."""
        terms = [self.store.mint_term("a").term for _ in range(HISTORY + 2)]
        record = self.store.mint_term("a")

        assert [former.term for former in record.previous] == terms[::-1][:HISTORY]

    def test_a_holder_is_taken_literally(self) -> None:
        """No text in a holder's name, or in what it says, means anything to the store."""
        self.store.mint_term(AWKWARD, AWKWARD)
        record = self.store.mint_term("$term", "$holder")

        assert (record.holder, record.tzdata) == ("$term", "$holder")
        assert (record.previous[0].holder, record.previous[0].tzdata) == (AWKWARD, AWKWARD)

    def test_a_term_remembers_the_zone_data_that_its_executor_went_by(self) -> None:
        """Also in the history, and when the executor is long gone."""
        for version in ("2025b", "2026a", ""):
            self.store.mint_term("a", version)
        record = self.readers.read_term()

        assert record is not None
        assert [record.tzdata, *(former.tzdata for former in record.previous)] == [
            *("", "2026a", "2025b"),
        ]

    def test_candidates_that_mint_at_once_get_different_terms(self) -> None:
        """Nobody's term is skipped in anybody's history, even when there was no record before."""
        stores = [self.store, self.another_store()]
        records = race(lambda store: store.mint_term("a"), stores * 4)

        terms = sorted(record.term for record in records)
        assert len(set(terms)) == len(records)
        for record in records:
            known = [former.term for former in record.previous]
            assert known == [term for term in reversed(terms) if term < record.term]

    def test_a_clearance_is_recorded_with_a_heartbeat(self) -> None:
        """``cleared_until`` is the executor's value, ``heartbeat_at`` the store's now."""
        term = self.store.mint_term("a").term
        before = self.readers.now()
        self.store.clear_term(term, noon(5))
        record = self.readers.read_term()

        assert record is not None
        assert record.cleared_until == noon(5)
        assert before <= record.heartbeat_at <= self.readers.now()

    def test_a_clearance_never_moves_back(self) -> None:
        """An earlier instant, or the same again, leaves the later one."""
        term = self.store.mint_term("a").term
        for seconds in (5, 3, 5):
            self.store.clear_term(term, noon(seconds))
        record = self.readers.read_term()

        assert record is not None
        assert record.cleared_until == noon(5)

    def test_an_old_term_cannot_clear(self) -> None:
        """It is told which term stands, and the record is unchanged."""
        old = self.store.mint_term("a").term
        new = self.another_store().mint_term("b")

        with pytest.raises(StaleTerm) as caught:
            self.store.clear_term(old, noon(5))

        assert (caught.value.held, caught.value.current) == (old, new.term)
        assert self.readers.read_term() == new

    def test_nothing_is_cleared_where_no_term_was_minted(self) -> None:
        """A store that lost its record, or is another, does not let anybody start anything."""
        with pytest.raises(StaleTerm):
            self.store.clear_term(1, noon(5))

        assert self.readers.read_term() is None

    def test_no_clearance_slips_past_a_new_term(self) -> None:
        """The history shows the very last clearance that succeeded, in every race."""
        other = self.another_store()
        for _ in range(10):
            term = self.store.mint_term("a").term
            steps: list[Callable[[], object]] = [
                partial(self._clear_until_stale, term),
                partial(other.mint_term, "b"),
            ]
            last, record = race(lambda step: step(), steps)

            assert isinstance(record, TermRecord)
            former = record.previous[0]
            assert (former.term, former.cleared_until) == (term, last)

    def _clear_until_stale(self, term: int) -> datetime | None:
        last: datetime | None = None
        for milliseconds in range(10_000):
            until = noon() + timedelta(milliseconds=milliseconds)
            try:
                self.store.clear_term(term, until)
            except StaleTerm:
                return last
            last = until
        raise AssertionError("the other never minted")

    def test_a_resignation_is_recorded(self) -> None:
        """It may be repeated, and takes nothing else away."""
        term = self.store.mint_term("a").term
        self.store.clear_term(term, noon(5))
        for _ in range(2):
            self.store.resign_term(term)
        record = self.readers.read_term()

        assert record is not None
        assert record.resigned
        assert (record.term, record.cleared_until) == (term, noon(5))

    def test_a_term_that_is_over_can_resign_no_more(self) -> None:
        """Its successor's record is unchanged."""
        old = self.store.mint_term("a").term
        new = self.store.mint_term("b")
        self.store.resign_term(old)

        assert self.readers.read_term() == new
