"""What is kept of a target's output: both ends, whole characters, the size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.adapters.captured_output import CapturedOutput
from executor.domain.run import Output


def captured(pieces: list[bytes], limit: int) -> Output | None:
    capture = CapturedOutput(limit)
    for piece in pieces:
        capture.add(piece)
    return capture.output()


def test_silence_is_no_output() -> None:
    """A target that says nothing leaves nothing."""
    assert captured([], 8) is None
    assert captured([b""], 8) is None


def test_what_fits_is_kept_whole() -> None:
    """Up to the limit the head is everything and the tail is empty."""
    assert captured([b"12345", b"678"], 8) == Output(head="12345678", size=8)


def test_what_does_not_fit_keeps_both_ends() -> None:
    """Half the limit from the start, half from the end, and the true size."""
    assert captured([b"123", b"456789", b"0"], 8) == Output(head="1234", tail="7890", size=10)


def test_no_character_is_cut_in_two() -> None:
    """Where output was dropped, half a character is dropped as well."""
    assert captured(["aaaü".encode(), b"-" * 9, "€bb".encode()], 8) == Output(
        head="aaa", tail="bb", size=19
    )


def test_what_is_no_text_shows_as_such() -> None:
    """Bytes that are not UTF-8 become U+FFFD."""
    assert captured([b"a\xff", b"b\xc3"], 8) == Output(head="a\ufffdb\ufffd", size=4)


@given(
    st.lists(st.binary(max_size=12).map(lambda data: bytes(byte & 0x7F for byte in data))),
    st.integers(min_value=1, max_value=10),
)
def test_the_pieces_do_not_matter(pieces: list[bytes], half: int) -> None:
    """However the output is cut into pieces, the same is kept as of the whole."""
    whole = b"".join(pieces)
    output = captured(pieces, 2 * half)
    if not whole:
        assert output is None
    elif len(whole) <= 2 * half:
        assert output == Output(head=whole.decode(), size=len(whole))
    else:
        assert output == Output(
            head=whole[:half].decode(), tail=whole[-half:].decode(), size=len(whole)
        )


@pytest.mark.parametrize("piece", [1, 7, 65_536])
def test_memory_is_bounded(piece: int) -> None:
    """A hundred times the limit leaves no more than the limit behind."""
    capture = CapturedOutput(1000)
    for _ in range(100_000 // piece + 1):
        capture.add(b"x" * piece)
    output = capture.output()
    assert output is not None
    assert (len(output.head), len(output.tail)) == (500, 500)
