"""The law of removal: old runs and deleted jobs go, whatever is still needed stays."""

from dataclasses import replace
from datetime import datetime, timedelta

from executor.domain.run import LIVE, Run, RunState
from executor.domain.writes import JobProgress, JobWrite, Retention
from executor.ports.store import RunFilter
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import NOON, a_claim, a_job, a_run, noon, slot

#: Keeps everything that the other rule does not remove.
ANY_NUMBER = 1_000_000
ANY_AGE = NOON - timedelta(days=10_000)


class PruneLaw(StoreWorkshop):
    """Pruning the runs of jobs."""

    def _ended(self, number: int, **changes: object) -> Run:
        """Return an ended row created *number* seconds after noon."""
        fields = {"state": RunState.SUCCEEDED, "created_at": noon(number), **changes}
        return a_run(f"r{number}", **fields)

    def _runs_left(self) -> list[str]:
        page = self.readers.list_runs(RunFilter(), 1000, None)
        return sorted(run.id for run in page.items)

    def _prune(
        self,
        keep_runs: int = ANY_NUMBER,
        older_than: datetime = ANY_AGE,
        job_id: str = "job-backup",
        spare_since: datetime | None = None,
    ) -> int:
        retention = Retention(
            job_id=job_id, keep_runs=keep_runs, older_than=older_than, spare_since=spare_since
        )
        return self.store.prune_runs([retention], 1000)

    def test_the_newest_runs_are_kept(self) -> None:
        """All but ``keep_runs``, by when they were created; the answer counts the others."""
        self.put_runs([self._ended(number) for number in (4, 1, 3, 0, 2)])

        assert self._prune(keep_runs=2) == 3
        assert self._runs_left() == ["r3", "r4"]
        assert self._prune(keep_runs=2) == 0

    def test_runs_of_one_instant_are_kept_by_number_too(self) -> None:
        """However many were created at once, no more than ``keep_runs`` stay."""
        self.put_runs([a_run(f"r{i}", state=RunState.FAILED) for i in range(5)])

        assert self._prune(keep_runs=2) == 3
        assert len(self._runs_left()) == 2

    def test_old_runs_are_removed(self) -> None:
        """Those created before ``older_than``, not the one created at it."""
        self.put_runs([self._ended(number) for number in range(4)])

        assert self._prune(older_than=noon(2)) == 2
        assert self._runs_left() == ["r2", "r3"]

    def test_what_has_just_ended_stays_in_any_case(self) -> None:
        """Not even ``keep_runs`` removes what ended at ``spare_since`` or later, whenever made."""
        self.put_runs([self._ended(number, finished_at=noon(number + 10)) for number in range(4)])

        assert self._prune(keep_runs=0, older_than=noon(1000), spare_since=noon(12)) == 2
        assert self._runs_left() == ["r2", "r3"]

    def test_open_rows_are_never_removed(self) -> None:
        """Live ones and those that still demand a run, however old; they do count as kept."""
        rows = [self._ended(number, state=state) for number, state in enumerate(sorted(LIVE))]
        demand = self._ended(9, follow_up=True)
        self.put_runs([*rows, demand, self._ended(20), self._ended(21)])

        assert self._prune(keep_runs=1, older_than=noon(1000)) == 2
        assert self._runs_left() == sorted(run.id for run in [*rows, demand])

    def _put_slots(self, number: int) -> None:
        self.put_runs([a_claim(f"c{i}", slot(i), state=RunState.SKIPPED) for i in range(number)])

    def test_slots_not_behind_the_watermark_stay(self) -> None:
        """Removing one at or after that of the job's record would let it be claimed again."""
        self.put_jobs([a_job(next_fire_at=slot(2)), a_job("other", next_fire_at=slot(0))])
        self._put_slots(4)

        assert self._prune(keep_runs=1, older_than=noon(1000)) == 2
        assert self._runs_left() == ["c2", "c3"]
        assert self._prune(keep_runs=0) == 0

    def test_slots_that_the_watermark_has_passed_go(self) -> None:
        """It is the record's of now that counts, not that of an earlier call."""
        self.put_job(a_job(next_fire_at=slot(0)))
        self._put_slots(4)
        assert self._prune(keep_runs=0) == 0
        news = JobProgress(job_id="job-backup", revision=1, next_fire_at=slot(3))
        self.store.advance_jobs([news])

        assert self._prune(keep_runs=0) == 3
        assert self._runs_left() == ["c3"]

    def test_without_a_watermark_slots_know_no_limit(self) -> None:
        """Of a job that never fires again nothing is claimed, nor of one without a record."""
        self.put_job(a_job(next_fire_at=None))
        self._put_slots(3)
        self.put_run(a_claim("stray", job_id="gone", state=RunState.SKIPPED))

        assert self._prune(keep_runs=0) == 3
        assert self._prune(keep_runs=0, job_id="gone") == 1

    def test_of_a_schedule_that_is_over_every_slot_goes(self) -> None:
        """Also the last one, which no watermark has passed."""
        self.put_job(a_job(next_fire_at=slot(2)))
        self._put_slots(3)
        assert self._prune(keep_runs=0) == 2
        self.store.advance_jobs([JobProgress(job_id="job-backup", revision=1, over=True)])

        assert self._prune(keep_runs=0) == 1

    def test_each_job_of_a_call_has_its_own_watermark(self) -> None:
        """However many jobs one call is about."""
        for name, minute in (("a", 1), ("b", 2), ("c", None)):
            self.put_job(a_job(name, next_fire_at=None if minute is None else slot(minute)))
            rows = [a_claim(f"{name}{i}", slot(i), job_id=f"job-{name}") for i in range(3)]
            self.put_runs([replace(row, state=RunState.SKIPPED) for row in rows])
        retentions = [
            Retention(job_id=f"job-{name}", keep_runs=0, older_than=ANY_AGE) for name in "abc"
        ]

        assert self.store.prune_runs(retentions, 1000) == 6
        assert self._runs_left() == ["a1", "a2", "b2"]

    def test_rows_that_are_no_slots_know_no_watermark(self) -> None:
        """Nobody could claim them again."""
        self.put_job(a_job(next_fire_at=slot(2)))
        self.put_runs([a_run("inherits", fire_at=slot(5), state=RunState.FAILED)])

        assert self._prune(older_than=noon(1000)) == 1

    def test_other_jobs_keep_their_runs(self) -> None:
        """A retention speaks of one job, several in one call of one each."""
        self.put_runs([self._ended(number, job_id=f"job-{number}") for number in range(3)])
        retentions = [
            Retention(job_id=f"job-{i}", keep_runs=1, older_than=noon(1000)) for i in (0, 2, 7)
        ]

        assert self.store.prune_runs(retentions, 1000) == 2
        assert self._runs_left() == ["r1"]

    def test_a_call_removes_about_its_limit(self) -> None:
        """Calls that go on until nothing is removed remove everything there was to remove."""
        self.put_runs([self._ended(i, job_id=f"job-{i % 3}") for i in range(60)])
        retentions = [
            Retention(job_id=f"job-{i}", keep_runs=1, older_than=ANY_AGE) for i in range(3)
        ]
        removed: list[int] = []
        while not removed or removed[-1]:
            removed.append(self.store.prune_runs(retentions, 10))

        assert max(removed) <= 20
        assert sum(removed) == 57
        assert self._runs_left() == ["r57", "r58", "r59"]


class PurgeLaw(StoreWorkshop):
    """Removing deleted jobs."""

    def _delete(self, name: str, seconds: float) -> None:
        job = self.put_job(a_job(name))
        gone = a_job(name, revision=2, deleted=True, updated_at=noon(seconds))
        assert self.store.write_jobs([JobWrite(gone, job.revision)]) == [None]

    def _jobs_left(self) -> list[str]:
        return [name for name in "abcdef" if self.store.load_job(f"job-{name}") is not None]

    def test_a_deleted_job_goes_with_its_runs(self) -> None:
        """Once it was not updated since the given instant."""
        self._delete("a", 1)
        self.put_runs([a_run(f"r{i}", job_id="job-a", state=RunState.FAILED) for i in range(9)])
        self.put_run(a_run("other", job_id="job-b"))

        assert self.store.purge_jobs(noon(2), 10) == 1
        assert self._jobs_left() == []
        page = self.readers.list_runs(RunFilter(), 100, None)
        assert [run.id for run in page.items] == ["other"]

    def test_jobs_deleted_later_and_jobs_in_use_stay(self) -> None:
        """The instant itself counts as later."""
        self._delete("a", 2)
        self.put_job(a_job("b", updated_at=noon(-1000)))
        self._delete("c", 1.999)

        assert self.store.purge_jobs(noon(2), 10) == 1
        assert self._jobs_left() == ["a", "b"]

    def test_no_more_jobs_go_than_asked_for(self) -> None:
        """The others go with the next calls."""
        for name in "abcde":
            self._delete(name, 1)

        assert self.store.purge_jobs(noon(2), 2) == 2
        assert len(self._jobs_left()) == 3
        assert [self.store.purge_jobs(noon(2), 2) for _ in range(3)] == [2, 1, 0]

    def test_a_deleted_job_waits_for_its_open_rows(self) -> None:
        """Somebody is still about to change them; the job goes when they have ended."""
        self._delete("a", 1)
        self.put_runs([a_run("ended", job_id="job-a", state=RunState.FAILED)])
        self.put_run(a_run("open", job_id="job-a", state=RunState.LOST, follow_up=True))

        assert self.store.purge_jobs(noon(2), 10) == 0
        assert self._jobs_left() == ["a"]
        self.readers.get_run("open")

        self.store.settle_follow_ups(["open"])
        assert self.store.purge_jobs(noon(2), 10) == 1
        assert self._jobs_left() == []
