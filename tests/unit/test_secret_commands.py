"""Secrets, from the command to the hand-off: sealed all the way."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.domain.named import Stored
from executor.domain.secret import SECRETS
from executor.engine.effects import StartRuns
from executor.engine.store_requests import KeepFormer, SaveResults, WriteNamed
from tests.builders import a_command, at, create, trigger, update
from tests.unit.desk_driver import Driver, executing

USING = {"kind": "command", "argv": ["echo", "{{ secret.TOKEN }}"]}


def sealed(mark: str = "A") -> str:
    return f"v1:0123abcd:{mark * 44}"


def put(name: str = "TOKEN", mark: str = "A", **fields: Any) -> Command:
    return a_command(CommandKind.PUT_SECRET, name, sealed=sealed(mark), **fields)


def delete(name: str = "TOKEN", **fields: Any) -> Command:
    return a_command(CommandKind.DELETE_SECRET, name, **fields)


def stored(driver: Driver, name: str = "TOKEN") -> Stored[str]:
    found = driver.store.get_named(SECRETS, name)
    assert isinstance(found, Stored)
    return found


def test_a_secret_is_stored_as_it_came() -> None:
    """Created, then changed; the revision counts."""
    driver = executing()
    first, second = driver.ask(put()), driver.ask(put(mark="B"))

    assert (first.status, first.revision) == (ResultStatus.CREATED, 1)
    assert (second.status, second.revision) == (ResultStatus.DONE, 2)
    assert stored(driver).value == sealed("B")


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (put("no name"), "name"),
        (a_command(CommandKind.PUT_SECRET, "TOKEN", sealed="the plain value"), "value"),
        (a_command(CommandKind.PUT_SECRET, "TOKEN"), "value"),
    ],
)
def test_what_is_not_sealed_or_named_so_is_refused(command: Command, field: str) -> None:
    """A plain value never reaches the store, whoever sends it."""
    driver = executing()
    refused = driver.ask(command)

    assert refused.status is ResultStatus.INVALID
    assert [fault.field for fault in refused.faults] == [field]
    assert driver.store.all_named(SECRETS) == []


def test_a_job_uses_only_secrets_that_exist() -> None:
    """The fault names the place and says how to make one."""
    driver = executing()
    headers = {"Authorization": "Bearer {{ secret.TOKEN }}"}
    target = {"kind": "http", "url": "http://x/{{ secret.PATH | url }}", "headers": headers}

    refused = driver.ask(create(target=target))
    assert refused.status is ResultStatus.INVALID
    assert {one.field: one.message for one in refused.faults} == {
        "target.url": "there is no secret 'PATH'; PUT /v1/secrets/PATH makes it",
        "target.headers.Authorization": "there is no secret 'TOKEN'; "
        "PUT /v1/secrets/TOKEN makes it",
    }

    for name in ("PATH", "TOKEN"):
        driver.ask(put(name))
    assert driver.ask(create(target=target)).status is ResultStatus.CREATED


def test_the_key_of_a_signature_is_a_secret_that_exists() -> None:
    """And one that is in use."""
    driver = executing()
    target = {"kind": "http", "url": "http://x/", "sign": {"secret": "TOKEN"}}
    refused = driver.ask(create(target=target, schedule=None))
    assert [fault.field for fault in refused.faults] == ["target.sign.secret"]

    making, using, removing = put(), create(target=target, schedule=None), delete()
    driver.send(making, using, removing)
    driver.advance(1)
    results = driver.store.known_commands([making.id, using.id, removing.id]).results
    assert results[using.id].status is ResultStatus.CREATED
    assert results[removing.id].status is ResultStatus.CONFLICT

    driver.ask(trigger())
    assert dict(driver.wanted(StartRuns)[-1].sealed) == {"TOKEN": sealed()}


def test_a_secret_in_use_is_not_deleted() -> None:
    """The refusal names the jobs; once none uses it, it goes and its value with it."""
    driver = executing()
    driver.ask(put())
    driver.ask(create(target=USING))
    driver.ask(create("other"))

    refused = driver.ask(delete())
    assert refused.status is ResultStatus.CONFLICT
    assert refused.message == "secret 'TOKEN' is used by backup; take it out there first"

    driver.ask(update())
    assert driver.ask(delete()).status is ResultStatus.DONE
    (gone,) = driver.store.all_named(SECRETS)
    assert isinstance(gone, Stored)
    assert (gone.deleted, gone.value) == (True, "")
    assert driver.ask(delete()).status is ResultStatus.NOT_FOUND
    assert driver.ask(create("late", target=USING)).status is ResultStatus.INVALID
    assert driver.ask(put()).revision == 3


def test_a_deleted_job_uses_no_secret() -> None:
    """Its former definition holds nothing back."""
    driver = executing()
    driver.ask(put())
    driver.ask(create(target=USING))
    driver.ask(a_command(CommandKind.DELETE_JOB, "backup"))

    assert driver.ask(delete()).status is ResultStatus.DONE


def test_a_secret_and_the_job_that_uses_it_may_come_together() -> None:
    """They are decided one after the other, in the order in which they were sent."""
    driver = executing()
    making, using, removing = put(), create(target=USING), delete()
    for command in (making, using, removing):
        driver.send(command)
    driver.advance(1)

    results = driver.store.known_commands([one.id for one in (making, using, removing)]).results
    assert [results[one.id].status for one in (making, using, removing)] == [
        ResultStatus.CREATED,
        ResultStatus.CREATED,
        ResultStatus.CONFLICT,
    ]


def test_runs_are_handed_off_with_the_sealed_secrets_that_they_need() -> None:
    """Of the revision that is valid then; others stay where they are."""
    driver = executing()
    driver.ask(put())
    driver.ask(put("OTHER"))
    driver.ask(create(target=USING, schedule=None))
    driver.ask(create("plain", schedule=None))
    driver.ask(put(mark="B"))

    driver.ask(trigger())
    driver.ask(trigger("plain"))

    assert [dict(start.sealed) for start in driver.wanted(StartRuns)] == [
        {"TOKEN": sealed("B")},
        {},
    ]


def test_a_successor_knows_the_secrets_before_it_starts_anything() -> None:
    """They are loaded with what is urgent."""
    driver = executing()
    driver.ask(put())
    driver.ask(create(target=USING))
    successor = Driver(driver.store, "successor")
    successor.take_over()
    while successor.clock.now() < at(11):
        successor.advance(0.25)

    assert dict(successor.wanted(StartRuns)[0].sealed) == {"TOKEN": sealed()}


def test_a_broken_secret_is_reported_and_mended() -> None:
    """Runs that need it are handed off without it, and fail with its name."""
    driver = executing()
    driver.ask(put())
    driver.ask(create(target=USING, schedule=None, overlap={"policy": "allow"}))
    driver.store.break_named(SECRETS, "TOKEN")
    successor = Driver(driver.store, "successor")
    successor.take_over()
    successor.ask(trigger())
    assert successor.noted("secret_broken")
    assert dict(successor.wanted(StartRuns)[-1].sealed) == {}

    assert successor.ask(put(mark="B")).revision == 2
    successor.ask(trigger())
    assert dict(successor.wanted(StartRuns)[-1].sealed) == {"TOKEN": sealed("B")}


def test_a_secret_at_another_revision_is_left_alone() -> None:
    """If-Match."""
    driver = executing()
    driver.ask(put())

    refused = driver.ask(put(if_revision=7))

    assert refused.status is ResultStatus.PRECONDITION_FAILED
    assert "secret 'TOKEN' is at revision 1, not 7" in refused.message


@pytest.mark.parametrize("step", [KeepFormer, WriteNamed, SaveResults])
@pytest.mark.parametrize("done", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("command", [put(mark="B"), delete()], ids=["put", "delete"])
def test_a_secret_command_redelivered_after_a_crash_has_one_effect(
    command: Command, step: Any, done: bool
) -> None:
    """Also if another change was made and answered in between."""
    driver = executing()
    driver.ask(put())
    driver.hold(step)
    driver.send(command)
    for request in driver.pending(step):
        if done:
            driver.carry_out(request)
    successor = Driver(driver.store, "successor")
    successor.take_over()
    between: CommandResult = successor.ask(put(mark="C"))

    first = successor.ask(command)
    again = successor.ask(command)

    assert first == again
    assert first.status is ResultStatus.DONE
    assert {between.revision, first.revision} == {2, 3}
