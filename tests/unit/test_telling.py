"""From the end of a run to the outbox, whatever gets in between."""

from __future__ import annotations

import pytest

from executor.domain.channel import CHANNELS
from executor.domain.named import NamedWrite
from executor.domain.run import RunState
from executor.engine.store_requests import ReadTallies, Record, SettleFollowUps, Tell
from tests.builders import a_job, trigger
from tests.unit.desk_driver import Driver, executing, successor_of, with_jobs
from tests.unit.telling_driver import (
    OPS,
    outbox,
    parcels,
    report,
    run_it,
    telling,
)


def test_a_failure_is_told_and_then_settled() -> None:
    """In the outbox first; the demand is withdrawn when it is there."""
    driver = telling("failure")
    driver.hold(Tell)
    run = run_it(driver)
    assert driver.row(run).follow_up
    assert driver.called(SettleFollowUps) == []

    driver.release()
    driver.advance(0.1)

    assert outbox(driver) == [("failure", run.id)]
    assert not driver.row(run).follow_up


def test_the_text_has_what_the_target_said() -> None:
    """Error and output are those of the row."""
    driver = telling("failure")
    run_it(driver)
    [one] = driver.store.every_notification()
    assert one.payload["job"] == "backup"
    assert one.payload["failures"] == 1
    assert one.payload["state"] == "failed"


def test_failures_and_recoveries_follow_each_other() -> None:
    """The row of failures is counted across runs, and a success ends it."""
    driver = telling("failure", "recovery")
    states = [RunState.FAILED, RunState.FAILED, RunState.SUCCEEDED, RunState.SUCCEEDED]
    runs = [run_it(driver, state) for state in states]
    assert outbox(driver) == [("failure", runs[0].id), ("recovery", runs[2].id)]


def test_a_success_that_changes_nothing_costs_nothing() -> None:
    """Once the tally is known to be calm, such ends demand nothing and are not counted."""
    driver = telling("failure", "recovery")
    run_it(driver, RunState.SUCCEEDED)
    tellings = len(driver.called(Tell))

    run = run_it(driver, RunState.SUCCEEDED)

    changes = [one for call in driver.called(Record) for one in call.changes]
    assert [one.follow_up for one in changes if one.run_id == run.id and one.finished_at] == [None]
    assert len(driver.called(Tell)) == tellings


def test_a_success_right_after_a_failure_ends_its_row() -> None:
    """Although the failure is not counted yet when it ends."""
    driver = telling("failure", overlap={"policy": "allow"})
    run_it(driver, RunState.SUCCEEDED)
    for _ in range(2):
        driver.ask(trigger())
    driver.advance(1)
    failing, well = driver.handed_off[-2:]
    for run in (failing, well):
        driver.begin(run)
    driver.end(failing, RunState.FAILED)
    driver.end(well, RunState.SUCCEEDED)
    driver.advance(1)

    [tally] = driver.store.read_tallies(["job-backup"])
    assert tally.failures == 0
    assert outbox(driver) == [("failure", failing.id)]


def test_a_retried_failure_is_told_when_nothing_is_tried_any_more() -> None:
    """Of the last attempt, once."""
    driver = telling("failure", retry={"attempts": 1, "delay": "PT1S", "jitter": 0})
    driver.ask(trigger())
    driver.advance(1)
    for _ in range(2):
        run = driver.handed_off[-1]
        driver.begin(run)
        driver.end(run, RunState.FAILED)
        driver.advance(2)
    first, last = driver.handed_off
    assert last.parent_run_id == first.id
    assert outbox(driver) == [("failure", last.id)]


@pytest.mark.parametrize("kind", [ReadTallies, Tell, SettleFollowUps])
@pytest.mark.parametrize("done", [True, False])
def test_a_successor_tells_what_an_executor_left_untold(
    kind: type[ReadTallies | Tell | SettleFollowUps], done: bool
) -> None:
    """Whatever step it died in, and whether the store had done it: one notification, one count."""
    driver = telling("failure", "recovery")
    driver.hold(kind)
    run = run_it(driver)
    if done:
        driver.carry_out(driver.awaited(kind))

    successor = successor_of(driver)
    successor.advance(3)

    assert outbox(successor) == [("failure", run.id)]
    assert not successor.row(run).follow_up
    [tally] = successor.store.read_tallies(["job-backup"])
    assert tally.failures == 1


def test_an_executor_that_was_overtaken_tells_nothing() -> None:
    """Its run may have been declared lost: what it knows of the end is not what is recorded."""
    driver = telling("failure", "success")
    driver.ask(trigger())
    driver.advance(1)
    [run] = driver.handed_off
    driver.begin(run)
    driver.advance(0.1)
    driver.store.mint_term("another")
    driver.end(run, RunState.SUCCEEDED)
    driver.advance(1)

    assert driver.called(Tell) == []
    assert outbox(driver) == []


def test_a_tally_written_by_somebody_else_is_read_and_counted_on() -> None:
    """A former executor's last write: the run is counted from what stands there."""
    driver = telling("failure", notify=[{"channel": "ops", "on": ["failure"], "after": 2}])
    run_it(driver)
    [tally] = driver.store.read_tallies(["job-backup"])
    [elsewhere] = driver.store.write_tallies(
        [type(tally)(job_id=tally.job_id, revision=tally.revision + 1, failures=4)]
    )
    assert elsewhere

    run = run_it(driver)

    assert outbox(driver) == [("failure", run.id)]
    assert driver.store.read_tallies(["job-backup"])[0].failures == 5


def test_missed_slots_are_told_once_for_a_gap() -> None:
    """Of the newest; the others are in the list of runs."""
    rule = {"channel": "ops", "on": ["missed"], "every": "PT0S"}
    job = a_job(notify=[rule], misfire={"policy": "skip"})
    store = with_jobs(job)
    store.write_named(NamedWrite(CHANNELS, OPS, None))
    store.clock.advance(60)  # type: ignore[attr-defined]
    driver = Driver(store)
    driver.take_over()
    driver.advance(1)

    missed = [run for run in driver.rows() if run.state is RunState.SKIPPED]
    assert len(missed) > 1
    assert outbox(driver) == [("missed", missed[-1].id)]
    assert not any(driver.row(run).follow_up for run in missed)


def test_a_late_start_is_told_when_it_happens() -> None:
    """Not hours later, when the run has ended; and not again then."""
    rule = {"channel": "ops", "on": ["late"], "late_by": "PT5S", "every": "PT0S"}
    driver = executing(a_job(notify=[rule]))
    driver.store.write_named(NamedWrite(CHANNELS, OPS, None))
    driver.advance(10)
    [run] = driver.handed_off
    driver.advance(6)
    driver.begin(run)
    driver.advance(1)
    assert outbox(driver) == [("late", run.id)]

    driver.end(run, RunState.SUCCEEDED)
    driver.advance(1)
    assert outbox(driver) == [("late", run.id)]


def test_a_lost_run_is_told_by_whoever_finds_it() -> None:
    """When its lease is over and nothing repeats it."""
    driver = telling("lost")
    driver.ask(trigger())
    driver.advance(1)
    [run] = driver.handed_off
    driver.begin(run)
    driver.advance(1)

    successor = successor_of(driver)
    successor.advance(15)

    assert successor.row(run).state is RunState.LOST
    assert outbox(successor) == [("lost", run.id)]


@pytest.mark.parametrize(
    ("state", "signal"), [(RunState.FAILED, "fail"), (RunState.CANCELLED, "log")]
)
def test_pings_tell_of_starts_and_final_ends(state: RunState, signal: str) -> None:
    """In that order, one after the other; what was cancelled is noted."""
    driver = executing(a_job(schedule=None, ping="https://monitor/id"))
    driver.ask(trigger())
    driver.advance(1)
    [run] = driver.handed_off
    driver.begin(run)
    driver.advance(1)
    [start] = parcels(driver)
    driver.end(run, state)
    driver.advance(1)
    assert parcels(driver) == [start], "its start is still under way"

    report(driver, start)
    signals = [one.payload["signal"] for one in parcels(driver)]
    assert signals == ["start", signal]
    assert not driver.row(run).follow_up


def test_a_slot_that_was_run_is_not_told_as_missed() -> None:
    """A claim as skipped that meets the row of the run is nothing, whatever it would have told."""
    rule = {"channel": "ops", "on": ["missed"], "every": "PT0S"}
    job = a_job(notify=[rule], misfire={"policy": "skip"})
    store = with_jobs(job)
    store.write_named(NamedWrite(CHANNELS, OPS, None))
    former = Driver(store)
    former.take_over()
    former.hold(Record)
    former.advance(10)
    [run] = former.handed_off
    former.begin(run)
    store.clock.advance(60)  # type: ignore[attr-defined]
    driver = Driver(store, "successor")
    driver.take_over()
    driver.advance(1)

    assert driver.row(run).state is not RunState.SKIPPED
    assert run.id not in {run_id for _, run_id in outbox(driver)}
    assert [event for event, _ in outbox(driver)] == ["missed"]
