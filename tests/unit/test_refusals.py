"""Entries that the store does not take, whatever is beside them: nothing else is held up."""

from __future__ import annotations

import pytest

from executor.domain.job import Job
from executor.domain.run import Outcome, Output, Run, RunState
from executor.engine.effects import Exit
from executor.engine.events import RunFinished
from executor.engine.store_requests import InsertRuns, Record
from executor.engine.timing import JOURNAL_TRIES, REFUSED_REST_S
from tests.builders import a_claim, a_job, a_run, at, every, update
from tests.unit.desk_driver import Driver
from tests.unit.picky_store import PickyStore

MANY = 20


def crowd() -> tuple[PickyStore, Driver]:
    """Return the executor of many jobs that are due together, and its store."""
    store = PickyStore(a_job(), *(a_job(f"job-{number}") for number in range(MANY)))
    driver = Driver(store)
    driver.take_over()
    return store, driver


def alone(job: Job) -> tuple[PickyStore, Driver]:
    """Return the executor of one job, and its store."""
    store = PickyStore(job)
    driver = Driver(store)
    driver.take_over()
    return store, driver


def ailing(driver: Driver) -> str:
    """Return what the list of instances says about the executor."""
    (listed,) = driver.store.list_instances()
    return listed.detail


# Claims --------------------------------------------------------------------------------------


def test_a_row_that_is_not_taken_holds_up_no_other() -> None:
    """Every other job of the second starts in it, and goes on."""
    store, driver = crowd()
    store.rows = {"backup"}

    driver.advance_to(at(10))
    assert {run.job for run in driver.handed_off} == {f"job-{number}" for number in range(MANY)}

    for run in driver.handed_off:
        driver.begin(run)
        driver.end(run)
    driver.advance_to(at(20))
    assert len(driver.handed_off) == 2 * MANY


def test_a_job_whose_rows_are_not_taken_is_shown_as_broken_once() -> None:
    """The note names job, run and reason; the list of instances has the job as long as it lasts."""
    store, driver = crowd()
    store.rows = {"backup"}

    driver.advance_to(at(600))

    (facts,) = driver.noted("run_refused")
    assert (facts["job"], facts["run_id"]) == ("backup", a_claim(a_job(), at(10)).id)
    assert "no number of ours" in str(facts["error"])
    assert ailing(driver) == "broken jobs: 1, among them backup"


def test_a_job_whose_rows_are_not_taken_is_tried_ever_more_seldom() -> None:
    """Its rest grows to a minute: the store is not kept busy with it."""
    store, driver = alone(a_job(schedule=every(1)))
    store.rows = {"backup"}

    driver.advance_to(at(600))

    assert len(driver.called(InsertRuns)) <= 600 / REFUSED_REST_S[1] + 8


def test_slots_that_are_not_taken_stay_at_the_watermark() -> None:
    """They have no row, so whoever comes next must find them."""
    store, driver = alone(a_job())
    store.rows = {"backup"}

    driver.advance_to(at(45))

    assert driver.job().next_fire_at == at(10)


def test_a_job_whose_rows_are_taken_again_is_caught_up_by_its_policy() -> None:
    """Not one slot goes missing, and it is broken no longer."""
    store, driver = alone(a_job())
    store.rows = {"backup"}
    driver.advance_to(at(45))
    store.rows.clear()

    driver.advance_to(at(115))

    fired = [row.fire_at for row in driver.rows()]
    assert sorted(filter(None, fired)) == [at(second) for second in range(10, 120, 10)]
    assert len(driver.noted("job_mended")) == 1
    assert ailing(driver) == ""


def test_a_job_that_is_changed_is_tried_at_once() -> None:
    """What was wrong with it may be mended by that."""
    store, driver = alone(a_job())
    store.rows = {"backup"}
    driver.advance_to(at(44.5))
    store.rows.clear()

    driver.ask(update(description="better"))
    driver.advance(0.1)

    assert [run.fire_at for run in driver.handed_off] == [at(40)]
    assert {row.fire_at for row in driver.rows()} == {at(10), at(20), at(30), at(40)}


def test_a_repetition_that_is_not_taken_comes_again() -> None:
    """The lost run goes on demanding it, and others are repeated meanwhile."""
    store = PickyStore(a_job(schedule=None), a_job("report", schedule=None))
    store.mint_term("former")
    lost = [a_run(job, state=RunState.LOST, follow_up=True) for job in (a_job(), a_job("report"))]
    store.insert_runs(lost)
    store.rows = {"backup"}
    driver = Driver(store)
    driver.take_over()
    driver.advance(0.5)
    assert [run.job for run in driver.handed_off] == ["report"]

    store.rows.clear()
    driver.advance(1.5)

    assert [run.job for run in driver.handed_off] == ["report", "backup"]


def test_a_refused_adoption_is_tried_at_the_next_look() -> None:
    """Others are adopted and start."""
    jobs = a_job(), a_job("report")
    store = PickyStore(*jobs)
    store.mint_term("former")
    store.insert_runs([a_run(job) for job in jobs])
    store.adoptions = {"backup"}
    driver = Driver(store)
    driver.take_over()
    driver.advance(0.5)
    assert [run.job for run in driver.handed_off] == ["report"]

    store.adoptions.clear()
    driver.advance(1.5)

    assert [run.job for run in driver.handed_off] == ["report", "backup"]


# Records -------------------------------------------------------------------------------------


def finish(driver: Driver) -> Run:
    """Let every run of the first second end in failure, with an output; return backup's."""
    driver.advance_to(at(10))
    said = Output(head="what the target said", size=20)
    outcome = Outcome(state=RunState.FAILED, exit_code=3, output=said)
    now = driver.clock.now()
    driver.tell(*(RunFinished(run.id, now, outcome) for run in driver.handed_off))
    (run,) = [run for run in driver.handed_off if run.job == "backup"]
    return run


def test_an_end_that_is_not_taken_holds_up_no_other() -> None:
    """All others of its batch are written at once, and what comes later too."""
    store, driver = crowd()
    store.changes = {"backup"}
    run = finish(driver)

    driver.advance(0.1)

    states = {row.job: row.state for row in store.every_run() if row.id != run.id}
    assert len(states) == MANY
    assert set(states.values()) == {RunState.FAILED}


def test_an_end_whose_texts_are_not_taken_is_recorded_without_them() -> None:
    """State and times are kept; in the place of what the target said stands why it is not there."""
    store, driver = crowd()
    store.changes, store.texts = {"backup"}, True
    run = finish(driver)

    driver.advance(5)

    row = driver.row(run)
    assert (row.state, row.finished_at, row.output) == (RunState.FAILED, at(10), None)
    assert "no number of ours" in str(row.error)
    assert driver.noted("record_refused") == []


def test_a_stumble_of_the_store_loses_nothing() -> None:
    """A batch that is taken at a later try is recorded in full."""
    store, driver = alone(a_job())
    store.stumbles = JOURNAL_TRIES - 1
    run = finish(driver)

    driver.advance(5)

    row = driver.row(run)
    assert (row.state, row.exit_code, row.error) == (RunState.FAILED, 3, None)
    assert row.output is not None


def test_an_end_that_is_never_taken_is_given_up_with_a_note() -> None:
    """The note names job and run; the job is shown as broken and goes on."""
    store, driver = crowd()
    store.changes = {"backup"}
    run = finish(driver)

    driver.advance_to(at(19))
    (facts,) = driver.noted("record_refused")
    assert (facts["job"], facts["run_id"]) == ("backup", run.id)
    assert facts["state"] == "failed"
    assert ailing(driver) == "broken jobs: 1, among them backup"

    driver.advance_to(at(20))
    assert [one.job for one in driver.handed_off].count("backup") == 2


def test_what_is_given_up_does_not_keep_a_stop_waiting() -> None:
    """The journal is empty once everything else is written."""
    store, driver = alone(a_job())
    store.changes = {"backup"}
    finish(driver)

    driver.stop()
    driver.advance(10)

    assert len(driver.wanted(Exit)) == 1


def test_a_start_that_is_not_taken_is_merged_with_the_end_that_follows() -> None:
    """Both are one change when the store takes them again."""
    store, driver = alone(a_job())
    driver.advance_to(at(10))
    (run,) = driver.handed_off
    store.stumbles = 1
    driver.begin(run)
    driver.advance(0.05)
    driver.end(run)
    driver.advance(1)

    row = driver.row(run)
    assert (row.state, row.started_at) == (RunState.SUCCEEDED, at(10))
    driver.stop()
    driver.advance(1)
    assert len(driver.wanted(Exit)) == 1


def test_news_of_a_job_that_are_not_taken_hold_up_no_other() -> None:
    """The watermarks of all others move; what is given up is named, and the job goes on."""
    store, driver = crowd()
    store.news = {"backup"}
    finish(driver)

    driver.advance_to(at(20.1))

    assert driver.job("job-3").next_fire_at == at(30)
    assert driver.job().next_fire_at == at(10)
    (facts, *_) = driver.noted("record_refused")
    assert facts["job_id"] == "job-backup"
    assert [run.job for run in driver.handed_off].count("backup") == 2


@pytest.mark.parametrize("kind", [InsertRuns, Record])
def test_what_is_not_taken_costs_few_calls(kind: type[InsertRuns | Record]) -> None:
    """The engine asks once for a batch; the search for what is to blame is not its business."""
    store, driver = crowd()
    store.rows, store.changes = {"job-3"}, {"job-5"}

    finish(driver)
    driver.advance(0.05)

    assert len(driver.called(kind)) <= 4
