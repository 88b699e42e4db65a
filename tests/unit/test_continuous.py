"""Jobs that run for ever: when they are started, when again, and that there is one run at most."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.command import CommandKind
from executor.domain.continuous_schedule import ContinuousSchedule
from executor.domain.errors import InvalidJob, InvalidSchedule
from executor.domain.job import Job, definition_from_document, definition_to_document
from executor.domain.preview import describe, upcoming, warnings
from executor.domain.run import Cause, Reason, Run, RunState
from executor.domain.schedule import schedule_from_document, schedule_to_document
from tests.builders import a_command, a_document, a_job, at, create, trigger, update
from tests.unit.desk_driver import Driver, executing, successor_of

CONTINUOUS = {"kind": "continuous"}


def a_continuous_job(**fields: Any) -> Job:
    return a_job(schedule=CONTINUOUS, next_fire_at=None, **fields)


def started(driver: Driver) -> Run:
    """Return the one run handed off last, which the launcher has begun."""
    run = driver.handed_off[-1]
    driver.begin(run)
    driver.advance(0.1)
    assert driver.row(run).state is RunState.RUNNING
    return run


def test_it_is_started_at_once_and_then_left_alone() -> None:
    """One run, due for no instant, however long it goes on."""
    driver = executing(a_continuous_job())

    run = started(driver)
    driver.advance(600)

    assert driver.handed_off == [run]
    assert (run.cause, run.scheduled, run.fire_at) == (Cause.SCHEDULE, False, None)
    assert driver.rows() == [driver.row(run)]


def test_a_job_that_is_made_or_changed_to_be_continuous_is_started() -> None:
    """Without waiting for anything else."""
    driver = executing(a_job("other", schedule=None, next_fire_at=None))

    driver.ask(create("backup", schedule=CONTINUOUS))
    driver.ask(update("other", schedule=CONTINUOUS))
    driver.advance(0.5)

    assert sorted(run.job for run in driver.handed_off) == ["backup", "other"]


@pytest.mark.parametrize(
    "state", [RunState.SUCCEEDED, RunState.FAILED, RunState.TIMED_OUT, RunState.CANCELLED]
)
def test_it_is_started_again_whatever_became_of_its_run(state: RunState) -> None:
    """After the delay, as a new run and no repetition; neither retry nor retrigger has a say."""
    driver = executing(a_continuous_job(retry={"attempts": 3}))
    first = started(driver)

    driver.end(first, state, Reason.REQUESTED if state is RunState.CANCELLED else None)
    driver.advance(0.9)
    assert driver.handed_off == [first]
    driver.advance(0.5)

    _, again = driver.handed_off
    assert (again.cause, again.attempt, again.parent_run_id) == (Cause.SCHEDULE, 1, None)
    assert len(driver.rows()) == 2


def test_after_failures_it_rests_longer_and_a_success_ends_that() -> None:
    """1, 2, 4 and 4 s by this schedule; then 1 s again."""
    driver = executing(a_job(schedule={**CONTINUOUS, "max_delay": "4s"}, next_fire_at=None))
    rests = []
    for state in (*[RunState.FAILED] * 4, RunState.SUCCEEDED):
        run = started(driver)
        driver.end(run, state)
        ended, count = driver.clock.now(), len(driver.handed_off)
        while len(driver.handed_off) == count:
            driver.advance(0.1)
        rests.append(round((driver.clock.now() - ended).total_seconds()))

    assert rests == [1, 2, 4, 4, 1]


def test_a_failure_after_a_long_run_begins_the_count_anew() -> None:
    """What went well for longer than the longest rest is taken for sound."""
    driver = executing(a_job(schedule={**CONTINUOUS, "max_delay": "4s"}, next_fire_at=None))
    for _ in range(3):
        driver.end(started(driver), RunState.FAILED)
        driver.advance(5)
    long = started(driver)
    driver.advance(10)

    driver.end(long, RunState.FAILED)
    driver.advance(1.5)

    assert len(driver.handed_off) == 5


def test_while_the_executor_may_still_run_it_nobody_else_does() -> None:
    """A successor waits until the run is lost by its lease, and starts it then, once."""
    driver = executing(a_continuous_job())
    first = started(driver)
    successor = successor_of(driver)

    successor.advance(9)
    assert successor.handed_off == []
    successor.advance(5)

    (again,) = successor.handed_off
    assert successor.row(first).state is RunState.LOST
    assert (again.cause, again.term, again.id != first.id) == (Cause.SCHEDULE, 2, True)


def test_a_claim_that_was_not_begun_is_begun_by_the_successor() -> None:
    """It is adopted, and no second row is written beside it."""
    driver = executing()
    driver.ask(create("backup", schedule=CONTINUOUS))
    row = driver.inserted()[0] if driver.inserted() else None
    successor = successor_of(driver)

    successor.advance(15)

    assert len(successor.handed_off) == 1
    live = [run for run in successor.rows() if run.is_live]
    assert len(live) == 1
    assert row is None or successor.handed_off[0].id in {row.id, live[0].id}


@pytest.mark.parametrize("how", ["pause", "disable", "delete", "another schedule"])
def test_it_is_ended_with_its_job(how: str) -> None:
    """By itself it never would be; nothing is started any more."""
    driver = executing(a_continuous_job())
    run = started(driver)
    commands = {
        "pause": a_command(CommandKind.PAUSE_JOB, "backup"),
        "disable": update("backup", schedule=CONTINUOUS, enabled=False),
        "delete": a_command(CommandKind.DELETE_JOB, "backup"),
        "another schedule": update("backup", schedule=None),
    }

    driver.ask(commands[how])
    driver.advance(2)
    assert [one for one, _ in driver.cancelled()] == [run.id]
    driver.end(run, RunState.CANCELLED, driver.cancelled()[0][1])
    driver.advance(60)

    assert driver.handed_off == [run]


def test_it_begins_again_with_the_end_of_a_pause() -> None:
    """Resumed by somebody, or by itself at the instant that was given."""
    driver = executing(a_continuous_job())
    first = started(driver)
    driver.ask(a_command(CommandKind.PAUSE_JOB, "backup"))
    driver.advance(2)
    driver.end(first, RunState.CANCELLED, Reason.PAUSED)
    driver.ask(a_command(CommandKind.RESUME_JOB, "backup"))
    driver.advance(2)

    assert len(driver.handed_off) == 2


def test_what_somebody_asks_for_takes_its_turn_or_its_place() -> None:
    """A run on request is refused while one goes on; with ``replace`` it ends that one."""
    driver = executing(a_continuous_job(), a_job("other", schedule=CONTINUOUS, next_fire_at=None))
    driver.ask(update("other", schedule=CONTINUOUS, overlap={"policy": "replace"}))
    for run in driver.handed_off:
        driver.begin(run)
    driver.advance(0.1)

    refused = driver.ask(trigger("backup"))
    driver.send(trigger("other"))
    driver.advance(1)

    assert "overlap" in refused.message or "progress" in refused.message
    (ended,) = driver.cancelled()
    assert ended[1] is Reason.REPLACED


def test_a_clean_stop_ends_it_at_once() -> None:
    """It would use up the whole grace period, and could not begin elsewhere before."""
    driver = executing(a_continuous_job())
    run = started(driver)

    driver.stop()

    assert driver.cancelled() == [(run.id, Reason.SHUTDOWN)]


def test_a_lock_lets_one_of_two_run() -> None:
    """The other one is started when it is free."""
    driver = executing(
        a_continuous_job(lock="line"),
        a_job("other", schedule=CONTINUOUS, next_fire_at=None, lock="line"),
    )
    driver.advance(2)
    run = started(driver)
    driver.ask(a_command(CommandKind.PAUSE_JOB, run.job))
    driver.advance(2)
    driver.end(run, RunState.CANCELLED, Reason.PAUSED)
    driver.advance(2)

    assert sorted(one.job for one in driver.handed_off) == ["backup", "other"]
    assert all(run.state is not RunState.SKIPPED for run in driver.store.every_run())


class TestDefinition:
    """What may be written."""

    def test_it_has_no_limit_of_time_unless_one_is_given(self) -> None:
        """An hour, which all others have, would end it each hour."""
        forever = definition_from_document(a_document(schedule=CONTINUOUS))
        limited = definition_from_document(a_document(schedule=CONTINUOUS, timeout="1h"))

        assert definition_to_document(forever)["timeout"] == "P36525D"
        assert definition_to_document(limited)["timeout"] == "PT1H"
        assert definition_from_document(definition_to_document(forever)) == forever

    @pytest.mark.parametrize(
        ("overlap", "field"),
        [({"policy": "allow"}, "overlap.policy"), ({"limit": 2}, "overlap.limit")],
    )
    def test_only_one_run_at_a_time_can_be_asked_for(
        self, overlap: dict[str, object], field: str
    ) -> None:
        """The fault names the field."""
        with pytest.raises(InvalidJob) as caught:
            definition_from_document(a_document(schedule=CONTINUOUS, overlap=overlap))
        assert [fault.field for fault in caught.value.faults] == [field]

    def test_its_document_is_canonical(self) -> None:
        """Durations in ISO 8601, all fields present."""
        schedule = schedule_from_document({**CONTINUOUS, "delay": "90s", "max_delay": "1h"})

        assert schedule_to_document(schedule) == {
            "kind": "continuous",
            "delay": "PT1M30S",
            "max_delay": "PT1H",
            "engine": 1,
        }

    @pytest.mark.parametrize(
        ("fields", "fault"),
        [
            ({"delay": "0s"}, "delay: '0s' is shorter than PT0.1S"),
            ({"delay": 5}, "delay: write a duration as text"),
            ({"delay": "2m"}, "max_delay: is shorter than delay, PT2M"),
            ({"timezone": "UTC"}, "timezone: unknown field"),
        ],
    )
    def test_what_is_wrong_is_named(self, fields: dict[str, object], fault: str) -> None:
        """As for every other schedule."""
        with pytest.raises(InvalidSchedule, match=fault):
            schedule_from_document({**CONTINUOUS, **fields})

    def test_it_is_described_and_has_no_fire_times(self) -> None:
        """Nothing about it is to be warned of."""
        schedule = ContinuousSchedule()

        assert describe(schedule) == "For ever: started again PT1S after it ends"
        assert upcoming(schedule, at(0), 5) == []
        assert warnings(schedule, at(0)) == []
