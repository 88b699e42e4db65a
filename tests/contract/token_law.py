"""The law of API tokens: written by compare-and-set, and loaded whatever is broken."""

from dataclasses import replace

import pytest

from executor.domain.api_token import StoredToken
from executor.domain.errors import TokenNotFound
from executor.domain.writes import BrokenToken, TokenClash
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, a_token, by, made_by, noon, race


class TokenLaw(StoreWorkshop):
    """Writing, listing and purging tokens."""

    def _put_tokens(self, *tokens: StoredToken) -> None:
        for token in tokens:
            assert self.store.write_token(token, None) is None

    def test_a_token_comes_back_as_it_went_in(self) -> None:
        """Every field, to the millisecond."""
        full = a_token(
            "full",
            scopes=(f"jobs:write#{AWKWARD}", "runs:read"),
            expires_at=noon(9),
            revision=2**31,
            updated_at=noon(1),
            last_command=by("token:ci", made_by(AWKWARD)),
        )
        bare = a_token("bare")
        self._put_tokens(full, bare)

        assert self.store.all_tokens() == [bare, full]
        assert self.readers.list_tokens() == [bare, full]
        assert [self.readers.get_token(one.name) for one in (full, bare)] == [full, bare]

    def test_tokens_come_in_the_order_of_their_names(self) -> None:
        """By code point, for all clients at once."""
        names = ["0", "A", "B", "a", "a-b"]
        self._put_tokens(*(a_token(name) for name in reversed(names)))

        assert [one.name for one in self.another_store().all_tokens()] == names
        assert [one.name for one in self.readers.list_tokens()] == names

    def test_a_token_that_is_not_there_is_an_error_that_names_it(self) -> None:
        """Names differ by letter case; a deleted token is not there."""
        self._put_tokens(a_token("gone", deleted=True), a_token("here"))
        for name in ("gone", "unknown", "", "Here"):
            with pytest.raises(TokenNotFound) as caught:
                self.readers.get_token(name)
            assert caught.value.token == name

    def test_a_token_is_replaced_whole_at_the_expected_revision(self) -> None:
        """Nothing of the former digest remains."""
        self._put_tokens(a_token(digest="b" * 64, last_command=made_by("c1")))
        second = a_token(revision=2, updated_at=noon(2))

        assert self.store.write_token(second, 1) is None
        assert self.readers.get_token("ci") == second

    def test_a_token_at_another_revision_is_left_alone(self) -> None:
        """The answer shows it; so it does where one is to be made that exists."""
        standing = a_token(revision=5)
        self._put_tokens(standing)
        for expect in (4, 6, None):
            late = a_token(revision=7, last_command=made_by("late"))
            assert self.store.write_token(late, expect) == TokenClash(standing)

        assert self.store.all_tokens() == [standing]
        assert self.store.write_token(a_token("other"), 1) == TokenClash(None)

    def test_a_write_of_a_token_may_be_repeated(self) -> None:
        """It is answered as the first time."""
        first, second = a_token(), a_token(revision=2, last_command=made_by("c"))
        for _ in range(2):
            assert self.store.write_token(first, None) is None
        for _ in range(2):
            assert self.store.write_token(second, 1) is None

        assert self.store.all_tokens() == [second]

    def test_a_deleted_token_keeps_its_record_without_a_digest(self) -> None:
        """So its last command is known, and its revisions go on when it is made again."""
        self._put_tokens(a_token())
        gone = a_token(revision=2, deleted=True, last_command=made_by("c"))
        assert self.store.write_token(gone, 1) is None
        assert self.store.all_tokens() == [gone]
        assert self.readers.list_tokens() == []
        assert self.store.write_token(a_token(), None) == TokenClash(gone)

        again = a_token(revision=3)
        assert self.store.write_token(again, 2) is None
        assert self.readers.list_tokens() == [again]

    def test_a_broken_token_stops_no_other(self) -> None:
        """It is reported with its name and revision, and a write mends it."""
        good = a_token("good")
        self._put_tokens(a_token("bad", revision=4), good)
        self.break_token("bad")
        for listed in (self.store.all_tokens(), self.readers.list_tokens()):
            broken, other = listed
            assert isinstance(broken, BrokenToken)
            assert (broken.name, broken.revision) == ("bad", 4)
            assert broken.error
            assert other == good
        assert isinstance(self.readers.get_token("bad"), BrokenToken)

        mended = a_token("bad", revision=5)
        assert self.store.write_token(mended, 3) == TokenClash(None)
        assert self.store.write_token(mended, 4) is None
        assert self.store.all_tokens() == [mended, good]

    def test_writers_of_one_token_do_not_overwrite_each_other(self) -> None:
        """One is applied, the others are shown it."""
        stores = [self.store, self.another_store()] * 3
        written = [a_token(last_command=made_by(str(number))) for number in range(len(stores))]
        answers = race(
            lambda pair: pair[0].write_token(pair[1], None),
            list(zip(stores, written, strict=True)),
        )

        winners = [one for one, met in zip(written, answers, strict=True) if met is None]
        assert self.store.all_tokens() == winners
        assert answers.count(TokenClash(winners[0])) == len(stores) - 1

    def test_deleted_tokens_are_purged_in_time(self) -> None:
        """Those deleted before the instant; the others stay, however old."""
        old = a_token("old", updated_at=noon(-1000))
        late = a_token("late", updated_at=noon(2), deleted=True)
        self._put_tokens(old, late, a_token("early", updated_at=noon(1), deleted=True))

        assert self.store.purge_tokens(noon(2)) == 1
        assert self.store.all_tokens() == [late, old]
        assert self.store.purge_tokens(noon(2)) == 0
        assert self.store.write_token(replace(late, revision=2), 1) is None

    def test_the_last_use_of_a_token_never_goes_back(self) -> None:
        """Of several instances the latest word counts, in whatever order they come."""
        self._put_tokens(a_token("ci"), a_token("never"))
        self.store.note_token_uses({"ci": noon(5), "other": noon(1)})
        self.another_store().note_token_uses({"ci": noon(3)})
        self.store.note_token_uses({})

        assert self.readers.token_uses() == {"ci": noon(5), "other": noon(1)}

    def test_the_uses_of_a_token_go_with_it(self) -> None:
        """Once its record is purged; those of others stay."""
        self._put_tokens(a_token("here"), a_token("gone", deleted=True))
        self.store.note_token_uses({"here": noon(), "gone": noon()})

        assert self.store.purge_tokens(noon(1)) == 1
        assert self.readers.token_uses() == {"here": noon()}
