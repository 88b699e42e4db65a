"""``solocron token``: tokens without a token, at the machine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from executor import machine_tokens
from executor.domain.api_token import TOKENS, digest_of
from executor.domain.errors import InvalidToken, NoExecutor
from executor.domain.instant import to_text
from tests.fakes.fake_clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.web.fake_executor import FakeExecutor


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def sender(store: MemoryStore, clock: FakeClock) -> FakeExecutor:
    return FakeExecutor(store, clock)


def test_a_token_is_made_under_the_users_name(sender: FakeExecutor, clock: FakeClock) -> None:
    """Only its digest is sent."""
    text = machine_tokens.create(sender, clock, "ops", ["admin"], None)["token"]

    (command,) = sender.received
    assert command.actor.startswith("cli:")
    assert command.arguments["digest"] == digest_of(text)
    assert text not in repr(command)


def test_tokens_are_listed_with_all_that_is_known(
    sender: FakeExecutor, store: MemoryStore, clock: FakeClock
) -> None:
    """One line each, and never the token."""
    text = machine_tokens.create(sender, clock, "ci", ["jobs:read"], timedelta(days=1))["token"]
    machine_tokens.create(sender, clock, "ops", ["admin"], None)
    machine_tokens.create(sender, clock, "broken", ["admin"], None)
    store.break_named(TOKENS, "broken")
    store.note_token_uses({"ops": clock.now()})
    clock.advance(86_400)

    heading, broken, ci, ops = machine_tokens.lines(store, clock.now())
    assert heading.split() == ["NAME", "SCOPES", "EXPIRES", "LAST", "USED"]
    assert "cannot be read" in broken
    assert ci.split()[:2] == ["ci", "jobs:read"]
    assert "(expired)" in ci
    assert ci.endswith("never")
    assert "never" in ops
    assert ops.endswith(to_text(clock.now() - timedelta(days=1)))
    assert text not in "".join([heading, broken, ci, ops])


def test_what_was_made_is_told_as_the_api_does(
    sender: FakeExecutor, store: MemoryStore, clock: FakeClock
) -> None:
    """As in the list, with the token and who has made it."""
    made = machine_tokens.create(sender, clock, "ci", ["jobs:read"], timedelta(days=1))

    (listed,) = machine_tokens.documents(store, clock.now())
    assert {**listed, "token": made["token"]} == made
    assert made["created_by"].startswith("cli:")


def test_a_revoked_token_is_gone(
    sender: FakeExecutor, store: MemoryStore, clock: FakeClock
) -> None:
    """And its name is free."""
    machine_tokens.create(sender, clock, "ci", ["jobs:read"], None)
    machine_tokens.revoke(sender, clock, "ci")

    assert machine_tokens.lines(store, clock.now())[1:] == []
    machine_tokens.create(sender, clock, "ci", ["jobs:read"], None)


def test_what_is_not_done_is_said(sender: FakeExecutor, clock: FakeClock) -> None:
    """Whether it was refused, cannot be, or is unknown."""
    machine_tokens.create(sender, clock, "ci", ["jobs:read"], None)
    with pytest.raises(machine_tokens.NotDone, match="exists already"):
        machine_tokens.create(sender, clock, "ci", ["jobs:read"], None)
    with pytest.raises(InvalidToken, match="scopes"):
        machine_tokens.create(sender, clock, "x", ["root"], None)
    with pytest.raises(InvalidToken, match="name"):
        machine_tokens.create(sender, clock, "a b", ["admin"], None)
    sender.silent = True
    with pytest.raises(machine_tokens.NotDone, match="has not answered"):
        machine_tokens.revoke(sender, clock, "ci")
    sender.away = NoExecutor("nobody executes")
    with pytest.raises(NoExecutor):
        machine_tokens.revoke(sender, clock, "ci")


def test_tokens_are_listed_for_programs_as_the_api_does(
    sender: FakeExecutor, store: MemoryStore, clock: FakeClock
) -> None:
    """The same fields, and never the token."""
    text = machine_tokens.create(sender, clock, "ci", ["jobs:read"], timedelta(days=1))["token"]
    machine_tokens.create(sender, clock, "torn", ["admin"], None)
    store.break_named(TOKENS, "torn")

    ci, torn = machine_tokens.documents(store, clock.now())

    assert (ci["name"], ci["state"], ci["scopes"]) == ("ci", "active", ["jobs:read"])
    assert ci["last_used_at"] is None
    assert torn["state"] == "broken"
    assert text not in repr(ci)
