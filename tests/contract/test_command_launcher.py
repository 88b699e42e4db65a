"""The launcher contract on programs, and what processes leave behind: nothing."""

import os
import resource
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.adapters.command_target import CommandLauncher
from executor.adapters.system_clock import SystemClock
from executor.domain.job import CommandTarget
from executor.domain.run import Outcome, Reason, RunState
from executor.ports.target import Launcher, WorkListener
from tests.contract.launcher_contract import LauncherLaw, make_work
from tests.fakes.work_log import WorkLog
from tests.waiting import eventually

#: What may pass until SIGKILL and until an open output is given up, seconds, in these tests.
_GRACE_S = 0.5
_LINGER_S = 0.5


def shell(script: str) -> CommandTarget:
    """Return a target that runs *script* in a shell."""
    return CommandTarget(argv=("/bin/sh", "-c", script))


def python(script: str) -> CommandTarget:
    """Return a target that runs *script* in a bare interpreter."""
    return CommandTarget(argv=(sys.executable, "-I", "-S", "-c", script))


def state_of(pid: int) -> str:
    """Return the kernel's letter for the state of a process, Z for a zombie, empty if gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_alive(pid: int) -> bool:
    """Say whether the process exists and is more than a zombie."""
    return state_of(pid) not in {"", "Z"}


def children() -> set[int]:
    """Return the processes that this one has started and not yet reaped."""
    threads = Path("/proc/self/task").glob("*/children")
    return {int(pid) for children in threads for pid in children.read_text().split()}


def descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def written_pids(path: Path, count: int) -> list[int]:
    """Return the process ids that *count* processes write into *path*, once they have."""

    def read() -> list[int]:
        pids = [int(line) for line in path.read_text().split()] if path.exists() else []
        return pids if len(pids) == count else []

    return eventually(read, 10, f"{count} processes have written their ids")


@pytest.fixture
def log() -> Iterator[WorkLog]:
    log = WorkLog()
    yield log
    assert log.faults == []


@pytest.fixture
def launcher(log: WorkLog) -> Iterator[Launcher]:
    launcher = CommandLauncher(log, SystemClock(), grace_s=_GRACE_S, linger_s=_LINGER_S)
    yield launcher
    launcher.stop()


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """After each test: no child more, not even a zombie, and no descriptor."""
    before = children(), descriptors()
    yield
    assert (children(), descriptors()) == before


@pytest.fixture
def patient(log: WorkLog) -> Iterator[Launcher]:
    """For what must end by itself, however slow the machine."""
    launcher = CommandLauncher(log, SystemClock(), grace_s=1000, linger_s=1000)
    yield launcher
    launcher.stop()


def run(launcher: Launcher, log: WorkLog, target: CommandTarget, timeout_s: float = 60) -> Outcome:
    """Start *target* and return how it ended."""
    launcher.start([make_work(target, timeout_s=timeout_s)])
    return log.wait_for_end("run", timeout_s=20)


def said(outcome: Outcome) -> str:
    """Return the whole output."""
    assert outcome.output is not None
    assert outcome.output.tail == ""
    return outcome.output.head


class TestCommandLauncher(LauncherLaw):
    """The law."""

    @pytest.fixture(autouse=True)
    def _trace(self, tmp_path: Path) -> None:
        self.trace = tmp_path / "touched"

    def make_launcher(self, listener: WorkListener, parallel: int) -> Launcher:
        return CommandLauncher(
            listener, SystemClock(), parallel=parallel, grace_s=_GRACE_S, linger_s=_LINGER_S
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


class TestOutcome:
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


class TestSurroundings:
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


class TestEnding:
    """How programs are ended, and with whom."""

    def test_a_program_may_say_goodbye(self, patient: Launcher, log: WorkLog) -> None:
        """Its group gets SIGTERM first; what it says then is kept, and its exit code."""
        script = (
            "import signal, sys, time\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
            "print('hello', flush=True)\n"
            "try: time.sleep(1000)\n"
            "finally: print('bye')\n"
        )
        outcome = run(patient, log, python(script), timeout_s=1.5)
        assert outcome.state is RunState.TIMED_OUT
        assert outcome.error == "not finished within 1.5 s"
        assert outcome.exit_code == 7
        assert said(outcome) == "hello\nbye\n"

    def test_a_whole_tree_that_ignores_sigterm_is_killed(
        self, launcher: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """Children and grandchildren are gone when the run is reported."""
        pids = tmp_path / "pids"
        script = (
            "import os, signal, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "os.fork(); os.fork()\n"
            f"print(os.getpid(), file=open({str(pids)!r}, 'a'))\n"
            "time.sleep(1000)\n"
        )
        launcher.start([make_work(python(script))])
        family = written_pids(pids, 4)
        launcher.cancel("run", Reason.REQUESTED)
        outcome = log.wait_for_end("run")
        assert (outcome.state, outcome.exit_code) == (RunState.CANCELLED, None)
        eventually(lambda: not any(map(is_alive, family)), 5, "the whole family is gone")
        assert (log.ended_at["run"] - log.started_at["run"]).total_seconds() >= _GRACE_S

    def test_children_have_the_whole_grace_period(
        self, patient: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """A child that still writes after its parent obeyed SIGTERM is heard."""
        ready = tmp_path / "pids"
        script = (
            "import os, signal, sys, time\n"
            "if os.fork(): time.sleep(1000)\n"
            "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.1), sys.exit('done')))\n"
            f"print(os.getpid(), file=open({str(ready)!r}, 'a'))\n"
            "while True: time.sleep(1000)\n"
        )
        patient.start([make_work(python(script))])
        written_pids(ready, 1)
        patient.cancel("run", Reason.REQUESTED)
        assert said(log.wait_for_end("run")) == "done\n"

    def test_output_held_open_does_not_hold_the_run(
        self, launcher: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """The run ends soon after its program; whoever held the output open is killed."""
        pids = tmp_path / "pids"
        script = f"sh -c 'echo $$ > {shlex.quote(str(pids))}; exec sleep 1000' & echo done"
        outcome = run(launcher, log, shell(script))
        assert (outcome.state, said(outcome)) == (RunState.SUCCEEDED, "done\n")
        [left] = written_pids(pids, 1)
        eventually(lambda: not is_alive(left), 5, "the one left behind is gone")

    def test_late_output_is_waited_for_a_moment(self, patient: Launcher, log: WorkLog) -> None:
        """What a child says shortly after the program's end is kept."""
        outcome = run(patient, log, shell("(sleep 0.1; echo late) & echo early"))
        assert said(outcome) == "early\nlate\n"

    def test_a_silent_rest_of_the_group_is_killed_at_once(
        self, launcher: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """The run is over with its program, and nothing of its group goes on working."""
        pids = tmp_path / "pids"
        quiet = f"echo $$ > {shlex.quote(str(pids))}; exec sleep 1000 > /dev/null 2>&1"
        script = f"sh -c '{quiet}' & while ! test -s {shlex.quote(str(pids))}; do sleep 0.02; done"
        assert run(launcher, log, shell(script)).state is RunState.SUCCEEDED
        [left] = written_pids(pids, 1)
        eventually(lambda: not is_alive(left), 5, "the one left behind is gone")

    def test_whoever_leaves_the_group_may_stay(
        self, launcher: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """A daemon in a session of its own neither holds the run nor is ended with it."""
        pids = tmp_path / "pids"
        script = f"setsid sh -c 'echo $$ > {shlex.quote(str(pids))}; exec sleep 1000' & echo done"
        assert said(run(launcher, log, shell(script))) == "done\n"
        [daemon] = written_pids(pids, 1)
        assert is_alive(daemon)
        os.kill(daemon, signal.SIGKILL)

    def test_a_cancellation_does_not_wait_for_late_output(
        self, patient: Launcher, log: WorkLog
    ) -> None:
        """A run of which only an open output is left ends at once when cancelled."""
        before = children()
        patient.start([make_work(shell("sleep 1000 & exec true"))])
        log.wait_for_start("run")
        eventually(
            lambda: any(state_of(child) == "Z" for child in children() - before),
            10,
            "the program is over",
        )
        patient.cancel("run", Reason.REQUESTED)
        assert log.wait_for_end("run").state is RunState.CANCELLED

    def test_stopping_leaves_no_process_behind(
        self, launcher: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """When stop returns, every group is dead, those that ignore SIGTERM too."""
        pids = tmp_path / "pids"
        trap = "trap '' TERM"
        script = f"{trap}; sh -c '{trap}; echo $$ >> {pids}; sleep 1000' & echo $$ >> {pids}; wait"
        launcher.start([make_work(shell(script), f"run-{number}") for number in range(5)])
        family = written_pids(pids, 10)
        launcher.stop()
        eventually(lambda: not any(map(is_alive, family)), 5, "nobody is left")
        assert log.ended == []


class TestLimits:
    """Much of everything."""

    def test_a_gigabyte_of_output_takes_no_memory(self, launcher: Launcher, log: WorkLog) -> None:
        """All is counted, both ends are kept, and the process grows by less than 32 MB."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        script = "echo first; head -c 1000000000 /dev/zero; echo last"
        outcome = run(launcher, log, shell(script))
        assert outcome.state is RunState.SUCCEEDED
        assert outcome.output is not None
        assert outcome.output.size == 1_000_000_000 + len("first\n" + "last\n")
        assert outcome.output.head.startswith("first\n")
        assert outcome.output.tail.endswith("last\n")
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024
