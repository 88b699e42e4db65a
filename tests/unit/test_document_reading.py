"""Reading files of jobs: what a text means, where it stands, and what is wrong with it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.client.reading import MOST_NODES, read_all, read_text
from executor.client.source import Faulty


def values(text: str, **how: bool) -> list[object]:
    """Return the documents in *text*."""
    return [source.value for source in read_text(text, "jobs", **how)]


def faults(text: str, **how: bool) -> list[str]:
    """Return what is wrong with *text*."""
    with pytest.raises(Faulty) as caught:
        read_text(text, "jobs", **how)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("12:30", "12:30"),
        ("12:30:45", "12:30:45"),
        ("2026-12-01", "2026-12-01"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("22", 22),
        ("022", 22),
        ("0o22", 18),
        ("0x1F", 31),
        ("-1.5e3", -1500.0),
        ("'no'", "no"),
        ('"12"', "12"),
        ("! 12", "12"),
        ("!!str 12", "12"),
    ],
)
def test_what_stands_without_quotes_is_read_by_the_core_schema(written: str, meant: object) -> None:
    """Nothing that people write as a text becomes a truth value, a time or a date."""
    assert values(f"a: {written}\n") == [{"a": meant}]


def test_a_schedule_without_quotes_is_explained() -> None:
    """The most usual slip: a star begins an alias."""
    (found,) = faults("name: a\nschedule: */5 * * * *\n")

    assert found.startswith("jobs:2: is no YAML: ")
    assert "begins with `*` needs quotes" in found


def test_a_key_is_always_a_text() -> None:
    """``on`` is a field of retries, and no truth value."""
    assert values("retry: {on: [failed], 1: x, null: y}") == [
        {"retry": {"on": ["failed"], "1": "x", "null": "y"}}
    ]


def test_documents_follow_one_another_or_stand_in_a_list() -> None:
    """In YAML and in JSON; empty ones are passed over."""
    assert values("---\n---\na: 1\n---\n- b: 2\n- c: 3\n") == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert values('{"a": 1}\n{"b": 2}\n[{"c": 3}]', json=True) == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert values("") == values("", json=True) == []


def test_every_field_knows_its_line() -> None:
    """In nested objects and lists, in the second document, and in JSON."""
    text = "name: a\n---\n# comment\nname: b\ntarget:\n  kind: http\ntags:\n  - x\n  - y\n"
    source = read_text(text, "jobs")[1]

    assert source.line_of("name") == 4
    assert source.line_of("target.kind") == 6
    assert source.line_of("target.url") == 5
    assert source.line_of("tags.1") == 9
    assert source.line_of("nothing.at.all") == 4
    in_json = read_text('[{"a": 1},\n\n {"b":\n  {"c": 2}}]', "jobs", json=True)[1]
    assert [in_json.line_of(field) for field in ("", "b", "b.c")] == [3, 3, 4]


def test_all_faults_of_a_file_are_found_at_once() -> None:
    """Each with file, line and field; a key given twice names the first one."""
    text = "a: 1\nb: {c: 1, c: 2}\na: 3\nd: !!int 4\n<<: {e: 5}\n? [f]\n: 6\ng: .nan\n"

    assert faults(text) == [
        "jobs:2: b.c: is given twice, first in line 2; keep one",
        "jobs:3: a: is given twice, first in line 1; keep one",
        "jobs:4: d: the tag `tag:yaml.org,2002:int` is not taken; leave it out",
        "jobs:5: <<: merge keys are no part of YAML 1.2; write the fields",
        "jobs:6: a key has to be a text",
        "jobs:8: g: `.nan` is no finite number; quote it if it is a text",
    ]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: [1\nb: 2\n", 2, "is no YAML"),
        ("a:\n\t- 1\n", 2, "is no YAML"),
        ("just a text\n", 1, "a job is an object"),
        ("- 1\n", 1, "a job is an object"),
        ("a: *x\n", 1, "names no anchor"),
        ("a: " + "[" * 60 + "]" * 60, 1, "nested deeper"),
        ("a: \ud800\n", 1, "surrogate"),
        ("a: \x07\n", 0, "is no YAML"),
    ],
)
def test_what_is_no_yaml_is_a_fault_with_its_line(text: str, line: int, what: str) -> None:
    """And with words that say what it is."""
    (found,) = faults(text)

    assert found.startswith(f"jobs:{line}: " if line else "jobs: ")
    assert what in found


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a": 1,}', 1),
        ('{"a" 1}', 1),
        ('{"a":\n [1, 2}', 2),
        ('{"a": "x\ny"}', 1),
        ('{"a": nan}', 1),
        ("{'a': 1}", 1),
        ('{"a": 1', 1),
        ("{", 1),
        ('{"a": 01}', 1),
    ],
)
def test_what_is_no_json_is_a_fault_with_its_line(text: str, line: int) -> None:
    """A file that ends in .json is not read as YAML."""
    assert faults(text, json=True)[0].startswith(f"jobs:{line}: is no JSON: ")


def test_aliases_stand_for_what_their_anchor_holds() -> None:
    """And keep to the document: one that would blow up is refused."""
    assert values("a: &x [1, {b: 2}]\nc: *x\n") == [{"a": [1, {"b": 2}], "c": [1, {"b": 2}]}]
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    assert faults("\n".join(lines)) == [
        f"jobs:5: more than {MOST_NODES:,} values in one document; write fewer aliases"
    ]


def test_a_folder_is_read_in_the_order_of_its_paths(tmp_path: Path) -> None:
    """With the folders in it; hidden files and other endings are not."""
    for name, text in [
        ("b.yaml", "n: 1"),
        ("a/z.json", '{"n": 2}'),
        ("a/y.yml", "n: 3"),
        (".hidden.yaml", "n: 4"),
        (".git/x.yaml", "n: 5"),
        ("notes.txt", "n: 6"),
    ]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)

    assert [source.value["n"] for source in read_all([str(tmp_path)])] == [3, 2, 1]


def test_what_cannot_be_read_is_named_beside_the_other_faults(tmp_path: Path) -> None:
    """A missing file, an empty folder, bytes that are no UTF-8."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: caf\xe9\n")

    with pytest.raises(Faulty) as caught:
        read_all([str(tmp_path / name) for name in ("missing.yaml", "empty", "latin.yaml")])

    found = "\n".join(map(str, caught.value.faults))
    assert "missing.yaml: cannot be read: No such file" in found
    assert "empty: holds no *.yaml" in found
    assert "latin.yaml:2: is not UTF-8" in found


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    """It is read, or refused with faults; as YAML and as JSON."""
    for as_json in (False, True):
        with suppress(Faulty):
            read_text(text, "jobs", json=as_json)


@given(st.text(alphabet="{}[]:,&*!?|>-#'\"\\ \n\tab01<~.%@`", max_size=60))
def test_no_heap_of_signs_breaks_the_reader(text: str) -> None:
    """What YAML gives a meaning to, in any order."""
    test_no_text_breaks_the_reader.hypothesis.inner_test(text)  # type: ignore[attr-defined]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON_VALUES, max_size=4))
def test_json_is_read_as_the_standard_library_reads_it(document: dict[str, object]) -> None:
    """Whatever is in it, escaped or not, on one line or many."""
    for text in (json.dumps(document), json.dumps(document, ensure_ascii=False, indent=1)):
        assert values(text, json=True) == [document]
