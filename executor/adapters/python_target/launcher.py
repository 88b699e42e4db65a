"""The launcher of Python targets, as others see it.

It needs neither engine nor store: whoever has works and a listener can run them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final, Unpack

from executor.adapters.command_target.launcher import LauncherOptions, ProcessLauncher
from executor.adapters.python_target.starter import PythonStarter
from executor.domain.permitted_programs import PermittedPrograms
from executor.ports.clock import Clock
from executor.ports.target import WorkListener

#: Runs at once; three descriptors for each stay, with those of programs and of requests, within
#: the usual limit of 1,024.
PARALLEL: Final = 100


class PythonLauncher(ProcessLauncher):
    """A :class:`~executor.ports.target.Launcher` for Python targets.

    Args:
        permitted: names the modules whose functions may run; others fail.
        environ: the executor's environment; jobs see it without settings and secrets.
        interpreter: the program that runs them; every user that jobs name has to be able to.
        options: as for every :class:`ProcessLauncher`.
    """

    def __init__(
        self,
        listener: WorkListener,
        clock: Clock,
        *,
        permitted: PermittedPrograms,
        environ: Mapping[str, str] = os.environ,
        interpreter: str = sys.executable,
        **options: Unpack[LauncherOptions],
    ) -> None:
        self._starter = PythonStarter(environ, permitted, interpreter)
        options.setdefault("parallel", PARALLEL)
        super().__init__(listener, clock, self._starter, name="python-targets", **options)

    def stop(self) -> None:
        """End all runs by force, without reporting, and the threads."""
        super().stop()
        self._starter.close()
