"""Commands and their answers on the wire."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.domain.command import (
    WIRE_VERSION,
    Command,
    CommandKind,
    CommandResult,
    ResultStatus,
    decode_command,
    decode_result,
    encode_command,
    encode_result,
)
from executor.domain.errors import Fault, InvalidCommand
from tests.builders import a_command, at, create

#: Text as JSON documents of clients hold it: anything but lone surrogates.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
INSTANTS = st.integers(-(10**10), 10**11).map(lambda ms: at(ms / 1000))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(TEXT, parts, max_size=3),
    max_leaves=8,
)
COMMANDS = st.builds(
    Command,
    id=TEXT,
    kind=st.sampled_from(CommandKind),
    subject=TEXT,
    arguments=st.dictionaries(TEXT, JSON, max_size=3),
    if_revision=st.none() | st.integers(0, 2**40),
    sent_at=INSTANTS,
)
RESULTS = st.builds(
    CommandResult,
    command_id=TEXT,
    kind=st.sampled_from(CommandKind),
    digest=TEXT,
    status=st.sampled_from(ResultStatus),
    finished_at=INSTANTS,
    job_id=st.none() | TEXT,
    run_id=st.none() | TEXT,
    revision=st.none() | st.integers(0, 2**40),
    message=TEXT,
    faults=st.lists(st.builds(Fault, TEXT, TEXT), max_size=3).map(tuple),
)


@settings(max_examples=80, deadline=None)
@given(COMMANDS)
def test_a_command_survives_the_wire(command: Command) -> None:
    """What arrives equals what was sent, and asks for the same thing."""
    arrived = decode_command(encode_command(command))

    assert arrived == command
    assert arrived.digest == command.digest


@settings(max_examples=80, deadline=None)
@given(RESULTS)
def test_an_answer_survives_the_wire(result: CommandResult) -> None:
    """What the sender gets equals what was decided."""
    assert decode_result(encode_result(result)) == result


def wire(**changes: Any) -> bytes:
    """Return a command's wire form with some fields replaced."""
    return json.dumps({**json.loads(encode_command(create())), **changes}).encode()


def without(field: str) -> bytes:
    """Return a command's wire form that lacks *field*."""
    document = json.loads(encode_command(create()))
    del document[field]
    return json.dumps(document).encode()


@pytest.mark.parametrize("version", [WIRE_VERSION + 1, 0, "1", None, [1]])
def test_another_version_is_refused_by_name(version: object) -> None:
    """A newer sender's command is not half understood: the fault says which version it has."""
    with pytest.raises(InvalidCommand) as refused:
        decode_command(wire(version=version))

    assert refused.value.faults == (Fault("version", f"{version!r} is not {WIRE_VERSION}"),)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="not JSON"),
        pytest.param(b"\xff\xfe\x00", id="not UTF-8"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[1, 2]", id="a list"),
        pytest.param(b'"create_job"', id="a text"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b"[" * 100_000, id="nested without end"),
        pytest.param(wire(kind="start_war"), id="unknown kind"),
        pytest.param(wire(kind=["create_job"]), id="kind is a list"),
        pytest.param(wire(arguments=5), id="arguments are a number"),
        pytest.param(wire(arguments=["definition"]), id="arguments are a list"),
        pytest.param(wire(if_revision="next"), id="revision is a word"),
        pytest.param(wire(if_revision={}), id="revision is an object"),
        pytest.param(wire(if_revision=float("inf")), id="revision is infinite"),
        pytest.param(wire(if_revision=float("nan")), id="revision is not a number"),
        pytest.param(wire(sent_at=5), id="time is a number"),
        pytest.param(wire(sent_at="yesterday"), id="time is a word"),
        pytest.param(wire(sent_at="2026-12-01T00:00:00"), id="time has no zone"),
        *(
            pytest.param(without(field), id=f"without {field}")
            for field in ("version", "id", "kind", "subject", "arguments", "if_revision", "sent_at")
        ),
    ],
)
def test_garbage_is_refused_and_nothing_else(body: bytes) -> None:
    """Whatever is on the queue, reading it either works or says that it is no command."""
    with pytest.raises(InvalidCommand):
        decode_command(body)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_break_the_reading_of_answers_and_commands(body: bytes) -> None:
    """Random bytes and random documents are refused in one way."""
    for decode in (decode_command, decode_result):
        with pytest.raises(InvalidCommand):
            decode(body)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(json.loads(encode_command(create())))), JSON)
def test_no_value_of_a_field_breaks_the_reading(field: str, value: Any) -> None:
    """A command with one strange field is read or refused, never anything else."""
    with suppress(InvalidCommand):
        decode_command(wire(**{field: value}))


def test_the_digest_tells_requests_apart_and_repetitions_together() -> None:
    """Id and time do not count; everything that is asked for does."""
    command = a_command(CommandKind.PAUSE_JOB, "backup", reason="moving", if_revision=3)
    repeated = replace(command, id="another", sent_at=at(99))
    different = [
        replace(command, kind=CommandKind.RESUME_JOB),
        replace(command, subject="report"),
        replace(command, arguments={"reason": "lunch"}),
        replace(command, arguments={}),
        replace(command, if_revision=4),
        replace(command, if_revision=None),
    ]

    assert repeated.digest == command.digest
    assert len({command.digest, *(other.digest for other in different)}) == 1 + len(different)


def test_the_digest_does_not_depend_on_the_order_of_fields() -> None:
    """A client that sorts its document otherwise repeats the same request."""
    one = a_command(CommandKind.PAUSE_JOB, "backup", reason="moving", until=None)
    other = a_command(CommandKind.PAUSE_JOB, "backup", until=None, reason="moving")

    assert one.digest == other.digest
