"""The command line's own words: version, settings in force, and faults."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, Final

import click
import pytest
from click.testing import CliRunner, Result

from executor import __version__, console
from executor.cli import main
from executor.commands.later import LaterGroup
from executor.commands.settings import end_with_any_thread
from executor.config.variables import VARIABLES

#: What only some commands need, and takes long to import.
HEAVY: Final = {"pydantic", "yaml", "rich", "http.client", "executor.config", "croniter"}


def solocron(command: str, **environ: str) -> Result:
    """Run *command* with these variables and none of our own."""
    ours = {name: None for v in VARIABLES for name in (v.name, *v.file_names)}
    return CliRunner().invoke(main, command, env={**ours, **environ})


def test_the_processes_of_an_instance_load_no_more_than_they_need() -> None:
    """Those that serve know no jobs yet: a failover waits for every import."""
    modules = "executor.commands.processes, executor.cli"
    loaded = f"import sys, {modules}; print(*{{'pydantic', 'yaml', 'flask'}} & sys.modules.keys())"

    command = [sys.executable, "-c", loaded]
    told = subprocess.run(command, check=False, capture_output=True, text=True)

    assert (told.stdout, told.stderr) == ("\n", "")


def test_the_version_is_told() -> None:
    """One line with the name and the version."""
    assert solocron("--version").output == f"solocron {__version__}\n"


@pytest.mark.parametrize("command", ["serve", "web", "executor", "config", "run", "why", "worker"])
def test_every_command_is_described(command: str) -> None:
    """The help of each says what it does and shows no internal options."""
    help_text = solocron(f"{command} --help").output

    assert command in solocron("--help").output
    assert "lifeline" not in help_text
    assert "listener" not in help_text


@pytest.mark.parametrize(("words", "meant"), [(["job"], "jobs"), (["jobs", "lits"], "list")])
def test_a_mistyped_command_is_told_what_was_meant_perhaps(words: list[str], meant: str) -> None:
    """With the status of every wrong use."""
    result = CliRunner().invoke(main, words)

    assert result.exit_code == 2
    assert f"Did you mean '{meant}'?" in result.stderr
    assert "Did you mean" not in CliRunner().invoke(main, ["qqq"]).stderr


def test_the_settings_in_force_are_shown_without_secrets() -> None:
    """Each with its value and where that comes from; a password is never printed."""
    result = solocron(
        "config",
        PORT="9000",
        CLOUDAMQP_URL="amqp://cron:s3cret@rabbit.example.com/v",
        MONGODB_URI="mongodb://cron:s3cret@m0.example.com/cron",
        SOLOCRON_SESSION="43200",
        SOLOCRON_ADMIN_TOKEN="s3cret://0123456789abcdefghijklmnopqrstuvwxyz",
    )

    lines = {line.split()[0]: line.split()[1:] for line in result.output.splitlines()}
    assert result.exit_code == 0
    assert lines["PORT"] == ["9000", "PORT"]
    assert lines["SOLOCRON_GRACE"] == ["25s", "default"]
    assert lines["SOLOCRON_AUDIT_KEEP"] == ["365d", "default"]
    assert lines["SOLOCRON_SESSION"] == ["12h", "SOLOCRON_SESSION"]
    assert lines["RABBITMQ_URL"] == ["amqp://cron:***@rabbit.example.com/v", "CLOUDAMQP_URL"]
    assert "s3cret" not in result.output


@pytest.mark.parametrize("command", ["serve", "web", "executor", "config", "run true"])
def test_faulty_settings_end_every_command_with_status_2(command: str) -> None:
    """All faults are shown; nothing else happens."""
    result = solocron(command, PORT="x", SOLOCRON_LOG="xml")

    assert result.exit_code == 2
    assert [line.split()[0] for line in result.stderr.splitlines()[1:]] == ["PORT", "SOLOCRON_LOG"]
    assert result.stdout == ""


def test_doubtful_settings_are_shown_with_the_others() -> None:
    """What the service would warn of at its start is in the list as well."""
    assert (
        "Note: jobs are kept in data" in solocron("config", DYNO="web.1", SOLOCRON_AUTH="on").output
    )


def test_a_thread_that_dies_of_an_error_ends_the_executor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an executor must not go on holding the token; the error is reported first."""
    reports: list[object] = []
    monkeypatch.setattr(threading, "excepthook", reports.append)
    ended = threading.Event()
    end_with_any_thread(ended.set)

    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()

    assert ended.is_set()
    assert len(reports) == 1


ANSWER: dict[str, Any] = {
    "at": "2026-12-01T02:30:00Z",
    "slot": True,
    "verdict": "skipped",
    "sentence": "It was skipped: the job was paused.",
    "before": None,
    "after": "2026-12-02T02:30:00Z",
    "revision": 3,
    "run": {
        "id": "r1",
        "cause": "schedule",
        "state": "skipped",
        "reason": "paused",
        "due_at": None,
        "started_at": None,
        "finished_at": "2026-12-01T02:30:01Z",
    },
    "decided_by": {"term": 7, "instance": None, "at": "2026-12-01T02:30:01Z"},
}


def test_why_says_it_first_and_then_shows_the_facts() -> None:
    """The sentence, a blank line, one fact a line; what is not known is not left out."""
    lines = console.in_words(ANSWER, "nightly").splitlines()

    assert lines[:2] == ["It was skipped: the job was paused.", ""]
    assert [line.split(None, 1) for line in lines[2:]] == [
        ["job", "nightly, revision 3"],
        ["instant", "2026-12-01T02:30:00Z, a fire time"],
        ["verdict", "skipped"],
        ["before", "none"],
        ["after", "2026-12-02T02:30:00Z"],
        ["run", "r1, schedule, skipped (paused)"],
        ["finished", "2026-12-01T02:30:01Z"],
        ["decided", "2026-12-01T02:30:01Z by an instance that is forgotten, term 7"],
    ]


def test_why_of_no_fire_time_shows_no_run() -> None:
    """Nothing was decided, and it says that it was none."""
    answer = {**ANSWER, "slot": False, "revision": None, "run": None, "decided_by": None}

    shown = console.in_words(answer, "nightly")

    assert "2026-12-01T02:30:00Z, no fire time" in shown
    assert "decided" not in shown


def test_why_without_an_instance_says_where_it_looked() -> None:
    """Status 1 and a sentence with the address and what to do; PORT moves the default."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    result = solocron("why nightly --at 2026-12-01T02:30:00Z", PORT=str(port), SOLOCRON_URL="")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"solocron: http://127.0.0.1:{port} does not answer (")
    assert "--url" in result.stderr


@pytest.mark.parametrize("url", ["localhost:8000", "http://[::1", "nonsense"])
def test_why_refuses_what_is_no_address(url: str) -> None:
    """In words, never with a traceback."""
    result = solocron(f"why nightly --at 2026-12-01T02:30:00Z --url {url}")

    assert result.exit_code == 1
    assert result.stderr.startswith(f"solocron: {url} ")
    assert "Traceback" not in result.stderr


def test_the_address_of_why_is_no_fault_of_the_service() -> None:
    """Where SOLOCRON_URL is set, an instance can be started all the same."""
    assert solocron("config", SOLOCRON_URL="http://127.0.0.1:8000").exit_code == 0


def groups() -> Iterator[LaterGroup]:
    """Yield the command line and each of its groups."""
    waiting: list[click.Command] = [main]
    while waiting:
        group = waiting.pop()
        if isinstance(group, LaterGroup):
            yield group
            context = click.Context(group)
            waiting += [
                found for name in group.later if (found := group.get_command(context, name))
            ]


@pytest.mark.parametrize("group", list(groups()), ids=lambda group: group.name)
def test_what_a_group_says_of_its_commands_is_what_they_say_themselves(group: LaterGroup) -> None:
    """The list does without importing them, and must not fall behind."""
    for name, later in group.later.items():
        command = group.get_command(click.Context(group), name)

        assert command is not None
        assert command.name == name
        assert (name, later.about) == (name, command.get_short_help_str(limit=1000).rstrip("."))


def test_no_command_is_imported_for_a_list_of_them() -> None:
    """Help, and a shell that completes a word, cost a tenth of a second and no more."""
    code = "from executor.cli import main; main(['--help'], standalone_mode=False)"
    program = f"import sys\n{code}\nprint('loaded', *[m for m in sys.modules if m in {HEAVY}])"

    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)

    assert told.stdout.decode().splitlines()[-1] == "loaded"


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, with all its words."""

    def below(words: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
        if not isinstance(command, click.Group):
            yield words.strip(), command
            return
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from below(f"{words} {name}", found)

    yield from below("", main)


COMMANDS: Final = dict(every_command())


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_help_with_an_example(words: str) -> None:
    """One that can be typed as it stands."""
    text = COMMANDS[words].help or ""

    assert f"solocron {words}" in text
    assert "Example" in text


def test_the_settings_are_told_to_programs() -> None:
    """As objects with the same facts, and no secret either."""
    result = solocron("config --json", SOLOCRON_ADMIN_TOKEN="s3cret" * 8, PORT="9000")

    (port,) = [one for one in json.loads(result.stdout) if one["name"] == "PORT"]
    assert port.pop("meaning")
    assert port == {"name": "PORT", "value": "9000", "origin": "PORT"}
    assert "s3cret" not in result.output
