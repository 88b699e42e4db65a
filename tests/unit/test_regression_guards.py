"""The guards of the outages in ``test_regressions``, each by itself.

Several of them have two causes, or two guards of which either suffices: there no single
mistake brings the outage back, and none is noticed.  Here all guards but one are out of the
way, by the moment that is chosen or by a store without its unique key.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from executor.domain.command import CommandKind
from executor.domain.cron_schedule import CronSchedule
from executor.domain.run import Cause, RunState
from executor.domain.schedule import fire_times
from executor.domain.writes import JobWrite
from executor.engine.store_requests import ClearTerm, InsertRuns
from executor.engine.timing import SUPERVISION_S
from tests.builders import a_command, a_job, at, create, every, update
from tests.fakes.fake_clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.unit.desk_driver import Driver, executing, successor_of
from tests.unit.test_regressions import serve

HOUR = timedelta(hours=1)


def test_a_slot_put_off_by_an_executor_that_died_is_started_when_it_is_due() -> None:
    """1: the watermark has passed its row, so nobody claims it anew: it has to be taken up."""
    driver = executing(a_job(schedule={**every(10), "jitter": "PT9S"}))
    driver.advance_to(at(10.1))
    (row,) = driver.rows()
    assert driver.handed_off == []
    assert driver.job().next_fire_at == at(20)

    assert serve(9, successor_of(driver)) == [row.fire_at]


def test_a_claim_that_lands_after_the_takeover_is_started_by_the_successor() -> None:
    """1: it was not there when open rows were read, and is in the way of the successor's own."""
    driver = executing(a_job())
    driver.hold(InsertRuns)
    driver.advance_to(at(9.7))
    successor = Driver(driver.store, "successor")
    successor.hold(InsertRuns)
    successor.take_over()
    driver.carry_out(driver.awaited(InsertRuns))
    successor.release()

    assert serve(5, successor) == [at(10)]


def test_a_run_that_is_found_lost_is_repeated_at_once() -> None:
    """1: not only when somebody happens to look at what is left over."""
    driver = executing(a_job(schedule=every(60)))
    driver.advance_to(at(60.1))
    (run,) = driver.handed_off

    successor = successor_of(driver)
    successor.advance(20)

    (again,) = successor.handed_off
    lost_at = driver.row(run).finished_at
    assert lost_at is not None
    assert (again.cause, driver.row(run).state) == (Cause.RETRIGGER, RunState.LOST)
    assert again.created_at - lost_at < timedelta(seconds=SUPERVISION_S / 2)


@pytest.mark.parametrize("then", ["edited", "paused", "failed over"])
def test_a_slot_that_has_run_does_not_come_again_when_the_clock_goes_back(then: str) -> None:
    """8: slots count from the watermark; who counts from the clock runs ten minutes again."""
    clock = FakeClock()
    store = MemoryStore(clock, unique_slots=False)
    store.write_jobs([JobWrite(a_job(schedule=every(60)), None)])
    driver = Driver(store)
    driver.take_over()
    assert serve(61, driver) == [at(60)]
    clock.step(-600)

    if then == "edited":
        driver.ask(update(schedule=every(60), description="changed"))
    elif then == "paused":
        driver.ask(a_command(CommandKind.PAUSE_JOB, "backup"))
        driver.ask(a_command(CommandKind.RESUME_JOB, "backup"))
    else:
        driver = successor_of(driver)

    assert serve(650, driver) == []
    assert serve(15, driver) == [at(120)]


@pytest.mark.parametrize(
    ("expression", "since", "expected"),
    [
        # What is rare and lies in a repeated hour: the search that has passed the first copy
        # must not go on to the next year.
        (
            "*/30 1 1 11 *",
            "2026-10-01",
            ["11-01 05:00", "11-01 05:30", "11-01 06:00", "11-01 06:30"],
        ),
        # What lies far behind a change: its hour is another one then.
        ("0 10 1 7 *", "2026-01-01", ["07-01 14:00"]),
        ("0 10 1 12 *", "2026-07-01", ["12-01 15:00"]),
    ],
)
def test_a_search_across_a_change_of_clocks_skips_nothing(
    expression: str, since: str, expected: list[str]
) -> None:
    """13: whoever leaps over changes of the clocks leaps over fire times as well."""
    schedule = CronSchedule(expression, timezone="America/New_York")
    start = datetime.fromisoformat(since).replace(tzinfo=UTC)

    found = islice(fire_times(schedule, start, start + 24 * 365 * HOUR), len(expected))

    assert [f"{one:%m-%d %H:%M}" for one in found] == expected


def test_a_full_disk_lets_nothing_start_that_is_not_cleared() -> None:
    """16: the row is there, and the last clearance is fresh enough; it is of another second."""
    driver = executing(a_job())
    driver.advance_to(at(9.7))
    assert len(driver.rows()) == 1
    driver.hold(ClearTerm)

    driver.advance_to(at(11))

    assert driver.handed_off == []


def test_a_full_disk_lets_nothing_start_once_the_last_clearance_is_stale() -> None:
    """16: the row is there and was cleared; a launcher has given it back untouched."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    (run,) = driver.handed_off
    driver.silent = True
    driver.advance_to(at(15))

    driver.give_back(run)
    driver.advance_to(at(19))
    assert driver.handed_off == [run]
    driver.silent = False
    driver.advance(3)

    assert driver.handed_off == [run, run]


def test_two_jobs_of_one_hashed_schedule_are_each_shown_and_run_at_their_own_time() -> None:
    """18: the time is drawn from the job's id, where it is shown as where it is executed."""
    driver = executing()
    schedule = {"kind": "cron", "expression": "H H * * *"}
    for name in ("one", "two"):
        driver.ask(create(name, schedule=schedule))
    shown = {driver.job(name).next_fire_at for name in ("one", "two")}
    assert len(shown) == 2

    begun = set()
    for due in sorted(filter(None, shown)):
        driver.clock.advance((due - driver.clock.now()).total_seconds() - 5)
        begun.update(serve(6, driver))

    assert begun == shown
