"""Secrets in outputs: found in every usual spelling, wherever the output is cut."""

from __future__ import annotations

import html
import json
import shlex
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.adapters.handoff import RedactedOutput
from executor.domain.redaction import Redaction

SECRET = 'it\'s "s3cret"/~ä&+\\'


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        json.dumps(SECRET).replace("/", "\\/"),
        b64encode(SECRET.encode()).decode(),
        urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
        shlex.quote(SECRET),
        html.escape(SECRET),
        repr(SECRET),
    ],
)
def test_every_usual_spelling_is_found(spelling: str) -> None:
    """And what stands around it stays."""
    clear = Redaction({"TOKEN": SECRET}).text(f"before {spelling} after")

    assert "s3cret" not in clear
    assert "[secret TOKEN]" in clear
    assert clear.startswith("before ")
    assert clear.endswith(" after")


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
def test_a_secret_within_a_base64_is_found(user: str, after: str) -> None:
    """As in basic authentication: what remains says nothing of it."""
    text = b64encode(f"{user}correct horse{after}".encode()).decode()
    clear = Redaction({"TOKEN": "correct horse"}).text(f"Basic {text}")

    assert "[secret TOKEN]" in clear
    left = clear.removeprefix("Basic ").split("[secret TOKEN]")
    assert sum(map(len, left)) <= len(b64encode(f"{user}{after}".encode())) + 4


def test_the_longest_of_several_secrets_counts() -> None:
    """One that begins with another is not left with its end."""
    redaction = Redaction({"SHORT": "pass", "LONG": "password"})

    assert (
        redaction.text("password pass passport")
        == "[secret LONG] [secret SHORT] [secret SHORT]port"
    )


def test_what_is_put_in_is_not_looked_at() -> None:
    """Also if a secret is called ``secret``."""
    assert Redaction({"A": "secret"}).text("a secret") == "a [secret A]"


def test_white_space_around_a_value_is_not_needed_to_find_it() -> None:
    """Programs cut the line end that a file has left in it."""
    assert Redaction({"A": " value\n"}).text("<value>") == "<[secret A]>"


#: What programs do with a key: other line ends, indented, in JSON, one line of it, cut off.
KEY = """-----BEGIN PRIVATE KEY-----
MIIEvQIBADANBgkqhkiG9w0BAQEFAASC
BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj
nTk/+w==
-----END PRIVATE KEY-----
"""


@pytest.mark.parametrize(
    "printed",
    [
        KEY.replace("\n", "\r\n"),
        KEY.replace("\n", "\n    "),
        json.dumps({"key": KEY.replace("\n", "\r\n")}),
        "".join(KEY.splitlines()),
        "\n".join(KEY.splitlines()[2:]),
        KEY.splitlines()[1],
    ],
)
def test_the_lines_of_a_long_secret_are_found_one_by_one(printed: str) -> None:
    """However a key is printed, nothing of it is left but its frame."""
    clear = Redaction({"KEY": KEY}).text(f"here: {printed}")

    assert "[secret KEY]" in clear
    assert not any(line in clear for line in KEY.splitlines()[1:-1])


def test_what_every_key_has_stays() -> None:
    """Another certificate in the output is not taken for this one."""
    other = KEY.splitlines()
    other[1:-1] = ["abcdefgh"]

    text = "\n".join([*other, "short"])
    assert Redaction({"KEY": KEY + "short\n"}).text(text) == text


def test_text_that_is_no_unicode_passes() -> None:
    """An error may name a file whose name is not UTF-8."""
    assert Redaction({"A": "value"}).text("\udcff value") == "\udcff [secret A]"


@given(
    st.lists(
        st.sampled_from(["value", "val", "ue", "v", "x", "a longer one", "a longer"]), max_size=30
    ),
    st.lists(st.integers(1, 8), min_size=1),
)
def test_it_does_not_matter_how_the_output_is_read(words: list[str], sizes: list[int]) -> None:
    """In any pieces it is what it would be as a whole."""
    redaction = Redaction({"A": "value", "B": "a longer one", "C": "a longer"})
    whole = "".join(words).encode()
    found, rest, position, number = b"", b"", 0, 0
    while position < len(whole):
        size = sizes[number % len(sizes)]
        clear, rest = redaction.cut(rest + whole[position : position + size], final=False)
        found, position, number = found + clear, position + size, number + 1
    clear, rest = redaction.cut(rest, final=True)

    assert rest == b""
    assert (found + clear).decode() == redaction.text(whole.decode())


@pytest.mark.parametrize("place", range(40, 70))
def test_a_value_is_not_kept_in_part_where_the_output_is_cut(place: int) -> None:
    """The middle of a long output is dropped after the secrets are replaced."""
    captured = RedactedOutput(100, Redaction({"TOKEN": "correct-horse"}))
    for byte in b"." * place + b"correct-horse" + b"." * 200 + b"correct-horse" + b"." * place:
        captured.add(bytes([byte]))
    output = captured.output()

    assert output is not None
    for part in ("corr", "orse", "ect-"):
        assert part not in output.head + output.tail


def test_an_output_that_ends_within_a_value_is_kept_whole() -> None:
    """What was kept back is part of it."""
    captured = RedactedOutput(100, Redaction({"TOKEN": "correct-horse"}))
    captured.add(b"said correct-ho")
    output = captured.output()

    assert output is not None
    assert (output.head, output.size) == ("said correct-ho", 15)


def test_silence_remains_silence() -> None:
    """There is nothing to keep back."""
    assert RedactedOutput(100, Redaction({"TOKEN": "correct-horse"})).output() is None
