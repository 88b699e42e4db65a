"""Scopes, tags, and what a caller may do by them."""

from __future__ import annotations

import pytest

from executor.domain.access import EVERYTHING, Caller, Scope, known_rights, right_from_text


def caller(*texts: str) -> Caller:
    return Caller(actor="x", rights=frozenset(map(right_from_text, texts)))


@pytest.mark.parametrize(
    "text", ["jobs:read", "runs:write#team-a", "jobs:write#a#b", "jobs:read#Ü b", "admin"]
)
def test_a_right_is_read_as_it_is_written(text: str) -> None:
    """And written as it was read; a tag may hold anything that a tag may hold."""
    assert str(right_from_text(text)) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("jobs", "is no scope; use jobs:read"),
        ("", "is no scope"),
        ("JOBS:READ", "is no scope"),
        ("admin#x", "cannot be narrowed"),
        ("jobs:read#", "1 to 100 characters"),
        ("jobs:read#" + "x" * 101, "1 to 100 characters"),
        ("jobs:read#\x00", "1 to 100 characters"),
    ],
)
def test_what_is_no_right_is_refused_with_advice(text: str, words: str) -> None:
    """The message says what to write instead."""
    with pytest.raises(ValueError, match=words):
        right_from_text(text)


def test_foreign_scopes_of_a_provider_grant_nothing() -> None:
    """They are left out, and the others count."""
    assert known_rights(["openid", "jobs:read", "admin#x", ""]) == {right_from_text("jobs:read")}


@pytest.mark.parametrize(
    ("right", "included"),
    [
        ("jobs:read", {Scope.JOBS_READ}),
        ("jobs:write", {Scope.JOBS_READ, Scope.JOBS_WRITE}),
        ("runs:read", {Scope.RUNS_READ}),
        ("runs:write", {Scope.RUNS_READ, Scope.RUNS_WRITE}),
        ("admin", set(Scope)),
        ("jobs:write#a", {Scope.JOBS_READ, Scope.JOBS_WRITE}),
    ],
)
def test_writing_includes_reading_and_admin_everything(right: str, included: set[Scope]) -> None:
    """And nothing else."""
    assert {scope for scope in Scope if caller(right).has(scope)} == included


def test_rights_add_up_and_needs_narrow() -> None:
    """Tags of several rights count together; of several needed scopes only the common ones."""
    someone = caller("jobs:read#a", "jobs:write#b", "runs:read#b", "runs:read#c")

    assert someone.tags([Scope.JOBS_READ]) == ("a", "b")
    assert someone.tags([Scope.JOBS_WRITE]) == ("b",)
    assert someone.tags([Scope.JOBS_READ, Scope.RUNS_READ]) == ("b",)
    assert someone.tags([]) is None
    assert caller("jobs:read#a", "jobs:read").tags([Scope.JOBS_READ]) is None
    assert caller("jobs:read#a", "runs:read#c").tags([Scope.JOBS_READ, Scope.RUNS_READ]) == ()
    assert Caller(actor="x", rights=EVERYTHING).tags(Scope) is None
