"""The law of slots and schedules, as web asks about them."""

from dataclasses import replace
from datetime import datetime

from executor.domain.job import Pause
from executor.domain.run import Output, Reason, Run, RunState
from executor.domain.schedule import CronSchedule, for_job, schedule_from_document
from executor.ports.readers import ScheduleCount
from tests.contract.store_workshop import StoreWorkshop
from tests.contract.store_world import AWKWARD, a_claim, a_job, a_run, noon, slot

JOB = "job-backup"


def covering(run_id: str, first: int, last: int) -> Run:
    """Return a row that stands for the slots from minute *first* to minute *last*."""
    return a_claim(
        run_id,
        slot(last),
        state=RunState.SKIPPED,
        reason=Reason.MISFIRE,
        covers=last - first + 1,
        covers_from=slot(first),
    )


class SlotLaw(StoreWorkshop):
    """Finding what became of slots."""

    def _at(self, instant: datetime) -> str | None:
        row = self.readers.slot_at(JOB, instant)
        return None if row is None else row.id

    def test_slots_come_in_the_order_of_their_fire_times(self) -> None:
        """From the first instant up to but not including the last; without output."""
        rows = [a_claim(f"c{minute}", slot(minute)) for minute in (4, 1, 3, 0, 2)]
        full = replace(
            a_claim("full", slot(5)), output=Output(head=AWKWARD, size=9), state=RunState.FAILED
        )
        self.put_runs([*rows, full, a_claim("other", slot(2), job_id="job-other")])

        def ids(first: int, last: int, limit: int = 100) -> list[str]:
            found = self.readers.slots_between(JOB, slot(first), slot(last), limit)
            return [row.id for row in found]

        assert ids(0, 5) == ["c0", "c1", "c2", "c3", "c4"]
        assert ids(1, 3) == ["c1", "c2"]
        assert ids(1, 5, 2) == ["c1", "c2"]
        assert ids(3, 3) == ids(9, 20) == ids(0, 5, 0) == []
        found = self.readers.slots_between(JOB, slot(5), slot(6), 1)
        assert found == [replace(full, output=None)]

    def test_only_slots_are_listed(self) -> None:
        """Not what inherits the fire time of one."""
        self.put_runs([a_run("inherits", fire_at=slot(1)), a_run("manual"), a_claim("c", slot(1))])

        found = self.readers.slots_between(JOB, slot(0), slot(9), 10)
        assert [row.id for row in found] == ["c"]
        assert self._at(slot(1)) == "c"

    def test_a_slot_is_accounted_for_by_its_row(self) -> None:
        """Of that job, at that instant exactly, without output."""
        row = a_claim("c", slot(1), output=Output(head="long", size=4))
        self.put_runs([row, a_claim("next", slot(2)), a_claim("o", slot(0), job_id="job-other")])

        assert self.readers.slot_at(JOB, slot(1)) == replace(row, output=None)
        assert self._at(slot(0)) is None
        assert self._at(noon(60)) is None
        assert self._at(slot(3)) is None

    def test_a_row_accounts_for_every_slot_that_it_covers(self) -> None:
        """From ``covers_from`` to ``fire_at``, both included."""
        self.put_runs([a_claim("c0", slot(0)), covering("gap", 1, 50), a_claim("c51", slot(51))])

        assert [self._at(slot(minute)) for minute in (0, 1, 30, 50, 51)] == [
            "c0",
            "gap",
            "gap",
            "gap",
            "c51",
        ]

    def test_a_slot_with_a_row_of_its_own_is_not_hidden_by_one_that_covers_it(self) -> None:
        """Rows claimed ahead of a gap lie within it."""
        self.put_runs([a_claim("own", slot(3)), covering("gap", 1, 50)])

        assert [self._at(slot(minute)) for minute in (2, 3, 4)] == ["gap", "own", "gap"]


class ScheduleLaw(StoreWorkshop):
    """Counting jobs by their schedules."""

    def _counts(self) -> list[ScheduleCount]:
        return sorted(self.readers.schedule_counts(), key=repr)

    def test_jobs_are_counted_by_equal_schedules(self) -> None:
        """However they were written; zones and bounds make a difference."""
        short, long = "*/5 * * * *", {"kind": "cron", "expression": "*/5 * * * *"}
        berlin = {**long, "timezone": "Europe/Berlin"}
        every = "R/2031-01-01T00:00:00Z/PT1H"
        once = {"kind": "once", "at": "2031-01-01T00:00:00Z"}
        for number, schedule in enumerate([short, long, long, berlin, every, every, once, None]):
            self.put_job(a_job(f"j{number}", definition={"schedule": schedule}))

        read = schedule_from_document
        assert self._counts() == sorted(
            [
                ScheduleCount(read(short), 3),
                ScheduleCount(read(berlin), 1),
                ScheduleCount(read(every), 2),
                ScheduleCount(read(once), 1),
            ],
            key=repr,
        )

    def test_jobs_that_do_not_start_are_not_counted(self) -> None:
        """Disabled, paused, deleted, without a schedule; a pause that is over is none."""
        schedule = {"schedule": "0 2 * * *"}
        over = Pause(since=noon(-9), until=self.readers.now())
        later = Pause(since=noon(-9), until=datetime.fromisoformat("9999-01-01T00:00:00Z"))
        self.put_jobs(
            [
                a_job("disabled", definition={**schedule, "enabled": False}),
                a_job("paused", definition=schedule, paused=Pause(since=noon())),
                a_job("later", definition=schedule, paused=later),
                a_job("over", definition=schedule, paused=over),
                a_job("gone", definition=schedule, deleted=True),
                a_job("manual"),
                a_job("plain", definition=schedule),
            ]
        )

        assert self._counts() == [ScheduleCount(CronSchedule("0 2 * * *"), 2)]

    def test_a_schedule_that_differs_from_job_to_job_is_counted_by_job(self) -> None:
        """It comes with the job's id and as it is for that job."""
        hashed = CronSchedule("H 2 * * *")
        spread = {"kind": "cron", "expression": "0 2 * * *", "jitter": "PT10M"}
        for name in ("a", "b"):
            self.put_job(a_job(f"h{name}", definition={"schedule": "H 2 * * *"}))
            self.put_job(a_job(f"s{name}", definition={"schedule": spread}))
            self.put_job(a_job(f"t{name}", definition={"schedule": "0 2 * * THU"}))

        assert self._counts() == sorted(
            [
                ScheduleCount(for_job(hashed, "job-ha"), 1, "job-ha"),
                ScheduleCount(for_job(hashed, "job-hb"), 1, "job-hb"),
                ScheduleCount(schedule_from_document(spread), 1, "job-sa"),
                ScheduleCount(schedule_from_document(spread), 1, "job-sb"),
                ScheduleCount(CronSchedule("0 2 * * THU"), 2),
            ],
            key=repr,
        )
        assert {count.schedule for count in self._counts() if count.job_id == "job-ha"} == {
            for_job(hashed, "job-ha")
        }
