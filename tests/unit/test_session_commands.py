"""Sessions in the executor: opened once, closed for good, and in the audit."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.command import Command, CommandKind, ResultStatus
from executor.domain.instant import to_text
from executor.domain.session import Session
from executor.engine.store_requests import SaveResults
from executor.engine.timing import UPKEEP_S
from tests.builders import a_command, at
from tests.unit.desk_driver import Driver, executing, successor_of

DIGEST = "a" * 64


def sign_in(digest: str = DIGEST, **arguments: Any) -> Command:
    given = {"scopes": ["jobs:read"], "token": "", "expires_at": to_text(at(99)), **arguments}
    return a_command(CommandKind.OPEN_SESSION, digest, **given)


def sign_out(digest: str = DIGEST) -> Command:
    return a_command(CommandKind.CLOSE_SESSION, digest)


def test_a_session_is_stored_as_it_came() -> None:
    """Under the name of who asked for it, with his rights and its end."""
    driver = executing()
    command = sign_in()

    assert driver.ask(command).status is ResultStatus.CREATED
    assert driver.store.find_session(DIGEST) == Session(
        digest=DIGEST,
        actor=command.actor,
        scopes=("jobs:read",),
        token="",
        expires_at=at(99),
    )


def test_who_is_granted_nothing_is_signed_in_all_the_same() -> None:
    """So that the page can tell him."""
    driver = executing()
    driver.ask(sign_in(scopes=[]))

    session = driver.store.find_session(DIGEST)
    assert session is not None
    assert session.rights == frozenset()


def test_who_signs_out_is_out() -> None:
    """Also for a successor; doing it again is no harm."""
    driver = executing()
    driver.ask(sign_in())
    successor = successor_of(driver)

    assert successor.ask(sign_out()).status is ResultStatus.DONE
    assert successor.ask(sign_out()).status is ResultStatus.DONE
    assert driver.store.find_session(DIGEST) is None


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (sign_in("cookie"), "digest"),
        (sign_out("cookie"), "digest"),
        (sign_in(scopes=["root"]), "scopes.0"),
        (sign_in(scopes="admin"), "scopes"),
        (sign_in(scopes=None), "scopes"),
        (sign_in(token="secret"), "digest"),
        (sign_in(expires_at="soon"), "expires_at"),
        (sign_in(expires_at=None), "expires_at"),
    ],
)
def test_what_cannot_be_is_refused(command: Command, field: str) -> None:
    """Whoever sends it; the executor does not rely on web."""
    driver = executing()
    refused = driver.ask(command)

    assert refused.status is ResultStatus.INVALID
    assert [fault.field for fault in refused.faults] == [field]


def test_signing_in_and_out_is_in_the_audit() -> None:
    """Who, until when, with which rights; nothing of the token that it was done with."""
    driver = executing()
    driver.ask(sign_in(token="f" * 64))
    driver.ask(sign_out())

    opened, closed = sorted(driver.store.every_change(), key=lambda one: one.action, reverse=True)
    assert (opened.action, opened.subject) == (CommandKind.OPEN_SESSION, DIGEST)
    assert opened.after == {"scopes": ["jobs:read"], "expires_at": to_text(at(99))}
    assert (closed.action, closed.subject) == (CommandKind.CLOSE_SESSION, DIGEST)


@pytest.mark.parametrize("done", [False, True], ids=["before it", "after it"])
def test_a_session_command_redelivered_after_a_crash_has_one_effect(done: bool) -> None:
    """Whoever signed out meanwhile stays out, and there is one entry."""
    driver = executing()
    command = sign_in()
    driver.hold(SaveResults)
    driver.send(command)
    for request in driver.pending(SaveResults):
        if done:
            driver.carry_out(request)
    successor = Driver(driver.store, "successor")
    successor.take_over()
    successor.ask(command)
    successor.ask(sign_out())

    assert successor.ask(command).status is ResultStatus.CREATED
    assert driver.store.find_session(DIGEST) is None
    entries = [one.action for one in driver.store.every_change()]
    assert sorted(entries) == [CommandKind.CLOSE_SESSION, CommandKind.OPEN_SESSION]


def test_sessions_that_have_expired_are_purged() -> None:
    """By the executor's upkeep; the others stay."""
    driver = executing()
    driver.ask(sign_in(expires_at=to_text(at(1))))
    driver.ask(sign_in("b" * 64, expires_at=to_text(at(10 * UPKEEP_S))))

    driver.advance(2 * UPKEEP_S)
    assert driver.store.find_session(DIGEST) is None
    assert driver.store.find_session("b" * 64) is not None
