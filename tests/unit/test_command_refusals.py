"""Commands whose effect the store does not take: they are refused, and no other waits for them."""

from __future__ import annotations

from executor.domain.command import CommandKind, ResultStatus
from executor.engine.store_requests import RecallCommands
from tests.builders import a_command, a_job, create, trigger
from tests.unit.desk_driver import Driver
from tests.unit.picky_store import PickyStore


def executing() -> tuple[PickyStore, Driver]:
    """Return the executor of two jobs without a schedule, and its store."""
    store = PickyStore(a_job(schedule=None), a_job("report", schedule=None))
    driver = Driver(store)
    driver.take_over()
    return store, driver


def test_a_job_that_is_not_taken_holds_up_no_other() -> None:
    """Its command is refused with the reason; those of the same batch are carried out."""
    store, driver = executing()
    store.jobs = {"bad"}
    driver.hold(RecallCommands)
    driver.send(create("first"))
    tags = driver.send(create("good"), create("bad"), create("fine"))
    driver.release()
    good, bad, fine = (driver.answers[tag] for tag in tags)

    assert (good.status, fine.status) == (ResultStatus.CREATED, ResultStatus.CREATED)
    assert bad.status is ResultStatus.CONFLICT
    assert "no number of ours" in bad.message
    (facts,) = driver.noted("command_broken")
    assert facts["command"] == "create_job"


def test_a_change_that_is_not_taken_leaves_the_job_as_it_was() -> None:
    """For the store and for the executor alike; a later command finds it."""
    store, driver = executing()
    store.jobs = {"backup"}
    paused = driver.ask(a_command(CommandKind.PAUSE_JOB, "backup"))
    assert paused.status is ResultStatus.CONFLICT
    assert driver.job().revision == 1

    store.jobs.clear()
    assert driver.ask(a_command(CommandKind.PAUSE_JOB, "backup")).revision == 2


def test_a_run_that_is_not_taken_is_refused_and_commands_go_on() -> None:
    """Who asked for it learns why; nobody else waits."""
    store, driver = executing()
    store.rows = {"backup"}

    refused = driver.ask(trigger())
    started = driver.ask(trigger("report"))

    assert refused.status is ResultStatus.CONFLICT
    assert "no number of ours" in refused.message
    assert started.status is ResultStatus.CREATED
    assert [run.job for run in driver.handed_off] == ["report"]
