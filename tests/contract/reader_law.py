"""The law of readers: what web can ask, page by page."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from executor.domain.errors import JobNotFound, RunNotFound
from executor.domain.instant import TICK
from executor.domain.job import Job
from executor.domain.run import Cause, Output, Run, RunState
from executor.domain.watch import digest_of_key
from executor.domain.writes import BrokenJob, Instance, JobWrite
from executor.ports.store import Counts, InvalidCursor, JobFilter, Page, RunFilter
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import NOON, a_claim, a_job, a_last_run, a_run, made_by, noon

Item = TypeVar("Item")

#: What a client could send instead of a cursor; the long ones are JSON like ours.
NONSENSE = [
    "x",
    "",
    "e30",
    "W10",
    "WyJqb2JzIiwxXQ",
    "\x00",
    "é",
    "a" * 5000,
    "WyJydW5zIiwxZTQwMCwiYSJd",  # at no number
    "WyJydW5zIiwgMTAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMCwgImEiXQ",  # after the last year
    "WyJqb2JzIiwgIlx1ZDgwMCJd",  # half a character
]


def pages(fetch: Callable[[str | None], Page[Item]]) -> Iterator[Sequence[Item]]:
    """Yield page after page, to the end."""
    page = fetch(None)
    yield page.items
    while page.next is not None:
        page = fetch(page.next)
        yield page.items


class FindLaw(StoreWorkshop):
    """Finding one thing."""

    def test_a_job_is_found_by_id_and_by_name(self) -> None:
        """Both lead to the same job."""
        job = self.put_job(a_job())

        assert self.readers.find_job(job.id) == job
        assert self.readers.find_job(job.name) == job

    def test_a_pinged_job_is_found_by_the_digest_of_its_key(self) -> None:
        """By that of the key that it has now, and not by the key itself; a deleted one is gone."""
        job = self.put_job(a_job(ping_key="first"))
        self.put_jobs([a_job("plain"), a_job("gone", deleted=True, ping_key="gone")])
        assert self.readers.find_pinged(digest_of_key("first")) == job

        rotated = replace(job, revision=2, ping_key="second")
        self.store.write_jobs([JobWrite(rotated, 1)])

        assert self.readers.find_pinged(digest_of_key("second")) == rotated
        for key in ("first", "gone", ""):
            with pytest.raises(JobNotFound):
                self.readers.find_pinged(digest_of_key(key))
        with pytest.raises(JobNotFound):
            self.readers.find_pinged("second")

    def test_an_id_goes_before_a_name(self) -> None:
        """A job named like another's id does not hide that one."""
        self.put_jobs([a_job("b", id="a"), a_job("a", id="b")])

        assert self.readers.find_job("a") == a_job("b", id="a")

    def test_a_job_that_is_not_there_is_an_error_that_names_it(self) -> None:
        """Deleted jobs are not there, neither by id nor by name."""
        self.put_job(a_job("gone", deleted=True))
        for job in ("gone", "job-gone", "unknown", ""):
            with pytest.raises(JobNotFound) as caught:
                self.readers.find_job(job)
            assert caught.value.job == job

    def test_a_broken_job_is_found_as_such(self) -> None:
        """By id and by name."""
        self.put_job(a_job())
        self.break_job("job-backup")

        for job in ("job-backup", "backup"):
            found = self.readers.find_job(job)
            assert isinstance(found, BrokenJob)
            assert (found.id, found.name) == ("job-backup", "backup")

    def test_a_run_that_is_not_there_is_an_error_that_names_it(self) -> None:
        """It never existed, or was removed."""
        with pytest.raises(RunNotFound) as caught:
            self.readers.get_run("unknown")

        assert caught.value.run == "unknown"


class JobListLaw(StoreWorkshop):
    """Listing jobs."""

    def _names(self, limit: int = 100, **which: object) -> list[str]:
        filters = JobFilter(**which)  # type: ignore[arg-type]
        page = self.readers.list_jobs(filters, limit, None)
        return [item.name for item in page.items]

    def _job_pages(self, limit: int, which: JobFilter | None = None) -> Iterator[list[str]]:
        wanted = JobFilter() if which is None else which
        for items in pages(lambda cursor: self.readers.list_jobs(wanted, limit, cursor)):
            yield [item.name for item in items]

    def test_jobs_come_in_the_order_of_their_names(self) -> None:
        """By code point; deleted ones are left out, broken ones are in their place."""
        names = ["A", "B a", "Z", "_", "a", "a-b", "aa", "ä", "é", "日", "\uffee", "😀"]
        self.put_jobs([a_job(name, id=f"id{-i}") for i, name in enumerate(names)])
        self.put_job(a_job("gone", deleted=True))
        self.break_job("id-3")

        page = self.readers.list_jobs(JobFilter(), 100, None)
        assert [item.name for item in page.items] == names
        assert [type(item) for item in page.items] == [
            BrokenJob if name == "_" else Job for name in names
        ]
        assert page.next is None

    def test_jobs_come_back_whole(self) -> None:
        """As find_job returns them."""
        job = self.put_job(
            a_job(next_fire_at=noon(9), last_run=a_last_run(), last_command=made_by("c"))
        )

        assert self.readers.list_jobs(JobFilter(), 5, None).items == (job,)

    def test_the_name_is_searched_for_a_part_in_any_letter_case(self) -> None:
        """Nothing in the searched text is a pattern."""
        self.put_jobs([a_job(name) for name in ("Nightly", "a.b", "a_b", "axb", "Über", "[x]*")])

        assert self._names(q="IGHT") == ["Nightly"]
        assert self._names(q="a.b") == ["a.b"]
        assert self._names(q="a_b") == ["a_b"]
        assert self._names(q="x]*") == ["[x]*"]
        assert self._names(q="über") == ["Über"]
        assert self._names(q="^") == []
        assert self._names(q="a\x00") == self._names(q="x00") == []
        assert self._names(q="a" * 40_000) == []
        assert len(self._names(q="")) == 6

    def test_jobs_are_filtered(self) -> None:
        """By tag, owner, whether enabled, and state of the latest finished run; by all at once."""
        self.put_jobs(
            [
                a_job("a", definition={"tags": ["x", "y"], "owner": "me"}),
                a_job("b", definition={"tags": ["xy"], "owner": "me", "enabled": False}),
                a_job("c", definition={"tags": ["y"]}, last_run=a_last_run(state="failed")),
                a_job("d", definition={"tags": ["y"], "owner": "me"}, last_run=a_last_run()),
            ]
        )

        assert self._names(tag="x") == ["a"]
        assert self._names(tag="y") == ["a", "c", "d"]
        assert self._names(owner="me") == ["a", "b", "d"]
        assert self._names(owner="") == ["c"]
        assert self._names(enabled=False) == ["b"]
        assert self._names(enabled=True) == ["a", "c", "d"]
        assert self._names(state=RunState.FAILED) == ["c"]
        assert self._names(tag="y", owner="me", state=RunState.SUCCEEDED) == ["d"]
        assert self._names(tag="y", q="a", enabled=True) == ["a"]
        assert self._names(tag="none") == []

    def test_pages_hold_every_job_once(self) -> None:
        """None is longer than asked for, the last has no cursor, also when it is full."""
        names = [f"j{number}" for number in range(6)]
        self.put_jobs([a_job(name) for name in reversed(names)])

        assert list(self._job_pages(4)) == [names[:4], names[4:]]
        assert list(self._job_pages(3)) == [names[:3], names[3:]]
        assert list(self._job_pages(6)) == [names]
        assert list(self._job_pages(2, JobFilter(q="j"))) == [names[:2], names[2:4], names[4:]]

    def test_pages_do_not_shift_when_jobs_come_and_go(self) -> None:
        """Neither what was seen is repeated nor what was there throughout left out."""
        self.put_jobs([a_job(name) for name in "bdfh"])
        walk = self._job_pages(2)
        assert next(walk) == ["b", "d"]
        self.put_jobs([a_job(name) for name in "aceg"])
        gone = a_job("d", revision=2, deleted=True)
        assert self.store.write_jobs([JobWrite(gone, 1)]) == [None]

        assert list(walk) == [["e", "f"], ["g", "h"]]

    @pytest.mark.parametrize("cursor", NONSENSE)
    def test_a_cursor_of_no_job_list_is_refused(self, cursor: str) -> None:
        """Whatever a client sends."""
        with pytest.raises(InvalidCursor):
            self.readers.list_jobs(JobFilter(), 5, cursor)

    def test_a_cursor_of_another_list_is_refused(self) -> None:
        """Runs are not jobs."""
        self.put_runs([a_run("a"), a_run("b")])
        cursor = self.readers.list_runs(RunFilter(), 1, None).next

        with pytest.raises(InvalidCursor):
            self.readers.list_jobs(JobFilter(), 5, cursor)


class RunListLaw(StoreWorkshop):
    """Listing runs."""

    def _ids(self, **which: object) -> list[str]:
        filters = RunFilter(**which)  # type: ignore[arg-type]
        return [run.id for run in self.readers.list_runs(filters, 100, None).items]

    def _run_pages(self, limit: int, which: RunFilter | None = None) -> Iterator[list[str]]:
        wanted = RunFilter() if which is None else which
        for items in pages(lambda cursor: self.readers.list_runs(wanted, limit, cursor)):
            yield [run.id for run in items]

    def _aged(self, ages: Sequence[int]) -> list[Run]:
        """Insert rows created so many seconds before noon, named by that."""
        runs = [a_run(f"r{age}", created_at=noon(-age)) for age in ages]
        self.put_runs(runs)
        return runs

    def test_runs_come_newest_first_and_without_output(self) -> None:
        """All else is there."""
        run = self.put_run(a_claim(output=Output(head="long", size=4), error="e", exit_code=1))
        self._aged([3, 1, 2])

        page = self.readers.list_runs(RunFilter(), 100, None)
        assert page.items[0] == replace(run, output=None)
        assert [item.id for item in page.items] == ["claim", "r1", "r2", "r3"]
        assert page.next is None

    def test_the_latest_runs_of_several_jobs_come_in_one_call(self) -> None:
        """So many of each, newest first and without output; none of a job that has none."""
        jobs = [self.put_job(a_job(name)) for name in ("one", "two", "none")]
        one, two, none = (job.id for job in jobs)
        said = Output(head="long", size=4)
        self.put_runs(
            [
                a_run(f"{job_id}-{age}", job_id=job_id, created_at=noon(-age), output=said)
                for job_id in (one, two)
                for age in range(4)
            ]
        )

        latest = self.readers.latest_runs([one, two, none], 2)

        assert {job_id: [run.id for run in runs] for job_id, runs in latest.items()} == {
            one: [f"{one}-0", f"{one}-1"],
            two: [f"{two}-0", f"{two}-1"],
            none: [],
        }
        assert all(run.output is None for run in latest[one])

    def test_runs_are_filtered(self) -> None:
        """By job, state and cause; by all at once."""
        self.put_runs(
            [
                a_run("a", state=RunState.FAILED),
                a_run("b", state=RunState.FAILED, job_id="other"),
                a_claim("c", state=RunState.SUCCEEDED),
                a_claim("d", job_id="other", state=RunState.FAILED),
            ]
        )

        assert sorted(self._ids(job_id="other")) == ["b", "d"]
        assert sorted(self._ids(state=RunState.FAILED)) == ["a", "b", "d"]
        assert sorted(self._ids(cause=Cause.SCHEDULE)) == ["c", "d"]
        both = {"state": RunState.FAILED, "cause": Cause.SCHEDULE}
        assert self._ids(job_id="other", **both) == ["d"]
        assert self._ids(**both) == ["d"]
        assert self._ids(job_id="none") == []

    def test_a_filter_by_time_has_its_beginning_and_not_its_end(self) -> None:
        """To the millisecond, of when the row was created."""
        runs = [a_run(f"t{i}", created_at=NOON + i * TICK) for i in range(4)]
        self.put_runs(runs)
        since, until = runs[1].created_at, runs[3].created_at

        assert self._ids(since=since) == ["t3", "t2", "t1"]
        assert self._ids(until=until) == ["t2", "t1", "t0"]
        assert self._ids(since=since, until=until) == ["t2", "t1"]
        assert self._ids(since=since, until=until, job_id="job-backup") == ["t2", "t1"]
        assert self._ids(since=since, until=since) == []

    def test_a_row_that_was_written_ahead_counts_from_its_fire_time(self) -> None:
        """Who asks for noon gets what was due at noon; and a late one counts from when it came."""
        self.put_runs(
            [
                a_claim("ahead", fire_at=NOON, created_at=noon(-0.4)),
                a_claim("before", fire_at=noon(-1), created_at=noon(-1.4)),
                a_claim("late", fire_at=noon(-9), created_at=noon(1)),
                a_run("asked", created_at=noon(-0.1)),
            ]
        )

        assert self._ids(since=NOON) == ["late", "ahead"]
        assert self._ids(until=NOON) == ["asked", "before"]
        assert self._ids(since=noon(-1), until=NOON) == ["asked", "before"]
        assert self._ids(since=NOON, until=NOON + TICK) == ["ahead"]
        first = datetime.min.replace(tzinfo=UTC)
        assert self._ids(since=first) == ["late", "asked", "ahead", "before"]
        assert list(self._run_pages(1, RunFilter(since=NOON))) == [["late"], ["ahead"]]

    def test_runs_of_deleted_jobs_are_listed(self) -> None:
        """Nobody deleted them."""
        self.put_job(a_job(deleted=True))
        self.put_run(a_run())

        assert self._ids(job_id="job-backup") == ["run"]

    def test_pages_hold_every_run_once(self) -> None:
        """Also when many were created at one instant; a full last page has no cursor."""
        ids = [f"r{number}" for number in range(6)]
        self.put_runs([a_run(run_id) for run_id in ids])
        for which in (
            RunFilter(),
            RunFilter(job_id="job-backup"),
            RunFilter(state=RunState.PENDING),
        ):
            for limit in (1, 3, 4, 6):
                walked = list(self._run_pages(limit, which))

                assert sorted(run_id for page in walked for run_id in page) == ids
                assert [len(page) for page in walked[:-1]] == [limit] * (len(walked) - 1)
                assert len(walked[-1]) > 0

    def test_pages_do_not_shift_when_runs_come_and_go(self) -> None:
        """Newer rows are not on later pages; what was seen may vanish."""
        self._aged([1, 3, 5, 7])
        walk = self._run_pages(2)
        assert next(walk) == ["r1", "r3"]
        self._aged([0, 2, 4, 6])

        assert list(walk) == [["r4", "r5"], ["r6", "r7"]]

    @pytest.mark.parametrize("cursor", NONSENSE)
    def test_a_cursor_of_no_run_list_is_refused(self, cursor: str) -> None:
        """Whatever a client sends."""
        with pytest.raises(InvalidCursor):
            self.readers.list_runs(RunFilter(), 5, cursor)


class StatusLaw(StoreWorkshop):
    """Instances, counts and the time."""

    def _instance(self, instance_id: str, **changes: Any) -> Instance:
        fields: dict[str, Any] = {"host": "h", "version": "1", "role": "standby", **changes}
        return Instance(id=instance_id, seen_at=NOON, **fields)

    def test_instances_are_listed_by_id_with_when_they_were_seen(self) -> None:
        """``seen_at`` is the store's now, whatever the instance believes."""
        before = self.readers.now()
        for instance_id in "bca":
            self.store.beat(self._instance(instance_id, detail="$d"))
        after = self.readers.now()

        listed = self.readers.list_instances()
        assert [item.id for item in listed] == ["a", "b", "c"]
        for item in listed:
            assert before <= item.seen_at <= after
            assert replace(item, seen_at=NOON) == self._instance(item.id, detail="$d")

    def test_a_beat_replaces_the_one_before(self) -> None:
        """One record for each instance."""
        self.store.beat(self._instance("a"))
        self.store.beat(self._instance("a", role="executing", detail="term 3"))

        (item,) = self.readers.list_instances()
        assert (item.role, item.detail) == ("executing", "term 3")

    def test_an_instance_that_stops_is_forgotten(self) -> None:
        """At once; forgetting may be repeated."""
        for instance_id in "ab":
            self.store.beat(self._instance(instance_id))
        for _ in range(2):
            self.store.forget_instance("a")

        assert [item.id for item in self.readers.list_instances()] == ["b"]

    def test_an_instance_that_is_silent_is_not_listed(self) -> None:
        """After 30 s; it comes back with its next beat."""
        for instance_id in "ab":
            self.store.beat(self._instance(instance_id))
        self.age_instance("a", 31)
        self.age_instance("b", 25)
        assert [item.id for item in self.readers.list_instances()] == ["b"]

        self.store.beat(self._instance("a"))
        assert [item.id for item in self.readers.list_instances()] == ["a", "b"]

    def test_jobs_and_running_runs_are_counted(self) -> None:
        """Deleted jobs and pending runs are not."""
        assert self.readers.count() == Counts(0, 0)
        self.put_jobs([a_job("a"), a_job("b"), a_job("gone", deleted=True)])
        self.put_runs([a_run(state, state=state) for state in RunState])

        assert self.readers.count() == Counts(jobs=2, running=2)

    def test_the_stores_now_is_an_aware_instant_in_milliseconds(self) -> None:
        """It never goes back while nobody sets the clock."""
        first, second = self.readers.now(), self.readers.now()

        assert first.utcoffset() == timedelta(0)
        assert first.microsecond % 1000 == 0
        assert first <= second

    def test_instants_are_read_in_utc(self) -> None:
        """Every instant has the one zone, so that its text is the same everywhere."""
        self.put_job(a_job(next_fire_at=noon(), last_run=a_last_run()))
        self.put_run(a_claim(started_at=noon()))
        record = self.store.mint_term("a")
        job = self.store.load_job("job-backup")
        run = self.readers.get_run("claim")

        assert job is not None
        assert job.last_run is not None
        instants: list[datetime | None] = [
            *(job.created_at, job.next_fire_at, job.last_run.finished_at),
            *(run.fire_at, run.started_at, run.clear_at, record.acquired_at),
        ]
        assert [moment.tzinfo for moment in instants if moment] == [UTC] * len(instants)
