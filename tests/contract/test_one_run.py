"""``solocron run``: one command as the service would run it, and its exit status passed on."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from executor.cli import main
from executor.config.variables import VARIABLES
from tests.contract.command_workshop import CleanLeaving
from tests.contract.programs import is_alive, written_pids
from tests.waiting import eventually


def solocron_run(*arguments: str, **environ: str) -> Result:
    """Run ``solocron run`` with these arguments, and with no setting but *environ*."""
    ours = {name: None for v in VARIABLES for name in (v.name, *v.file_names)}
    return CliRunner().invoke(main, ["run", *arguments], env={**ours, **environ})


def reported(*arguments: str) -> dict[str, Any]:
    """Return what ``solocron run --json`` prints."""
    document: dict[str, Any] = json.loads(solocron_run("--json", *arguments).stdout)
    return document


class TestOneRun(CleanLeaving):
    """From the command line to the report."""

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (("echo 'a  b' $HOME",), "a  b $HOME\n"),
            (("--", "echo", "a  b", "--json"), "a  b --json\n"),
            (("echo", "--timeout", "x"), "--timeout x\n"),
            (("sh -c 'echo one; echo two >&2'",), "one\ntwo\n"),
        ],
    )
    def test_what_it_says_is_printed_as_it_is(self, words: tuple[str, ...], said: str) -> None:
        """One text is split into words, several words are taken as they are; no shell."""
        result = solocron_run(*words)
        assert (result.exit_code, result.stdout) == (0, said)
        assert result.stderr.startswith("solocron: exit status 0, after 0.")

    @pytest.mark.parametrize(
        ("arguments", "option"),
        [
            (("echo {{ secret.TOKEN }}",), "command"),
            (("echo", "{{ secret.TOKEN }}"), "1"),
            (("--env", "KEY={{ secret.TOKEN }}", "true"), "--env"),
        ],
    )
    def test_a_secret_is_refused_with_what_to_do_instead(
        self, arguments: tuple[str, ...], option: str
    ) -> None:
        """Nothing is said of a missing secret: nobody has looked for it."""
        result = solocron_run(*arguments)

        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"solocron: {option}: no store is asked here")
        assert "export a variable" in result.stderr
        assert "'TOKEN'" in result.stderr

    @pytest.mark.parametrize(
        ("arguments", "status", "words"),
        [
            (("sh -c 'exit 3'",), 3, "exit status 3"),
            (("sh -c 'kill -TERM $$'",), 128 + 15, "ended by signal SIGTERM"),
            (("--timeout", "0.2s", "sleep 1000"), 124, "not finished within 0.2 s"),
            (("no-such-program",), 127, "'no-such-program' could not be started"),
            (("--user", "no-such-user", "true"), 127, "there is no user 'no-such-user'"),
        ],
    )
    def test_the_exit_status_is_the_commands(
        self, arguments: tuple[str, ...], status: int, words: str
    ) -> None:
        """Or says, as shells do, why there is none."""
        result = solocron_run(*arguments)
        assert result.exit_code == status
        assert words in result.stderr

    def test_the_limits_are_those_of_a_job(self, tmp_path: Path) -> None:
        """Memory, output, mask, folder and variables reach the command."""
        made = tmp_path / "made"
        script = f"ulimit -v; pwd -P; echo $OWN; touch {shlex.quote(str(made))}"
        options = (
            "--memory",
            "64MiB",
            "--umask",
            "077",
            "--cwd",
            str(tmp_path),
            "--env",
            "OWN=a=b",
        )
        result = solocron_run(*options, "--", "sh", "-c", script)
        assert result.stdout == f"65536\n{tmp_path.resolve()}\na=b\n"
        assert made.stat().st_mode & 0o777 == 0o600
        cut = solocron_run("--output", "16B", "--", "sh", "-c", "echo aaaaaaaaaaaa; echo bbbbbbbb")
        assert cut.stdout == "aaaaaaaa\n[...]\nbbbbbbb\n"
        assert "of 22 bytes of output the middle is left out" in cut.stderr

    def test_the_environment_is_that_of_a_run(self) -> None:
        """Settings stay behind, and the run has an id and a job."""
        result = solocron_run("env", SOLOCRON_COMMANDS="on", MONGODB_URI="", CLOUDAMQP_URL="")
        names = dict(line.partition("=")[::2] for line in result.stdout.splitlines())
        assert {name for name in names if name.startswith("SOLOCRON_")} == {
            *("SOLOCRON_RUN_ID", "SOLOCRON_JOB", "SOLOCRON_ATTEMPT", "SOLOCRON_TERM"),
            "SOLOCRON_TRIGGER_ID",
        }
        assert names["SOLOCRON_JOB"] == "command-line"

    def test_everything_is_there_as_json(self) -> None:
        """One object; instants in UTC, seconds, and the output with its size."""
        document = reported("sh -c 'echo hello; exit 3'")
        assert document.pop("seconds") < 10
        assert document.pop("started_at") <= document.pop("finished_at")
        assert document == {
            "state": "failed",
            "exit_code": 3,
            "signal": None,
            "error": "exit status 3",
            "output": {"head": "hello\n", "tail": "", "size": 6, "complete": True},
        }
        killed = reported("sh -c 'kill -KILL $$'")
        assert (killed["exit_code"], killed["signal"]) == (None, "SIGKILL")
        absent = reported("no-such-program")
        assert (absent["state"], absent["started_at"]) == ("failed", None)

    def test_the_operators_decision_counts_here_too(self) -> None:
        """What the service would not run is not run, and the setting is named."""
        result = solocron_run("echo hello", SOLOCRON_COMMANDS="off")
        assert (result.exit_code, result.stdout) == (127, "")
        assert "SOLOCRON_COMMANDS is off" in result.stderr

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--memory", "512", "true"), "--memory: '512' is not a size"),
            (("--timeout", "soon", "true"), "--timeout: 'soon' is not a duration"),
            (("--umask", "9", "true"), "--umask: '9' is not a mask"),
            (("--env", "OWN", "true"), "write NAME=VALUE"),
            (("--env", "=x", "true"), "--env: a name must not be empty"),
            (("echo 'a",), "command: cannot be split into words"),
            ((), "Missing argument"),
        ],
    )
    def test_what_makes_no_job_is_refused_by_the_options_name(
        self, arguments: tuple[str, ...], words: str
    ) -> None:
        """Status 2, nothing is run, and the sentence is the one that the API gives."""
        result = solocron_run(*arguments)
        assert (result.exit_code, result.stdout) == (2, "")
        assert words in result.stderr

    def test_its_help_has_examples(self) -> None:
        """Both forms of a command, and limits."""
        text = solocron_run("--help").stdout
        assert 'solocron run "backup --all"' in text
        assert "solocron run --json -- rsync" in text

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_ending_it_ends_the_command_and_what_that_has_started(
        self, tmp_path: Path, number: signal.Signals
    ) -> None:
        """Ctrl-C cancels the run, as the service would; nothing is left behind."""
        pids = tmp_path / "pids"
        script = f"echo $$ >> {pids}; sleep 1000 & echo $! >> {pids}; wait"
        process = subprocess.Popen(
            (sys.executable, "-m", "executor.cli", "run", "--", "sh", "-c", script),
            cwd=Path(__file__).parents[2],
            env={**os.environ, "SOLOCRON_COMMANDS": "on"},
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        with process:
            found = written_pids(pids, 2)
            process.send_signal(number)
            _, stderr = process.communicate(timeout=30)
        assert process.returncode == 130
        assert b"solocron: cancelled, after" in stderr
        eventually(lambda: not any(map(is_alive, found)), 5, "the command's group is gone")
