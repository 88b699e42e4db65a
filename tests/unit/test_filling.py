"""A target as it is for one run: which values there are, and what they may make of a field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from executor.domain.filling import filled_in, secrets_of, values_of
from executor.domain.job import Definition, definition_from_document
from executor.domain.run import Run
from executor.domain.targets import CommandTarget, HttpTarget, PythonTarget, Target
from executor.domain.template import NAMES
from tests.builders import a_claim, a_job, a_run, at

JOB = replace(a_job(owner="ops"), id="0" * 32, revision=3)
RUN = a_claim(JOB, at(10), term=17, attempt=2, trigger_id="first")


def defined(target: dict[str, Any], **fields: Any) -> Definition:
    return definition_from_document({"name": "backup", "target": target, **fields})


def filled(target: dict[str, Any], run: Run = RUN, **secrets: str) -> Target:
    return filled_in(run, defined(target), secrets)


def test_every_name_has_a_value() -> None:
    """Those that a job may use are those that a run has."""
    assert values_of(RUN, JOB.definition) == {
        "run.id": RUN.id,
        "run.attempt": "2",
        "run.cause": "schedule",
        "run.trigger_id": "first",
        "run.term": "17",
        "job.id": "0" * 32,
        "job.name": "backup",
        "job.owner": "ops",
        "job.revision": "3",
        "fire_time": "2026-12-01T00:00:10Z",
        "fire_time.local": "2026-12-01T00:00:10+00:00",
        "fire_time.epoch": "1796083210",
    }
    assert tuple(values_of(RUN, JOB.definition)) == NAMES


def test_the_local_fire_time_is_on_the_clock_of_the_schedule() -> None:
    """A zone, or the offset that an interval is written with."""
    target = {"kind": "command", "argv": ["true"]}
    berlin = {"kind": "cron", "expression": "* * * * *", "timezone": "Europe/Berlin"}
    interval = "R/2026-12-01T00:00:00-05:00/PT10S"

    assert [
        values_of(RUN, defined(target, schedule=schedule))["fire_time.local"]
        for schedule in (berlin, interval, None)
    ] == ["2026-12-01T01:00:10+01:00", "2026-11-30T19:00:10-05:00", "2026-12-01T00:00:10+00:00"]


def test_a_run_without_a_slot_has_the_time_of_its_creation() -> None:
    """To the millisecond, as the store has it."""
    run = a_run(JOB, created_at=at(1.25))
    values = values_of(run, JOB.definition)

    assert values["fire_time"] == "2026-12-01T00:00:01.250Z"
    assert values["fire_time.epoch"] == "1796083201"
    assert values["run.trigger_id"] == run.id


def test_a_request_is_filled_in_field_by_field() -> None:
    """URL, header values and body; nothing else of the target changes."""
    target = {
        "kind": "http",
        "url": "https://example.com/{{ job.name | url }}?run={{ run.id }}",
        "headers": {"Authorization": "Bearer {{ secret.TOKEN }}", "X-Plain": "}}"},
        "body": '{"at": {{ fire_time | json }}, "owner": "{{{{"}',
        "method": "PUT",
    }
    found = filled(target, TOKEN="s3cret")
    written = defined(target).target

    assert isinstance(written, HttpTarget)
    assert found == replace(
        written,
        url=f"https://example.com/backup?run={RUN.id}",
        headers={"Authorization": "Bearer s3cret", "X-Plain": "}}"},
        body='{"at": "2026-12-01T00:00:10Z", "owner": "{{"}',
    )


def test_a_command_is_filled_in_word_by_word() -> None:
    """It becomes an argv, whose words are what they are; so are those of an argv."""
    text = filled(
        {"kind": "command", "command": "echo 'run {{ job.name }}' {{ secret.A }}"}, A="x y"
    )
    words = filled(
        {"kind": "command", "argv": ["echo", "'{{ secret.A }}'"], "env": {"A": "{{ secret.A }}"}},
        A="x y",
    )

    assert isinstance(text, CommandTarget)
    assert isinstance(words, CommandTarget)
    assert (text.command, text.words) == (None, ("echo", "run backup", "x y"))
    assert (words.words, dict(words.env)) == (("echo", "'x y'"), {"A": "x y"})


def test_a_target_without_templates_is_not_touched() -> None:
    """The very same value: there is nothing to do for it."""
    definition = defined({"kind": "command", "command": "echo 'a b'"})

    assert filled_in(RUN, definition, {}) is definition.target


def test_the_secrets_of_a_target_are_known() -> None:
    """Wherever they stand."""
    target = {
        "kind": "http",
        "url": "http://example.com/{{ secret.A }}",
        "headers": {"X": "{{ secret.B }}"},
        "body": "{{ secret.C | json }} secret.D",
    }
    command = {"kind": "command", "command": "echo {{ secret.A }}", "env": {"X": "{{ secret.B }}"}}

    assert secrets_of(defined(target).target) == {"A", "B", "C"}
    assert secrets_of(defined(command).target) == {"A", "B"}
    assert secrets_of(defined({"kind": "command", "argv": ["{{ secret.E }}"]}).target) == {"E"}


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ({"url": "http://example.com/{{ secret.A }}"}, "target.url"),
        ({"url": "{{ secret.A }}"}, "target.url"),
        ({"url": "http://example.com:{{ secret.A }}/"}, "target.url"),
        ({"url": "http://x", "headers": {"X": "{{ secret.A }}"}}, "target.headers.X"),
        ({"url": "http://x", "body": "{{ secret.B }}"}, "target.body"),
    ],
)
def test_a_value_cannot_make_a_field_what_it_must_not_be(
    target: dict[str, Any], field: str
) -> None:
    """The error names the field, and nothing of the value."""
    with pytest.raises(ValueError, match=field) as refused:
        filled({"kind": "http", **target}, A="private\r\nX-Forged: 1")

    assert "private" not in str(refused.value)


def test_texts_anywhere_in_the_arguments_of_a_python_job_are_filled_in() -> None:
    """Lists and objects within are looked through; names and all other values stay."""
    target = filled(
        {
            "kind": "python",
            "callable": "reports:nightly",
            "arguments": {"day": "{{ fire_time }}", "deep": [{"{{ name }}": "{{ job.name }}"}, 3]},
        }
    )

    assert isinstance(target, PythonTarget)
    assert target.arguments == {
        "day": "2026-12-01T00:00:10Z",
        "deep": [{"{{ name }}": "backup"}, 3],
    }


def test_secrets_in_arguments_are_known_and_what_cannot_be_filled_in_is_named() -> None:
    """As for every other target."""
    document = {"kind": "python", "callable": "a:b", "arguments": {"key": ["{{ secret.KEY }}"]}}

    assert secrets_of(defined(document).target) == {"KEY"}
    with pytest.raises(ValueError, match=r"target\.arguments\.key: there is no value for"):
        filled(document)
