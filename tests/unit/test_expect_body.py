"""What an answer's body has to say: pointers, comparison, and the words of a refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from executor.domain.errors import InvalidJob
from executor.domain.expect_body import ExpectBody
from executor.domain.json_pointer import check_pointer, look_up, same
from executor.domain.run import Output
from tests.builders import a_definition

#: The document of RFC 6901, section 5.
EXAMPLE: Any = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", EXAMPLE),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_pointers_mean_what_their_standard_says(pointer: str, value: object) -> None:
    """The examples of RFC 6901."""
    assert look_up(EXAMPLE, check_pointer(pointer)) == value


def test_an_escaped_tilde_before_a_digit_is_no_slash() -> None:
    """``~01`` is the name ``~1``."""
    assert look_up({"~1": "found"}, "/~01") == "found"


@pytest.mark.parametrize(
    "pointer", ["/foo/2", "/foo/-", "/foo/00", "/foo/01", "/foo/-1", "/foo/x", "/foo/0/b", "/bar"]
)
def test_there_is_nothing_beyond_the_document(pointer: str) -> None:
    """Past the end, odd numbers, names in lists, anything below a text."""
    with pytest.raises(LookupError):
        look_up(EXAMPLE, pointer)


@pytest.mark.parametrize("text", ["foo", "foo/bar", "/a~", "/a~2", "#/foo"])
def test_what_is_no_pointer_is_refused_in_words(text: str) -> None:
    """The message shows how one begins."""
    with pytest.raises(ValueError, match="begin with /"):
        check_pointer(text)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, False, False),
        ("1", 1, False),
        ([1, [True]], [1.0, [True]], True),
        ([1, [True]], [1, [1]], False),
        ([1, 2], [1], False),
        ({"a": 1, "b": None}, {"b": None, "a": 1}, True),
        ({"a": None}, {}, False),
        ({}, [], False),
    ],
)
def test_json_values_are_compared_as_json(one: object, other: object, equal: bool) -> None:
    """Numbers by value, and true is no number, however deep."""
    assert same(one, other) is equal


def said(text: str) -> Output:
    """Return a whole body."""
    return Output(head=text, size=len(text.encode()))


UP = ExpectBody(json_pointer="/status", equals="up")


@pytest.mark.parametrize(
    ("expected", "body", "shortfall"),
    [
        (ExpectBody(contains="done"), "all done.", None),
        (ExpectBody(contains="Ende: süß"), "Ende: süß", None),
        (
            ExpectBody(contains="done"),
            "Done",
            'the answer does not contain "done"; it begins with "Done"',
        ),
        (UP, '{"status": "up"}', None),
        (UP, '\ufeff{"status": "up"}', None),
        (ExpectBody(json_pointer="", equals=[1, None]), "[1.0, null]", None),
        (ExpectBody(json_pointer="/a", equals=None), '{"a": null}', None),
        (UP, '{"status": "down"}', '"/status" of the answer is "down"; expected "up"'),
        (UP, "{}", 'the answer has nothing at "/status"; it is {}'),
        (UP, "<html>", 'the answer is no JSON text; it begins with "<html>"'),
        (UP, "[" * 60_000, f'the answer is no JSON text; it begins with "{"[" * 99}...'),
        (UP, "1" * 5000, f'the answer is no JSON text; it begins with "{"1" * 99}...'),
    ],
)
def test_a_body_is_as_expected_or_the_reason_is_told(
    expected: ExpectBody, body: str, shortfall: str | None
) -> None:
    """The words show what was found, cut to a line."""
    assert expected.shortfall(said(body)) == shortfall


def test_an_empty_answer_contains_nothing() -> None:
    """No body at all is said as such."""
    assert UP.shortfall(None) == "the answer has no body"
    assert ExpectBody(contains="a").shortfall(None) == "the answer has no body"


def test_only_what_is_kept_is_searched_and_the_words_say_so() -> None:
    """A text in the beginning of a long body is found; one that was dropped is not."""
    long = Output(head="beginning", tail="end", size=160_000)

    assert ExpectBody(contains="begin").shortfall(long) is None
    missing = ExpectBody(contains="end").shortfall(long)
    assert missing is not None
    assert "of its 160,000 bytes only the first 9 characters are kept and were searched" in missing
    assert UP.shortfall(long) == (
        'the answer is too long to look up "/status": of its 160,000 bytes only the first '
        "9 characters are kept"
    )


def test_what_is_told_can_be_stored() -> None:
    """Half a surrogate pair and control characters of an answer do not get into the words."""
    words = UP.shortfall(said(json.dumps({"status": "\ud800\x00\n"})))

    assert words is not None
    assert words.isprintable()
    assert words.encode()


#: Wrong expect_body objects: the object, the field of the fault, and words of it.
BAD_EXPECTATIONS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "contains", "is required: a text, or json_pointer with equals"),
    ({"contains": ""}, "contains", "must not be empty"),
    ({"contains": "a\0"}, "contains", "NUL"),
    ({"contains": "x" * 10_001}, "contains", "is longer than 10,000 characters"),
    ({"contain": "a"}, "contain", "write `contains`"),
    ({"contains": "a", "json_pointer": "/a", "equals": 1}, "json_pointer", "leave it out"),
    ({"contains": "a", "equals": 1}, "equals", "belongs to json_pointer"),
    ({"json_pointer": "/a"}, "equals", "is required"),
    ({"json_pointer": "/a", "equal": 1}, "equal", "write `equals`"),
    ({"json_pointer": "a/b", "equals": 1}, "json_pointer", "begin with /"),
    ({"json_pointer": "/a~2", "equals": 1}, "json_pointer", "write ~1 for /"),
    ({"json_pointer": "/a", "equals": 2**63}, "equals", "more than 64 bits"),
    ({"json_pointer": "/a", "equals": float("nan")}, "equals", "write a finite one"),
    ({"json_pointer": "/a", "equals": {"b\0": 1}}, "equals", "NUL"),
    ({"json_pointer": "/a", "equals": ["x" * 10_000]}, "equals", "longer than 10,000"),
    (
        {"json_pointer": "/a", "equals": json.loads("[" * 21 + "]" * 21)},
        "equals",
        "deeper than 20",
    ),
]


@pytest.mark.parametrize(("wrong", "field", "message"), BAD_EXPECTATIONS)
def test_every_fault_is_named_with_its_path(
    wrong: dict[str, Any], field: str, message: str
) -> None:
    """One fault, at the field as its writer knows it, with what to write instead."""
    with pytest.raises(InvalidJob) as refused:
        a_definition(target={"kind": "http", "url": "http://a", "expect_body": wrong})

    (fault,) = refused.value.faults
    assert fault.field == f"target.expect_body.{field}"
    assert message in fault.message
