"""The law of the outbox: what is told once, what is due, and what of it is kept."""

from dataclasses import replace
from typing import Any

import pytest

from executor.domain.errors import NotificationNotFound
from executor.domain.notification import (
    Notification,
    NotificationChange,
    NotificationState,
    changed,
)
from executor.domain.notify import Event
from executor.domain.tally import Counted, Tally, Tiding, Told
from executor.ports.store import InvalidCursor, NotificationFilter
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, a_job, a_notification, a_ping, noon, race


def a_tally(job_id: str = "job-backup", **changes: Any) -> Tally:
    """Return the first tally of a job."""
    return Tally(**{"job_id": job_id, "revision": 1, "failures": 1, **changes})


def a_change(one: Notification, state: NotificationState, **changes: Any) -> NotificationChange:
    """Return the change of a first attempt."""
    return NotificationChange(**{"id": one.id, "state": state, "attempts": 1, **changes})


class TallyLaw(StoreWorkshop):
    """Tallies: read by job, written by compare-and-set."""

    def test_a_tally_comes_back_as_it_went_in(self) -> None:
        """Every field, to the millisecond; what is not there is left out."""
        full = a_tally(
            failures=2**31,
            alarmed=frozenset({f"failure {AWKWARD}", "lost ops"}),
            told={f"failure {AWKWARD}": Told(noon(1), 7), "lost $ops.x": Told(noon(2))},
            counted=(
                Counted("run-1"),
                Counted("run-2 start", (Tiding(Event.LATE, AWKWARD, 3, 4),)),
            ),
        )
        bare = Tally(job_id="job-other", revision=1)
        assert self.store.write_tallies([full, bare]) == [True, True]

        found = self.another_store().read_tallies([full.job_id, bare.job_id, "job-none"])
        assert sorted(found, key=lambda one: one.job_id) == [full, bare]
        assert self.store.read_tallies([]) == []
        assert self.store.write_tallies([]) == []

    def test_a_tally_is_written_over_the_revision_before(self) -> None:
        """And over no other one; each of a batch stands for itself."""
        first, second = a_tally(), a_tally(revision=2, failures=2)
        other = a_tally("job-other")
        assert self.store.write_tallies([first]) == [True]
        assert self.store.write_tallies([second, other]) == [True, True]

        for late in (a_tally(failures=9), a_tally(revision=2, failures=9), a_tally(revision=4)):
            assert self.store.write_tallies([late]) == [False]
        assert self.store.write_tallies([a_tally("job-none", revision=2)]) == [False]
        assert self.store.read_tallies([first.job_id]) == [second]

    def test_a_write_of_a_tally_may_be_repeated(self) -> None:
        """It stands, and the answer says so."""
        first, second = a_tally(), a_tally(revision=2, failures=2)
        for _ in range(2):
            assert self.store.write_tallies([first]) == [True]
        for _ in range(2):
            assert self.store.write_tallies([second]) == [True]

        assert self.store.write_tallies([first]) == [False]

    def test_of_several_writers_of_a_tally_one_wins(self) -> None:
        """The others are told, so that they count anew."""
        stores = [self.store, self.another_store()] * 3
        written = [a_tally(failures=number) for number in range(len(stores))]
        answers = race(
            lambda pair: pair[0].write_tallies([pair[1]])[0],
            list(zip(stores, written, strict=True)),
        )

        winners = [one for one, stands in zip(written, answers, strict=True) if stands]
        assert self.store.read_tallies(["job-backup"]) == winners
        assert answers.count(True) == 1

    def test_a_tally_that_cannot_be_read_is_left_out_and_overwritten(self) -> None:
        """Counting begins anew; nobody is kept from being told."""
        good = a_tally("job-good")
        self.store.write_tallies([a_tally(), good])
        self.store.write_tallies([a_tally(revision=2)])
        self.break_tally("job-backup")
        assert self.store.read_tallies(["job-backup", "job-good"]) == [good]

        anew = a_tally(failures=5)
        assert self.store.write_tallies([anew]) == [True]
        assert self.store.read_tallies(["job-backup"]) == [anew]

    def test_a_tally_goes_with_its_job(self) -> None:
        """When the deleted job is purged, and not before."""
        job = self.put_job(a_job(deleted=True))
        kept = a_tally("job-kept")
        self.store.write_tallies([a_tally(job.id), kept])
        self.put_job(a_job("kept"))
        assert self.store.read_tallies([job.id]) == [a_tally(job.id)]

        self.store.purge_jobs(noon(1), 10)

        assert self.store.read_tallies([job.id, "job-kept"]) == [kept]


class NotificationLaw(StoreWorkshop):
    """Notifications: added once, due in time, changed while pending."""

    def _due(self, seconds: float = 0, limit: int = 10, besides: tuple[str, ...] = ()) -> list[str]:
        found = self.store.due_notifications(noon(seconds), limit, besides)
        return [one.id for one in found]

    def _state(self, name: str) -> NotificationState:
        return self.readers.get_notification(name).state

    def test_a_notification_comes_back_as_it_went_in(self) -> None:
        """Every field, to the millisecond, and whatever its texts are."""
        full = a_notification(
            "full",
            job=AWKWARD,
            channel=AWKWARD,
            event=Event.LOST,
            created_at=noon(1),
            due_at=noon(2),
            expires_at=noon(3),
            attempts=4,
            state=NotificationState.DEAD,
            finished_at=noon(5),
            last_error=AWKWARD,
            payload={"event": "lost", "error": AWKWARD, "failures": 3, "link": None},
        )
        bare = a_notification("bare", run_id=None)
        self.store.add_notifications([full, bare])
        self.store.add_notifications([])

        assert self.readers.get_notification("full") == full
        assert self.readers.get_notification("bare") == bare
        with pytest.raises(NotificationNotFound) as caught:
            self.readers.get_notification("none")
        assert caught.value.notification == "none"

    def test_a_notification_is_added_once(self) -> None:
        """Whatever has become of it, a second time changes nothing."""
        first = a_notification()
        self.store.add_notifications([first])
        delivered = a_change(first, NotificationState.DELIVERED, finished_at=noon(1))
        self.store.change_notifications([delivered])

        self.another_store().add_notifications([replace(first, job="other"), a_notification("new")])

        assert self.readers.get_notification("note") == changed(first, delivered)
        assert self._due() == ["new"]

    def test_what_is_due_comes_the_earliest_first(self) -> None:
        """What is not pending, or due later, does not; nor do channels that are left out."""
        self.store.add_notifications(
            [
                a_notification("late", due_at=noon(2)),
                a_notification("early", due_at=noon(1)),
                a_notification("now", due_at=noon(3), channel="mail"),
                a_notification("later", due_at=noon(3.001)),
                a_notification("over", state=NotificationState.DEAD),
                a_ping("ping", 0, due_at=noon(0.5)),
            ]
        )
        assert self._due(3) == ["ping", "early", "late", "now"]
        assert self._due(3, limit=2) == ["ping", "early"]
        assert self._due(3, besides=("ops", "none")) == ["ping", "now"]
        assert self._due(3, besides=("", "ops")) == ["now"]
        assert self._due(-1) == []

    def test_a_change_is_applied_while_the_notification_is_pending(self) -> None:
        """So that what is over stays over, and nothing is made up of what is not there."""
        one, other = a_notification("one"), a_notification("other")
        self.store.add_notifications([one, other])
        again = a_change(one, NotificationState.PENDING, due_at=noon(10), last_error=AWKWARD)
        dead = a_change(other, NotificationState.DEAD, finished_at=noon(1), last_error="no")
        self.store.change_notifications([again, dead, replace(dead, id="none")])
        self.store.change_notifications([])

        assert self.readers.get_notification("one") == changed(one, again)
        assert self.readers.get_notification("other") == changed(other, dead)
        assert self._due(9) == []
        assert self._due(10) == ["one"]

        self.store.change_notifications([a_change(other, NotificationState.DELIVERED)])
        assert self._state("other") is NotificationState.DEAD

    def test_of_a_jobs_pings_the_newest_counts(self) -> None:
        """Earlier ones that wait are superseded, whichever was written first."""
        elsewhere = a_ping("elsewhere", -5, job_id="job-other")
        self.store.add_notifications([elsewhere, a_ping("start", 0), a_notification("mail")])
        self.store.add_notifications([a_ping("end", 2)])
        assert self._state("start") is NotificationState.SUPERSEDED
        assert self.readers.get_notification("start").finished_at == noon()

        self.store.add_notifications([a_ping("stray", 1)])
        assert self._state("stray") is NotificationState.SUPERSEDED
        assert sorted(self._due()) == ["elsewhere", "end", "mail"]

    def test_a_delivered_ping_stays_delivered(self) -> None:
        """And makes an earlier one needless all the same."""
        end = a_ping("end", 2)
        self.store.add_notifications([end])
        self.store.change_notifications([a_change(end, NotificationState.DELIVERED)])
        self.store.add_notifications([a_ping("start", 0), a_ping("next", 3)])

        assert self._state("end") is NotificationState.DELIVERED
        assert self._state("start") is NotificationState.SUPERSEDED
        assert self._due() == ["next"]

    def test_old_notifications_are_pruned_but_for_pending_ones(self) -> None:
        """Those created before the instant, no more than asked for, the oldest first."""
        over = {"state": NotificationState.DELIVERED}
        self.store.add_notifications(
            [
                a_notification("waits", created_at=noon(-100)),
                a_notification("a", created_at=noon(-3), **over),
                a_notification("b", created_at=noon(-2), state=NotificationState.DEAD),
                a_notification("c", created_at=noon(-1), **over),
                a_notification("young", **over),
            ]
        )
        assert self.store.prune_notifications(noon(), 2) == 2
        assert self._left() == ["young", "c", "waits"]
        assert self.store.prune_notifications(noon(), 2) == 1
        assert self.store.prune_notifications(noon(), 2) == 0
        assert self._left() == ["young", "waits"]

    def _left(self) -> list[str]:
        page = self.readers.list_notifications(NotificationFilter(), 10, None)
        return [one.id for one in page.items]


class NotificationListLaw(StoreWorkshop):
    """The list of notifications: newest first, by pages, filtered."""

    def _listed(self, which: NotificationFilter | None = None, limit: int = 100) -> list[str]:
        names: list[str] = []
        cursor: str | None = None
        while True:
            page = self.readers.list_notifications(which or NotificationFilter(), limit, cursor)
            names += [one.id for one in page.items]
            cursor = page.next
            if cursor is None:
                return names
            assert len(page.items) == limit

    def test_the_newest_come_first_on_every_page(self) -> None:
        """Of the same millisecond the id decides; pages of any size make the same list."""
        self.store.add_notifications(
            [a_notification(f"n{number}", created_at=noon(number // 3)) for number in range(9)]
        )
        expected = [f"n{number}" for number in reversed(range(9))]
        for limit in (1, 2, 3, 8, 9, 10):
            assert self._listed(limit=limit) == expected

    def test_filters_are_all_to_be_met(self) -> None:
        """By state, by job, and by channel; pings have an empty one."""
        dead = NotificationState.DEAD
        self.store.add_notifications(
            [
                a_notification("a", created_at=noon(4)),
                a_notification("b", created_at=noon(3), state=dead),
                a_notification("c", created_at=noon(2), job_id="job-other", state=dead),
                a_ping("d", 1),
            ]
        )
        for which, expected in (
            (NotificationFilter(), "abcd"),
            (NotificationFilter(state=dead), "bc"),
            (NotificationFilter(job_id="job-backup"), "abd"),
            (NotificationFilter(channel="ops"), "abc"),
            (NotificationFilter(channel=""), "d"),
            (NotificationFilter(job_id="job-backup", state=dead, channel="ops"), "b"),
            (NotificationFilter(job_id="job-none"), ""),
        ):
            assert self._listed(which, limit=2) == list(expected), which

    def test_a_foreign_cursor_is_refused(self) -> None:
        """Also one of the list of runs."""
        for cursor in ("", "x", "WyJydW5zIiwxLCJhIl0", "WyJub3RpZmljYXRpb25zIiwieCIsImEiXQ"):
            with pytest.raises(InvalidCursor):
                self.readers.list_notifications(NotificationFilter(), 10, cursor)
