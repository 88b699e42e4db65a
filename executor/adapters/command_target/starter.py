"""How a run's process is started: the part that differs between kinds of targets.

The threads that start processes, and the loop that follows them, serve every kind of
target whose runs are processes of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

from executor.adapters.command_target.account import account_of
from executor.adapters.command_target.child import Child, explained, open_program, spawn
from executor.adapters.command_target.surroundings import environment_of, inherited
from executor.adapters.handoff import Prepared
from executor.domain.errors import InvalidJob
from executor.domain.permitted_programs import PermittedPrograms
from executor.domain.targets import CommandTarget, PythonTarget, Target
from executor.ports.target import Work

#: Targets whose runs are processes.
ProcessTarget = CommandTarget | PythonTarget


class Starter(Protocol):
    """Starts the processes of one kind of target; any of several threads may call."""

    def accepts(self, target: Target) -> bool:
        """Whether *target* is of this kind."""
        ...

    def start(self, work: Work, prepared: Prepared, limit: int) -> Child:
        """Start the process of *work*, which is filled in as *prepared*.

        Args:
            limit: bytes to keep of its output.

        Raises:
            Exception: it cannot be started; :meth:`explain` says why.
        """
        ...

    def explain(self, error: Exception, target: Target) -> str:
        """Return why :meth:`start` failed, for a person."""
        ...


class CommandStarter:
    """Starts the programs of command targets.

    Args:
        environ: the executor's environment; programs see it without settings and secrets.
        permitted: what may run, whatever was permitted when the job was saved.
    """

    def __init__(self, environ: Mapping[str, str], permitted: PermittedPrograms) -> None:
        self._inherited = inherited(environ)
        self._permitted = permitted

    def accepts(self, target: Target) -> bool:
        """Whether *target* runs a program."""
        return isinstance(target, CommandTarget)

    def start(self, work: Work, prepared: Prepared, limit: int) -> Child:
        """Start the program of *work*."""
        target = prepared.target
        assert isinstance(target, CommandTarget)
        faults = self._permitted.faults(target)
        if faults:
            raise InvalidJob(faults)
        account = account_of(target.user)
        environment = environment_of(self._inherited, work.run, target, account)
        timeout_s = work.definition.timeout.total_seconds()
        start = partial(open_program, target, environment, account)
        return spawn(work.run.id, start, timeout_s, prepared.capture(limit))

    def explain(self, error: Exception, target: Target) -> str:
        """Return why a program could not be started."""
        assert isinstance(target, CommandTarget)
        return explained(error, target)
