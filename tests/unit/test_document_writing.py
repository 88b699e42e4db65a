"""Writing jobs: YAML that every reader takes for the same, and only what is special."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from executor.client.reading import read_text
from executor.client.slim import slim_document
from executor.client.writing import file_name, to_text, write_to
from executor.domain.job import definition_from_document, definition_to_document
from executor.domain.yaml_text import to_yaml
from tests.unit.test_document_reading import JSON_VALUES

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.dictionaries(TEXTS, JSON_VALUES, min_size=1, max_size=4), max_size=3))
def test_what_is_written_is_read_as_it_was(documents: list[dict[str, Any]]) -> None:
    """Every text, number and nesting comes back, from our reader and from YAML 1.1's."""
    text = to_yaml(documents)

    assert [source.value for source in read_text(text, "jobs")] == documents


@given(TEXTS | st.sampled_from(["no", "on", "12:30", "1e3", "0o7", "=", "<<", "~", "2026-12-01"]))
def test_no_text_is_taken_for_anything_else_by_an_older_yaml(text: str) -> None:
    """What is written for us can be read by tools that know YAML 1.1 only."""
    assert yaml.safe_load(to_yaml([{"key": text, text: 1}])) == {"key": text, text: 1}


@given(st.lists(st.sampled_from(["a", " b", "\tc", "", " ", "# d", "e: f", "...", "---"])))
def test_texts_of_several_lines_keep_every_character(lines: list[str]) -> None:
    """With indentation, blank lines and blanks at the ends; in lists and in objects."""
    for text in ("\n".join(lines), "\n".join([*lines, ""])):
        document = {"a": {"b": text}, "c": [text, {"d": text}]}
        assert read_text(to_yaml([document]), "jobs")[0].value == document


def test_a_script_is_a_block_that_can_be_read() -> None:
    """Its lines stand as they are, and what needs no quotes has none."""
    document = {"name": "a b", "body": "one\n  two: 'x'\n", "tags": ["x", {"on": "no", "n": 1}]}

    assert to_yaml([document]) == (
        "name: a b\nbody: |\n  one\n    two: 'x'\ntags:\n  - x\n"
        '  - "on": "no"\n    "n": 1\n'
    )  # fmt: skip


def test_the_longest_key_is_read_too() -> None:
    """Longer than a key may be on the line of its value."""
    document = {"k" * 5000: {"x" * 2000: [1]}}

    assert read_text(to_yaml([document]), "jobs")[0].value == document


FULL: dict[str, Any] = {
    "name": "full",
    "target": {
        "kind": "http",
        "url": "https://example.com/",
        "method": "GET",
        "tls": {"verify": False},
        "expect_body": {"contains": "x"},
    },
    "schedule": {"kind": "cron", "expression": "0 1 * * *", "timezone": "Europe/Berlin"},
    "retry": {"attempts": 3},
    "calendars": [{"name": "works"}, {"name": "rest", "policy": "run_after"}],
    "after": {"jobs": ["load"]},
    "keep_runs": 7,
}


@pytest.mark.parametrize(
    "document",
    [
        FULL,
        {"name": "a", "target": {"kind": "http", "url": "http://x/"}, "schedule": "@daily"},
        {"name": "a", "target": {"kind": "command", "argv": ["a", ""], "limits": {"cpu": "1s"}}},
        {
            "name": "a",
            "target": {"kind": "command", "command": "x"},
            "schedule": "R5/2020-01-01T00:00:00Z/P1M",
            "misfire": {"deadline": None},
            "timeout": "P1D",
        },
        {
            "name": "a",
            "target": {"kind": "command", "command": "x"},
            "schedule": {"kind": "once", "at": "2030-01-01T00:00:00Z"},
        },
    ],
)
def test_a_slim_document_means_the_same(document: dict[str, Any]) -> None:
    """It is the same definition, made of no more than was written."""
    whole = definition_from_document(document)
    slim = slim_document(definition_to_document(whole))

    assert definition_from_document(slim) == whole
    assert slim_document(slim) == slim
    assert len(json.dumps(slim)) <= len(json.dumps(document)) + 10


def test_only_what_differs_from_the_defaults_is_written() -> None:
    """The kinds of target and schedule stay; the fields that say most come first."""
    slim = slim_document(definition_to_document(definition_from_document(FULL)))

    assert list(slim)[:3] == ["name", "schedule", "target"]
    assert slim == {**FULL, "target": {**FULL["target"], "tls": {"verify": False}}}


def test_every_job_gets_a_file_of_its_own(tmp_path: Path) -> None:
    """Named like it; files of other jobs are named, and left."""
    (tmp_path / "old.yaml").write_text("name: old\n")

    others = write_to(tmp_path, [{"name": "a"}, {"name": "b c"}], "yaml")

    assert others == [tmp_path / "old.yaml"]
    assert (tmp_path / "a.yaml").read_text() == "name: a\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "a.yaml",
        f"{file_name('b c')}.yaml",
        "old.yaml",
    ]


@given(st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=2))
def test_no_two_jobs_share_a_file(names: set[str]) -> None:
    """And every name is one that a file can have."""
    files = {file_name(name) for name in names}

    assert len(files) == len(names)
    for file in files:
        assert "/" not in file
        assert not file.startswith(".")
        assert len(f".{file}.yaml.new".encode(errors="replace")) <= 255


def test_json_is_a_list_that_can_be_read() -> None:
    """And an object in a file of its own."""
    assert json.loads(to_text([{"name": "ä"}], "json")) == [{"name": "ä"}]
