"""The launcher contract on programs: what they find, and how their end is told."""

import os
import shlex
from pathlib import Path

import pytest

from executor.adapters.command_target import CommandLauncher
from executor.adapters.system_clock import SystemClock
from executor.domain.run import RunState
from executor.domain.targets import CommandTarget
from executor.ports.target import Launcher, WorkListener
from tests.contract.command_workshop import GRACE_S, LINGER_S, CleanLeaving, CommandWorkshop
from tests.contract.launcher_contract import LauncherLaw, make_work
from tests.contract.programs import python, run, said, shell
from tests.fakes.work_log import WorkLog


class TestCommandLauncher(CleanLeaving, LauncherLaw):
    """The law."""

    @pytest.fixture(autouse=True)
    def _trace(self, tmp_path: Path) -> None:
        self.trace = tmp_path / "touched"

    def make_launcher(self, listener: WorkListener, parallel: int) -> Launcher:
        return CommandLauncher(
            listener, SystemClock(), parallel=parallel, grace_s=GRACE_S, linger_s=LINGER_S
        )

    def _tracing(self, script: str) -> CommandTarget:
        return shell(f"echo $SOLOCRON_RUN_ID >> {shlex.quote(str(self.trace))}; {script}")

    def quick(self) -> CommandTarget:
        return self._tracing("echo hello")

    def failing(self) -> CommandTarget:
        return self._tracing("echo it broke >&2; exit 3")

    def impossible(self) -> CommandTarget:
        return CommandTarget(argv=("/no/such/program",))

    def hanging(self) -> CommandTarget:
        return self._tracing("exec sleep 1000")

    def endless(self) -> CommandTarget:
        return CommandTarget(argv=("yes", "again and again"))

    def touched(self) -> list[str]:
        return self.trace.read_text().split() if self.trace.exists() else []


class TestOutcome(CommandWorkshop):
    """From the way a program ends to the outcome."""

    def test_both_streams_are_one_in_the_order_written(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """Standard output and standard error are read as they would appear on a terminal."""
        outcome = run(launcher, log, shell("echo one; echo two >&2; echo three; echo four >&2"))
        assert said(outcome) == "one\ntwo\nthree\nfour\n"
        assert (outcome.state, outcome.exit_code) == (RunState.SUCCEEDED, 0)

    def test_silence_is_no_output(self, launcher: Launcher, log: WorkLog) -> None:
        """A program that says nothing succeeds without an output."""
        assert run(launcher, log, CommandTarget(command="true")).output is None

    def test_bytes_that_are_no_text_are_replaced(self, launcher: Launcher, log: WorkLog) -> None:
        """Whatever is not UTF-8 becomes U+FFFD, the rest stays."""
        assert (
            said(run(launcher, log, shell(r"printf 'a\377b\303\274'")))
            == "a\N{REPLACEMENT CHARACTER}bü"
        )

    def test_templates_are_filled_in_for_each_run(self, launcher: Launcher, log: WorkLog) -> None:
        """Of a command, an argv and an environment; nothing in a value is obeyed."""
        evil = "a; echo b"
        text = CommandTarget(command="sh -c 'echo {{ job.name }} {{ run.id }}'")
        words = CommandTarget(argv=("printenv", "OWN"), env={"OWN": "{{ job.name }}"})
        launcher.start([make_work(text, "text", job=evil), make_work(words, "words", job=evil)])
        log.wait_for_ends(2)
        assert said(log.outcomes["text"]) == "a; echo b text\n"
        assert said(log.outcomes["words"]) == "a; echo b\n"

    def test_a_template_that_cannot_be_filled_in_is_a_failure(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """Nothing is run, and the error names the field."""
        outcome = run(launcher, log, CommandTarget(command="echo {{ nothing }}"))
        assert outcome.state is RunState.FAILED
        assert "target.command: `{{` at character 6" in str(outcome.error)

    def test_an_exit_status_other_than_zero_is_a_failure(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """The status is kept and named."""
        outcome = run(launcher, log, shell("exit 3"))
        assert (outcome.state, outcome.exit_code) == (RunState.FAILED, 3)
        assert outcome.error == "exit status 3"

    def test_an_end_by_signal_is_named(self, launcher: Launcher, log: WorkLog) -> None:
        """A program that somebody else killed failed, and there is no exit code to show."""
        outcome = run(launcher, log, shell("kill -KILL $$"))
        assert (outcome.state, outcome.exit_code) == (RunState.FAILED, None)
        assert outcome.error == "ended by signal SIGKILL"

    def test_what_cannot_be_started_says_why(
        self, launcher: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """A missing program, a missing folder, no permission and no program at all: in words."""
        text = tmp_path / "text"
        text.write_text("hello\n")
        script = tmp_path / "script"
        script.write_text("echo hello\n")
        script.chmod(0o755)
        missing = "No such file or directory"
        bare = "Exec format error; a script needs a first line such as #!/bin/sh"
        wanted = [
            (
                CommandTarget(command="no-such-program --now"),
                f"'no-such-program' could not be started: {missing}",
            ),
            (
                CommandTarget(command="true", cwd="/no/such/folder"),
                f"the working directory '/no/such/folder' cannot be entered: {missing}",
            ),
            (
                CommandTarget(argv=(str(text),)),
                f"{str(text)!r} could not be started: Permission denied",
            ),
            (
                CommandTarget(argv=(str(script),)),
                f"{str(script)!r} could not be started: {bare}",
            ),
        ]
        for number, (target, _) in enumerate(wanted):
            launcher.start([make_work(target, f"run-{number}")])
        log.wait_for_ends(len(wanted))
        errors = [log.outcomes[f"run-{number}"].error for number in range(len(wanted))]
        assert errors == [error for _, error in wanted]
        assert log.started_at == {}


class TestSurroundings(CommandWorkshop):
    """What a program finds when it starts."""

    def test_the_environment_says_which_run_it_is(self, launcher: Launcher, log: WorkLog) -> None:
        """Run, job, fire time, attempt, term and trigger id are variables; the job adds its own."""
        script = "env | grep -E '^(SOLOCRON_|OWN=)' | sort"
        target = CommandTarget(
            argv=("sh", "-c", script),
            env={"OWN": "ä", "SOLOCRON_RUN_ID": "forged", "SOLOCRON_ELSE": "x"},
        )
        launcher.start([make_work(target, job="Müll & Co", attempt=2)])
        assert said(log.wait_for_end("run")).splitlines() == [
            "OWN=ä",
            "SOLOCRON_ATTEMPT=2",
            "SOLOCRON_ELSE=x",
            "SOLOCRON_FIRE_TIME=2026-12-01T12:00:00Z",
            "SOLOCRON_JOB=Müll & Co",
            "SOLOCRON_RUN_ID=run",
            "SOLOCRON_TERM=17",
            "SOLOCRON_TRIGGER_ID=run-trigger",
        ]

    def test_a_run_without_a_slot_has_no_fire_time(self, launcher: Launcher, log: WorkLog) -> None:
        """Not even one that the job defines."""
        target = CommandTarget(command="env", env={"SOLOCRON_FIRE_TIME": "forged"})
        launcher.start([make_work(target, fire_at=None)])
        assert "SOLOCRON_FIRE_TIME" not in said(log.wait_for_end("run"))

    def test_programs_do_not_see_the_executors_secrets(self, log: WorkLog) -> None:
        """Settings and credentials stay behind, PATH and the like go along."""
        secrets = ("RABBITMQ_URL", "CLOUDAMQP_URL", "MONGODB_URI", "MONGODB_URL", "VCAP_SERVICES")
        environ = {
            "PATH": os.environ["PATH"],
            "TZ": "Europe/Berlin",
            **dict.fromkeys(secrets, "secret"),
            **{f"{name}_FILE": "secret" for name in secrets},
            "SOLOCRON_API_TOKEN": "secret",
            "SOLOCRON_API_TOKEN_FILE": "secret",
        }
        launcher = CommandLauncher(log, SystemClock(), environ=environ)
        outcome = run(launcher, log, CommandTarget(command="env"))
        launcher.stop()
        assert "secret" not in said(outcome)
        assert "TZ=Europe/Berlin" in said(outcome)

    def test_the_folder_is_the_jobs(self, launcher: Launcher, log: WorkLog, tmp_path: Path) -> None:
        """A program starts in its cwd."""
        outcome = run(launcher, log, CommandTarget(command="pwd -P", cwd=str(tmp_path)))
        assert said(outcome) == f"{tmp_path.resolve()}\n"

    def test_a_program_has_no_input_no_terminal_and_none_of_our_files(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """Even a descriptor marked for inheritance does not get through; nor does our session."""
        reading, writing = os.pipe()
        os.set_inheritable(reading, True)
        os.set_inheritable(writing, True)
        script = (
            "import os, sys\n"
            "print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])\n"
            "print(repr(sys.stdin.read()), os.getsid(0) == os.getpgid(0) == os.getpid())\n"
        )
        outcome = run(launcher, log, python(script))
        os.close(reading)
        os.close(writing)
        assert said(outcome) == "[0, 1, 2]\n'' True\n"
