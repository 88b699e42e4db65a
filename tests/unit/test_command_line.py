"""The command of a target: split first, filled in afterwards, and nothing in a value is obeyed."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.domain.command_line import render, unsafe_values, words
from executor.domain.errors import InvalidJob
from executor.domain.job import definition_from_document
from executor.domain.template import Value

#: Would say so if a shell obeyed it.
EVIL = "x'; echo OBEYED; $(echo OBEYED) `echo OBEYED` \"; echo OBEYED #\necho OBEYED"


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("echo {{ job.name }}", ("echo", EVIL)),
        ('echo "{{ job.name }}"', ("echo", EVIL)),
        ("echo '{{ job.name }}'", ("echo", EVIL)),
        ("echo --name={{ job.name }}", ("echo", f"--name={EVIL}")),
        ("echo {{ job.name | shell }}", ("echo", shlex.quote(EVIL))),
        ("{{ job.name }}", (EVIL,)),
        ("a{{ run.id }}b{{ run.id }}", ("a7b7",)),
        ("bash -c 'echo {{ job.name }}'", ("bash", "-c", f"echo {shlex.quote(EVIL)}")),
        ("bash -c 'echo {{ job.name | shell }}'", ("bash", "-c", f"echo {shlex.quote(EVIL)}")),
        ("bash -lc {{ job.name }}", ("bash", "-lc", shlex.quote(EVIL))),
        ("echo 'a {{ run.id }}' ''", ("echo", "a 7", "")),
        ("docker ps --format '{{{{.Names}}'", ("docker", "ps", "--format", "{{.Names}}")),
        ("plain 'a b' c", ("plain", "a b", "c")),
    ],
)
def test_a_value_never_begins_another_word(text: str, rendered: tuple[str, ...]) -> None:
    """And where a shell may read the word it is quoted for it."""
    assert unsafe_values(text) == []
    assert render(text, {"job.name": EVIL, "run.id": "7"}) == rendered


SCRIPTS = [
    "echo {{ job.name }}",
    "echo \"it's\" {{ job.name }} | cat; echo '\"' {{ job.name }}",
    "# don't\necho {{ job.name }}",
    "echo ${#HOME} {{ job.name }}",
    "if [ {{ job.name }} = a ]; then echo b; else echo c; fi",
    'X={{ job.name }}; echo "$X"',
    "echo $(echo {{ job.name }})",
    "(echo {{ job.name }})",
    "echo a\\\\{{ job.name }}",
    "echo a#b{{ job.name }}",
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_shell_does_not_obey_what_is_in_a_value(script: str) -> None:
    """Whatever is accepted in a script is run by a real shell and obeys nothing."""
    text = f"bash -c {shlex.quote(script)}"
    assert unsafe_values(text) == []
    done = subprocess.run(
        render(text, {"job.name": EVIL}), capture_output=True, text=True, check=False, timeout=20
    )
    assert "syntax error" not in done.stderr
    assert all(not line.startswith("OBEYED") for line in _obeyed(done.stdout))


def _obeyed(output: str) -> list[str]:
    """Return the lines of *output* that are no part of the value as it was given."""
    for whole in (EVIL, " ".join(EVIL.split("\n"))):
        output = output.replace(whole, "")
    return output.splitlines()


@pytest.mark.parametrize(
    "script",
    [
        'echo "{{ job.name }} b"',
        "echo '{{ job.name }} b'",
        "echo `echo {{ job.name }}`",
        "echo a # {{ job.name }}",
        "echo \\{{ job.name }}",
        "echo ${{ job.name }}",
        "echo $'a\\'b {{ job.name }}'",
        'echo "$(echo "{{ job.name }}")"',
        'echo "${A:-"{{ job.name }}"}"',
        "cat <<< {{ job.name }}",
        "cat <<EOF\n{{ job.name }}\nEOF",
        "echo $(( 1 + {{ job.name }} ))",
        "a[{{ job.name }}]=1",
        "a[i+{{ job.name }}]=1",
        '# a \\\necho "\n {{ job.name }}"',
    ],
)
def test_a_value_where_quotes_do_not_hold_is_refused(script: str) -> None:
    """When the job is saved, with what to write instead."""
    target = {"kind": "command", "command": f"bash -c {shlex.quote(script)}"}
    with pytest.raises(InvalidJob) as refused:
        definition_from_document({"name": "job", "target": target})

    [fault] = refused.value.faults
    assert fault.field == "target.command"
    assert "`{{ job.name }}` stands where a shell could obey" in fault.message
    assert '"$NAME"' in fault.message


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["'", '"', "`", "\\", "$", "(", ")", " ", "#", "\n", "a"]), max_size=6
    ),
    st.text(alphabet="'\"`$()\\ ;#\na", max_size=12),
)
def test_whatever_surrounds_it_a_value_that_is_accepted_is_not_obeyed(
    around: list[str], noise: str
) -> None:
    """A real shell either takes the value as one word or cannot read the script at all."""
    text = f"sh -c {shlex.quote(''.join(around) + ' printf %s {{ job.name }}')}"
    value = f"{noise}; echo OBEYED\n$(echo OBEYED >&2)`echo OBEYED >&2`"
    if unsafe_values(text):
        return
    done = subprocess.run(
        render(text, {"job.name": value}), capture_output=True, text=True, check=False, timeout=20
    )
    assert "OBEYED" not in done.stdout.replace(value, "").replace(f"{value}\n", "")


def test_words_are_those_of_a_shell_with_their_values_in_place() -> None:
    """Whatever stands between braces is one value, also with blanks in it."""
    assert words("a 'b {{ run.id | url }}' c") == (("a",), ("b ", Value("run.id", "url")), ("c",))
