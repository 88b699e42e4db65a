"""Jobs that name other jobs: parents and failure handlers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from executor.domain.command import Command, CommandKind, ResultStatus
from executor.domain.dependency import find_cycle
from executor.domain.identity import job_id
from executor.domain.job import Job
from executor.domain.writes import JobWrite
from executor.engine.store_requests import WriteJobs
from tests.builders import a_command, a_job, create, trigger, update
from tests.unit.desk_driver import Driver, executing


def child(name: str, *parents: str, **fields: Any) -> Job:
    return a_job(name, schedule=None, after={"jobs": list(parents)}, **fields)


def delete(name: str) -> Command:
    return a_command(CommandKind.DELETE_JOB, name)


def names(driver: Driver) -> set[str]:
    return {job.name for batch in driver.store.all_jobs() for job in batch.jobs}


def parents(driver: Driver, name: str) -> tuple[str, ...]:
    after = driver.job(name).definition.after
    return after.jobs if after else ()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"after": {"jobs": ["backup", "nobody"]}}, "after.jobs.1"),
        ({"on_failure": "nobody"}, "on_failure"),
    ],
)
def test_a_job_that_does_not_exist_is_not_named(fields: dict[str, Any], field: str) -> None:
    """The fault says which, and nothing is changed."""
    driver = executing(a_job())

    refused = driver.ask(create("new", **fields))

    assert refused.status is ResultStatus.INVALID
    assert [(one.field, one.message) for one in refused.faults] == [
        (field, "there is no job 'nobody'")
    ]
    assert names(driver) == {"backup"}


def test_jobs_that_name_each_other_may_come_together() -> None:
    """Each is decided once those that it names are there, also in one batch of commands."""
    driver = executing()
    commands = [
        create("parent", schedule=None),
        create("handler", schedule=None),
        create("child", schedule=None, after={"jobs": ["parent"]}, on_failure="handler"),
        create("grandchild", schedule=None, after={"jobs": ["child"]}),
    ]

    tags = driver.send(*commands)

    assert [driver.answers[tag].status for tag in tags] == [ResultStatus.CREATED] * 4


def test_a_run_of_a_job_may_be_asked_for_together_with_the_job() -> None:
    """By the id that it is going to have, also in one batch of commands."""
    driver = executing()
    made = create("once", schedule=None)

    tags = driver.send(create("other"), made, trigger(job_id(made.id)))

    assert [driver.answers[tag].status for tag in tags] == [ResultStatus.CREATED] * 3
    assert driver.answers[tags[2]].job_id == job_id(made.id)


def test_names_and_ids_are_both_understood() -> None:
    """Whichever the user writes."""
    driver = executing(a_job())

    for subject in ("backup", "job-backup"):
        made = driver.ask(create(f"after {subject}", after={"jobs": [subject]}))
        assert made.status is ResultStatus.CREATED


@pytest.mark.parametrize(
    ("change", "circle"),
    [
        (update("a", after={"jobs": ["a"]}), "a -> a"),
        (update("a", after={"jobs": ["b"]}), "a -> b -> a"),
        (update("a", after={"jobs": ["job-c"]}), "a -> b -> c -> a"),
        (update("c", after={"jobs": ["b"]}, on_failure="a"), "c -> a -> b -> c"),
        (update("b", on_failure="b"), "b -> b"),
    ],
)
def test_a_circle_is_refused_with_its_path(change: Command, circle: str) -> None:
    """Through parents and failure handlers."""
    driver = executing(a_job("a"), child("b", "a"), child("c", "b"))

    refused = driver.ask(change)

    assert refused.status is ResultStatus.INVALID
    (fault,) = refused.faults
    assert fault.message.startswith("makes a circle: ")
    way = fault.message.removeprefix("makes a circle: ").split(" -> ")
    assert set(way) == set(circle.split(" -> "))
    assert way[0] == way[-1]


def test_two_changes_that_make_a_circle_together_are_not_both_applied() -> None:
    """Although they come in one go and concern different jobs."""
    driver = executing(a_job("a"), a_job("b"), a_job("c"), a_job("d"))
    driver.ask(update("c", after={"jobs": ["b"]}))
    driver.ask(update("a", after={"jobs": ["d"]}))

    tags = driver.send(update("b", after={"jobs": ["a"]}), update("d", after={"jobs": ["c"]}))

    statuses = [driver.answers[tag].status for tag in tags]
    assert statuses == [ResultStatus.DONE, ResultStatus.INVALID]


def test_a_job_that_others_name_keeps_its_name() -> None:
    """Unless they name it by its id."""
    driver = executing(a_job(), child("report", "backup"))
    refused = driver.ask(update("backup", command_id="x", description="y"))
    assert refused.status is ResultStatus.DONE
    renamed = a_command(
        CommandKind.UPDATE_JOB, "backup", definition={"name": "other", "target": TARGET}
    )

    refused = driver.ask(renamed)
    assert refused.status is ResultStatus.INVALID
    assert refused.faults[0].field == "name"
    assert "report" in refused.faults[0].message

    driver.ask(update("report", after={"jobs": ["job-backup"]}))
    again = a_command(
        CommandKind.UPDATE_JOB, "backup", definition={"name": "other", "target": TARGET}
    )
    assert driver.ask(again).status is ResultStatus.DONE


TARGET = {"kind": "command", "argv": ["true"]}


def test_deleting_a_parent_deletes_those_that_depend_on_it_alone() -> None:
    """And those that depend on these; others lose a parent, and go on."""
    driver = executing(
        a_job("parent"),
        a_job("other"),
        child("alone", "parent"),
        child("grandchild", "alone"),
        child("both", "parent", "other"),
        child("by id", "job-parent", "other"),
        a_job("scheduled", after={"jobs": ["parent"]}),
    )

    assert driver.ask(delete("parent")).status is ResultStatus.DONE

    assert names(driver) == {"other", "both", "by id", "scheduled"}
    assert parents(driver, "both") == ("other",)
    assert parents(driver, "by id") == ("other",)
    assert driver.job("scheduled").definition.after is None
    assert driver.job("scheduled").next_fire_at == a_job("scheduled").next_fire_at


def test_deleting_a_failure_handler_takes_it_out_of_the_jobs_that_named_it() -> None:
    """They go on without one."""
    driver = executing(a_job(on_failure="alarm"), a_job("alarm", schedule=None))

    driver.ask(delete("alarm"))

    assert driver.job().definition.on_failure is None
    assert driver.job().revision == 2


def test_deleting_a_child_leaves_its_parents_alone() -> None:
    """Nothing names it."""
    driver = executing(a_job(), child("report", "backup"))

    driver.ask(delete("report"))

    assert driver.job().revision == 1


@pytest.mark.parametrize("calls", range(6))
def test_a_deletion_cut_off_in_the_middle_is_completed_by_the_next_executor(calls: int) -> None:
    """Wherever it was: the children go first, so the command is known as not done."""
    driver = executing(a_job("parent"), a_job("other"), child("alone", "parent"))
    driver.ask(update("other", after={"jobs": ["parent", "alone"]}))
    command = delete("parent")
    driver.hold(WriteJobs)
    driver.send(command)
    for _ in range(calls):
        for request in driver.pending(WriteJobs):
            driver.answer(request)
    successor = Driver(driver.store, "successor")
    successor.take_over()

    answer = successor.ask(command)

    assert answer.status is ResultStatus.DONE
    assert names(successor) == {"other"}
    assert parents(successor, "other") == ()


def test_a_child_that_was_changed_meanwhile_is_decided_about_again() -> None:
    """By somebody who is executor no more: what stands in the store counts."""
    driver = executing(a_job("parent"), a_job("other"), child("alone", "parent"))
    changed = replace(child("alone", "parent", "other"), revision=2)
    assert driver.store.write_jobs([JobWrite(changed, 1)]) == [None]

    assert driver.ask(delete("parent")).status is ResultStatus.DONE
    assert names(driver) == {"alone", "other"}
    assert parents(driver, "alone") == ("other",)


def test_a_circle_is_found_in_any_graph_and_only_there() -> None:
    """However often the ways meet."""
    layers = {f"{depth}": [f"{depth + 1}", f"{depth + 1}x"] for depth in range(40)}
    layers |= {f"{depth}x": [f"{depth + 1}", f"{depth + 1}x"] for depth in range(40)}
    assert find_cycle("0", lambda node: layers.get(node, [])) == []
    layers["39x"].append("0")
    way = find_cycle("0", lambda node: layers.get(node, []))
    assert way[0] == way[-1] == "0"
    assert len(way) == 41
