"""The launcher of command targets, as others see it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from threading import Thread
from typing import Final, TypedDict, Unpack

from executor.adapters.captured_output import OUTPUT_LIMIT
from executor.adapters.command_target.loop import STOP_S, Cancel, Loop, Message, Stop
from executor.adapters.command_target.spawners import Spawners
from executor.adapters.command_target.starter import CommandStarter, Starter
from executor.adapters.inbox import Inbox
from executor.domain.permitted_programs import ALL_PROGRAMS, PermittedPrograms
from executor.domain.run import Reason
from executor.ports.clock import Clock
from executor.ports.keys import Opener
from executor.ports.target import Work, WorkListener

#: Threads that start programs.  Measured: two to eight start most.
SPAWNERS: Final = 4

#: Programs running at once; two descriptors for each stay within the usual limit of 1,024.
PARALLEL: Final = 200

#: Seconds between SIGTERM and SIGKILL; below the 10 s that platforms leave a stopping
#: service, so that a run cancelled for a shutdown is over before the executor is killed.
GRACE_S: Final = 5.0

#: Seconds that output may stay open after the program's end, and that a program may
#: survive SIGKILL, before the run is reported without waiting for either.
LINGER_S: Final = 2.0


class LauncherOptions(TypedDict, total=False):
    """What may be said of every :class:`ProcessLauncher`; see there."""

    spawners: int
    parallel: int
    output_limit: int
    grace_s: float
    linger_s: float
    opener: Opener | None


class ProcessLauncher:
    """A :class:`~executor.ports.target.Launcher` for targets whose runs are processes.

    Args:
        starter: how the processes of this kind of target are started.
        name: of its threads.
        spawners: threads that start programs.
        parallel: programs running at most; further works wait, first come, first served.
        output_limit: bytes kept of each program's output.
        grace_s: seconds between SIGTERM and SIGKILL.
        linger_s: seconds that output may stay open after the program's end.
        opener: opens secrets; None if there is no key.
    """

    def __init__(
        self,
        listener: WorkListener,
        clock: Clock,
        starter: Starter,
        *,
        name: str,
        spawners: int = SPAWNERS,
        parallel: int = PARALLEL,
        output_limit: int = OUTPUT_LIMIT,
        grace_s: float = GRACE_S,
        linger_s: float = LINGER_S,
        opener: Opener | None = None,
    ) -> None:
        self._inbox: Inbox[Message] = Inbox()
        self._spawners = Spawners(
            spawners,
            listener,
            clock,
            starter,
            output_limit,
            opener,
            self._inbox.put,
        )
        loop = Loop(self._inbox, self._spawners, listener, clock, parallel, grace_s, linger_s)
        self._thread = Thread(target=loop.run, name=name, daemon=True)
        self._thread.start()

    def prepare(self, works: Sequence[Work]) -> None:
        """Do nothing: nothing about a program can be done before it runs."""

    def start(self, works: Sequence[Work]) -> None:
        """Run the programs as soon as capacity allows.  Returns at once; any thread may call."""
        self._inbox.put(tuple(works))

    def cancel(self, run_id: str, reason: Reason) -> None:
        """End the program; the run finishes as cancelled(*reason*).  Unknown ids do nothing."""
        self._inbox.put(Cancel(run_id, reason))

    def recall(self, work: Work, reason: Reason) -> None:
        """Do nothing: no program is ever handed over."""

    def stop(self) -> None:
        """Kill every program's group without reporting, wait for them, and end the threads."""
        self._spawners.stop()
        self._inbox.put(Stop())
        self._thread.join(2 * STOP_S)


class CommandLauncher(ProcessLauncher):
    """A :class:`ProcessLauncher` for command targets.

    Args:
        permitted: the programs that may run; others fail.
        environ: the executor's environment; programs see it without settings and secrets.
        options: as for every :class:`ProcessLauncher`.
    """

    def __init__(
        self,
        listener: WorkListener,
        clock: Clock,
        *,
        permitted: PermittedPrograms = ALL_PROGRAMS,
        environ: Mapping[str, str] = os.environ,
        **options: Unpack[LauncherOptions],
    ) -> None:
        starter = CommandStarter(environ, permitted)
        super().__init__(listener, clock, starter, name="command-targets", **options)
