"""Limits, user and mask of a command: what is written, what is kept, and every fault by name."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.errors import InvalidJob
from executor.domain.job import definition_from_document, definition_to_document
from tests.builders import a_definition, a_document

COMMAND = {"kind": "command", "argv": ["true"]}


def test_limits_are_kept_in_their_canonical_form() -> None:
    """Short and long forms come back as one, a number of a user as text; null is no limit."""
    target = {
        **COMMAND,
        "limits": {"cpu": "10m", "memory": "1024 kib", "output": "64kB"},
        "user": 1000,
        "umask": "027",
    }
    document = definition_to_document(a_definition(target=target))

    assert document["target"]["limits"] == {
        "cpu": "PT10M",
        "memory": "1MiB",
        "processes": None,
        "output": "64000B",
    }
    assert (document["target"]["user"], document["target"]["umask"]) == ("1000", "027")
    assert definition_to_document(definition_from_document(document)) == document


def test_a_command_saved_before_there_were_limits_has_none() -> None:
    """Its document is read as it always was."""
    old: dict[str, Any] = {
        "kind": "command",
        "command": "true",
        "argv": None,
        "env": {},
        "cwd": None,
    }
    target = definition_to_document(a_definition(target=old))["target"]

    assert all(limit is None for limit in target["limits"].values())
    assert (target["user"], target["umask"]) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "field", "message"),
    [
        ({"limits": {"memory": 512}}, "limits.memory", "with its unit"),
        ({"limits": {"memory": "512"}}, "limits.memory", "512MiB"),
        ({"limits": {"memory": "9B"}}, "limits.memory", "1MiB"),
        ({"limits": {"cpu": "PT0S"}}, "limits.cpu", "longer than"),
        ({"limits": {"cpu": 10}}, "limits.cpu", "write a duration as text"),
        ({"limits": {"processes": 0}}, "limits.processes", "at least 1"),
        ({"limits": {"processes": "many"}}, "limits.processes", "a whole number"),
        ({"limits": {"output": "0B"}}, "limits.output", "between 1B"),
        ({"limits": {"ram": "1GiB"}}, "limits.ram", "the fields here are cpu, memory"),
        ({"limits": 5}, "limits", "has to be an object"),
        ({"memory": "1GiB"}, "memory", "belongs into `limits`"),
        ({"user": ""}, "user", "nor a number"),
        ({"user": "-x"}, "user", "nor a number"),
        ({"user": True}, "user", "nor a number"),
        ({"umask": "089"}, "umask", "three octal digits"),
        ({"umask": 22}, "umask", "three octal digits"),
    ],
)
def test_every_fault_is_named_with_its_path(
    wrong: dict[str, Any], field: str, message: str
) -> None:
    """The fault stands at the field as its writer knows it and says what to write instead."""
    with pytest.raises(InvalidJob) as refused:
        definition_from_document(a_document(target={**COMMAND, **wrong}))

    (fault,) = refused.value.faults
    assert fault.field == f"target.{field}"
    assert message in fault.message
