"""What follows from the end of a run: retries, dependents, failure handlers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from executor.domain.run import AWAITING, Cause, Reason, Run, RunState
from executor.engine.store_requests import AdoptRuns, InsertRuns, Record, SettleFollowUps
from tests.builders import a_job, at, trigger, update
from tests.unit.desk_driver import Driver, executing, successor_of

RETRY = {"attempts": 2, "delay": "10s", "backoff": "fixed", "jitter": 0}


def on_request(name: str, **fields: Any) -> Any:
    return a_job(name, schedule=None, **fields)


def triggered(driver: Driver, job: str = "backup") -> Run:
    """Ask for a run of *job* and begin it."""
    driver.ask(trigger(job))
    run = driver.handed_off[-1]
    driver.begin(run)
    return run


def finish(driver: Driver, run: Run, state: RunState = RunState.SUCCEEDED) -> None:
    driver.end(run, state)
    driver.advance(0.2)


class TestRetry:
    """Runs that did not succeed."""

    def test_an_executor_that_was_superseded_without_knowing_it_repeats_nothing(self) -> None:
        """The row may have had another end before, which the successor sees to."""
        driver = executing(on_request("backup", retry=RETRY))
        run = triggered(driver)
        driver.store.mint_term("elsewhere")

        finish(driver, run, RunState.FAILED)
        driver.advance(5)

        assert [row.id for row in driver.rows()] == [run.id]

    def test_a_failure_is_tried_again_when_its_delay_is_over(self) -> None:
        """As a row of its own, in the same chain."""
        driver = executing(on_request("backup", retry=RETRY))
        run = triggered(driver)
        finish(driver, run, RunState.FAILED)
        again = driver.rows()[1]
        assert (again.state, again.cause, again.attempt) == (RunState.PENDING, Cause.RETRY, 2)
        assert (again.trigger_id, again.parent_run_id) == (run.trigger_id, run.id)
        assert not driver.row(run).follow_up
        driver.advance(9.7)
        assert driver.handed_off == [run]

        driver.advance(0.4)

        assert [one.id for one in driver.handed_off] == [run.id, again.id]

    def test_the_attempts_come_to_an_end(self) -> None:
        """The last failure is final, and demands nothing."""
        driver = executing(on_request("backup", retry=RETRY))
        finish(driver, triggered(driver), RunState.FAILED)
        for _ in range(2):
            driver.advance(10)
            driver.begin(driver.handed_off[-1])
            finish(driver, driver.handed_off[-1], RunState.FAILED)
        driver.advance(30)

        assert [row.attempt for row in driver.rows()] == [1, 2, 3]
        assert not any(row.is_open for row in driver.rows())

    def test_a_success_ends_the_chain(self) -> None:
        """Nothing follows it."""
        driver = executing(on_request("backup", retry=RETRY))
        finish(driver, triggered(driver), RunState.FAILED)
        driver.advance(10)
        finish(driver, driver.handed_off[-1])

        assert len(driver.rows()) == 2
        assert driver.called(SettleFollowUps)

    def test_a_retry_of_a_slot_keeps_its_fire_time(self) -> None:
        """It is not the slot's row, so the next slot has its own."""
        driver = executing(a_job(retry=RETRY))
        driver.advance_to(at(10.1))
        (run,) = driver.handed_off
        driver.begin(run)
        finish(driver, run, RunState.FAILED)

        again = driver.rows()[1]
        assert (again.fire_at, again.scheduled) == (at(10), False)

    @pytest.mark.parametrize("step", [Record, InsertRuns, SettleFollowUps])
    @pytest.mark.parametrize("done", [False, True], ids=["before it", "after it"])
    def test_a_retry_pending_at_a_failover_runs_once(self, step: Any, done: bool) -> None:
        """Whichever store call the executor died around."""
        driver = executing(on_request("backup", retry=RETRY))
        run = triggered(driver)
        driver.advance(0.1)
        driver.hold(step)
        driver.end(run, RunState.FAILED)
        driver.advance(0.1)
        for request in driver.pending(step):
            if done:
                driver.carry_out(request)
        successor = successor_of(driver)
        successor.work_everything(30)

        assert len(successor.handed_off) == 1
        assert successor.handed_off[0].attempt == 2
        assert not any(row.is_open for row in successor.rows())

    @pytest.mark.parametrize("dies", [False, True])
    def test_a_target_is_left_alone_as_long_as_it_asked_for(self, dies: bool) -> None:
        """Also by the successor of the executor that it had told."""
        driver = executing(on_request("backup", retry=RETRY))
        run = triggered(driver)
        driver.advance(0.1)
        if dies:
            driver.hold(InsertRuns)
        driver.end(run, RunState.FAILED, http_status=429, retry_after=25)
        driver.advance(0.1)
        ended_at = driver.clock.now() - timedelta(seconds=0.1)
        if dies:
            driver = successor_of(driver)
        driver.advance(20)

        (again,) = [row for row in driver.rows() if row.attempt == 2]
        assert again.due == ended_at + timedelta(seconds=25)
        assert again.state is RunState.PENDING
        driver.advance(15)
        assert driver.handed_off[-1].attempt == 2


class TestDependents:
    """Jobs that run after others."""

    def test_a_dependent_runs_after_the_success_of_its_parent(self) -> None:
        """It knows which run it follows."""
        driver = executing(on_request("backup"), on_request("report", after={"jobs": ["backup"]}))
        run = triggered(driver)
        finish(driver, run)

        (row,) = driver.rows("report")
        assert [one.job for one in driver.handed_off] == ["backup", "report"]
        assert (row.cause, row.parent_run_id, row.parent_job_id) == (
            Cause.DEPENDENCY,
            run.id,
            run.job_id,
        )
        assert not driver.row(run).follow_up

    def test_dependents_start_in_the_order_of_their_creation(self) -> None:
        """First in, first out."""
        children = [
            a_job(name, now=at(-number), schedule=None, after={"jobs": ["backup"]})
            for number, name in enumerate(["c", "a", "b"])
        ]
        driver = executing(on_request("backup"), *children)
        finish(driver, triggered(driver))

        assert [one.job for one in driver.handed_off] == ["backup", "b", "a", "c"]

    def test_a_failure_starts_those_that_wait_for_one_and_the_handler(self) -> None:
        """Not those that wait for a success."""
        driver = executing(
            on_request("backup", on_failure="alarm"),
            on_request("alarm"),
            on_request("clean", after={"jobs": ["backup"], "when": "failure"}),
            on_request("always", after={"jobs": ["backup"], "when": "finished"}),
            on_request("report", after={"jobs": ["backup"]}),
        )
        finish(driver, triggered(driver), RunState.FAILED)

        assert {one.job for one in driver.handed_off[1:]} == {"alarm", "clean", "always"}
        assert driver.rows("alarm")[0].cause is Cause.FAILURE_HANDLER

    def test_nobody_follows_before_the_last_attempt(self) -> None:
        """The end that is tried again is not final."""
        driver = executing(
            on_request("backup", retry={**RETRY, "attempts": 1}, on_failure="alarm"),
            on_request("alarm"),
        )
        finish(driver, triggered(driver), RunState.FAILED)
        assert driver.rows("alarm") == []
        driver.advance(10)
        driver.begin(driver.handed_off[-1])
        finish(driver, driver.handed_off[-1], RunState.FAILED)

        assert [one.job for one in driver.handed_off] == ["backup", "backup", "alarm"]

    def test_a_repetition_that_may_not_start_is_the_chains_failure(self) -> None:
        """Another run of the job is in progress when it is due; somebody has to hear of it."""
        driver = executing(
            on_request("backup", retry={**RETRY, "attempts": 1}, on_failure="alarm"),
            on_request("alarm"),
            on_request("clean", after={"jobs": ["backup"], "when": "failure"}),
            on_request("report", after={"jobs": ["backup"]}),
        )
        finish(driver, triggered(driver), RunState.FAILED)
        other = triggered(driver)
        driver.advance(10)

        (repetition,) = [row for row in driver.rows("backup") if row.cause is Cause.RETRY]
        assert (repetition.state, repetition.reason) == (RunState.SKIPPED, Reason.OVERLAP)
        assert not repetition.follow_up
        assert {one.job for one in driver.handed_off[2:]} == {"alarm", "clean"}
        assert {driver.rows(job)[0].parent_run_id for job in ("alarm", "clean")} == {repetition.id}
        assert driver.handed_off[1] == other

    @pytest.mark.parametrize("step", [InsertRuns, SettleFollowUps])
    def test_the_failure_of_a_repetition_is_heard_whatever_becomes_of_the_executor(
        self, step: Any
    ) -> None:
        """What is skipped demands as durably as what has failed."""
        driver = executing(
            on_request("backup", retry={**RETRY, "attempts": 1}, on_failure="alarm"),
            on_request("alarm"),
        )
        finish(driver, triggered(driver), RunState.FAILED)
        triggered(driver)
        driver.hold(step)
        driver.advance(10)
        successor = successor_of(driver)
        successor.work_everything(30)

        parents = {row.parent_run_id for row in successor.rows("alarm")}
        (repetition,) = [row for row in successor.rows("backup") if row.cause is Cause.RETRY]
        assert repetition.state is RunState.SKIPPED
        assert repetition.id in parents

    def test_a_disabled_dependent_does_not_run(self) -> None:
        """Its parent does."""
        driver = executing(
            on_request("backup"), on_request("report", enabled=False, after={"jobs": ["backup"]})
        )
        finish(driver, triggered(driver))

        assert driver.rows("report") == []

    @pytest.mark.parametrize("step", [Record, InsertRuns, SettleFollowUps])
    @pytest.mark.parametrize("done", [False, True], ids=["before it", "after it"])
    def test_a_dependent_runs_once_whatever_becomes_of_the_executor(
        self, step: Any, done: bool
    ) -> None:
        """A lost parent is repeated first, unless its end is known."""
        driver = executing(
            on_request("backup", retrigger=0),
            on_request("report", after={"jobs": ["backup"], "when": "finished"}, retrigger=0),
        )
        run = triggered(driver)
        driver.advance(0.1)
        driver.hold(step)
        driver.end(run)
        driver.advance(0.1)
        for request in driver.pending(step):
            if done:
                driver.carry_out(request)
        successor = successor_of(driver)
        successor.work_everything(30)

        assert len(driver.rows("report")) == 1
        assert len({*driver.handed_off, *successor.handed_off}) == 2
        assert not any(row.is_open for job in ("backup", "report") for row in successor.rows(job))


class TestAllOf:
    """Jobs that run after all of several others."""

    def pair(self) -> Driver:
        return executing(
            on_request("one"),
            on_request("two"),
            on_request("both", after={"jobs": ["one", "two"], "mode": "all"}),
        )

    def test_it_runs_once_all_have_ended(self) -> None:
        """The newest of the rows becomes the run; the others are joined with it."""
        driver = self.pair()
        finish(driver, triggered(driver, "one"))
        (half,) = driver.rows("both")
        assert (half.state, half.clear_at) == (RunState.PENDING, AWAITING)
        driver.advance(100)
        assert [run.job for run in driver.handed_off] == ["one"]

        finish(driver, triggered(driver, "two"))

        assert [run.job for run in driver.handed_off] == ["one", "two", "both"]
        assert [(row.state, row.reason) for row in driver.rows("both")] == [
            (RunState.SKIPPED, Reason.JOINED),
            (RunState.PENDING, None),
        ]
        assert not driver.rows("both")[0].follow_up

    def test_the_same_parent_twice_is_not_all(self) -> None:
        """Its newer end takes the place of the older one."""
        driver = self.pair()
        for _ in range(3):
            finish(driver, triggered(driver, "one"))
        assert [run.job for run in driver.handed_off] == ["one"] * 3

        finish(driver, triggered(driver, "two"))
        assert driver.handed_off[-1].job == "both"
        finish(driver, triggered(driver, "two"))

        assert [run.job for run in driver.handed_off].count("both") == 1

    def test_what_is_met_in_part_survives_the_executor(self) -> None:
        """The successor goes on from there."""
        driver = self.pair()
        finish(driver, triggered(driver, "one"))
        successor = successor_of(driver)
        successor.advance(0.5)

        finish(successor, triggered(successor, "two"))

        assert [run.job for run in successor.handed_off] == ["two", "both"]

    @pytest.mark.parametrize("calls", range(1, 9))
    def test_a_join_is_done_once_wherever_it_is_cut_off(self, calls: int) -> None:
        """The executor dies after so many store calls that follow the last end."""
        driver = self.pair()
        finish(driver, triggered(driver, "one"))
        last = triggered(driver, "two")
        driver.advance(0.1)
        before = len(driver.calls)
        driver.hold(Record, InsertRuns, SettleFollowUps)
        driver.end(last)
        for _ in range(40):
            driver.advance(0.01)
            held = [*driver.pending(Record), *driver.pending(InsertRuns)]
            held += driver.pending(SettleFollowUps)
            if held and calls > 0:
                calls -= 1
                driver.answer(held[0])
        assert len(driver.calls) > before
        begun = [run.id for run in driver.handed_off if run.job == "both"]
        successor = successor_of(driver)
        successor.work_everything(30)
        ran = [run.id for run in successor.handed_off if run.job == "both"]

        # Nobody reported the start of a run in the hands of the dead: it is lost and repeated.
        assert len(ran) == 1
        assert len(begun) <= 1
        finish(successor, triggered(successor, "one"))
        assert [run.job for run in successor.handed_off].count("both") == 1

    def test_a_join_cut_off_is_completed_whatever_the_clocks_show(self) -> None:
        """The executor that joins has a clock behind that of the one that wrote the rows."""
        driver = self.pair()
        finish(driver, triggered(driver, "one"))
        driver.clock.step(-60)
        second = successor_of(driver)
        second.advance(0.5)
        last = triggered(second, "two")
        second.advance(0.1)
        second.end(last)
        second.hold(AdoptRuns)
        second.advance(1)
        (joined,) = [row for row in second.rows("both") if row.reason is Reason.JOINED]
        assert joined.follow_up

        third = successor_of(second)
        third.work_everything(30)

        assert [run.job for run in third.handed_off] == ["both"]

    def test_an_end_that_comes_while_a_join_is_cut_off_belongs_to_the_next(self) -> None:
        """The successor lets go what was begun; the further end waits for its turn."""
        driver = self.pair()
        finish(driver, triggered(driver, "one"))
        last, further = triggered(driver, "two"), triggered(driver, "one")
        driver.hold(AdoptRuns)
        finish(driver, last)
        finish(driver, further)
        assert len([row for row in driver.rows("both") if row.state is RunState.PENDING]) == 2

        successor = successor_of(driver)
        successor.work_everything(30)
        assert [run.job for run in successor.handed_off] == ["both"]
        finish(successor, triggered(successor, "two"))

        assert [run.job for run in successor.handed_off] == ["both", "two", "both"]

    def test_a_parent_that_is_no_longer_waited_for_counts_no_more(self) -> None:
        """The rest is met without it."""
        driver = self.pair()
        finish(driver, triggered(driver, "one"))
        driver.ask(update("both", schedule=None, after={"jobs": ["two"], "mode": "all"}))
        driver.advance(0.1)

        assert driver.rows("both")[0].reason is Reason.SUPERSEDED
