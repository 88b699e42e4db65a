"""What every command of ``solocron`` has: examples, ``--json``, and the statuses of the README."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner, Result

from executor.cli import main
from executor.config.variables import VARIABLES

#: Commands without ``--json``, and why: what they print is nobody's answer.
WITHOUT_JSON: Final = {
    "serve": "runs until it is stopped; what it says is its log, JSON with SOLOCRON_LOG=json",
    "web": "as serve",
    "executor": "as serve",
    "worker": "as serve",
    "completion": "prints a script for a shell",
}

#: Commands that go by the service's settings, and end with 2 if these cannot be used.
BY_SETTINGS: Final = {
    *("serve", "web", "executor", "worker", "config", "run", "doctor"),
    *("token create", "token list", "token revoke"),
}

#: Commands that need neither a service nor its settings.
ALONE: Final = {"next", "completion", "logout"}

#: What each command is told that needs to be told something.
WORDS: Final = {
    "jobs show": ["x"],
    "jobs create": ["x", "--command", "true"],
    "jobs edit": ["x"],
    "jobs delete": ["x", "--yes"],
    "jobs pause": ["x"],
    "jobs resume": ["x"],
    "jobs trigger": ["x"],
    "runs show": ["x"],
    "runs cancel": ["x"],
    "runs logs": ["x"],
    "backfill": ["x", "--from", "2026-12-01T00:00:00Z", "--to", "2026-12-02T00:00:00Z"],
    "why": ["x", "--at", "2026-12-01T00:00:00Z"],
    "apply": ["-f", "jobs.yaml"],
    "import crontab": ["jobs.cron", "--timezone", "UTC", "--apply"],
    "import kala": ["http://127.0.0.1:9", "--apply"],
    "import simple-scheduler": ["http://127.0.0.1:9", "--apply"],
    "login": ["http://127.0.0.1:9"],
    "worker": ["json"],
    "run": ["true"],
    "token create": ["x", "--scope", "admin"],
    "token revoke": ["x"],
}


def walked(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command below *command* that is no group."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from walked(found, (*path, name))


COMMANDS: Final = [" ".join(path) for path in walked(main)]


def solocron(command: str, *words: str, **environ: str) -> Result:
    """Run *command* with these variables and none of our own; nobody serves at its address."""
    ours = {name: None for v in VARIABLES for name in (v.name, *v.file_names)}
    nobody = {"SOLOCRON_URL": "http://127.0.0.1:9", "SOLOCRON_TOKEN": "none", "no_proxy": "*"}
    settings = {**ours, **nobody, "VISUAL": "true", **environ}
    return CliRunner().invoke(main, [*command.split(), *words], env=settings)


def test_the_exceptions_are_commands() -> None:
    """None of them is gone, and each has its reason."""
    assert set(WITHOUT_JSON) | BY_SETTINGS | ALONE | set(WORDS) <= set(COMMANDS)
    assert all(WITHOUT_JSON.values())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_answers_programs_and_shows_examples(command: str) -> None:
    """``--json`` everywhere but where there is nothing to answer; an example in any case."""
    shown = solocron(command, "--help").stdout

    assert ("--json" in shown.partition("Options:")[2]) != (command in WITHOUT_JSON)
    assert "Example" in shown
    assert f"solocron {command}" in shown


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - BY_SETTINGS - {"completion"}))
def test_options_that_make_no_sense_end_a_command_of_the_service_with_1(command: str) -> None:
    """2 says that there is something to do."""
    result = solocron(command, "--no-such-option")

    assert result.exit_code == 1
    assert "No such option" in result.stderr


@pytest.mark.parametrize("command", sorted(BY_SETTINGS))
def test_settings_that_cannot_be_used_end_a_command_that_goes_by_them_with_2(command: str) -> None:
    """With the fault, and without a traceback."""
    result = solocron(command, *WORDS.get(command, ()), PORT="x")

    assert result.exit_code == 2
    assert "PORT" in result.stderr


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - BY_SETTINGS - ALONE))
def test_a_service_that_is_not_reached_ends_a_command_with_1(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words that say where it was looked for, and not as something that there is to do."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jobs.yaml").write_text("name: x\ntarget: {kind: command, command: 'true'}\n")
    (tmp_path / "jobs.cron").write_text("* * * * * true\n")

    result = solocron(command, *WORDS.get(command, ()))

    assert result.exit_code == 1, result.output
    assert "127.0.0.1:9" in result.stderr
    assert "Traceback" not in result.stderr
