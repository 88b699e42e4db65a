"""How programs are ended, and what they leave behind: nothing."""

import os
import resource
import shlex
import signal
from pathlib import Path

from executor.domain.run import Reason, RunState
from executor.ports.target import Launcher
from tests.contract.command_workshop import GRACE_S, CommandWorkshop
from tests.contract.launcher_contract import make_work
from tests.contract.programs import (
    children,
    is_alive,
    python,
    run,
    said,
    shell,
    state_of,
    written_pids,
)
from tests.fakes.work_log import WorkLog
from tests.waiting import eventually


class TestEnding(CommandWorkshop):
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
        assert (log.ended_at["run"] - log.started_at["run"]).total_seconds() >= GRACE_S

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


class TestLimits(CommandWorkshop):
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
