"""The audit: an acknowledged change has its entry, whenever its executor dies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from executor.domain.audit import Change
from executor.domain.command import Command, CommandKind, ResultStatus
from executor.domain.job import Job
from executor.engine.store_requests import KeepFormer, RecallCommands, SaveResults, WriteJobs
from tests.builders import a_command, a_job, at, create, trigger, update
from tests.unit.desk_driver import Driver, executing, successor_of, with_jobs


def by(command: Command, actor: str = "token:ci") -> Command:
    return replace(command, actor=actor, address="192.0.2.1")


def entries(driver: Driver) -> list[Change]:
    return driver.store.every_change()


def seen(driver: Driver) -> list[tuple[str, str, str]]:
    return [(one.action.value, one.subject, one.actor) for one in entries(driver)]


def test_every_kind_of_change_is_entered_with_who_made_it() -> None:
    """Who, from where, what to what, when, and what it is since."""
    driver = executing()
    driver.ask(by(create(schedule=None, description="{{ run.id }} stays as written")))
    driver.ask(by(a_command(CommandKind.PAUSE_JOB, "backup", reason="works"), "local"))
    driver.ask(by(a_command(CommandKind.RESUME_JOB, "backup")))
    sealed = f"v1:0123abcd:{'A' * 44}"
    driver.ask(by(a_command(CommandKind.PUT_SECRET, "KEY", sealed=sealed), "admin"))
    started = driver.ask(by(trigger()))
    driver.ask(by(a_command(CommandKind.DELETE_JOB, "backup")))

    assert sorted(seen(driver)) == sorted(
        [
            ("create_job", "backup", "token:ci"),
            ("pause_job", "backup", "local"),
            ("resume_job", "backup", "token:ci"),
            ("put_secret", "KEY", "admin"),
            ("trigger_job", "backup", "token:ci"),
            ("delete_job", "backup", "token:ci"),
        ]
    )
    found = {one.action: one for one in entries(driver)}
    created, paused = found[CommandKind.CREATE_JOB], found[CommandKind.PAUSE_JOB]
    assert (created.address, created.revision, created.at) == ("192.0.2.1", 1, at(0))
    assert created.after is not None
    assert created.after["description"] == "{{ run.id }} stays as written"
    assert paused.after is not None
    assert paused.after["paused"]["reason"] == "works"
    assert found[CommandKind.TRIGGER_JOB].run_id == started.run_id
    assert found[CommandKind.TRIGGER_JOB].job_id == created.job_id
    assert found[CommandKind.DELETE_JOB].after is None
    assert found[CommandKind.PUT_SECRET].after is None
    assert sealed not in repr(entries(driver))


def test_channels_are_entered_with_the_names_of_their_secrets() -> None:
    """They hold no credential; what is said over them is no change."""
    driver = executing()
    driver.ask(a_command(CommandKind.PUT_SECRET, "URL", sealed=f"v1:0123abcd:{'A' * 44}"))
    channel = {"kind": "slack", "url": "{{ secret.URL }}"}
    driver.ask(by(a_command(CommandKind.PUT_CHANNEL, "chat", channel=channel)))
    driver.ask(by(a_command(CommandKind.TEST_CHANNEL, "chat")))
    driver.ask(by(a_command(CommandKind.DELETE_CHANNEL, "chat"), "admin"))

    put, deleted = (one for one in entries(driver) if one.subject == "chat")
    assert (put.id, put.action, put.actor) == ("channel:chat:1", "put_channel", "token:ci")
    assert put.after == channel
    assert (deleted.action, deleted.actor, deleted.after) == ("delete_channel", "admin", None)


def test_what_was_refused_is_not_entered() -> None:
    """Nothing was changed."""
    driver = executing(a_job())
    for command in (
        create(),
        update("unknown"),
        a_command(CommandKind.CANCEL_RUN, "unknown"),
        a_command(CommandKind.PUT_SECRET, "KEY", sealed="plain"),
        a_command(CommandKind.RESUME_JOB, "backup"),
    ):
        driver.ask(by(command))

    assert entries(driver) == []


def test_jobs_that_lose_their_parent_are_entered_as_well() -> None:
    """Under the name of whoever deleted the parent."""
    driver = executing()
    driver.ask(create("parent", schedule=None))
    driver.ask(create("child", after={"jobs": ["parent"]}))
    driver.ask(create("only", schedule=None, after={"jobs": ["parent"]}))
    driver.ask(by(a_command(CommandKind.DELETE_JOB, "parent")))

    assert sorted(one for one in seen(driver) if one[2]) == [
        ("delete_job", "child", "token:ci"),
        ("delete_job", "only", "token:ci"),
        ("delete_job", "parent", "token:ci"),
    ]


def test_a_job_of_an_older_version_is_entered_from_its_next_change_on() -> None:
    """Its record does not know who made it; nothing is made up."""
    driver = executing(a_job())
    driver.ask(by(update(description="new")))

    (change,) = entries(driver)
    assert (change.revision, change.actor) == (2, "token:ci")


@pytest.mark.parametrize("step", [KeepFormer, WriteJobs, SaveResults])
@pytest.mark.parametrize("done", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("between", [False, True], ids=["at once", "changed since"])
def test_a_change_whose_executor_dies_is_entered_before_it_is_acknowledged(
    step: Any, done: bool, between: bool
) -> None:
    """Every revision that stands or stood has its one entry once all is answered."""
    driver = executing()
    driver.ask(by(create()))
    command = by(update(description="new"))
    driver.hold(step)
    driver.send(command)
    for request in driver.pending(step):
        if done:
            driver.carry_out(request)
    successor = successor_of(driver)
    if between:
        successor.ask(by(a_command(CommandKind.PAUSE_JOB, "backup"), "local"))

    assert successor.ask(command).status is ResultStatus.DONE

    job = successor.job()
    numbers = sorted(one.revision or 0 for one in entries(successor))
    assert numbers == list(range(1, job.revision + 1))


def test_the_write_may_be_all_that_an_executor_got_done() -> None:
    """Its entry is written when the command comes again, or when it is overwritten."""

    def dead_after_writing(command: Command) -> Driver:
        driver = executing()
        driver.ask(by(create()))
        driver.hold(WriteJobs)
        driver.send(command)
        (request,) = driver.pending(WriteJobs)
        assert driver.store.write_jobs(request.writes) == [None]
        return successor_of(driver)

    command = by(update(description="new"))
    again = dead_after_writing(command)
    assert len(entries(again)) == 1
    again.ask(command)
    assert [one.revision for one in entries(again)] == [1, 2]
    assert again.called(RecallCommands)

    overwritten = dead_after_writing(by(update(description="new")))
    overwritten.ask(by(update(description="newer"), "local"))
    assert [one.actor for one in entries(overwritten)] == ["token:ci", "token:ci", "local"]


def test_a_write_whose_answer_was_lost_is_entered_once() -> None:
    """The repetition finds its own work, and the entry of it."""
    driver = executing()
    driver.hold(WriteJobs)
    driver.send(by(create()))
    driver.lose_answer(driver.awaited(WriteJobs))
    driver.release()
    driver.advance(1)

    assert seen(driver) == [("create_job", "backup", "token:ci")]


def test_old_entries_go() -> None:
    """After a year, unless the operator says otherwise."""
    store = with_jobs()
    driver = Driver(store)
    driver.take_over()
    driver.ask(by(create(schedule=None)))
    driver.advance(30)
    assert len(entries(driver)) == 1

    driver.clock.advance(timedelta(days=366).total_seconds())
    successor = successor_of(driver)
    successor.advance(30)
    assert entries(successor) == []


def test_before_is_what_the_entry_before_says() -> None:
    """Readers put the two together."""
    driver = executing()
    driver.ask(by(create(description="one")))
    driver.ask(by(update(description="two")))

    job = driver.job()
    assert isinstance(job, Job)
    second, first = entries(driver)[::-1]
    assert second.former_id == first.id
    assert first.former_id is None
