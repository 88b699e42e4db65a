"""Commands of callers whose rights end at a tag."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from executor.domain.command import Command, CommandKind, ResultStatus
from tests.builders import a_command, create, trigger, update
from tests.unit.desk_driver import Driver, executing

ECHO = {"kind": "command", "argv": ["echo"]}
USING = {"kind": "command", "argv": ["echo", "{{ secret.TOKEN }}"]}


def within(command: Command, *tags: str) -> Command:
    return replace(command, within=tags)


@pytest.fixture
def driver() -> Driver:
    found = executing()
    found.ask(create("ours", tags=["a", "x"], schedule=None))
    found.ask(create("theirs", tags=["b"], schedule=None))
    return found


@pytest.mark.parametrize("kind", ["delete_job", "pause_job", "resume_job", "trigger_job"])
def test_other_jobs_do_not_exist(driver: Driver, kind: str) -> None:
    """Not found, as if it were so; one's own is."""
    for name, status in (("theirs", ResultStatus.NOT_FOUND), ("ours", None)):
        answer = driver.ask(within(a_command(CommandKind(kind), name), "a"))
        assert (answer.status is ResultStatus.NOT_FOUND) is (status is not None)


def test_a_job_is_neither_replaced_nor_taken_over_from_outside(driver: Driver) -> None:
    """By name or by id, whatever tag the new definition claims."""
    theirs = driver.job("theirs")
    for command in (
        update("theirs", tags=["a"]),
        create("theirs", tags=["a"]),
        a_command(CommandKind.PUT_JOB, "theirs", **update("theirs", tags=["a"]).arguments),
    ):
        assert driver.ask(within(command, "a")).status in {
            ResultStatus.NOT_FOUND,
            ResultStatus.CONFLICT,
        }
    assert driver.job("theirs") == theirs


@pytest.mark.parametrize("tags", [[], ["b"], ["x"]])
def test_the_tag_cannot_be_taken_off_nor_left_out(driver: Driver, tags: list[str]) -> None:
    """Of a job that is there, nor of a new one."""
    for command in (update("ours", tags=tags), create("new", tags=tags)):
        refused = driver.ask(within(command, "a"))
        assert refused.status is ResultStatus.INVALID
        assert {one.field: one.message for one in refused.faults} == {
            "tags": "must hold 'a': your rights extend to such jobs only"
        }


def test_within_the_tag_everything_goes(driver: Driver) -> None:
    """Made, changed, run, deleted."""
    mine = ("a", "c")
    for command in (
        create("new", tags=["c"], schedule=None),
        update("new", tags=["a"], description="changed", schedule=None),
        trigger("new"),
        a_command(CommandKind.DELETE_JOB, "new"),
    ):
        answer = driver.ask(within(command, *mine))
        assert answer.status in {ResultStatus.CREATED, ResultStatus.DONE}, answer


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"on_failure": "theirs"}, "on_failure"),
        ({"after": {"jobs": ["ours", "theirs"]}}, "after.jobs.1"),
        ({"target": USING}, "target.argv.1"),
        ({"ping": "https://example.com/{{ secret.TOKEN }}"}, "ping"),
    ],
)
def test_a_job_does_not_lead_out_of_reach(driver: Driver, more: dict[str, Any], field: str) -> None:
    """To other jobs, or to secrets, unless somebody with more rights has led it there."""
    driver.ask(a_command(CommandKind.PUT_SECRET, "TOKEN", sealed=f"v1:0123abcd:{'A' * 44}"))
    definition = {"tags": ["a"], "schedule": None, "target": ECHO, **more}

    refused = driver.ask(within(create("new", **definition), "a"))
    assert refused.status is ResultStatus.INVALID
    assert [fault.field for fault in refused.faults] == [field]

    assert driver.ask(create("new", **definition)).status is ResultStatus.CREATED
    kept = within(update("new", **definition, description="changed"), "a")
    assert driver.ask(kept).status is ResultStatus.DONE


def test_a_deletion_does_not_reach_others_through_what_they_name(driver: Driver) -> None:
    """A job that would lose its parent, or go with it, has to be within reach as well."""
    driver.ask(create("child", tags=["b"], schedule=None, after={"jobs": ["ours"]}))
    refused = driver.ask(within(a_command(CommandKind.DELETE_JOB, "ours"), "a"))

    assert refused.status is ResultStatus.CONFLICT
    assert "name it: child" in refused.message
    both = within(a_command(CommandKind.DELETE_JOB, "ours"), "a", "b")
    assert driver.ask(both).status is ResultStatus.DONE
