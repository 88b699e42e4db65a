"""Targets: what a run does.  One launcher for each kind.

Checked by ``tests/contract/launcher_contract.py`` on every launcher.  A launcher does
its work on threads of its own; one run that hangs, fails or talks without end never
delays another beyond the launcher's stated limit of parallel work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from executor.domain.job import Definition
from executor.domain.run import Outcome, Reason, Run

#: Seconds for which a work is not listened to: most are over by then, and cost nothing.
SAID_AFTER_S: Final = 1.0

#: Seconds between two reports of what a work has said: what a person takes for at once.
SAID_EVERY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Work:
    """A run to be started: the row, and the definition whose target and timeout apply.

    ``sealed`` holds at least the secrets that the target names, sealed, by name; those that do
    not exist are missing.  ``token`` is what proves to the service that a call-back about the run
    comes from whoever was given it; empty if the target does not call back.
    """

    run: Run
    definition: Definition
    sealed: Mapping[str, str] = field(default_factory=dict)
    token: str = ""


class WorkListener(Protocol):
    """Where a launcher reports, on threads of its own; returns at once, never raises."""

    def may_start(self) -> bool:
        """Ask right before each start.  False: do not start, report :meth:`not_started`."""
        ...

    def started(self, run_id: str, at: datetime) -> None:
        """The work has begun; reported at most once for each work, before :meth:`finished`."""
        ...

    def progressed(self, run_id: str, details: Mapping[str, Any]) -> None:
        """News of work in progress: a JSON object that replaces what was told before.

        Launchers pass on at most some in a second of one run, always the newest.
        """
        ...

    def not_started(self, run_id: str) -> None:
        """The work was given back untouched because :meth:`may_start` said no."""
        ...

    def said(self, run_id: str, offset: int, data: bytes) -> None:
        """The work has said *data*, from *offset* (bytes) on, and goes on; between start and end.

        Launchers that cannot hear their work before its end never call it, nor does any for work
        that is over within :data:`SAID_AFTER_S`; later at most every :data:`SAID_EVERY_S` and
        once before the end.  Secrets are replaced.  What is told and what is left out keep to
        ``domain/live_output.py``.
        """
        ...

    def finished(self, run_id: str, at: datetime, outcome: Outcome) -> None:
        """The work has ended.  Exactly once for each work that was not given back nor handed over;
        a target that could not even be started (no such program, bad URL) ends as failed with
        ``error``."""
        ...

    def handed_over(self, run_id: str, at: datetime, running: bool) -> None:
        """In place of :meth:`finished`: the launcher let go of the work, which goes on elsewhere.

        *running*: it is known to have begun; False: it waits for a worker.  Nothing follows from
        the launcher: its end comes as a :class:`~executor.domain.report.Report`.
        """
        ...


class Launcher(Protocol):
    """Starts and ends work of one kind of target."""

    def prepare(self, works: Sequence[Work]) -> None:
        """Get *works* ready, which come with :meth:`start` soon unless something is in the way.

        Only to make starting them faster: nothing of it is seen by targets or reported, and they
        may come changed, or not at all.  Returns at once; any thread may call.
        """
        ...

    def start(self, works: Sequence[Work]) -> None:
        """Begin *works* as soon as capacity allows.  Returns at once; any thread may call.

        A run that was handed over may be given again: whoever had it has fallen silent.
        """
        ...

    def cancel(self, run_id: str, reason: Reason) -> None:
        """End the work early; it then finishes as cancelled(*reason*).  Unknown ids do nothing."""
        ...

    def recall(self, work: Work, reason: Reason) -> None:
        """Ask whoever has a run that was handed over to end it; nothing is reported back.

        It may have been handed over by another process, and be over already.  Returns at once.
        Does nothing where nobody can be asked.
        """
        ...

    def stop(self) -> None:
        """End all work by force, without reporting, and the threads.  Leaves no process behind."""
        ...


LauncherFactory = Callable[[WorkListener], Launcher]
