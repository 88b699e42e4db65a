"""What may be kept as a secret, and under which name."""

from __future__ import annotations

import pytest

from executor.domain.errors import InvalidSecret
from executor.domain.secret import LONGEST, check_name, check_sealed, check_value


@pytest.mark.parametrize("name", ["A", "_a", "token-2", "x" * 100])
def test_a_name_fits_into_templates_and_addresses(name: str) -> None:
    """Letters, digits, underscore and dash."""
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "2a", "a b", "a.b", "a/b", "é", "x" * 101, "a\n"])
def test_any_other_name_is_refused(name: str) -> None:
    """With what to use."""
    with pytest.raises(InvalidSecret, match=r"name: use a letter or `_`"):
        check_name(name)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "is required"),
        (5, "a string"),
        ("abc", "fewer than 4 characters"),
        ("  abc  \n", "fewer than 4 characters"),
        ("x" * (LONGEST + 1), "longer than 32,768 characters"),
        ("abcd\x00", "NUL"),
    ],
)
def test_a_value_that_cannot_be_kept_is_refused(value: object, says: str) -> None:
    """And the message does not repeat it."""
    with pytest.raises(InvalidSecret) as refused:
        check_value(value)

    [fault] = refused.value.faults
    assert fault.field == "value"
    assert says in fault.message
    assert "abc" not in fault.message


@pytest.mark.parametrize("sealed", [None, "", "value", "v1:xyz:AAAA", "v1:00000000:short"])
def test_a_value_that_is_not_sealed_is_not_stored(sealed: object) -> None:
    """Whatever sent it."""
    with pytest.raises(InvalidSecret, match="not sealed"):
        check_sealed(sealed)
