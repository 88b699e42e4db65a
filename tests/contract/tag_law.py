"""The law of lists that are narrowed to tags: jobs that carry one of them, and their runs."""

from executor.domain.run import RunState
from executor.ports.store import JobFilter, RunFilter
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, a_job, a_run, noon


class TagLaw(StoreWorkshop):
    """Narrowing, alone and together with the other filters."""

    def _put_tagged(self) -> None:
        tags: dict[str, list[str]] = {"one": ["a"], "two": ["b", AWKWARD], "both": ["b", "a"]}
        jobs = [a_job(name, definition={"tags": tags[name]}) for name in tags]
        gone = a_job("gone", definition={"tags": ["a"]}, deleted=True)
        self.put_jobs([*jobs, a_job("none"), gone])
        names = [*tags, "none", "gone"]
        self.put_runs(
            [
                a_run(f"run-{name}", job_id=f"job-{name}", job=name, created_at=noon(n))
                for n, name in enumerate(names)
            ]
        )

    def _jobs(self, which: JobFilter) -> list[str]:
        return [job.name for job in self.readers.list_jobs(which, 50, None).items]

    def _runs(self, which: RunFilter) -> list[str]:
        return [run.job for run in self.readers.list_runs(which, 50, None).items]

    def test_jobs_that_carry_one_of_the_tags_are_listed(self) -> None:
        """Each once; with no tags at all there is none."""
        self._put_tagged()

        assert self._jobs(JobFilter(tags=("a",))) == ["both", "one"]
        assert self._jobs(JobFilter(tags=("a", "b", "c"))) == ["both", "one", "two"]
        assert self._jobs(JobFilter(tags=(AWKWARD,))) == ["two"]
        assert self._jobs(JobFilter(tags=())) == []
        assert self._jobs(JobFilter(tags=("a",), tag="b")) == ["both"]
        assert self._jobs(JobFilter(tags=("b",), q="w")) == ["two"]

    def test_runs_of_such_jobs_are_listed(self) -> None:
        """As the jobs are tagged now; of deleted jobs none."""
        self._put_tagged()

        assert self._runs(RunFilter(tags=("a",))) == ["both", "one"]
        assert self._runs(RunFilter(tags=("a", "b"), job_id="job-two")) == ["two"]
        assert self._runs(RunFilter(tags=("a",), job_id="job-two")) == []
        assert self._runs(RunFilter(tags=("a",), state=RunState.PENDING, until=noon(2))) == ["one"]
        assert self._runs(RunFilter(tags=("a",), state=RunState.FAILED)) == []
        assert self._runs(RunFilter(tags=())) == []

    def test_a_narrowed_list_goes_on_where_it_ended(self) -> None:
        """Page by page, over the rows that are left out."""
        self._put_tagged()
        jobs, runs = JobFilter(tags=("a", "b")), RunFilter(tags=("a", "b"))

        first = self.readers.list_jobs(jobs, 2, None)
        assert [job.name for job in first.items] == ["both", "one"]
        rest = self.readers.list_jobs(jobs, 2, first.next)
        assert [job.name for job in rest.items] == ["two"]
        newest = self.readers.list_runs(runs, 1, None)
        older = self.readers.list_runs(runs, 5, newest.next)
        assert [run.job for run in (*newest.items, *older.items)] == ["both", "two", "one"]
