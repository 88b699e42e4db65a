"""The law of jobs: written by compare-and-set, advanced forward only, loaded whatever is broken."""

from dataclasses import replace
from datetime import datetime

import pytest

from executor.domain.declared import CodeOrigin
from executor.domain.job import Job, Pause
from executor.domain.writes import BrokenJob, JobClash, JobProgress, JobWrite
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, a_job, a_last_run, made_by, noon, race, slot


def every_job_field(name: str = "full é 日本 _x_") -> Job:
    """Return a job in which no field has its default."""
    return a_job(
        name,
        id="f" * 32,
        definition={
            "target": {
                "kind": "http",
                "url": "https://example.com/a?b=$c",
                "method": "PATCH",
                "headers": {"X-Dotted.Name": AWKWARD.replace("\n", " "), "$x": "$y"},
                "body": AWKWARD,
                "timeout": "1.5s",
                "expect": ["204", "3xx"],
                "expect_body": {
                    "json_pointer": "/a~1b",
                    "equals": {"$x": [1.5, 1.0, None, True, 2**63 - 1], "a.b": {"": AWKWARD}},
                },
                "follow_redirects": False,
                "tls": {"verify": False},
            },
            "schedule": {"kind": "cron", "expression": "*/7 * * * *", "timezone": "Asia/Tokyo"},
            "description": AWKWARD,
            "owner": AWKWARD,
            "tags": ["b", "a", AWKWARD],
            "labels": {"$A.b": AWKWARD, AWKWARD: ""},
            "enabled": False,
            "misfire": {"policy": "once", "deadline": "PT5M"},
            "timeout": "PT2H",
            "retrigger": 3,
            "keep_runs": 7,
            "keep_for": "P1D",
        },
        revision=2**31,
        updated_at=noon(1),
        next_fire_at=slot(3),
        paused=Pause(since=noon(2), reason=AWKWARD, by=AWKWARD, until=noon(9)),
        last_run=a_last_run("run", 4),
        last_command=made_by(AWKWARD),
        code=CodeOrigin(module="reports.jobs", digest="d" * 32, present=False),
        ping_key="6c1a3d4e-0000-4000-8000-00000000000f",
    )


class WriteLaw(StoreWorkshop):
    """Writing jobs."""

    def test_a_job_comes_back_as_it_went_in(self) -> None:
        """Every field, to the millisecond; where nothing was given, nothing comes back."""
        bare = a_job("bare")
        endless = a_job("pause", paused=Pause(since=noon()))
        env = {
            "target": {
                "kind": "command",
                "command": "a 'b'",
                "env": {"$A.b": AWKWARD, "$ref": "r", "$id": "i"},
            }
        }
        command = a_job("command", definition=env)
        python = {
            "target": {
                "kind": "python",
                "callable": "a.b:c",
                "arguments": {"x": [{"$a.b": AWKWARD, "": 1.0}, 2**63 - 1]},
                "limits": {"memory": "512MiB"},
                "umask": "022",
            },
            "schedule": {"kind": "continuous", "delay": "5s"},
        }
        code = a_job("code", definition=python, code=CodeOrigin(module="a.b", digest="x"))
        jobs = [every_job_field(), bare, endless, command, code]
        self.put_jobs(jobs)

        assert [self.store.load_job(job.id) for job in jobs] == jobs
        assert [self.readers.find_job(job.id) for job in jobs] == jobs

    def test_a_job_that_was_never_written_is_none(self) -> None:
        """Loading is no error."""
        assert self.store.load_job("unknown") is None

    def test_another_client_sees_a_write_at_once(self) -> None:
        """What write has returned from is there for everybody."""
        job = self.put_job(a_job())

        assert self.another_store().load_job(job.id) == job

    def test_a_job_is_replaced_whole_at_the_expected_revision(self) -> None:
        """Nothing of the former revision remains, and nothing of the new one is missing."""
        full = every_job_field()
        bare = replace(a_job("renamed", id=full.id), revision=1, last_run=full.last_run)
        self.put_job(bare)

        assert self.store.write_jobs([JobWrite(full, 1)]) == [None]
        assert self.store.load_job(full.id) == full
        bare = replace(bare, revision=full.revision + 1)
        assert self.store.write_jobs([JobWrite(bare, full.revision)]) == [None]
        assert self.store.load_job(full.id) == bare

    def test_a_revision_leaves_the_last_run_as_it_is(self) -> None:
        """It is news: the writer may know an older one, or none, and takes nothing back."""
        job = self.put_job(a_job(last_run=a_last_run("first", 1)))
        latest = a_last_run("latest", 2, "failed")
        news = JobProgress(job_id=job.id, revision=1, last_run=latest)
        self.store.advance_jobs([news])
        for revision, known in ((2, job.last_run), (3, None)):
            written = replace(job, revision=revision, last_run=known)

            assert self.store.write_jobs([JobWrite(written, revision - 1)]) == [None]
            assert self.store.load_job(job.id) == replace(written, last_run=latest)

    def test_a_revision_brings_no_last_run_where_there_is_none(self) -> None:
        """The first news are recorded afterwards, whenever that run has ended."""
        job = self.put_job(a_job())
        second = replace(job, revision=2)
        write = JobWrite(replace(second, last_run=a_last_run("unknown", 9)), 1)

        assert self.store.write_jobs([write]) == [None]
        assert self.store.load_job(job.id) == second
        news = JobProgress(job_id=job.id, revision=1, last_run=a_last_run("first", 1))
        self.store.advance_jobs([news])
        assert self.store.load_job(job.id) == replace(second, last_run=a_last_run("first", 1))

    def test_a_job_at_another_revision_is_left_alone(self) -> None:
        """The answer shows it; neither an older nor a newer one is overwritten."""
        job = self.put_job(a_job(revision=5))
        for expect in (4, 6):
            write = JobWrite(replace(job, revision=expect + 1, last_command=made_by("new")), expect)

            assert self.store.write_jobs([write]) == [JobClash(job, False)]
        assert self.store.load_job(job.id) == job

    def test_a_job_that_exists_is_not_created_again(self) -> None:
        """The answer shows it."""
        job = self.put_job(a_job())

        clash = self.store.write_jobs([JobWrite(a_job("other", id=job.id), None)])
        assert clash == [JobClash(job, False)]
        assert self.store.load_job(job.id) == job

    def test_a_job_that_does_not_exist_is_not_replaced(self) -> None:
        """Nor is it created."""
        assert self.store.write_jobs([JobWrite(a_job(), 1)]) == [JobClash(None, False)]
        assert self.store.load_job(a_job().id) is None

    def test_a_name_belongs_to_one_job(self) -> None:
        """Neither a new job nor a renamed one gets a name that is taken."""
        self.put_jobs([a_job("taken"), a_job("mine")])
        create = JobWrite(a_job("taken", id="new"), None)
        rename = JobWrite(a_job("taken", id="job-mine", revision=2), 1)

        assert self.store.write_jobs([create]) == [JobClash(None, True)]
        assert self.store.write_jobs([rename]) == [JobClash(a_job("mine"), True)]
        assert self.store.load_job("new") is None
        assert self.store.load_job("job-mine") == a_job("mine")

    def test_names_differ_by_letter_case_and_accents(self) -> None:
        """They are compared by code point, nothing is folded."""
        names = ["name", "Name", "n\u00e4me", "na\u0308me", "name."]
        self.put_jobs([a_job(name) for name in names])

        assert [self.readers.find_job(name) for name in names] == [a_job(name) for name in names]

    def test_a_deleted_job_gives_its_name_back(self) -> None:
        """Deleted jobs may even share one, and keep their records."""
        for number in range(3):
            job = self.put_job(a_job("name", id=f"id{number}"))
            gone = replace(job, revision=2, deleted=True)

            assert self.store.write_jobs([JobWrite(gone, 1)]) == [None]
            assert self.store.load_job(job.id) == gone

    def test_a_write_may_be_repeated(self) -> None:
        """It is answered as the first time, also when the job has made progress since."""
        create = JobWrite(a_job(), None)
        update = JobWrite(a_job(revision=2, next_fire_at=slot(1), last_command=made_by("c")), 1)
        for write in (create, create, update, update):
            assert self.store.write_jobs([write]) == [None]
        progress = JobProgress(
            job_id="job-backup", revision=2, next_fire_at=slot(2), last_run=a_last_run()
        )
        self.store.advance_jobs([progress])

        assert self.store.write_jobs([update]) == [None]
        progressed = replace(update.job, next_fire_at=slot(2), last_run=a_last_run())
        assert self.store.load_job("job-backup") == progressed

    @pytest.mark.parametrize(
        ("here", "there", "kept"),
        [(2, 5, 5), (5, 2, 5), (2, None, None), (None, 5, None), (None, None, None)],
    )
    def test_a_revision_with_the_same_schedule_never_moves_the_watermark_back(
        self, here: int | None, there: int | None, kept: int | None
    ) -> None:
        """An executor that was superseded meanwhile does not know how far its successor got.

        A schedule that is over, which has no watermark, has got furthest.
        """
        mark: dict[int | None, datetime | None] = {None: None, 2: slot(2), 5: slot(5)}
        job = self.put_job(a_job(next_fire_at=mark[there]))
        second = replace(job, revision=2, next_fire_at=mark[here])

        assert self.store.write_jobs([JobWrite(second, 1, forward=True)]) == [None]
        assert self.store.load_job(job.id) == replace(second, next_fire_at=mark[kept])
        third = replace(second, revision=3, next_fire_at=None)
        assert self.store.write_jobs([JobWrite(third, 2)]) == [None]
        assert self.store.load_job(job.id) == third

    def test_every_write_of_a_batch_stands_for_itself(self) -> None:
        """Answers are in the order of the writes."""
        self.put_jobs([a_job("a"), a_job("b"), a_job("c")])
        b2 = a_job("b", revision=2)
        writes = [
            JobWrite(a_job("a", revision=8), 7),
            JobWrite(b2, 1),
            JobWrite(a_job("c", id="new"), None),
            JobWrite(a_job("d"), None),
            JobWrite(a_job("missing", revision=3), 2),
        ]

        assert self.store.write_jobs(writes) == [
            JobClash(a_job("a"), False),
            None,
            JobClash(None, True),
            None,
            JobClash(None, False),
        ]
        assert self.store.load_job("job-b") == b2
        assert self.store.load_job("job-d") == a_job("d")

    def test_writers_that_expect_the_same_revision_do_not_overwrite_each_other(self) -> None:
        """One is applied, the others are shown it."""
        stores = [self.store, self.another_store()] * 3
        self.put_job(a_job())
        for revision in range(1, 6):
            writes = [
                JobWrite(
                    a_job(revision=revision + 1, last_command=made_by(f"{revision}-{i}")), revision
                )
                for i in range(len(stores))
            ]
            answers = race(
                lambda pair: pair[0].write_jobs([pair[1]]), list(zip(stores, writes, strict=True))
            )

            jobs = [write.job for write in writes]
            winners = [j for j, answer in zip(jobs, answers, strict=True) if answer == [None]]
            assert len(winners) == 1
            assert self.store.load_job("job-backup") == winners[0]
            assert answers.count([JobClash(winners[0], False)]) == len(stores) - 1

    def test_creators_that_want_the_same_name_do_not_both_get_it(self) -> None:
        """One is applied, the others are told that it is taken."""
        stores = [self.store, self.another_store()] * 3
        writes = [JobWrite(a_job("name", id=f"id{i}"), None) for i in range(len(stores))]
        answers = race(
            lambda pair: pair[0].write_jobs([pair[1]]), list(zip(stores, writes, strict=True))
        )

        assert answers.count([None]) == 1
        assert answers.count([JobClash(None, True)]) == len(stores) - 1


class ProgressLaw(StoreWorkshop):
    """Advancing jobs."""

    def _advance(self, **news: object) -> Job:
        fields: dict[str, object] = {"job_id": "job-backup", "revision": 1, **news}
        self.store.advance_jobs([JobProgress(**fields)])  # type: ignore[arg-type]
        job = self.store.load_job("job-backup")
        assert job is not None
        return job

    def test_a_watermark_moves_forward(self) -> None:
        """Nothing else of the job changes."""
        job = self.put_job(a_job(next_fire_at=slot(1), last_run=a_last_run()))

        assert self._advance(next_fire_at=slot(2)) == replace(job, next_fire_at=slot(2))

    def test_a_watermark_never_moves_back(self) -> None:
        """Nor does no news of it remove it."""
        job = self.put_job(a_job(next_fire_at=slot(5)))

        assert self._advance(next_fire_at=slot(4)) == job
        assert self._advance() == job

    def test_a_watermark_of_another_revision_is_nobodys(self) -> None:
        """It was computed from a schedule that stands no more, or not yet."""
        job = self.put_job(a_job(next_fire_at=slot(1), revision=2))

        assert self._advance(revision=1, next_fire_at=slot(2)) == job
        assert self._advance(revision=3, next_fire_at=slot(2)) == job
        assert self._advance(revision=1, over=True) == job
        assert self._advance(revision=3, over=True) == job

    def test_a_schedule_that_is_over_leaves_no_watermark(self) -> None:
        """So nothing is due any more, also where nothing else is new, or the end of a run is."""
        job = self.put_job(a_job(next_fire_at=slot(1)))
        last = a_last_run()

        assert self._advance(over=True, last_run=last) == replace(
            job, next_fire_at=None, last_run=last
        )
        assert self.store.due_jobs(slot(9)).jobs == ()
        assert self.readers.find_job(job.id) == self.store.load_job(job.id)

    def test_a_schedule_that_is_over_stays_so(self) -> None:
        """News that took long, or are repeated, do not make its last slot due once more."""
        job = self.put_job(a_job(next_fire_at=slot(1)))

        for news in ({"over": True}, {"next_fire_at": slot(2)}, {"over": True}):
            assert self._advance(**news) == replace(job, next_fire_at=None)

    def test_a_later_last_run_replaces_an_older_one(self) -> None:
        """Whatever revision it ran by; an earlier one is no news any more."""
        job = self.put_job(a_job(revision=2, next_fire_at=slot(1)))
        first, second = a_last_run("first", 1), a_last_run("second", 2, "failed")

        assert self._advance(last_run=first) == replace(job, last_run=first)
        assert self._advance(last_run=second) == replace(job, last_run=second)
        assert self._advance(last_run=first) == replace(job, last_run=second)
        assert self._advance(last_run=a_last_run("third", 2)).last_run == second

    def test_progress_is_recorded_for_each_job_of_a_batch(self) -> None:
        """Unknown jobs do nothing, and repeating changes nothing."""
        jobs = [a_job(name, next_fire_at=slot(1)) for name in "abc"]
        self.put_jobs(jobs)
        progress = [
            JobProgress(job_id="job-a", revision=1, next_fire_at=slot(2)),
            JobProgress(job_id="unknown", revision=1, next_fire_at=slot(2)),
            JobProgress(job_id="job-b", revision=1, last_run=a_last_run()),
            JobProgress(job_id="job-c", revision=1, next_fire_at=slot(3), last_run=a_last_run()),
        ]
        for _ in range(2):
            self.store.advance_jobs(progress)

        assert [self.store.load_job(job.id) for job in jobs] == [
            replace(jobs[0], next_fire_at=slot(2)),
            replace(jobs[1], last_run=a_last_run()),
            replace(jobs[2], next_fire_at=slot(3), last_run=a_last_run()),
        ]
        assert self.store.load_job("unknown") is None

    def test_no_progress_is_no_work(self) -> None:
        """Every batch may be empty."""
        self.store.advance_jobs([])
        assert self.store.write_jobs([]) == []


class LoadLaw(StoreWorkshop):
    """Loading jobs for the engine."""

    def _all(self) -> tuple[list[Job], list[BrokenJob]]:
        batches = list(self.store.all_jobs())
        jobs = [job for batch in batches for job in batch.jobs]
        return sorted(jobs, key=lambda job: job.id), [b for batch in batches for b in batch.broken]

    def test_due_jobs_are_those_at_or_before_the_instant(self) -> None:
        """Whether they are enabled, paused or neither; without a watermark none is due."""
        due = [
            a_job("early", next_fire_at=slot(1)),
            a_job("exact", next_fire_at=slot(5), definition={"enabled": False}),
            a_job("paused", next_fire_at=slot(2), paused=Pause(since=noon())),
        ]
        self.put_jobs(due)
        self.put_jobs([a_job("late", next_fire_at=slot(6)), a_job("never")])
        self.put_job(a_job("gone", next_fire_at=slot(1), deleted=True))

        loaded = self.store.due_jobs(slot(5))
        assert sorted(loaded.jobs, key=lambda job: job.name) == due
        assert loaded.broken == ()

    def test_all_jobs_are_loaded_once(self) -> None:
        """In however many batches; deleted ones are left out."""
        jobs = [a_job(f"j{number:04}") for number in range(2500)]
        self.put_jobs(jobs)
        self.put_job(a_job("gone", deleted=True))

        assert self._all() == (jobs, [])

    def test_a_broken_job_stops_no_other(self) -> None:
        """It is reported with its id and name, beside all the others."""
        good = [a_job(name, next_fire_at=slot(1)) for name in ("a", "c")]
        self.put_jobs([*good, a_job("b", next_fire_at=slot(1))])
        self.break_job("job-b")

        jobs, (broken,) = self._all()
        assert jobs == good
        assert (broken.id, broken.name, broken.revision) == ("job-b", "b", 1)
        assert broken.error

        loaded = self.store.due_jobs(slot(1))
        assert sorted(loaded.jobs, key=lambda job: job.id) == good
        assert loaded.broken == (broken,)

    def test_a_broken_job_can_be_overwritten(self) -> None:
        """Its revision is still known; so a user can mend it."""
        self.put_job(a_job("b", next_fire_at=slot(1)))
        self.break_job("job-b")
        mended = a_job("b", revision=2)

        assert self.store.write_jobs([JobWrite(mended, 1)]) == [None]
        assert self._all() == ([mended], [])
