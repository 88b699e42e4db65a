"""Templates: what is filled in, what stays, and what is said about a wrong one."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.domain import template
from executor.domain.errors import InvalidJob
from executor.domain.job import definition_from_document
from executor.domain.template import LONGEST, NAMES, faults, render, secrets_in

VALUES = {"job.name": 'a "b" & c/~', "run.id": "7"}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("", ""),
        ("plain { } }} text", "plain { } }} text"),
        ("{{ run.id }}", "7"),
        ("{{run.id}}{{  run.id\t}}", "77"),
        ('{"a":{"b":"{{ run.id }}"}}', '{"a":{"b":"7"}}'),
        ('{"a":{"b":{{ job.name | json }}}}', '{"a":{"b":"a \\"b\\" & c/~"}}'),
        ("?q={{ job.name|url }}", "?q=a%20%22b%22%20%26%20c%2F%7E"),
        ("{{ job.name | shell }}", "'a \"b\" & c/~'"),
        ("{{{{ run.id }}", "{{ run.id }}"),
        ("{{{{{{ run.id }}", "{{7"),
        ("{{{ run.id }}}", "{7}"),
        ("{{{{{{{ run.id }}", "{{{7"),
        ("{{{{{{{{", "{{{{"),
    ],
)
def test_values_take_the_place_of_their_names(text: str, rendered: str) -> None:
    """Everything else stays as it is, and two braces that stay are written four times."""
    assert faults(text) == []
    assert render(text, VALUES) == rendered


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a {{ run.id", "`{{` at character 3 is not closed"),
        ("{{ run.id }", "write `}}` after the name"),
        ("{{ }}", "at character 1 names nothing; write one of run.id, "),
        ("{{ job.nam }}", "`job.nam`, which does not exist; write `job.name`"),
        ("{{.Names}}", "for braces that stay write `{{{{`"),
        ("{{ xyzzy }}", f"there are {', '.join(NAMES)}, secret.NAME"),
        ("{{ Run.Id }}", "does not exist"),
        ("{{ run.id | upper }}", "the filter `upper`; there are json, url, shell"),
        ("{{ run.id | url | json }}", "takes one filter"),
        ("{{ run.id | }}", "the filter ``"),
        ("{{ secret. }}", "names no secret"),
        ("{{ secret.a b }}", "letters, digits, `_` or `-`"),
        ("{{ secret.9 }}", "names no secret"),
        ("{{ run.id.__class__ }}", "does not exist"),
    ],
)
def test_a_wrong_template_is_explained(text: str, says: str) -> None:
    """With the place, and with what to write instead."""
    [fault] = faults(text)

    assert says in fault
    with pytest.raises(ValueError, match="at character"):
        render(text, VALUES)


def test_all_mistakes_are_told_at_once_but_not_without_end() -> None:
    """Ten of them; the text may hold a hundred thousand."""
    assert len(faults("{{ a }} {{ b }}")) == 2
    assert len(faults("{{ a }}" * 100_000)) == 10


def test_what_is_put_in_is_not_read_again() -> None:
    """A value is no template, whatever it holds."""
    assert render("{{ job.name }}", {"job.name": "{{ run.id }}"}) == "{{ run.id }}"


def test_a_text_does_not_grow_without_limit() -> None:
    """A short template cannot fill the memory with a long value."""
    with pytest.raises(ValueError, match="longer than 4,000,000 characters"):
        render("{{ job.name }}" * 5, {"job.name": "x" * (LONGEST // 4)})


def test_a_value_that_is_not_there_is_an_error() -> None:
    """It names the place and says no more."""
    with pytest.raises(ValueError, match=r"there is no value for `secret\.A`"):
        render("{{ secret.A }}", VALUES)


def test_the_secrets_of_a_text_are_known() -> None:
    """By the places that ask for them, each once; text that only looks so asks for none."""
    text = "{{ secret.A }} {{secret.b-2|url}} {{ secret.A }} secret.C {{{{ secret.D }}"

    assert secrets_in(text) == {"A", "b-2"}


@given(st.text(), st.sampled_from(sorted(template.FILTERS)))
def test_a_filter_keeps_the_value(value: str, name: str) -> None:
    """Who undoes what it does has the value again."""
    if not value.isascii() and name == "url":
        value = value.encode("utf-8", "ignore").decode()
    written = render(f"{{{{ job.name | {name} }}}}", {"job.name": value})

    if name == "json":
        assert json.loads(written) == value
    elif name == "url":
        assert unquote(written) == value


@given(st.text(alphabet="{} |runid.secret\\'\"a"))
def test_every_text_is_either_explained_or_rendered(text: str) -> None:
    """Nothing is half a template."""
    values = dict.fromkeys(NAMES, "x")
    if faults(text):
        with pytest.raises(ValueError, match="character"):
            render(text, values)
    else:
        for name in secrets_in(text):
            values[f"secret.{name}"] = "x"
        assert isinstance(render(text, values), str)


HTTP = {"kind": "http", "url": "http://example.com"}
COMMAND = {"kind": "command", "argv": ["true"]}


def faults_of(target: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidJob) as refused:
        definition_from_document({"name": "job", "target": target})
    return {fault.field: fault.message for fault in refused.value.faults}


@pytest.mark.parametrize(
    ("target", "field"),
    [
        ({**HTTP, "url": "http://example.com/{{ nothing }}"}, "target.url"),
        ({**HTTP, "headers": {"X-Own": "{{ nothing }}"}}, "target.headers.X-Own"),
        ({**HTTP, "body": "{{ nothing"}, "target.body"),
        ({"kind": "command", "command": "echo {{ nothing }}"}, "target.command"),
        ({"kind": "command", "argv": ["echo", "{{ nothing }}"]}, "target.argv.1"),
        ({**COMMAND, "env": {"OWN": "{{ nothing }}"}}, "target.env.OWN"),
    ],
)
def test_a_wrong_template_is_refused_when_the_job_is_saved(
    target: dict[str, Any], field: str
) -> None:
    """The fault names the field."""
    found = faults_of(target)

    assert list(found) == [field]
    assert "`{{` at character" in found[field]


def test_the_fixed_part_of_an_address_is_judged_when_the_job_is_saved() -> None:
    """Unless it begins with a value, which may be the whole of it."""
    assert "absolute URL" in faults_of({**HTTP, "url": "ftp://{{ job.name }}/"})["target.url"]
    for url in ("{{ secret.HOOK }}", "https://{{ secret.HOST }}/{{ job.name | url }}?{{ run.id }}"):
        definition_from_document({"name": "job", "target": {**HTTP, "url": url}})
