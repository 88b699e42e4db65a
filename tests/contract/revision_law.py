"""The law of former revisions: kept once, in bounds, as long as their job."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from executor.domain.errors import RevisionNotFound
from executor.domain.job import Job, Pause
from executor.domain.writes import JobWrite
from executor.ports.readers import InvalidCursor, JobFilter
from tests.contract.job_law import every_job_field
from tests.contract.reader_law import NONSENSE, pages
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import a_job, a_run, made_by, noon, race

#: Former revisions that are kept of a job, about.
KEPT = 100


class RevisionLaw(StoreWorkshop):
    """Archiving and finding former revisions."""

    def _numbers(self, job_id: str = "job-backup", limit: int = 1000) -> list[int]:
        return [job.revision for job in self.readers.list_revisions(job_id, limit, None).items]

    def _put_at(self, revision: int) -> Job:
        return self.put_job(a_job(revision=revision))

    def test_a_revision_comes_back_without_its_progress(self) -> None:
        """Every other field, but for the key of its pings: that is no part of what was changed."""
        full = replace(every_job_field(), paused=Pause(since=noon()))
        bare = a_job("bare", deleted=True)
        self.store.archive_jobs([full, bare])

        for job in (full, bare):
            kept = replace(job, next_fire_at=None, last_run=None, ping_key="")
            assert self.readers.get_revision(job.id, job.revision) == kept
            assert self.readers.list_revisions(job.id, 5, None).items == (kept,)

    def test_the_first_one_kept_stays(self) -> None:
        """Archiving may be repeated, also beside others."""
        first = a_job(revision=1, last_command=made_by("c1"))
        for jobs in ([first], [a_job(revision=1, last_command=made_by("c2")), a_job(revision=2)]):
            for _ in range(2):
                self.store.archive_jobs(jobs)

        assert self._numbers() == [2, 1]
        assert self.readers.get_revision(first.id, 1) == first
        self.store.archive_jobs([])

    def test_archivists_do_not_get_in_each_others_way(self) -> None:
        """As when an executor is superseded in the middle of it."""
        jobs = [a_job(revision=number) for number in range(1, 20)]
        stores = [self.store, self.another_store()] * 2

        race(lambda store: store.archive_jobs(jobs), stores)
        assert self._numbers() == list(range(19, 0, -1))

    def test_only_former_revisions_are_found(self) -> None:
        """One that was archived but then not overwritten is the present one."""
        self._put_at(3)
        self.store.archive_jobs([a_job(revision=number) for number in (1, 2, 3, 4)])

        assert self._numbers() == [2, 1]
        for number in (3, 4, 7):
            with pytest.raises(RevisionNotFound) as caught:
                self.readers.get_revision("job-backup", number)
            assert (caught.value.job, caught.value.revision) == ("job-backup", number)

    def test_revisions_of_a_deleted_job_are_found(self) -> None:
        """By its id, which is how its runs are found."""
        self.store.archive_jobs([a_job()])
        self.put_job(a_job(revision=2, deleted=True))

        assert self._numbers() == [1]
        assert self._numbers("job-other") == []

    def test_the_newest_hundred_are_kept(self) -> None:
        """Of each job; an older one that comes again does no harm."""
        other = a_job("other")
        self.store.archive_jobs([other, *(a_job(revision=number) for number in range(1, 100))])
        assert len(self._numbers()) == 99
        for number in range(100, 151):
            self.store.archive_jobs([a_job(revision=number)])

        assert self._numbers() == list(range(150, 50, -1))
        assert len(self._numbers()) == KEPT
        assert self._numbers(other.id) == [1]

    def test_pages_of_revisions_hold_every_one_once(self) -> None:
        """Newest first; they do not shift while new ones come."""
        self.store.archive_jobs([a_job(revision=number) for number in (1, 2, 3, 5, 8)])

        def walk(limit: int) -> list[list[int]]:
            return [
                [job.revision for job in items]
                for items in pages(
                    lambda cursor: self.readers.list_revisions("job-backup", limit, cursor)
                )
            ]

        assert walk(2) == [[8, 5], [3, 2], [1]]
        assert walk(5) == [[8, 5, 3, 2, 1]]
        first = self.readers.list_revisions("job-backup", 2, None)
        self.store.archive_jobs([a_job(revision=9)])
        second: Sequence[Job] = self.readers.list_revisions("job-backup", 2, first.next).items
        assert [job.revision for job in second] == [3, 2]

    @pytest.mark.parametrize("cursor", NONSENSE)
    def test_a_cursor_of_no_revision_list_is_refused(self, cursor: str) -> None:
        """Whatever a client sends."""
        with pytest.raises(InvalidCursor):
            self.readers.list_revisions("job-backup", 5, cursor)

    def test_a_cursor_of_jobs_is_none_of_revisions(self) -> None:
        """Nor the other way round."""
        self.put_jobs([a_job("a"), a_job("b")])
        self.store.archive_jobs([a_job(revision=1), a_job(revision=2)])
        jobs = self.readers.list_jobs(JobFilter(), 1, None).next
        revisions = self.readers.list_revisions("job-backup", 1, None).next

        with pytest.raises(InvalidCursor):
            self.readers.list_revisions("job-backup", 1, jobs)
        with pytest.raises(InvalidCursor):
            self.readers.list_jobs(JobFilter(), 1, revisions)

    def test_a_revision_that_cannot_be_read_is_left_out(self) -> None:
        """It stops no other, and no page ends with it."""
        made = made_by("c")
        self.store.archive_jobs([a_job(revision=n, last_command=made) for n in range(1, 6)])
        for number in (3, 4):
            self.break_revision("job-backup", number)

        assert self._numbers() == [5, 2, 1]
        walked = pages(lambda cursor: self.readers.list_revisions("job-backup", 2, cursor))
        assert [job.revision for items in walked for job in items] == [5, 2, 1]
        with pytest.raises(RevisionNotFound):
            self.readers.get_revision("job-backup", 3)

    def test_revisions_go_with_their_job(self) -> None:
        """When its record is removed, and not before; others stay."""
        self.store.archive_jobs([a_job("gone"), a_job("here")])
        self.put_jobs([a_job("gone", revision=2, deleted=True), a_job("here", revision=2)])
        self.put_run(a_run("open", job_id="job-gone"))
        assert self.store.purge_jobs(noon(1), 10) == 0
        assert self._numbers("job-gone") == [1]

        self.store.write_jobs([JobWrite(a_job("free", deleted=True), None)])
        self.store.archive_jobs([a_job("free")])
        assert self.store.purge_jobs(noon(1), 10) == 1
        assert self._numbers("job-free") == []
        assert self._numbers("job-here") == [1]
