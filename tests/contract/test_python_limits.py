"""What a Python job may use: the limits of commands, set on its whole interpreter."""

from __future__ import annotations

import os
import pwd
import resource
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from executor.adapters.python_target import PythonLauncher
from executor.adapters.system_clock import SystemClock
from executor.domain.limits import Limits
from executor.domain.run import RunState
from executor.ports.target import Launcher
from tests.contract.command_workshop import GRACE_S, LINGER_S
from tests.contract.launcher_contract import make_work
from tests.contract.programs import is_alive, run, said
from tests.contract.python_workshop import PERMITTED, PythonWorkshop, calling
from tests.contract.test_command_limits import MIB, ROOT, room_for, threads_of
from tests.fakes.work_log import WorkLog
from tests.waiting import eventually

#: An interpreter that everybody may run; the one of these tests may be in root's own folder.
INTERPRETER = "/usr/bin/python3" if ROOT else sys.executable

#: A user of hardly any process, where we can become it; no other test counts those of this one.
GAMES = "games" if ROOT else None


class TestLimits(PythonWorkshop):
    """Contained, whatever the code does."""

    @pytest.fixture
    def public(self, log: WorkLog) -> Iterator[Launcher]:
        """A launcher of jobs that other users may run."""
        launcher = PythonLauncher(
            log,
            SystemClock(),
            permitted=PERMITTED,
            interpreter=INTERPRETER,
            environ={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])},
            grace_s=GRACE_S,
            linger_s=LINGER_S,
        )
        yield launcher
        launcher.stop()

    def test_a_fork_bomb_ends_at_the_number_of_processes(
        self, public: Launcher, log: WorkLog
    ) -> None:
        """Its run fails with the error that it met, nothing is left, others run on."""
        target = calling("bombing")
        limits = Limits(processes=room_for(20, GAMES))
        target = replace(target, limits=limits, user=GAMES)
        public.start([make_work(target, "bomb"), make_work(calling("quick"), "other")])
        assert log.wait_for_end("other").state is RunState.SUCCEEDED
        outcome = log.wait_for_end("bomb", timeout_s=20)
        assert outcome.state is RunState.FAILED
        assert "BlockingIOError" in str(outcome.error)
        if GAMES is not None:
            uid = pwd.getpwnam(GAMES).pw_uid
            eventually(lambda: not any(map(is_alive, threads_of(uid))), 10, "nothing of it is left")

    def test_memory_beyond_the_limit_is_not_had(self, launcher: Launcher, log: WorkLog) -> None:
        """The job fails with Python's own error, and its traceback shows where."""
        target = replace(calling("hoarding"), limits=Limits(memory=256 * MIB))
        outcome = run(launcher, log, target)
        assert (outcome.state, outcome.error) == (RunState.FAILED, "MemoryError")
        assert "in hoarding" in said(outcome)

    def test_a_gigabyte_of_output_costs_no_memory(self, launcher: Launcher, log: WorkLog) -> None:
        """All of it is read and counted, 64 KiB are kept, and this process does not grow."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        launcher.start([make_work(calling("gigabyte"), timeout_s=200)])
        outcome = log.wait_for_end("run", timeout_s=200)
        grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert outcome.state is RunState.SUCCEEDED
        assert outcome.output is not None
        assert outcome.output.size == 1024**3
        assert len(outcome.output.head) == len(outcome.output.tail) == 32_768
        assert grown_kb < 10 * 1024

    def test_a_job_runs_as_the_user_and_with_the_mask_that_it_names(
        self, public: Launcher, log: WorkLog
    ) -> None:
        """Before any of its code is imported; where we are not root, only we can be named."""
        user = "nobody" if ROOT else str(os.geteuid())
        target = replace(calling("whoami"), user=user, umask="027")
        details = run(public, log, target).details
        wanted = pwd.getpwnam("nobody").pw_uid if ROOT else os.geteuid()
        assert details == {"user": wanted, "umask": "0o27"}
