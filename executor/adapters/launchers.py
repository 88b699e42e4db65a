"""Every kind of target behind one launcher.

A run's target says which launcher it belongs to.  Nobody remembers where a run went: a
launcher ignores what it does not know, so a cancellation goes to all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from executor.adapters.captured_output import OUTPUT_LIMIT
from executor.adapters.command_target import CommandLauncher
from executor.adapters.command_target.launcher import GRACE_S
from executor.adapters.command_target.launcher import PARALLEL as PARALLEL_COMMANDS
from executor.adapters.http_target import HttpLauncher
from executor.adapters.http_target.launcher import PARALLEL as PARALLEL_REQUESTS
from executor.adapters.http_target.rules import HttpRules
from executor.adapters.python_target import PythonLauncher
from executor.adapters.python_target.launcher import PARALLEL as PARALLEL_JOBS
from executor.adapters.watched_target import WatchedLauncher
from executor.domain.permitted_programs import ALL_PROGRAMS, PermittedPrograms
from executor.domain.run import Outcome, Reason, RunState
from executor.ports.clock import Clock
from executor.ports.keys import Opener
from executor.ports.target import Launcher, LauncherFactory, Work, WorkListener


class Launchers:
    """A :class:`~executor.ports.target.Launcher` for all kinds of targets.

    Args:
        requests: HTTP requests in flight at most.
        commands: programs running at most.
        jobs: Python jobs running at most.
        output_limit: bytes kept of each run's output.
        grace_s: seconds a program has between SIGTERM and SIGKILL.
        http: what the operator allows HTTP requests; by default everything.
        permitted: the programs and modules that may run; others fail.
        opener: opens secrets; None if there is no key.
        messages: makes the launcher of message targets; None: there is no broker, and they fail.
        url: where services call back to; None: they cannot.
    """

    def __init__(
        self,
        listener: WorkListener,
        clock: Clock,
        *,
        requests: int = PARALLEL_REQUESTS,
        commands: int = PARALLEL_COMMANDS,
        jobs: int = PARALLEL_JOBS,
        output_limit: int = OUTPUT_LIMIT,
        grace_s: float = GRACE_S,
        http: HttpRules | None = None,
        permitted: PermittedPrograms = ALL_PROGRAMS,
        opener: Opener | None = None,
        messages: LauncherFactory | None = None,
        url: str | None = None,
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._by_kind: dict[str, Launcher] = {
            "http": HttpLauncher(
                listener,
                clock,
                parallel=requests,
                output_limit=output_limit,
                rules=http,
                opener=opener,
                url=url,
            ),
            "command": CommandLauncher(
                listener,
                clock,
                parallel=commands,
                output_limit=output_limit,
                grace_s=grace_s,
                permitted=permitted,
                opener=opener,
            ),
            "python": PythonLauncher(
                listener,
                clock,
                parallel=jobs,
                output_limit=output_limit,
                grace_s=grace_s,
                permitted=permitted,
                opener=opener,
            ),
            "watched": WatchedLauncher(listener, clock),
        }
        if messages is not None:
            self._by_kind["message"] = messages(listener)

    def prepare(self, works: Sequence[Work]) -> None:
        """Get *works* ready, which are probably started soon.  Returns at once."""
        for kind, own in _by_kind(works).items():
            if kind in self._by_kind:
                self._by_kind[kind].prepare(own)

    def start(self, works: Sequence[Work]) -> None:
        """Begin *works* as soon as capacity allows.  Returns at once; any thread may call."""
        for kind, own in _by_kind(works).items():
            if kind in self._by_kind:
                self._by_kind[kind].start(own)
            else:
                self._refuse(own, kind)

    def _refuse(self, works: Sequence[Work], kind: str) -> None:
        # Saved when there was a broker, or on an instance that has one.
        error = f"this instance has no launcher for {kind} targets: RABBITMQ_URL is not set"
        outcome = Outcome(state=RunState.FAILED, error=error)
        for work in works:
            self._listener.finished(work.run.id, self._clock.now(), outcome)

    def cancel(self, run_id: str, reason: Reason) -> None:
        """End the work early; it then finishes as cancelled(*reason*).  Unknown ids do nothing."""
        for launcher in self._by_kind.values():
            launcher.cancel(run_id, reason)

    def recall(self, work: Work, reason: Reason) -> None:
        """Ask whoever has a run that was handed over to end it; nothing is reported back."""
        launcher = self._by_kind.get(work.definition.target.kind)
        if launcher is not None:
            launcher.recall(work, reason)

    def stop(self) -> None:
        """End all work by force, without reporting, and the threads."""
        for launcher in self._by_kind.values():
            launcher.stop()


def _by_kind(works: Sequence[Work]) -> dict[str, list[Work]]:
    by_kind: defaultdict[str, list[Work]] = defaultdict(list)
    for work in works:
        by_kind[work.definition.target.kind].append(work)
    return by_kind
