"""API tokens in the executor: made once, revoked for good, and in the audit."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.api_token import TOKENS
from executor.domain.command import Command, CommandKind, ResultStatus
from executor.domain.instant import to_text
from executor.domain.named import Stored
from executor.engine.store_requests import KeepFormer, SaveResults, WriteNamed
from tests.builders import a_command, at
from tests.unit.desk_driver import Driver, executing, successor_of


def make(name: str = "ci", mark: str = "a", **arguments: Any) -> Command:
    given = {"digest": mark * 64, "scopes": ["jobs:read"], "expires_at": None, **arguments}
    return a_command(CommandKind.CREATE_TOKEN, name, **given)


def revoke(name: str = "ci") -> Command:
    return a_command(CommandKind.DELETE_TOKEN, name)


def use(**uses: str) -> Command:
    return a_command(CommandKind.USE_TOKENS, "", uses=uses)


def test_a_token_is_stored_as_it_came() -> None:
    """Its digest, its scopes, its end."""
    driver = executing()
    made = driver.ask(make(scopes=["jobs:write#a", "runs:read"], expires_at=to_text(at(99))))

    assert (made.status, made.revision) == (ResultStatus.CREATED, 1)
    token = driver.store.get_named(TOKENS, "ci")
    assert isinstance(token, Stored)
    assert (token.value.digest, token.value.scopes) == ("a" * 64, ("jobs:write#a", "runs:read"))
    assert token.value.expires_at == at(99)


def test_a_name_in_use_is_not_given_away() -> None:
    """Nobody swaps a token behind its holder's back; once revoked the name is free."""
    driver = executing()
    driver.ask(make())
    refused = driver.ask(make(mark="b"))
    assert refused.status is ResultStatus.CONFLICT
    assert "'ci' exists already" in refused.message

    assert driver.ask(revoke()).status is ResultStatus.DONE
    assert driver.ask(revoke()).status is ResultStatus.NOT_FOUND
    again = driver.ask(make(mark="b"))
    assert (again.status, again.revision) == (ResultStatus.CREATED, 3)


def test_a_revoked_token_leaves_nothing_that_lets_in() -> None:
    """The record stays for repeated commands, without digest and scopes."""
    driver = executing()
    driver.ask(make())
    driver.ask(revoke())

    (gone,) = driver.store.all_named(TOKENS)
    assert isinstance(gone, Stored)
    assert (gone.deleted, gone.value.digest, gone.value.scopes) == (True, "", ())


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (make("no name"), "name"),
        (make(digest="secret"), "digest"),
        (make(scopes=["root"]), "scopes.0"),
        (make(scopes=[]), "scopes"),
        (make(expires_at="soon"), "expires_at"),
        (a_command(CommandKind.USE_TOKENS, "", uses=["ci"]), "uses"),
        (use(ci="lately"), "uses"),
    ],
)
def test_what_cannot_be_is_refused(command: Command, field: str) -> None:
    """Whoever sends it; the executor does not rely on web."""
    driver = executing()
    refused = driver.ask(command)

    assert refused.status is ResultStatus.INVALID
    assert [fault.field for fault in refused.faults] == [field]


def test_a_use_is_news_and_no_change() -> None:
    """It makes no revision and no entry of the audit; unknown names are passed over."""
    driver = executing()
    driver.ask(make())
    entries = len(driver.store.every_change())

    noted = driver.ask(use(ci=to_text(at(5)), unknown=to_text(at(5))))
    assert noted.status is ResultStatus.DONE
    driver.ask(use(ci=to_text(at(3))))
    assert driver.store.token_uses() == {"ci": at(5)}
    token = driver.store.get_named(TOKENS, "ci")
    assert isinstance(token, Stored)
    assert token.revision == 1
    assert len(driver.store.every_change()) == entries


def test_a_broken_token_is_reported_and_may_be_revoked() -> None:
    """A successor notes it; then the name is free again."""
    driver = executing()
    driver.ask(make())
    driver.store.break_named(TOKENS, "ci")
    successor = successor_of(driver)

    assert successor.noted("token_broken")
    assert successor.ask(revoke()).status is ResultStatus.DONE
    assert successor.ask(make()).revision == 3


@pytest.mark.parametrize("step", [KeepFormer, WriteNamed, SaveResults])
@pytest.mark.parametrize("done", [False, True], ids=["before it", "after it"])
def test_a_token_command_redelivered_after_a_crash_has_one_effect(step: Any, done: bool) -> None:
    """Also if the name was used again in between; and every change has one entry."""
    driver = executing()
    driver.ask(make())
    command = revoke()
    driver.hold(step)
    driver.send(command)
    for request in driver.pending(step):
        if done:
            driver.carry_out(request)
    successor = Driver(driver.store, "successor")
    successor.take_over()
    successor.ask(make(mark="b"))

    first, again = successor.ask(command), successor.ask(command)

    assert first == again
    (record,) = driver.store.all_named(TOKENS)
    entries = [one.id for one in driver.store.every_change()]
    assert sorted(entries) == [f"token:ci:{n}" for n in range(1, record.revision + 1)]
