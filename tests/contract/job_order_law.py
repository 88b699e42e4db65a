"""The law of sorted lists of jobs."""

import pytest

from executor.ports.store import InvalidCursor, JobFilter, JobOrder
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import a_job, a_last_run, noon

#: Names in order, with what they are sorted by: the minute after noon, or nothing.
MINUTES = {"a": 3, "b": None, "c": 1, "d": 3, "e": None, "f": 2}


class JobOrderLaw(StoreWorkshop):
    """Sorting by the next fire time and by the latest finished run."""

    def _put_timed(self) -> None:
        for name, minute in MINUTES.items():
            at = None if minute is None else noon(minute * 60)
            last = None if minute is None else a_last_run(seconds=minute * 60)
            self.put_job(a_job(name, next_fire_at=at, last_run=last))
        self.put_job(a_job("gone", next_fire_at=noon(), last_run=a_last_run(), deleted=True))

    def _walk(self, order: JobOrder, limit: int, **which: object) -> list[str]:
        names, cursor = [], None
        while True:
            filters = JobFilter(**which)  # type: ignore[arg-type]
            page = self.readers.list_jobs(filters, limit, cursor, order)
            assert len(page.items) <= limit
            names += [job.name for job in page.items]
            cursor = page.next
            if cursor is None:
                return names

    @pytest.mark.parametrize("limit", [1, 2, 3, 4, 6, 9])
    def test_the_earliest_fire_time_comes_first(self, limit: int) -> None:
        """Equal ones by name, jobs without one last; pages of any length hold every job once."""
        self._put_timed()

        assert self._walk(JobOrder.NEXT_FIRE, limit) == ["c", "f", "a", "d", "b", "e"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 4, 6, 9])
    def test_the_newest_result_comes_first(self, limit: int) -> None:
        """Equal ones by name, jobs that have never finished a run last."""
        self._put_timed()

        assert self._walk(JobOrder.LAST_RUN, limit) == ["a", "d", "f", "c", "b", "e"]

    @pytest.mark.parametrize("order", list(JobOrder))
    def test_a_sorted_list_is_filtered(self, order: JobOrder) -> None:
        """The order decides about the order alone."""
        self._put_timed()
        self.put_job(a_job("off", definition={"enabled": False}, next_fire_at=noon(5)))

        assert self._walk(order, 2, enabled=False) == ["off"]
        assert self._walk(order, 2, q="c") == ["c"]
        assert self._walk(order, 2, tags=("none",)) == []

    @pytest.mark.parametrize("order", list(JobOrder))
    def test_a_broken_record_keeps_its_place(self, order: JobOrder) -> None:
        """It hides no other, wherever a page ends."""
        self._put_timed()
        before = self._walk(order, 2)
        self.break_job("job-f")

        assert self._walk(order, 1) == before

    def test_a_cursor_of_another_order_is_refused(self) -> None:
        """It would begin anywhere."""
        self._put_timed()
        for order in JobOrder:
            cursor = self.readers.list_jobs(JobFilter(), 1, None, order).next
            for other in set(JobOrder) - {order}:
                with pytest.raises(InvalidCursor):
                    self.readers.list_jobs(JobFilter(), 1, cursor, other)

    def test_pages_do_not_shift_when_jobs_fire(self) -> None:
        """What moved on is met again where it is now; nothing is left out."""
        self._put_timed()
        page = self.readers.list_jobs(JobFilter(), 2, None, JobOrder.NEXT_FIRE)
        assert [job.name for job in page.items] == ["c", "f"]
        self.put_job(a_job("new", next_fire_at=noon(1)))

        rest = self.readers.list_jobs(JobFilter(), 9, page.next, JobOrder.NEXT_FIRE)

        assert [job.name for job in rest.items] == ["a", "d", "b", "e"]
