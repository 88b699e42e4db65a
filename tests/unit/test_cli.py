"""The command line's own words: version, settings in force, and faults."""

from __future__ import annotations

import threading

import pytest
from click.testing import CliRunner, Result

from executor import __version__
from executor.cli import _end_with_any_thread, main
from executor.config.variables import VARIABLES


def solocron(command: str, **environ: str) -> Result:
    """Run *command* with these variables and none of our own."""
    ours = {name: None for v in VARIABLES for name in (v.name, *v.file_names)}
    return CliRunner().invoke(main, command, env={**ours, **environ})


def test_the_version_is_told() -> None:
    """One line with the name and the version."""
    assert solocron("--version").output == f"solocron {__version__}\n"


@pytest.mark.parametrize("command", ["serve", "web", "executor", "config"])
def test_every_command_is_described(command: str) -> None:
    """The help of each says what it does and shows no internal options."""
    help_text = solocron(f"{command} --help").output

    assert command in solocron("--help").output
    assert "lifeline" not in help_text
    assert "listener" not in help_text


def test_the_settings_in_force_are_shown_without_secrets() -> None:
    """Each with its value and where that comes from; a password is never printed."""
    result = solocron(
        "config",
        PORT="9000",
        CLOUDAMQP_URL="amqp://cron:s3cret@rabbit.example.com/v",
        MONGODB_URI="mongodb://cron:s3cret@m0.example.com/cron",
    )

    lines = {line.split()[0]: line.split()[1:] for line in result.output.splitlines()}
    assert result.exit_code == 0
    assert lines["PORT"] == ["9000", "PORT"]
    assert lines["SOLOCRON_GRACE"] == ["25s", "default"]
    assert lines["RABBITMQ_URL"] == ["amqp://cron:***@rabbit.example.com/v", "CLOUDAMQP_URL"]
    assert "s3cret" not in result.output


@pytest.mark.parametrize("command", ["serve", "web", "executor", "config"])
def test_faulty_settings_end_every_command_with_status_2(command: str) -> None:
    """All faults are shown; nothing else happens."""
    result = solocron(command, PORT="x", SOLOCRON_LOG="xml")

    assert result.exit_code == 2
    assert [line.split()[0] for line in result.stderr.splitlines()[1:]] == ["PORT", "SOLOCRON_LOG"]
    assert result.stdout == ""


def test_doubtful_settings_are_shown_with_the_others() -> None:
    """What the service would warn of at its start is in the list as well."""
    assert "Note: jobs are kept in data" in solocron("config", DYNO="web.1").output


def test_a_thread_that_dies_of_an_error_ends_the_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an executor must not go on holding the token; the error is reported first."""
    reports: list[object] = []
    monkeypatch.setattr(threading, "excepthook", reports.append)
    ended = threading.Event()
    _end_with_any_thread(ended.set)

    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()

    assert ended.is_set()
    assert len(reports) == 1
