"""The form of API tokens: recognisable, checkable, hashed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.domain.api_token import (
    check_name,
    check_scopes,
    creation_arguments,
    digest_of,
    is_well_formed,
    written,
)
from executor.domain.errors import InvalidToken
from tests.builders import at

#: What the README tells scanners to look for.
SCANNED = re.compile(r"slc_[0-9A-Za-z]{49}")


@given(st.binary(min_size=32, max_size=32))
def test_every_token_has_the_documented_form(random: bytes) -> None:
    """Whatever was drawn: the leading zeros too."""
    text = written(random)

    assert SCANNED.fullmatch(text)
    assert is_well_formed(text)


@given(st.binary(min_size=32, max_size=32), st.integers(4, 52), st.sampled_from("0aZ"))
def test_a_mistyped_token_is_noticed_without_asking_anybody(
    random: bytes, place: int, character: str
) -> None:
    """One wrong character, anywhere."""
    text = written(random)
    wrong = text[:place] + character + text[place + 1 :]

    assert is_well_formed(wrong) is (wrong == text)


def test_the_form_is_fixed() -> None:
    """Tokens that exist must be recognised by every later version."""
    token = written(bytes(range(32)))

    assert token == "slc_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf0VHkBt"
    assert digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert written(bytes(32)) != written(b"\x00" * 31 + b"\x01")


@pytest.mark.parametrize("text", ["", "slc_", "SLC_" + "0" * 49, written(bytes(32)) + "0", "ghp_x"])
def test_other_texts_are_no_tokens(text: str) -> None:
    """By their form alone."""
    assert not is_well_formed(text)


@pytest.mark.parametrize("name", ["", ".x", "a b", "ü", "x" * 101, "a/b", "a\n"])
def test_a_name_survives_in_an_address(name: str) -> None:
    """So what would not is refused."""
    with pytest.raises(InvalidToken, match="name"):
        check_name(name)


def test_every_wrong_scope_is_named() -> None:
    """All at once, by their places; doubles are dropped."""
    with pytest.raises(InvalidToken) as caught:
        check_scopes(["jobs:read", "jobs", 7])
    assert [fault.field for fault in caught.value.faults] == ["scopes.1", "scopes.2"]
    for nothing in ([], None, "admin", {"admin": 1}, ["admin"] * 101):
        with pytest.raises(InvalidToken, match="scopes"):
            check_scopes(nothing)
    assert check_scopes(["admin", "admin"]) == ("admin",)


def test_a_life_beyond_all_time_is_a_fault() -> None:
    """Not an error in the service."""
    with pytest.raises(InvalidToken, match="lifetime"):
        creation_arguments("x", ["admin"], timedelta.max, at(0))
