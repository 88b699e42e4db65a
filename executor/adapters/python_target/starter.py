"""Starting the process of a Python job: an interpreter with its plan, channel and lifeline.

The plan waits in the channel when the interpreter starts: nothing of it is seen in the
list of processes, and no file is left behind.  A run with limits or a user of its own is
started like a program; every other one is a fork of the ``zygote``.
"""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from typing import Final

from executor.adapters.command_target import confinement
from executor.adapters.command_target.account import account_of
from executor.adapters.command_target.child import Child, Process, open_program, spawn
from executor.adapters.command_target.surroundings import environment_of, inherited
from executor.adapters.handoff import Prepared
from executor.adapters.python_target.lifeline import Lifeline
from executor.adapters.python_target.reports import Reports
from executor.adapters.python_target.zygote import Zygote
from executor.domain.errors import InvalidJob
from executor.domain.instant import to_text
from executor.domain.permitted_programs import PermittedPrograms
from executor.domain.run import Run
from executor.domain.targets import CommandTarget, PythonTarget, Target
from executor.job_process.runner import PLAN_LIMIT
from executor.ports.target import Work

_RUNNER: Final = "executor.job_process.runner"


class PythonStarter:
    """Starts the processes of Python targets.

    Args:
        environ: the executor's environment; jobs see it without settings and secrets.
        permitted: the modules that may be named, whatever was permitted when the job was saved.
        interpreter: the program that runs them.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        permitted: PermittedPrograms,
        interpreter: str = sys.executable,
    ) -> None:
        self._inherited = inherited(environ)
        self._permitted = permitted
        self._interpreter = interpreter
        self._lifeline = Lifeline()
        self._zygote = Zygote(self._inherited, self._lifeline, interpreter)

    def close(self) -> None:
        """Let go of the lifeline: whatever still runs is killed by that."""
        self._zygote.close()
        self._lifeline.close()

    def accepts(self, target: Target) -> bool:
        """Whether *target* calls a function."""
        return isinstance(target, PythonTarget)

    def start(self, work: Work, prepared: Prepared, limit: int) -> Child:
        """Start the process of *work*."""
        target = prepared.target
        assert isinstance(target, PythonTarget)
        faults = self._permitted.faults(target)
        if faults:
            raise InvalidJob(faults)
        plan = _plan(work, target)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                ours.send(plan)
                return self._spawn(work, target, prepared, limit, ours, theirs.fileno())
        except BaseException:
            ours.close()
            raise

    def _spawn(
        self,
        work: Work,
        target: PythonTarget,
        prepared: Prepared,
        limit: int,
        ours: socket.socket,
        theirs: int,
    ) -> Child:
        with self._lifeline.end() as lifeline:
            return spawn(
                work.run.id,
                lambda output: self._open(work.run, target, (output, theirs, lifeline)),
                work.definition.timeout.total_seconds(),
                prepared.capture(limit),
                Reports(ours, prepared.clear),
            )

    def _open(self, run: Run, target: PythonTarget, ends: tuple[int, int, int]) -> Process:
        """Start the process, with its output, channel and lifeline."""
        output, *kept = ends
        program = self._program(target, *kept)
        account = account_of(target.user)
        environment = environment_of(self._inherited, run, program, account)
        if confinement.is_confined(program, account):
            # Confined before its first instruction, which a fork would have behind it.
            return open_program(program, environment, account, output, kept)
        own = {name: value for name, value in environment.items() if name not in self._inherited}
        return self._zygote.fork(own, ends)

    def explain(self, error: Exception, target: Target) -> str:
        """Return why a process could not be started."""
        assert isinstance(target, PythonTarget)
        words = f"the process of the job could not be started: {error}"
        if isinstance(error, PermissionError) and target.user is not None:
            words += f"; user {target.user!r} has to be able to run that, and to read the modules"
        return words

    def _program(self, target: PythonTarget, channel: int, lifeline: int) -> CommandTarget:
        """Return the command that runs *target*."""
        flags = ("-u", "-X", "faulthandler")
        return CommandTarget(
            argv=(self._interpreter, *flags, "-m", _RUNNER, str(channel), str(lifeline)),
            limits=target.limits,
            user=target.user,
            umask=target.umask,
        )


def _plan(work: Work, target: PythonTarget) -> bytes:
    """Return what the process is told.

    Raises:
        ValueError: it is too long, which only the values filled in can make it.
    """
    run = work.run
    plan = json.dumps(
        {
            "callable": target.callable,
            "arguments": dict(target.arguments),
            "run_id": run.id,
            "trigger_id": run.trigger_id or run.id,
            "job": run.job,
            "fire_time": None if run.fire_at is None else to_text(run.fire_at),
            "attempt": run.attempt,
            "term": run.term,
        }
    ).encode()
    if len(plan) > PLAN_LIMIT:
        raise ValueError(
            f"target.arguments: are {len(plan):,} bytes with their values, more than {PLAN_LIMIT:,}"
        )
    return plan
