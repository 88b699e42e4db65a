"""The law of channels: written by compare-and-set, and loaded whatever is broken."""

from dataclasses import replace

import pytest

from executor.domain.channel import StoredChannel
from executor.domain.errors import ChannelNotFound
from executor.domain.writes import BrokenChannel, ChannelClash
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, a_channel, made_by, noon, race

#: A channel with everything that one can have.
FULL = {
    "kind": "email",
    "host": "smtp.example.com",
    "port": 2525,
    "security": "tls",
    "user": "{{ secret.USER }}",
    "password": "{{ secret.PASSWORD }}",
    "from": "solocron@example.com",
    "to": ["ops@example.com", "on-call@example.com"],
}


class ChannelLaw(StoreWorkshop):
    """Writing, listing and purging channels."""

    def _put_channels(self, *channels: StoredChannel) -> None:
        for channel in channels:
            assert self.store.write_channel(channel, None) is None

    def test_a_channel_comes_back_as_it_went_in(self) -> None:
        """Every field, to the millisecond."""
        full = a_channel(
            "full",
            definition=FULL,
            revision=2**31,
            updated_at=noon(1),
            last_command=made_by(AWKWARD),
        )
        bare = a_channel("bare")
        self._put_channels(full, bare)

        assert self.store.all_channels() == [bare, full]
        assert self.readers.list_channels() == [bare, full]
        assert [self.readers.get_channel(one.name) for one in (full, bare)] == [full, bare]

    def test_channels_come_in_the_order_of_their_names(self) -> None:
        """By code point, for all clients at once."""
        names = ["A", "B", "_", "a", "a-b"]
        self._put_channels(*(a_channel(name) for name in reversed(names)))

        assert [one.name for one in self.another_store().all_channels()] == names
        assert [one.name for one in self.readers.list_channels()] == names

    def test_a_channel_that_is_not_there_is_an_error_that_names_it(self) -> None:
        """Names differ by letter case; a deleted channel is not there."""
        self._put_channels(a_channel("gone", deleted=True), a_channel("here"))
        for name in ("gone", "unknown", "", "Here"):
            with pytest.raises(ChannelNotFound) as caught:
                self.readers.get_channel(name)
            assert caught.value.channel == name

    def test_a_channel_is_replaced_whole_at_the_expected_revision(self) -> None:
        """Nothing of the former value remains."""
        self._put_channels(a_channel(definition=FULL, last_command=made_by("c1")))
        second = a_channel(revision=2, updated_at=noon(2))

        assert self.store.write_channel(second, 1) is None
        assert self.readers.get_channel("ops") == second

    def test_a_channel_at_another_revision_is_left_alone(self) -> None:
        """The answer shows it; so it does where one is to be made that exists."""
        standing = a_channel(revision=5)
        self._put_channels(standing)
        for expect in (4, 6, None):
            late = a_channel(revision=7, last_command=made_by("late"))
            assert self.store.write_channel(late, expect) == ChannelClash(standing)

        assert self.store.all_channels() == [standing]
        assert self.store.write_channel(a_channel("other"), 1) == ChannelClash(None)

    def test_a_write_of_a_channel_may_be_repeated(self) -> None:
        """It is answered as the first time."""
        first, second = a_channel(), a_channel(revision=2, last_command=made_by("c"))
        for _ in range(2):
            assert self.store.write_channel(first, None) is None
        for _ in range(2):
            assert self.store.write_channel(second, 1) is None

        assert self.store.all_channels() == [second]

    def test_a_deleted_channel_keeps_its_record(self) -> None:
        """So its last command is known, and its revisions go on when it is made again."""
        self._put_channels(a_channel())
        gone = a_channel(revision=2, deleted=True, last_command=made_by("c"))
        assert self.store.write_channel(gone, 1) is None
        assert self.store.all_channels() == [gone]
        assert self.readers.list_channels() == []
        assert self.store.write_channel(a_channel(), None) == ChannelClash(gone)

        again = a_channel(revision=3)
        assert self.store.write_channel(again, 2) is None
        assert self.readers.list_channels() == [again]

    def test_a_broken_channel_stops_no_other(self) -> None:
        """It is reported with its name and revision, and a write mends it."""
        good = a_channel("good")
        self._put_channels(a_channel("bad", revision=4), good)
        self.break_channel("bad")
        for listed in (self.store.all_channels(), self.readers.list_channels()):
            broken, other = listed
            assert isinstance(broken, BrokenChannel)
            assert (broken.name, broken.revision) == ("bad", 4)
            assert broken.error
            assert other == good
        assert isinstance(self.readers.get_channel("bad"), BrokenChannel)

        mended = a_channel("bad", revision=5)
        assert self.store.write_channel(mended, 3) == ChannelClash(None)
        assert self.store.write_channel(mended, 4) is None
        assert self.store.all_channels() == [mended, good]

    def test_writers_of_one_channel_do_not_overwrite_each_other(self) -> None:
        """One is applied, the others are shown it."""
        stores = [self.store, self.another_store()] * 3
        written = [a_channel(last_command=made_by(str(number))) for number in range(len(stores))]
        answers = race(
            lambda pair: pair[0].write_channel(pair[1], None),
            list(zip(stores, written, strict=True)),
        )

        winners = [one for one, met in zip(written, answers, strict=True) if met is None]
        assert self.store.all_channels() == winners
        assert answers.count(ChannelClash(winners[0])) == len(stores) - 1

    def test_deleted_channels_are_purged_in_time(self) -> None:
        """Those deleted before the instant; the others stay, however old."""
        old = a_channel("old", updated_at=noon(-1000))
        late = a_channel("late", updated_at=noon(2), deleted=True)
        self._put_channels(old, late, a_channel("early", updated_at=noon(1), deleted=True))

        assert self.store.purge_channels(noon(2)) == 1
        assert self.store.all_channels() == [late, old]
        assert self.store.purge_channels(noon(2)) == 0
        assert self.store.write_channel(replace(late, revision=2), 1) is None
