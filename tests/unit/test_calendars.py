"""Calendars and blackouts, from the command to the slot; and backfills."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.calendar import CALENDARS
from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.domain.run import Cause, Reason, RunState
from executor.engine.events import TokenGained
from executor.engine.store_requests import InsertRuns, KeepFormer, Record, SaveResults, WriteNamed
from tests.builders import a_command, a_job, at, create, every, update
from tests.unit.desk_driver import Driver, executing

#: From second 20 to second 50 of the first minute after the start.
BLACKOUT = {"dates": [{"from": "2026-12-01T00:00:20Z", "to": "2026-12-01T00:00:50Z"}]}


def put(name: str = "works", command_id: str | None = None, **document: Any) -> Command:
    given = {} if command_id is None else {"id": command_id}
    calendar = {"name": name, **(document or BLACKOUT)}
    return a_command(CommandKind.PUT_CALENDAR, name, calendar=calendar, **given)


def delete(name: str = "works") -> Command:
    return a_command(CommandKind.DELETE_CALENDAR, name)


def resting(policy: str, **fields: Any) -> Driver:
    """Return an executor with a job that is due every ten seconds, and a blackout."""
    driver = executing()
    assert driver.ask(put()).status is ResultStatus.CREATED
    uses = [{"name": "works", "policy": policy}]
    assert driver.ask(create(calendars=uses, **fields)).status is ResultStatus.CREATED
    return driver


def work_until(driver: Driver, seconds: float) -> None:
    done = 0
    while driver.clock.now() < at(seconds):
        driver.advance(0.25)
        for run in driver.handed_off[done:]:
            done += 1
            driver.work(run)


def test_what_is_due_in_a_blackout_is_skipped() -> None:
    """From its first instant to before its end."""
    driver = resting("skip")
    work_until(driver, 61)

    assert [(row.fire_at, row.reason) for row in driver.rows()] == [
        (at(10), None),
        (at(20), Reason.BLACKOUT),
        (at(30), Reason.BLACKOUT),
        (at(40), Reason.BLACKOUT),
        (at(50), None),
        (at(60), None),
    ]


def test_what_is_due_in_a_blackout_may_be_put_off_to_its_end() -> None:
    """One run for all of its slots; it keeps the fire time of the first."""
    driver = resting("run_after", overlap={"policy": "allow"})
    work_until(driver, 61)

    rows = driver.rows()
    assert [(row.fire_at, row.state) for row in rows if row.reason is None] == [
        (at(second), RunState.SUCCEEDED) for second in (10, 20, 50, 60)
    ]
    put_off = rows[1]
    assert put_off.due_at == at(50)
    assert put_off.started_at is not None
    assert put_off.started_at >= at(50)
    assert [row.reason for row in rows[2:4]] == [Reason.BLACKOUT] * 2


def test_the_end_of_a_blackout_survives_the_executor() -> None:
    """The row is durable; the successor starts it then, and not before."""
    driver = resting("run_after", overlap={"policy": "allow"})
    work_until(driver, 35)
    successor = Driver(driver.store, "successor")
    successor.take_over()
    work_until(successor, 61)

    assert [run.fire_at for run in successor.handed_off] == [at(20), at(50), at(60)]
    assert driver.rows()[1].state is RunState.SUCCEEDED


def test_a_slot_caught_up_in_a_blackout_is_put_off_with_the_first() -> None:
    """Whoever executes by then: one run at the end."""
    driver = resting("run_after", overlap={"policy": "allow"})
    work_until(driver, 21)
    successor = Driver(driver.store, "successor")
    successor.clock.advance(12)
    successor.take_over()
    work_until(successor, 58)

    assert [run.fire_at for run in successor.handed_off] == [at(20), at(50)]


def test_a_blackout_whose_first_slot_was_missed_has_its_run_all_the_same() -> None:
    """The first slot fell into a failover; one that is noticed in time is put off instead."""
    driver = resting("run_after", overlap={"policy": "allow"})
    work_until(driver, 15)
    driver.clock.advance(15.75)
    successor = Driver(driver.store, "successor")
    successor.take_over()
    work_until(successor, 61)

    assert [(row.fire_at, row.reason) for row in successor.rows()[1:4]] == [
        (at(20), Reason.MISFIRE),
        (at(30), None),
        (at(40), Reason.BLACKOUT),
    ]
    assert successor.rows()[2].due_at == at(50)


def test_a_run_on_request_starts_in_a_blackout() -> None:
    """Somebody wants it now."""
    driver = resting("skip")
    work_until(driver, 25)

    driver.ask(a_command(CommandKind.TRIGGER_JOB, "backup"))

    assert driver.handed_off[-1].cause is Cause.MANUAL


def test_jitter_puts_off_the_start_and_not_the_fire_time() -> None:
    """Always by the same amount."""
    schedule = {**every(10), "jitter": "5s"}
    starts = []
    for _ in range(2):
        driver = executing(a_job(schedule=schedule, overlap={"policy": "allow"}))
        work_until(driver, 70)
        rows = [row for row in driver.rows() if row.started_at]
        assert [row.fire_at for row in rows[:5]] == [at(n) for n in (10, 20, 30, 40, 50)]
        due = [(row.due, row.fire_at) for row in rows]
        delays = [(a - b).total_seconds() for a, b in due if a and b]
        assert all(0 <= delay < 5 for delay in delays)
        assert len(set(delays[:5])) > 3
        starts.append(delays[:5])
    assert starts[0] == starts[1]


def test_a_job_uses_only_calendars_that_exist() -> None:
    """The fault names the place."""
    refused = executing().ask(create(calendars=[{"name": "nobody"}]))

    assert [(one.field, one.message) for one in refused.faults] == [
        ("calendars.0.name", "there is no calendar 'nobody'")
    ]


def test_a_calendar_in_use_is_not_deleted() -> None:
    """The refusal names the jobs."""
    driver = resting("skip")

    refused = driver.ask(delete())
    assert refused.status is ResultStatus.CONFLICT
    assert "is used by backup" in refused.message

    driver.ask(update(calendars=[]))
    assert driver.ask(delete()).status is ResultStatus.DONE
    assert driver.ask(delete()).status is ResultStatus.NOT_FOUND
    assert driver.ask(put()).status is ResultStatus.DONE


def test_a_calendar_is_changed_for_the_slots_to_come() -> None:
    """And its revision counts on."""
    driver = resting("skip")
    changed = driver.ask(put(dates=[{"from": "2027-01-01", "to": "2027-01-02"}]))
    work_until(driver, 31)

    assert (changed.status, changed.revision) == (ResultStatus.DONE, 2)
    assert [row.reason for row in driver.rows()] == [None, None, None]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"windows": [{"cron": "0 25 * * *", "duration": "PT1H"}]}, "windows.0.cron"),
        ({"timezone": "Nowhere"}, "timezone"),
        ({"name": "other"}, "name"),
    ],
)
def test_a_bad_calendar_is_refused_with_its_fields(document: Any, field: str) -> None:
    """Nothing is changed."""
    driver = executing()
    calendar = {"name": "works", **document}
    command = a_command(CommandKind.PUT_CALENDAR, "works", calendar=calendar)

    refused = driver.ask(command)

    assert refused.status is ResultStatus.INVALID
    assert [fault.field for fault in refused.faults] == [field]
    assert driver.store.all_named(CALENDARS) == []


def test_a_calendar_at_another_revision_is_left_alone() -> None:
    """If-Match."""
    driver = executing()
    driver.ask(put())
    stale = a_command(CommandKind.PUT_CALENDAR, "works", calendar={"name": "works"}, if_revision=7)

    refused = driver.ask(stale)

    assert refused.status is ResultStatus.PRECONDITION_FAILED
    assert "calendar 'works' is at revision 1, not 7" in refused.message


@pytest.mark.parametrize("step", [KeepFormer, WriteNamed, SaveResults])
@pytest.mark.parametrize("done", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("command", [put(windows=[]), delete()], ids=["put", "delete"])
def test_a_calendar_command_redelivered_after_a_crash_has_one_effect(
    command: Command, step: Any, done: bool
) -> None:
    """Also if another change was made and answered in between."""
    driver = executing()
    driver.ask(put())
    driver.hold(step)
    driver.send(command)
    for request in driver.pending(step):
        if done:
            driver.carry_out(request)
    successor = Driver(driver.store, "successor")
    successor.take_over()
    between: CommandResult = successor.ask(put(description="between"))

    first = successor.ask(command)
    again = successor.ask(command)

    assert first == again
    assert first.status is ResultStatus.DONE
    assert {between.revision, first.revision} == {2, 3}


class TestBackfill:
    """Slots of the past."""

    def asked(self, since: str, until: str) -> Command:
        return a_command(CommandKind.BACKFILL_JOB, "backup", **{"from": since, "to": until})

    def backfill(self, driver: Driver, since: str, until: str) -> CommandResult:
        return driver.ask(self.asked(since, until))

    def test_slots_without_a_row_are_run_one_after_another(self) -> None:
        """Those that are recorded are left alone."""
        driver = executing(a_job(overlap={"policy": "forbid"}))
        work_until(driver, 25)
        before = len(driver.handed_off)
        answer = self.backfill(driver, "2026-11-30T23:59:40Z", "2026-12-01T00:00:15Z")
        assert dict(answer.facts) == {"slots": 4, "backfilled": 3, "recorded": 1}
        driver.advance(0.2)
        assert len(driver.handed_off) == before + 1
        done = before
        for _ in range(12):
            for run in driver.handed_off[done:]:
                done += 1
                driver.work(run)
            driver.advance(0.1)

        filled = [run for run in driver.handed_off if run.cause is Cause.BACKFILL]
        assert [run.fire_at for run in filled] == [at(-20), at(-10), at(0)]
        assert all(driver.row(run).state is RunState.SUCCEEDED for run in filled)

    @pytest.mark.parametrize("worked", [0, 1, 30], ids=["waits", "in progress", "over"])
    def test_what_was_backfilled_before_is_recorded(self, worked: int) -> None:
        """A second backfill counts its own rows, whatever has become of the first one's by then."""
        driver = executing(a_job(schedule=every(60)))
        first = self.backfill(driver, "2026-11-30T23:01:00Z", "2026-11-30T23:05:00Z")
        driver.advance(0.2)
        if worked == 1:
            driver.begin(driver.handed_off[0])
        elif worked:
            work_until(driver, worked)

        again = self.backfill(driver, "2026-11-30T23:01:00Z", "2026-11-30T23:05:00Z")
        further = self.backfill(driver, "2026-11-30T23:01:00Z", "2026-11-30T23:07:00Z")

        assert dict(first.facts) == {"slots": 5, "backfilled": 5, "recorded": 0}
        assert dict(again.facts) == {"slots": 5, "backfilled": 0, "recorded": 5}
        assert dict(further.facts) == {"slots": 7, "backfilled": 2, "recorded": 5}

    def test_a_slot_in_progress_is_recorded(self) -> None:
        """It runs on schedule, and its row may be on the way to the store."""
        driver = executing(a_job())
        driver.advance_to(at(10.05))
        driver.begin(driver.handed_off[0])
        driver.hold(Record)
        driver.end(driver.handed_off[0])
        driver.advance_to(at(20.05))

        (tag,) = driver.send(command := self.asked("2026-12-01T00:00:10Z", "2026-12-01T00:00:20Z"))
        driver.release()
        driver.advance(0.1)

        assert driver.answers[tag].command_id == command.id
        assert dict(driver.answers[tag].facts) == {"slots": 2, "backfilled": 0, "recorded": 2}

    @pytest.mark.parametrize("step", [InsertRuns, SaveResults])
    @pytest.mark.parametrize("done", [False, True], ids=["before it", "after it"])
    @pytest.mark.parametrize("anew", [False, True], ids=["same executor", "successor"])
    def test_a_backfill_delivered_once_more_counts_what_it_made_before(
        self, step: Any, done: bool, anew: bool
    ) -> None:
        """Whichever store call it was cut off around; its rows are its own."""
        driver = executing(a_job(schedule=every(60)))
        command = self.asked("2026-11-30T23:01:00Z", "2026-11-30T23:05:00Z")
        driver.hold(step)
        driver.send(command)
        for request in driver.pending(step):
            if done:
                driver.lose_answer(request)
        if anew:
            driver = Driver(driver.store, "successor")
            driver.take_over()
        else:
            driver.lose_token()
            driver.release()
            driver.tell(TokenGained())

        (tag,) = driver.send(command)
        driver.advance(2)

        assert dict(driver.answers[tag].facts) == {"slots": 5, "backfilled": 5, "recorded": 0}

    def test_slots_to_come_are_not_backfilled(self) -> None:
        """The regular way accounts for them."""
        driver = executing(a_job())
        answer = self.backfill(driver, "2026-12-01T00:00:05Z", "2027-01-01T00:00:00Z")

        assert dict(answer.facts) == {"slots": 0, "backfilled": 0, "recorded": 0}
        work_until(driver, 31)
        assert [row.cause for row in driver.rows()] == [Cause.SCHEDULE] * 3

    def test_a_backfill_survives_the_executor(self) -> None:
        """The successor goes on with the line."""
        driver = executing(a_job(schedule=every(60)))
        self.backfill(driver, "2026-11-30T23:00:30Z", "2026-11-30T23:05:30Z")
        successor = Driver(driver.store, "successor")
        successor.take_over()
        work_until(successor, 30)

        filled = [row for row in successor.rows() if row.cause is Cause.BACKFILL]
        assert len(filled) == 5
        ended = {row.state for row in filled}
        assert ended <= {RunState.SUCCEEDED, RunState.LOST}

    @pytest.mark.parametrize(
        ("since", "until", "field"),
        [
            ("yesterday", "2026-12-01T00:00:00Z", "from"),
            ("2026-11-01T00:00:00Z", "2026-10-01T00:00:00Z", "to"),
            ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", "from"),
        ],
    )
    def test_a_bad_stretch_is_refused(self, since: str, until: str, field: str) -> None:
        """No instant, backwards, or too much at once."""
        driver = executing(a_job())

        refused = self.backfill(driver, since, until)

        assert refused.status is ResultStatus.INVALID
        assert [fault.field for fault in refused.faults] == [field]
        assert driver.rows() == []


def test_former_revisions_are_kept() -> None:
    """Each as it was, before it is overwritten."""
    driver = executing(a_job(description="one"))
    driver.ask(update(description="two"))
    driver.ask(update(description="three"))

    page = driver.store.list_revisions("job-backup", 10, None)
    assert [(job.revision, job.definition.description) for job in page.items] == [
        (2, "two"),
        (1, "one"),
    ]
