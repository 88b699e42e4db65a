"""The outages of other schedulers, one by one: each of these has cost somebody a night.

The engine on a virtual clock.  Each test fails when what prevents its outage is taken
out.  The proof on real processes, brokers and stores, by the number of the outage:

1       failover/test_kill_executor, failover/test_embedded
2       failover/test_paused_executor
3, 14   failover/test_broker_trouble, failover/test_partition, contract/test_rabbitmq_server;
        what the broker delivers again: unit/test_redelivery
4, 7, 9 failover/test_policies
5, 12   the stores' part: contract/job_law
6, 8    none: the wall clocks of real machines are not ours to set
10, 11  failover/test_many_jobs
13, 18  none: no server takes part; all zones and rules are in unit/test_schedule_dst
15      failover/test_mongodb_primary, failover/test_partition
16      contract/test_sqlite_file (full disk), contract/test_command_ending (output)
17      the stores' part: contract/retention_law; under load in the simulation only

Where several guards prevent an outage, unit/test_regression_guards tries each by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from cProfile import Profile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from executor.domain.command import CommandKind
from executor.domain.cron_schedule import CronSchedule, CronSlots
from executor.domain.job import Job
from executor.domain.outlook import next_fire_time
from executor.domain.run import Reason, RunState
from executor.engine.events import Tick, TokenGained
from executor.engine.store_requests import InsertRuns, ReadAllJobs, Request, SettleFollowUps
from executor.engine.timing import INSERT_ROWS
from tests.builders import a_command, a_definition, a_job, at, create, every, trigger, update
from tests.unit.cron_oracle import BREAKING
from tests.unit.desk_driver import STEP_S, Driver, executing, successor_of, with_jobs
from tests.unit.test_admission import cursed_job

#: Steps of one search for a fire time, above which it is going round in circles.
MANY_STEPS = 40

#: What four times as many jobs may cost: four times as much, and some for what does not grow.
FOURFOLD = 4.4

#: Seconds.
DAY_S = 86_400


def serve(seconds: float, *drivers: Driver) -> list[datetime | None]:
    """Let time pass for these executors, and begin and end what they hand off; return its slots."""
    clock, begun = drivers[0].clock, []
    seen = {driver: len(driver.handed_off) for driver in drivers}
    end = clock.monotonic() + seconds
    while (left := end - clock.monotonic()) > 0:
        wait = min(driver.engine.wake_in(driver.moment()) for driver in drivers)
        clock.advance(min(max(wait, STEP_S), left))
        for driver in drivers:
            driver.tell(Tick())
            for run in driver.handed_off[seen[driver] :]:
                seen[driver] += 1
                begun.append(run.fire_at)
                driver.begin(run)
                driver.end(run)
    return begun


def calls(act: Callable[[], object]) -> int:
    """Return how many functions *act* calls: its cost on any machine."""
    profile = Profile()
    profile.runcall(act)
    return sum(entry.callcount for entry in profile.getstats())


def crowd(size: int) -> list[Job]:
    """Return so many jobs that are all due in the same second."""
    definitions = (replace(a_definition(), name=f"job-{number}") for number in range(size))
    return [a_job(definition.name, definition=definition) for definition in definitions]


@pytest.mark.parametrize("killed", [9.0, 9.7, 9.97, 10.0, 11.0])
def test_killing_the_executor_around_a_slot_neither_skips_nor_doubles_it(killed: float) -> None:
    """1: what was due while the scheduler died is lost, or runs twice.

    Killed long before, with the row written, cleared, handed to launchers that die too, or done.
    """
    driver = executing(a_job(overlap={"policy": "allow"}))
    begun = serve(killed, driver) if killed > 10 else []
    driver.advance_to(at(killed))

    begun += serve(30, successor_of(driver))

    assert begun.count(at(10)) == 1


def test_an_executor_that_was_frozen_for_a_minute_fires_nothing_on_waking() -> None:
    """2: a zombie after a snapshot or a long swap fires what another has fired since."""
    frozen = executing(a_job(schedule=every(60)))
    frozen.advance_to(at(59.97))
    successor = successor_of(frozen)

    begun = serve(50, successor) + serve(20, frozen, successor)

    assert (frozen.handed_off, frozen.engine.term) == ([], None)
    assert begun == [at(60), at(120)]


@pytest.mark.parametrize("moment", [9.5, 9.7, 9.97])
def test_two_tokens_at_once_run_nothing_twice(moment: float) -> None:
    """3: a broker that was restored, or split, has two leaders for a while, and each fires."""
    first = executing(a_job())
    first.advance_to(at(moment))
    second = successor_of(first)

    begun = serve(30, first, second)

    assert sorted(filter(None, begun)) == [at(10), at(20), at(30)]


@pytest.mark.parametrize("begun", [True, False])
def test_a_process_that_dies_mid_run_blocks_its_job_no_longer_than_the_lease(begun: bool) -> None:
    """4: overlap is forbidden, and a run that nobody ends goes on "running" for weeks."""
    driver = executing(a_job())
    driver.advance_to(at(10))
    (run,) = driver.handed_off
    if begun:
        driver.begin(run)
    driver.advance(0.1)

    started = serve(20.5, successor_of(driver))

    assert driver.row(run).state is RunState.LOST
    assert at(30) in started


def test_one_corrupt_job_stops_no_other_and_is_shown_as_broken() -> None:
    """5: the scheduler stops altogether at a record that cannot be read or evaluated."""
    driver = Driver(with_jobs(a_job("bad"), cursed_job(), a_job()))
    driver.store.break_job("job-bad")
    driver.take_over()

    assert serve(30, driver) == [at(10), at(20), at(30)]
    (listed,) = driver.store.list_instances()
    assert listed.detail == "broken jobs: 2, among them bad, cursed"


def test_a_job_changed_from_hourly_to_minutely_does_not_burst() -> None:
    """6: the new schedule counts from the creation of the job, and a month of it is run."""
    driver = executing(a_job(schedule="0 * * * *", now=at(-30 * DAY_S), next_fire_at=at(3600)))
    driver.advance(90)

    driver.ask(update(schedule="* * * * *", misfire={"policy": "all"}))

    assert serve(150, driver) == [at(120), at(180), at(240)]
    assert len(driver.rows()) == 3


@pytest.mark.parametrize(("policy", "runs"), [("skip", 0), ("once", 1), ("latest", 1), ("all", 60)])
def test_a_minutely_job_resumed_after_three_days_runs_as_often_as_its_policy_says(
    policy: str, runs: int
) -> None:
    """7: it runs 4,320 times, or never again; within the default deadline all are sixty."""
    driver = executing(a_job(schedule=every(60), misfire={"policy": policy}))
    driver.ask(a_command(CommandKind.PAUSE_JOB, "backup", until="2026-12-04T00:00:31Z"))
    driver.clock.advance(3 * DAY_S + 30)

    assert len(serve(25, driver)) == runs
    assert sum(row.covers for row in driver.inserted()) == 3 * 1440


def test_a_clock_that_goes_back_ten_minutes_neither_repeats_nor_hastens_a_slot() -> None:
    """8: ten minutes of jobs run again; or what was about to run does so ten minutes early."""
    driver = executing(a_job(schedule=every(60)))
    driver.advance_to(at(59.97))
    driver.clock.step(-600)
    assert serve(600, driver) == []
    assert serve(10, driver) == [at(60)]

    driver.clock.step(-600)
    assert serve(645, driver) == []
    assert serve(10, driver) == [at(120)]


def test_a_clock_that_goes_forward_ten_minutes_does_not_burst() -> None:
    """8: a machine wakes up, and everything that it slept through starts."""
    driver = executing(a_job(schedule=every(60), overlap={"policy": "queue"}))
    driver.advance(30)

    driver.clock.step(600)

    assert serve(5, driver) == [at(600)]


def test_a_timer_that_wakes_some_milliseconds_early_starts_nothing_before_its_second() -> None:
    """8: woken at 09:59:59.997 a cron fires, finds the slot still ahead, and fires again."""
    driver = executing(a_job())
    driver.advance_to(at(9.97))
    driver.clock.advance(0.027)
    driver.tell(Tick())
    assert driver.handed_off == []
    assert serve(5, driver) == [at(10)]


@pytest.mark.parametrize("held", [InsertRuns, SettleFollowUps, ReadAllJobs])
def test_a_retry_pending_at_a_failover_runs_once(held: type[Request]) -> None:
    """9: retries live in the memory of the scheduler that died; or every successor makes one.

    Killed before its row was written, before the failure was settled, and after both.
    """
    retry = {"attempts": 2, "delay": "10s", "backoff": "fixed", "jitter": 0}
    driver = executing(a_job(schedule=None, retry=retry))
    driver.ask(trigger())
    (run,) = driver.handed_off
    driver.begin(run)
    driver.hold(held)
    driver.end(run, RunState.FAILED)
    driver.advance(1)

    second = successor_of(driver)
    begun = serve(5, second) + serve(20, successor_of(second))

    assert (len(begun), [row.attempt for row in driver.rows()]) == (1, [1, 2])


def test_ten_thousand_jobs_due_at_midnight_start_together_and_on_time() -> None:
    """10: the last job of 00:00 runs at 00:07, because each is written and started by itself."""
    driver = executing(*crowd(10_000))
    driver.advance_to(at(9.9))
    assert len(driver.store.every_run()) == 10_000
    assert len(driver.called(InsertRuns)) == 10_000 / INSERT_ROWS

    driver.advance_to(at(10))

    assert len(driver.handed_off) == 10_000
    assert driver.clock.now() == at(10)


def test_four_times_as_many_jobs_cost_four_times_as_much() -> None:
    """10, 11: who looks at all jobs for each of them stands still at midnight, or at a start."""
    few, many = (Driver(with_jobs(*crowd(size))) for size in (150, 600))

    cost = calls(few.take_over)
    assert calls(many.take_over) < FOURFOLD * cost
    cost = calls(partial(few.advance, 10.5))
    assert calls(partial(many.advance, 10.5)) < FOURFOLD * cost


def test_the_first_fire_after_a_failover_does_not_wait_until_all_jobs_are_loaded() -> None:
    """11: nothing fires until the last of 100,000 jobs is read."""
    driver = Driver(with_jobs(a_job()))
    driver.hold(ReadAllJobs)
    driver.take_over()

    assert serve(15, driver) == [at(10)]


def test_a_job_deleted_with_runs_and_created_again_owes_nothing_to_its_namesake() -> None:
    """12: the old run blocks the new job, the old queue goes on, or the new one is the old one."""
    driver = executing()
    old = driver.ask(create(overlap={"policy": "queue"})).job_id
    driver.advance_to(at(25))
    (run,) = driver.handed_off
    driver.begin(run)

    driver.ask(a_command(CommandKind.DELETE_JOB, "backup"))
    new = driver.ask(create()).job_id
    driver.advance_to(at(30))
    driver.end(run)
    driver.advance(1)

    assert [(row.job_id, row.fire_at, row.state, row.reason) for row in driver.rows()] == [
        (old, at(10), RunState.SUCCEEDED, None),
        (old, at(20), RunState.SKIPPED, Reason.DELETED),
        (new, at(30), RunState.PENDING, None),
    ]
    assert [run.job_id for run in driver.handed_off] == [old, new]
    assert driver.job().last_run is None


class BoundedSlots(CronSlots):
    """Fails when one search takes too many steps, instead of going on for ever."""

    left: int

    def next_local(self, local: int) -> int:
        """Take a step."""
        self.left -= 1
        assert self.left, "the search goes round in circles"
        return super().next_local(local)


@pytest.mark.parametrize(("zone", "year"), BREAKING)
@pytest.mark.parametrize("expression", ["*/10 */3 * * *", "30 2 * * *", "0 0 * * *"])
def test_no_zone_sends_the_search_round_in_circles(expression: str, zone: str, year: int) -> None:
    """13: cronsim hangs in Chatham, robfig/cron in Apia, where a day is missing."""
    slots = BoundedSlots(CronSchedule(expression, timezone=zone))
    found = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    end = found + 365 * DAY_S
    while found < end:
        slots.left = MANY_STEPS
        following = slots.next_epoch(found)
        assert following is not None
        assert following > found
        found = following


def test_losing_the_broker_does_not_stop_jobs() -> None:
    """14: RabbitMQ is restarted or wiped, and nothing fires until it is back."""
    driver = executing(a_job())
    driver.advance(5)
    driver.lose_token()
    begun = serve(20, driver)
    driver.tell(TokenGained())

    assert begun + serve(10, driver) == [at(10), at(20), at(30)]
    assert driver.engine.term == 1


@pytest.mark.parametrize("committed", [True, False])
def test_a_claim_whose_commit_is_unknown_becomes_one_row_and_one_run(committed: bool) -> None:
    """15: the primary fails over in mid-claim; the slot is given up, or claimed once more."""
    driver = executing(a_job())
    driver.hold(InsertRuns)
    driver.advance_to(at(9.7))
    (driver.lose_answer if committed else driver.fail)(driver.awaited(InsertRuns))
    driver.silent = True
    driver.advance_to(at(13))
    driver.silent = False
    driver.hold()

    assert serve(5, driver) == [at(10)]
    assert len(driver.rows()) == 1


def test_a_full_disk_stops_dispatch_and_loses_no_slot_and_no_result() -> None:
    """16: jobs run on, unrecorded, and run again afterwards; to us its store is silent."""
    driver = executing(a_job(overlap={"policy": "allow"}))
    driver.advance_to(at(10))
    (run,) = driver.handed_off
    driver.silent = True
    driver.begin(run)
    driver.end(run)
    assert serve(55, driver) == []

    driver.silent = False

    assert serve(4, driver) == [at(60)]
    done, missed = RunState.SUCCEEDED, RunState.SKIPPED
    assert [row.state for row in driver.rows()] == [done, missed, missed, missed, missed, done]


def test_pruning_a_run_never_lets_its_slot_run_again() -> None:
    """17: history is deleted, and with it all that says that a slot has been run.

    Here a claim that its sender gave up arrives after the row of the same slot was removed.
    """
    driver = executing(a_job(schedule=every(60), keep_for="10s"))
    driver.hold(InsertRuns)
    driver.advance_to(at(59.7))
    successor = successor_of(driver)
    begun = serve(40, successor)
    assert driver.rows() == []

    driver.carry_out(driver.awaited(InsertRuns))
    begun += serve(10, successor) + serve(20, successor_of(successor))

    assert begun == [at(60), at(120)]


@pytest.mark.parametrize("expression", ["30 2 * * *", "*/10 */3 * * *", "H H * * *"])
@pytest.mark.parametrize("paused", ["", "2027-03-14T05:59:59Z", "2027-03-15T06:30:00.001Z"])
def test_the_next_fire_time_shown_is_the_one_executed(expression: str, paused: str) -> None:
    """18: the list says 02:30, a time that does not exist, and the job runs at another or never."""
    driver = executing()
    driver.clock.advance(102.5 * DAY_S)  # Until noon of the day before clocks go forward.
    driver.advance(1)
    zone = "America/New_York"
    schedule = {"kind": "cron", "expression": expression, "timezone": zone}
    driver.ask(create(schedule=schedule, misfire={"policy": "skip"}))
    if paused:
        driver.ask(a_command(CommandKind.PAUSE_JOB, "backup", until=paused))
    for _ in range(3):
        shown = next_fire_time(driver.job(), driver.clock.now())
        assert shown is not None
        driver.clock.advance(max((shown - driver.clock.now()) / timedelta(seconds=1) - 5, 0))
        assert serve(6, driver) == [shown]


def test_a_fire_time_shown_under_former_zone_rules_is_corrected_before_it_is_executed() -> None:
    """18: the zone data is upgraded, and lists show for months what will not happen."""
    driver = executing(a_job(next_fire_at=at(7)))
    driver.advance(1.5)
    assert driver.job().next_fire_at == at(10)

    assert serve(15, driver) == [at(10)]
