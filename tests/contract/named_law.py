"""The law of named resources: compare-and-set, few, and loaded whatever is broken.

Every part of it holds for each kind: for calendars as for secrets, channels and tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from executor.domain.api_token import TOKENS
from executor.domain.calendar import CALENDARS
from executor.domain.channel import CHANNELS
from executor.domain.errors import NamedNotFound
from executor.domain.kinds import KINDS
from executor.domain.named import Broken, Kind, NamedClash, NamedWrite, Stored
from executor.domain.secret import SECRETS
from executor.ports.store import ExecutorStore
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import (
    AWKWARD,
    a_calendar,
    a_channel,
    a_secret,
    a_token,
    made_by,
    noon,
    race,
)

#: A file in which no line is like another.
FILE = """BEGIN:VCALENDAR\r
BEGIN:VEVENT\r
SUMMARY:$term ${x} 'quoted' \\, é 日本 😀\r
DTSTART;TZID=Europe/Berlin:20310701T090000\r
DURATION:PT1H\r
RRULE:FREQ=DAILY;COUNT=3\r
END:VEVENT\r
END:VCALENDAR\r
"""

#: Every field of a calendar.
FULL_CALENDAR = {
    "description": AWKWARD,
    "timezone": "Australia/Lord_Howe",
    "windows": [{"cron": "0 0 2 * * ?", "dialect": "quartz", "duration": "PT2H"}],
    "dates": [{"from": "2031-12-24", "to": "2031-12-31T12:00:00Z"}],
    "ics": FILE,
}

#: A channel with everything that one can have.
FULL_CHANNEL = {
    "kind": "email",
    "host": "smtp.example.com",
    "port": 2525,
    "security": "tls",
    "user": "{{ secret.USER }}",
    "password": "{{ secret.PASSWORD }}",
    "from": "solocron@example.com",
    "to": ["ops@example.com", "on-call@example.com"],
}

#: A token with an end, and a right that is narrowed to an awkward tag.
FULL_TOKEN = {"scopes": (f"jobs:write#{AWKWARD}", "runs:read"), "expires_at": noon(9)}

#: Names of every sort, by code point.
NAMES = ("A", "B a", "_", "a", "a-b", "ä", "日", "\uffee", "😀")

#: A sealed value as long as there are.
LONG = f"v1:ffffffff:{'zZ+/' * 43_000}="


@dataclass(frozen=True)
class Sample:
    """How records of a kind are made, some of all names there can be, and fields of a full one."""

    kind: Kind[Any]
    make: Callable[..., Stored[Any]]
    names: tuple[str, ...]
    full: dict[str, Any]

    def write(self, record: Stored[Any], expect: int | None) -> NamedWrite[Any]:
        """Return the write of a record of this kind."""
        return NamedWrite(self.kind, record, expect)


SAMPLES = (
    Sample(CALENDARS, a_calendar, NAMES, {"definition": FULL_CALENDAR}),
    Sample(SECRETS, a_secret, ("A", "B", "_", "a", "a-b"), {"value": LONG}),
    Sample(CHANNELS, a_channel, NAMES, {"definition": FULL_CHANNEL}),
    Sample(TOKENS, a_token, ("0", "A", "B", "a", "a-b"), FULL_TOKEN),
)

each_kind = pytest.mark.parametrize(
    "of", [pytest.param(sample, id=sample.kind.plural) for sample in SAMPLES]
)


def test_every_kind_has_a_sample() -> None:
    """A kind that is added comes under the law."""
    assert {sample.kind for sample in SAMPLES} == set(KINDS)


class NamedLaw(StoreWorkshop):
    """Writing, listing and purging named resources."""

    def _put(self, of: Sample, *records: Stored[Any]) -> None:
        for record in records:
            assert self.store.write_named(of.write(record, None)) is None

    @each_kind
    def test_a_resource_comes_back_as_it_went_in(self, of: Sample) -> None:
        """Every field, to the millisecond and to the line ends of a file."""
        last = {"revision": 2**31, "updated_at": noon(1), "last_command": made_by(AWKWARD)}
        full, bare = of.make("full", **of.full, **last), of.make("bare")
        self._put(of, full, bare)

        assert self.store.all_named(of.kind) == [bare, full]
        assert self.readers.list_named(of.kind) == [bare, full]
        assert [self.readers.get_named(of.kind, one.name) for one in (full, bare)] == [full, bare]

    @each_kind
    def test_resources_come_in_the_order_of_their_names(self, of: Sample) -> None:
        """By code point, for all clients at once."""
        names = list(of.names)
        self._put(of, *(of.make(name) for name in reversed(names)))

        assert [one.name for one in self.another_store().all_named(of.kind)] == names
        assert [one.name for one in self.readers.list_named(of.kind)] == names

    def test_kinds_do_not_meet(self) -> None:
        """The same name may stand in each of them."""
        for of in SAMPLES:
            self._put(of, of.make("same"))

        for of in SAMPLES:
            assert self.store.all_named(of.kind) == [of.make("same")]
            assert self.store.purge_named(of.kind, noon(9)) == 0

    @each_kind
    def test_a_resource_that_is_not_there_is_an_error_that_names_it(self, of: Sample) -> None:
        """Names differ by letter case; a deleted one is not there."""
        self._put(of, of.make("gone", deleted=True), of.make("here"))
        for name in ("gone", "unknown", "", "Here"):
            with pytest.raises(NamedNotFound) as caught:
                self.readers.get_named(of.kind, name)
            assert (caught.value.what, caught.value.name) == (of.kind.word, name)

    @each_kind
    def test_a_resource_is_replaced_whole_at_the_expected_revision(self, of: Sample) -> None:
        """Nothing of the former one remains."""
        self._put(of, of.make("one", **of.full, last_command=made_by("c1")))
        second = of.make("one", revision=2, updated_at=noon(2))

        assert self.store.write_named(of.write(second, 1)) is None
        assert self.readers.get_named(of.kind, "one") == second

    @each_kind
    def test_a_resource_at_another_revision_is_left_alone(self, of: Sample) -> None:
        """The answer shows it; so it does where one is to be made that exists."""
        standing = of.make("one", revision=5)
        self._put(of, standing)
        for expect in (4, 6, None):
            late = of.make("one", revision=7, last_command=made_by("late"))
            assert self.store.write_named(of.write(late, expect)) == NamedClash(standing)

        assert self.store.all_named(of.kind) == [standing]

    @each_kind
    def test_a_resource_that_does_not_exist_is_not_replaced(self, of: Sample) -> None:
        """Nor is it created."""
        assert self.store.write_named(of.write(of.make("one"), 1)) == NamedClash(None)
        assert self.store.all_named(of.kind) == []

    @each_kind
    def test_a_write_of_a_resource_may_be_repeated(self, of: Sample) -> None:
        """It is answered as the first time."""
        first, second = of.make("one"), of.make("one", revision=2, last_command=made_by("c"))
        for _ in range(2):
            assert self.store.write_named(of.write(first, None)) is None
        for _ in range(2):
            assert self.store.write_named(of.write(second, 1)) is None

        assert self.store.all_named(of.kind) == [second]

    @each_kind
    def test_a_deleted_resource_keeps_its_record(self, of: Sample) -> None:
        """So its last command is known, and its revisions go on when it is made again."""
        self._put(of, of.make("one"))
        gone = of.make("one", revision=2, deleted=True, last_command=made_by("c"))
        assert self.store.write_named(of.write(gone, 1)) is None
        assert self.store.all_named(of.kind) == [gone]
        assert self.readers.list_named(of.kind) == []
        assert self.store.write_named(of.write(of.make("one"), None)) == NamedClash(gone)

        again = of.make("one", revision=3)
        assert self.store.write_named(of.write(again, 2)) is None
        assert self.readers.list_named(of.kind) == [again]

    @each_kind
    def test_a_broken_resource_stops_no_other(self, of: Sample) -> None:
        """It is reported with its name and revision, and a write mends it."""
        good = of.make("good")
        self._put(of, of.make("bad", revision=4), good)
        self.break_named(of.kind, "bad")
        for listed in (self.store.all_named(of.kind), self.readers.list_named(of.kind)):
            broken, other = listed
            assert isinstance(broken, Broken)
            assert (broken.name, broken.revision) == ("bad", 4)
            assert broken.error
            assert other == good
        assert isinstance(self.readers.get_named(of.kind, "bad"), Broken)

        mended = of.make("bad", revision=5)
        assert self.store.write_named(of.write(mended, 3)) == NamedClash(None)
        assert self.store.write_named(of.write(mended, 4)) is None
        assert self.store.all_named(of.kind) == [mended, good]

    @each_kind
    def test_writers_of_one_resource_do_not_overwrite_each_other(self, of: Sample) -> None:
        """One is applied, the others are shown it."""

        def write(pair: tuple[ExecutorStore, NamedWrite[Any]]) -> NamedClash[Any] | None:
            return pair[0].write_named(pair[1])

        stores = [self.store, self.another_store()] * 3
        for revision in range(1, 5):
            written = [
                of.make("one", revision=revision, last_command=made_by(f"{revision}-{number}"))
                for number in range(len(stores))
            ]
            writes = [of.write(record, revision - 1 or None) for record in written]
            answers = race(write, list(zip(stores, writes, strict=True)))

            winners = [one for one, met in zip(written, answers, strict=True) if met is None]
            assert self.store.all_named(of.kind) == winners
            assert answers.count(NamedClash(winners[0])) == len(stores) - 1

    @each_kind
    def test_deleted_resources_are_purged_in_time(self, of: Sample) -> None:
        """Those deleted before the instant; the others stay, however old."""
        old = of.make("old", updated_at=noon(-1000))
        late = of.make("late", updated_at=noon(2), deleted=True)
        self._put(of, old, late, of.make("early", updated_at=noon(1), deleted=True))

        assert self.store.purge_named(of.kind, noon(2)) == 1
        assert self.store.all_named(of.kind) == [late, old]
        assert self.store.purge_named(of.kind, noon(2)) == 0
        assert self.store.write_named(of.write(replace(late, revision=2), 1)) is None
