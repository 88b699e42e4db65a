"""``solocron next`` and ``completion``: what needs no service."""

from __future__ import annotations

import json

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner, Result

from executor.cli import main

FROM = ("--after", "2026-10-23T12:00:00Z")


def solocron(*arguments: str) -> Result:
    """Run a command where no service is."""
    return CliRunner().invoke(main, arguments, env={"SOLOCRON_URL": "http://127.0.0.1:9"})


def test_the_next_fire_times_are_told_on_both_clocks() -> None:
    """Across the change of the clocks, which is noted."""
    result = solocron("next", "30 2 * * *", "--tz", "Europe/Berlin", "-n", "3", *FROM)

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "At 02:30 AM  (Europe/Berlin)"
    assert [line.split()[:5] for line in lines[3:]] == [
        ["Sat", "2026-10-24", "02:30:00", "+0200", "2026-10-24T00:30:00Z"],
        ["Sun", "2026-10-25", "02:30:00", "+0200", "2026-10-25T00:30:00Z"],
        ["Mon", "2026-10-26", "02:30:00", "+0100", "2026-10-26T01:30:00Z"],
    ]
    assert "go back" in result.stderr


def test_it_is_written_as_the_api_writes_a_preview() -> None:
    """The same fields, for programs."""
    written = solocron("next", "0 0 9 ? * MON", "--dialect", "quartz", "--json", *FROM)

    document = json.loads(written.stdout)
    assert set(document) == {"description", "fire_times", "warnings"}
    assert document["fire_times"][0]["utc"] == "2026-10-26T09:00:00Z"


def test_an_interval_is_an_expression_too() -> None:
    """It is told by its form."""
    result = solocron("next", "R/2026-12-01T00:00:00Z/PT90M", "-n", "2", *FROM)

    assert "2026-12-01T01:30:00Z" in result.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("61 * * * *",), "EXPRESSION: minute `61`"),
        (("@daily", "--tz", "Berlin"), "--tz: there is no zone `Berlin`"),
        (("@daily", "--dialect", "cron9"), "--dialect: "),
        (("@daily", "--after", "soon"), "--after: 'soon' is not an instant"),
        (("@daily", "-n", "0"), "'-n'"),
    ],
)
def test_a_fault_is_told_by_its_option(words: tuple[str, ...], says: str) -> None:
    """All of them, with status 1."""
    result = solocron("next", *words)

    assert result.exit_code == 1
    assert says in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str) -> None:
    """By a script that asks this very program."""
    result = solocron("completion", shell)

    assert result.exit_code == 0
    assert f"_SOLOCRON_COMPLETE={shell}_complete" in result.stdout


def completed(*words: str) -> list[str]:
    """Return what is offered for the last of *words*."""
    shell = BashComplete(main, {}, "solocron", "_SOLOCRON_COMPLETE")
    return [one.value for one in shell.get_completions(list(words[:-1]), words[-1])]


def test_commands_and_options_are_completed() -> None:
    """Of groups as well."""
    assert completed("jo") == ["jobs"]
    assert completed("jobs", "tr") == ["trigger"]
    assert completed("jobs", "list", "--ow") == ["--owner"]


def test_without_a_service_no_name_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is printed into the line."""
    monkeypatch.setenv("SOLOCRON_URL", "http://127.0.0.1:9")

    assert completed("jobs", "show", "n") == []
