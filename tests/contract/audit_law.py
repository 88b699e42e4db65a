"""The law of the audit: appended to, read newest first, never changed, pruned by age."""

from typing import Any

import pytest

from executor.domain.audit import Change
from executor.domain.command import CommandKind
from executor.ports.store import ChangeFilter, InvalidCursor
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, a_change, noon

#: Keys and depths that a document store might not like.
ODD = {"$set": {"a.b": [{"": None}]}, AWKWARD: [1, 2.5, True], "paused": None}


class AuditLaw(StoreWorkshop):
    """Appending, reading and pruning."""

    def changes(self, limit: int = 50, cursor: str | None = None, **which: Any) -> list[Change]:
        """Return a page of the audit."""
        found = self.readers.list_changes(ChangeFilter(**which), limit, cursor)
        return list(found.items)

    def test_an_entry_comes_back_as_it_went_in(self) -> None:
        """Every field, to the millisecond, and whatever anybody wrote into a definition."""
        full = a_change(
            f"calendar:{AWKWARD}:1",
            at=noon(1),
            actor=AWKWARD,
            subject=AWKWARD,
            job_id="j",
            run_id="r",
            revision=1,
            after=ODD,
        )
        bare = a_change("command:c", actor="", address="", action=CommandKind.TRIGGER_JOB)
        self.store.append_changes([bare, full])

        assert self.changes() == [full, bare]

    def test_an_entry_is_written_once(self) -> None:
        """The first one stays, whoever writes it again."""
        first = a_change(after={"a": 1})
        self.store.append_changes([first, a_change("other")])
        self.another_store().append_changes([a_change(after={"a": 2}), first, a_change("third")])
        self.store.append_changes([])

        assert [one.id for one in self.changes()] == ["third", "other", "job:j:1"]
        assert self.changes()[-1] == first

    def test_an_entry_is_read_with_what_stood_before(self) -> None:
        """As the entry of the revision before says, also if that is on another page."""
        entries = [
            a_change(f"job:j:{n}", at=noon(n), revision=n, after={"n": n}) for n in (1, 2, 4)
        ]
        self.store.append_changes([*entries, a_change("job:k:3", revision=3, after={"n": 0})])

        found = {one.id: one.before for one in self.changes()}
        assert found == {"job:j:1": None, "job:j:2": {"n": 1}, "job:j:4": None, "job:k:3": None}
        page = self.readers.list_changes(ChangeFilter(job_id=None), 2, None)
        assert [one.before for one in page.items] == [None, {"n": 1}]

    def test_the_audit_comes_page_by_page_newest_first(self) -> None:
        """Equal times are told apart by the id; nothing is repeated or left out."""
        ids = [f"job:j:{n}" for n in range(7)]
        self.store.append_changes([a_change(one, at=noon(int(one[-1]) // 3)) for one in ids])
        found: list[str] = []
        cursor = None
        while True:
            page = self.readers.list_changes(ChangeFilter(), 2, cursor)
            found += [one.id for one in page.items]
            cursor = page.next
            if cursor is None:
                break

        assert found == sorted(ids, reverse=True)

    def test_a_foreign_cursor_is_an_error(self) -> None:
        """Not an empty page."""
        for cursor in ("x", "", "WyJydW5zIiwgMSwgInIiXQ", "WyJhdWRpdCIsIDFlOTksICJyIl0"):
            with pytest.raises(InvalidCursor):
                self.changes(cursor=cursor)

    def test_the_audit_is_narrowed_by_every_filter(self) -> None:
        """Alone and together; the end of a stretch is not part of it."""
        entries = [
            a_change("1", at=noon(1), job_id="j"),
            a_change("2", at=noon(2), job_id="k", actor="local"),
            a_change("3", at=noon(3), job_id="j", actor="local", action=CommandKind.DELETE_JOB),
            a_change("4", at=noon(4)),
        ]
        self.store.append_changes(entries)

        def ids(**which: Any) -> str:
            return "".join(one.id for one in self.changes(**which))

        assert ids(job_id="j") == "31"
        assert ids(actor="local") == "32"
        assert ids(action=CommandKind.DELETE_JOB) == "3"
        assert ids(since=noon(2), until=noon(4)) == "32"
        assert ids(job_id="j", actor="local", since=noon(1)) == "3"
        assert ids(job_id="j", action=CommandKind.UPDATE_JOB, actor="token:ci") == "1"
        assert ids(job_id="unknown") == ""

    def test_a_broken_entry_hides_no_other(self) -> None:
        """It is left out, and the list goes on behind it."""
        self.store.append_changes([a_change(str(n), at=noon(n)) for n in range(4)])
        self.break_change("2")

        page = self.readers.list_changes(ChangeFilter(), 2, None)
        assert [one.id for one in page.items] == ["3"]
        assert [one.id for one in self.changes(cursor=page.next)] == ["1", "0"]

    def test_old_entries_are_pruned(self) -> None:
        """The oldest first, as many as one may at a time."""
        self.store.append_changes([a_change(str(n), at=noon(n)) for n in range(5)])

        assert self.store.prune_changes(noon(3), 2) == 2
        assert [one.id for one in self.changes()] == ["4", "3", "2"]
        assert self.store.prune_changes(noon(3), 2) == 1
        assert self.store.prune_changes(noon(3), 2) == 0
        assert [one.id for one in self.changes()] == ["4", "3"]
