"""Programs with limits, another user or a mask: confined before their first instruction."""

import os
import pwd
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from executor.domain.limits import Limits
from executor.domain.run import Outcome, RunState
from executor.domain.targets import CommandTarget
from executor.ports.target import Launcher
from tests.contract.command_workshop import CommandWorkshop
from tests.contract.launcher_contract import make_work
from tests.contract.programs import is_alive, python, run, said, shell, written_pids
from tests.fakes.work_log import WorkLog
from tests.waiting import eventually

#: Whether these tests may become another user, and have to for some limits.
ROOT = os.geteuid() == 0

#: Users of hardly any process, where we can become them.  The kernel counts by user, so each
#: test that counts has one of its own: tests run side by side.
NOBODY = "nobody" if ROOT else None
DAEMON = "daemon" if ROOT else None

MIB = 1024**2


def limited(target: CommandTarget, **limits: object) -> CommandTarget:
    """Return *target* with limits."""
    return replace(target, limits=Limits(**limits))  # type: ignore[arg-type]


def room_for(processes: int, user: str | None) -> int:
    """Return the limit that lets a run of *user* (None: ours) have so many processes."""
    uid = os.geteuid() if user is None else pwd.getpwnam(user).pw_uid
    return processes + len(threads_of(uid))


def threads_of(uid: int) -> list[int]:
    """Return the threads of all processes of a user; zombies count until they are reaped."""
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if f"\nUid:\t{uid}\t" in (folder / "status").read_text():
                found += [int(thread.name) for thread in (folder / "task").iterdir()]
    return found


def whole(outcome: Outcome) -> str:
    """Return all that was kept of the output."""
    assert outcome.output is not None
    return outcome.output.head + outcome.output.tail


class TestLimits(CommandWorkshop):
    """What a program may use."""

    def test_a_fork_bomb_ends_at_the_number_of_processes(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """It cannot have more than allowed, its run fails, nothing is left, others run on."""
        bomb = shell("b() { while :; do b & done; }; b")
        target = replace(limited(bomb, processes=room_for(30, NOBODY)), user=NOBODY)
        launcher.start([make_work(target, "bomb", timeout_s=10), make_work(shell(":"), "other")])
        assert log.wait_for_end("other").state is RunState.SUCCEEDED
        outcome = log.wait_for_end("bomb", timeout_s=20)
        assert outcome.state in {RunState.FAILED, RunState.TIMED_OUT}
        assert "fork" in whole(outcome)
        if ROOT:
            uid = pwd.getpwnam("nobody").pw_uid
            eventually(lambda: not any(map(is_alive, threads_of(uid))), 10, "nothing of it is left")

    def test_no_more_processes_are_had_than_allowed(self, launcher: Launcher, log: WorkLog) -> None:
        """Of a hundred that a program wants it gets as many as there is room for."""
        wants = shell("for i in $(seq 100); do sleep 1000 & echo started; done")
        target = replace(limited(wants, processes=room_for(20, DAEMON)), user=DAEMON)
        outcome = run(launcher, log, target)
        assert outcome.state is RunState.FAILED
        started = whole(outcome).count("started")
        # Of our own user others may come and go meanwhile.
        assert 1 <= started <= 20 if ROOT else 0 < started < 100

    def test_an_allocation_beyond_the_memory_fails_the_run(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """A gigabyte is not to be had with 256 MiB; half of that is."""
        greedy = run(launcher, log, limited(python("bytearray(10**9)"), memory=256 * MIB))
        assert (greedy.state, greedy.exit_code) == (RunState.FAILED, 1)
        assert "MemoryError" in said(greedy)
        modest = limited(python("print(len(bytearray(10**8)))"), memory=256 * MIB)
        launcher.start([make_work(modest, "modest")])
        assert said(log.wait_for_end("modest")) == "100000000\n"

    def test_a_gigabyte_of_output_is_read_and_cut(self, launcher: Launcher, log: WorkLog) -> None:
        """The program is never blocked; both ends are kept up to the limit, the rest counted."""
        target = limited(shell("echo first; head -c 1000000000 /dev/zero; echo last"), output=1024)
        outcome = run(launcher, log, target)
        assert outcome.state is RunState.SUCCEEDED
        assert outcome.output is not None
        assert outcome.output.size == 1_000_000_011
        assert len(outcome.output.head) == len(outcome.output.tail) == 512
        assert outcome.output.head.startswith("first\n")
        assert outcome.output.tail.endswith("last\n")

    def test_nobody_keeps_more_output_than_the_service_does(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """A larger limit is no more than the service's own."""
        outcome = run(launcher, log, limited(shell("head -c 200000 /dev/zero"), output=MIB))
        assert outcome.output is not None
        assert len(outcome.output.head + outcome.output.tail) == 65_536

    def test_the_cpu_time_ends_a_program_that_uses_it_up(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """By a signal of its own, with words that say so."""
        busy = limited(python("while True: pass"), cpu=timedelta(milliseconds=200))
        outcome = run(launcher, log, busy)
        assert outcome.state is RunState.FAILED
        assert outcome.error == "ended by signal SIGXCPU: its CPU time was used up (limits.cpu)"

    def test_what_the_service_is_allowed_bounds_the_limits(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """A limit never raises what the executor has; soft and hard are the same."""
        outcome = run(launcher, log, limited(shell("ulimit -v; ulimit -Hv"), memory=64 * MIB))
        assert said(outcome) == "65536\n65536\n"


class TestConfinedStart(CommandWorkshop):
    """A confined program finds the same as any other."""

    def test_it_finds_the_same_surroundings(
        self, launcher: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """Folder, environment, words, session, descriptors and signals, byte for byte."""
        script = (
            "import os, sys\n"
            "print(os.getcwd(), sys.argv, sys.stdin.read(), os.getsid(0) == os.getpid())\n"
            "print(sorted((k, v) for k, v in os.environb.items() if k != b'SOLOCRON_RUN_ID'))\n"
            "print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])\n"
            "lines = open('/proc/self/status').read().splitlines()\n"
            "print([line for line in lines if line[:6] in ('SigBlk', 'SigIgn', 'SigCgt')])\n"
        )
        plain = replace(python(script), env={"OWN": "ä\udcff", "B": ""}, cwd=str(tmp_path))
        plain = replace(plain, argv=(*plain.words, "a b", "ü\udcfe", ""))
        launcher.start(
            [make_work(plain, "plain"), make_work(limited(plain, processes=None), "same")]
        )
        launcher.start([make_work(limited(plain, memory=1024 * MIB), "confined")])
        log.wait_for_ends(3)
        outputs = {name: said(log.outcomes[name]) for name in ("plain", "same", "confined")}
        trigger = {name: f"{name}-trigger" for name in outputs}
        bare = {name: text.replace(trigger[name], "x") for name, text in outputs.items()}
        assert bare["confined"] == bare["plain"] == bare["same"]

    def test_what_cannot_be_started_says_why_in_the_same_words(
        self, launcher: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """A missing program, a missing folder, no permission; none counts as started."""
        text = tmp_path / "text"
        text.write_text("hello\n")
        targets = [
            CommandTarget(command="no-such-program --now"),
            CommandTarget(command="true", cwd="/no/such/folder"),
            CommandTarget(argv=(str(text),)),
            CommandTarget(argv=("true", "a\0b")),
        ]
        for number, target in enumerate(targets):
            launcher.start([make_work(target, f"plain-{number}")])
            launcher.start([make_work(replace(target, umask="022"), f"confined-{number}")])
        log.wait_for_ends(2 * len(targets))
        for number in range(len(targets)):
            plain = log.outcomes[f"plain-{number}"].error
            assert plain is not None
            assert log.outcomes[f"confined-{number}"].error == plain
        assert log.started_at == {}

    def test_without_its_interpreter_nothing_is_started_unconfined(
        self, launcher: Launcher, log: WorkLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The run fails and says what is missing: not the program, but what sets its limits."""
        monkeypatch.setattr(sys, "executable", "/no/such/python")
        outcome = run(launcher, log, replace(shell("echo hello"), umask="022"))
        assert (outcome.state, outcome.output) == (RunState.FAILED, None)
        assert outcome.error is not None
        assert "'/no/such/python', which sets its limits, cannot be run" in outcome.error
        assert log.started_at == {}

    def test_it_is_ended_like_any_other(
        self, launcher: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """The timeout ends the whole group."""
        pids = tmp_path / "pids"
        script = f"echo $$ >> {pids}; sleep 1000 & echo $! >> {pids}; wait"
        launcher.start([make_work(replace(shell(script), umask="022"), timeout_s=2)])
        found = written_pids(pids, 2)
        assert log.wait_for_end("run").state is RunState.TIMED_OUT
        eventually(lambda: not any(map(is_alive, found)), 5, "the group is gone")

    def test_the_mask_is_the_jobs(self, launcher: Launcher, log: WorkLog, tmp_path: Path) -> None:
        """Files are made with it, and ours stays as it was."""
        made = tmp_path / "made"
        before = os.umask(0o022)
        os.umask(before)
        run(launcher, log, replace(shell(f"touch {made}"), umask="077"))
        assert made.stat().st_mode & 0o777 == 0o600
        assert os.umask(before) == before


class TestUser(CommandWorkshop):
    """Whom a program runs as."""

    def test_our_own_user_may_be_named(self, launcher: Launcher, log: WorkLog) -> None:
        """By name and by number; it changes nothing."""
        us = pwd.getpwuid(os.geteuid())
        for number, user in enumerate((us.pw_name, str(us.pw_uid))):
            launcher.start([make_work(replace(shell("id -u"), user=user), f"run-{number}")])
            assert said(log.wait_for_end(f"run-{number}")) == f"{us.pw_uid}\n"

    def test_an_unknown_user_is_named_in_the_error(self, launcher: Launcher, log: WorkLog) -> None:
        """The run fails; the field and the name are in its error."""
        outcome = run(launcher, log, replace(shell("id"), user="no-such-user"))
        assert outcome.state is RunState.FAILED
        assert outcome.error is not None
        assert "target.user: there is no user 'no-such-user' on this machine" in outcome.error

    @pytest.mark.parametrize("limits", [Limits(), Limits(memory=1024 * MIB)])
    def test_root_may_run_it_as_another(
        self, launcher: Launcher, log: WorkLog, limits: Limits
    ) -> None:
        """User, groups and home are that one's; who is not root is told so instead."""
        other = pwd.getpwnam("nobody" if ROOT else "root")
        script = "id -u; id -g; id -G; echo $HOME $USER; exec 2>&1; kill -0 $PPID || echo no"
        outcome = run(launcher, log, replace(shell(script), user=other.pw_name, limits=limits))
        if not ROOT:
            assert outcome.state is RunState.FAILED
            assert outcome.error is not None
            assert "target.user: the service runs as user" in outcome.error
            return
        groups = " ".join(map(str, os.getgrouplist("nobody", other.pw_gid)))
        lines = said(outcome).splitlines()
        assert lines[:3] == [str(other.pw_uid), str(other.pw_gid), groups]
        assert lines[3] == f"{other.pw_dir} nobody"
        assert lines[-1] == "no"

    def test_the_folder_is_entered_with_that_users_rights(
        self, launcher: Launcher, log: WorkLog, tmp_path: Path
    ) -> None:
        """A folder that is closed to it is an error, not a back door."""
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        if not ROOT:
            closed.chmod(0)
        target = replace(shell("pwd"), user=NOBODY, cwd=str(closed), umask="022")
        outcome = run(launcher, log, target)
        closed.chmod(0o700)
        assert outcome.error is not None
        assert f"{str(closed)!r} cannot be entered: Permission denied" in outcome.error

    def test_a_limit_of_processes_that_would_bind_nobody_is_refused(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """The kernel exempts root; who is root is told what to do, for others it counts."""
        outcome = run(launcher, log, limited(shell("true"), processes=10_000))
        if not ROOT:
            assert outcome.state is RunState.SUCCEEDED
            return
        assert outcome.error is not None
        assert "limits.processes: does not bind root" in outcome.error
        assert "target.user" in outcome.error

    def test_a_program_of_another_user_is_ended_all_the_same(
        self, launcher: Launcher, log: WorkLog
    ) -> None:
        """Its group is signalled, SIGKILL if need be."""
        stubborn = replace(shell("trap '' TERM; sleep 1000"), user=NOBODY, umask="022")
        launcher.start([make_work(stubborn, timeout_s=0.5)])
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.TIMED_OUT
        assert outcome.exit_code is None
