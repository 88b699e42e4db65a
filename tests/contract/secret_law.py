"""The law of secrets: sealed, written by compare-and-set, and loaded whatever is broken."""

from dataclasses import replace

import pytest

from executor.domain.errors import SecretNotFound
from executor.domain.secret import StoredSecret
from executor.domain.writes import BrokenSecret, SecretClash
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, a_secret, made_by, noon, race

#: Another sealed value, as long as there are.
LONG = f"v1:ffffffff:{'zZ+/' * 43_000}="


class SecretLaw(StoreWorkshop):
    """Writing, listing and purging secrets."""

    def _put_secrets(self, *secrets: StoredSecret) -> None:
        for secret in secrets:
            assert self.store.write_secret(secret, None) is None

    def test_a_secret_comes_back_as_it_went_in(self) -> None:
        """Every field, to the millisecond."""
        full = a_secret(
            "full", sealed=LONG, revision=2**31, updated_at=noon(1), last_command=made_by(AWKWARD)
        )
        bare = a_secret("bare")
        self._put_secrets(full, bare)

        assert self.store.all_secrets() == [bare, full]
        assert self.readers.list_secrets() == [bare, full]
        assert [self.readers.get_secret(one.name) for one in (full, bare)] == [full, bare]

    def test_secrets_come_in_the_order_of_their_names(self) -> None:
        """By code point, for all clients at once."""
        names = ["A", "B", "_", "a", "a-b"]
        self._put_secrets(*(a_secret(name) for name in reversed(names)))

        assert [one.name for one in self.another_store().all_secrets()] == names
        assert [one.name for one in self.readers.list_secrets()] == names

    def test_a_secret_that_is_not_there_is_an_error_that_names_it(self) -> None:
        """Names differ by letter case; a deleted secret is not there."""
        self._put_secrets(a_secret("gone", deleted=True), a_secret("here"))
        for name in ("gone", "unknown", "", "Here"):
            with pytest.raises(SecretNotFound) as caught:
                self.readers.get_secret(name)
            assert caught.value.secret == name

    def test_a_secret_is_replaced_whole_at_the_expected_revision(self) -> None:
        """Nothing of the former value remains."""
        self._put_secrets(a_secret(sealed=LONG, last_command=made_by("c1")))
        second = a_secret(revision=2, updated_at=noon(2))

        assert self.store.write_secret(second, 1) is None
        assert self.readers.get_secret("TOKEN") == second

    def test_a_secret_at_another_revision_is_left_alone(self) -> None:
        """The answer shows it; so it does where one is to be made that exists."""
        standing = a_secret(revision=5)
        self._put_secrets(standing)
        for expect in (4, 6, None):
            late = a_secret(revision=7, last_command=made_by("late"))
            assert self.store.write_secret(late, expect) == SecretClash(standing)

        assert self.store.all_secrets() == [standing]
        assert self.store.write_secret(a_secret("other"), 1) == SecretClash(None)

    def test_a_write_of_a_secret_may_be_repeated(self) -> None:
        """It is answered as the first time."""
        first, second = a_secret(), a_secret(revision=2, last_command=made_by("c"))
        for _ in range(2):
            assert self.store.write_secret(first, None) is None
        for _ in range(2):
            assert self.store.write_secret(second, 1) is None

        assert self.store.all_secrets() == [second]

    def test_a_deleted_secret_keeps_its_record_without_a_value(self) -> None:
        """So its last command is known, and its revisions go on when it is made again."""
        self._put_secrets(a_secret())
        gone = a_secret(revision=2, deleted=True, last_command=made_by("c"))
        assert self.store.write_secret(gone, 1) is None
        assert self.store.all_secrets() == [gone]
        assert self.readers.list_secrets() == []
        assert self.store.write_secret(a_secret(), None) == SecretClash(gone)

        again = a_secret(revision=3)
        assert self.store.write_secret(again, 2) is None
        assert self.readers.list_secrets() == [again]

    def test_a_broken_secret_stops_no_other(self) -> None:
        """It is reported with its name and revision, and a write mends it."""
        good = a_secret("good")
        self._put_secrets(a_secret("bad", revision=4), good)
        self.break_secret("bad")
        for listed in (self.store.all_secrets(), self.readers.list_secrets()):
            broken, other = listed
            assert isinstance(broken, BrokenSecret)
            assert (broken.name, broken.revision) == ("bad", 4)
            assert broken.error
            assert other == good
        assert isinstance(self.readers.get_secret("bad"), BrokenSecret)

        mended = a_secret("bad", revision=5)
        assert self.store.write_secret(mended, 3) == SecretClash(None)
        assert self.store.write_secret(mended, 4) is None
        assert self.store.all_secrets() == [mended, good]

    def test_writers_of_one_secret_do_not_overwrite_each_other(self) -> None:
        """One is applied, the others are shown it."""
        stores = [self.store, self.another_store()] * 3
        written = [a_secret(last_command=made_by(str(number))) for number in range(len(stores))]
        answers = race(
            lambda pair: pair[0].write_secret(pair[1], None),
            list(zip(stores, written, strict=True)),
        )

        winners = [one for one, met in zip(written, answers, strict=True) if met is None]
        assert self.store.all_secrets() == winners
        assert answers.count(SecretClash(winners[0])) == len(stores) - 1

    def test_deleted_secrets_are_purged_in_time(self) -> None:
        """Those deleted before the instant; the others stay, however old."""
        old = a_secret("old", updated_at=noon(-1000))
        late = a_secret("late", updated_at=noon(2), deleted=True)
        self._put_secrets(old, late, a_secret("early", updated_at=noon(1), deleted=True))

        assert self.store.purge_secrets(noon(2)) == 1
        assert self.store.all_secrets() == [late, old]
        assert self.store.purge_secrets(noon(2)) == 0
        assert self.store.write_secret(replace(late, revision=2), 1) is None
