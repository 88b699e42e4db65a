"""The contract of ``executor/ports/keys.py`` on the keyring."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest

from executor.adapters.keyring import Keyring
from executor.domain.errors import SecretUnreadable
from executor.domain.secret import LONGEST, check_sealed

KEY, OTHER = b"k" * 32, b"o" * 32


@pytest.mark.parametrize(
    "value", ["four", "\u00e9 \u65e5\u672c \U0001f600\n", "x" * LONGEST, "\u20ac" * LONGEST]
)
def test_what_was_sealed_opens_again(value: str) -> None:
    """To the last character, and the sealed form is one that the store takes."""
    sealed = Keyring([KEY]).seal("TOKEN", value)

    assert check_sealed(sealed) == sealed
    assert value not in sealed
    assert Keyring([OTHER, KEY]).open("TOKEN", sealed) == value


def test_the_same_value_is_sealed_differently_each_time() -> None:
    """Nobody sees that two secrets are equal."""
    keyring = Keyring([KEY])

    assert len({keyring.seal("TOKEN", "value") for _ in range(50)}) == 50


def test_a_sealed_value_opens_under_its_own_name_only() -> None:
    """Moved to another secret in the store it is damaged."""
    sealed = Keyring([KEY]).seal("TOKEN", "value")

    with pytest.raises(SecretUnreadable, match="'OTHER' cannot be read: its record is damaged"):
        Keyring([KEY]).open("OTHER", sealed)


def test_a_wrong_key_is_told_apart_from_damage() -> None:
    """The one is for the operator of the keys, the other for the owner of the secret."""
    sealed = Keyring([KEY]).seal("TOKEN", "value")

    with pytest.raises(SecretUnreadable, match="SOLOCRON_SECRET_KEY_OLD"):
        Keyring([OTHER]).open("TOKEN", sealed)


def test_a_sealed_value_says_which_key_it_needs() -> None:
    """The present one, the one before, or none that is here; whatever was sent."""
    sealed = Keyring([KEY]).seal("TOKEN", "value")

    assert Keyring([KEY, OTHER]).key_of(sealed) == "current"
    assert Keyring([OTHER, KEY]).key_of(sealed) == "former"
    assert Keyring([OTHER]).key_of(sealed) == "unknown"
    assert {Keyring([KEY]).key_of(odd) for odd in ("", "v1:", "v2" + sealed[2:])} == {"unknown"}


def test_whoever_must_not_read_secrets_can_have_them_replaced() -> None:
    """All that are named; if one of them does not open, nobody goes on without it."""
    keyring = Keyring([KEY])
    sealed = {name: keyring.seal(name, value) for name, value in (("A", "horse"), ("B", "staple"))}

    assert keyring.redaction(sealed).text("a horse, a staple") == "a [secret A], a [secret B]"
    with pytest.raises(SecretUnreadable):
        keyring.redaction({**sealed, "C": sealed["A"]})


@pytest.mark.parametrize("place", [0, 5, 12, 20, -1])
def test_a_changed_bit_is_damage(place: int) -> None:
    """In the nonce, the ciphertext and the tag alike."""
    form, key, text = Keyring([KEY]).seal("TOKEN", "a longer value").split(":")
    data = bytearray(b64decode(text))
    data[place] ^= 1
    changed = f"{form}:{key}:{b64encode(data).decode()}"

    with pytest.raises(SecretUnreadable, match="damaged") as refused:
        Keyring([KEY]).open("TOKEN", changed)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("rest", ["", "AAAA", "not base64", "\u00e9"])
def test_what_is_no_sealed_value_is_damage(rest: str) -> None:
    """However short or odd it is."""
    key = Keyring([KEY]).seal("TOKEN", "value").split(":")[1]

    with pytest.raises(SecretUnreadable, match="damaged"):
        Keyring([KEY]).open("TOKEN", f"v1:{key}:{rest}")


def test_an_unknown_form_is_named() -> None:
    """It may be of a newer version."""
    with pytest.raises(SecretUnreadable, match="'v9'"):
        Keyring([KEY]).open("TOKEN", "v9:whatever")
