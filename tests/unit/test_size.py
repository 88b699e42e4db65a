"""Sizes: read with their unit, written in the shortest exact form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.domain.size import LARGEST, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1B", 1),
        ("512MiB", 512 * 1024**2),
        ("512 mib", 512 * 1024**2),
        (" 2GiB ", 2 * 1024**3),
        ("1TiB", 1024**4),
        ("64kB", 64_000),
        ("3MB", 3_000_000),
        ("1GB", 10**9),
    ],
)
def test_a_size_is_a_number_with_a_unit(text: str, size: int) -> None:
    """By thousands and by 1,024, whatever the case."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "512", "512M", "1.5GiB", "-1B", "MiB", "1 GiBit", "٣MiB"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    """A bare number above all: nobody knows what it counts."""
    with pytest.raises(ValueError, match="512MiB"):
        parse_size(text)


@pytest.mark.parametrize("text", ["0B", "1025TiB", "999999999999999999TiB"])
def test_nothing_and_too_much_are_refused(text: str) -> None:
    """The bounds are in the message."""
    with pytest.raises(ValueError, match="between 1B and 1024TiB"):
        parse_size(text)


@given(st.integers(1, LARGEST))
def test_what_is_written_is_read_as_the_same(size: int) -> None:
    """No byte is lost to a unit."""
    assert parse_size(format_size(size)) == size
