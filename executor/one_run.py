"""One command, run here and now exactly as the service would run it: ``solocron run``.

Nothing is imitated: the launcher is the service's own, with its spawners, environment,
limits, capture of output and way of ending programs.  Only the job and the run are made
up, so there is no store, no executor and no history.

Exit statuses follow the shell and timeout(1), so that a script can tell them apart:
the command's own; 128 and the signal's number if one ended it; 124 if its time was up;
127 if it could not be started; 130 if it was cancelled (Ctrl-C, SIGTERM, SIGHUP).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import FrameType
from typing import Any, Final
from uuid import uuid4

from executor.domain.errors import Fault, InvalidJob
from executor.domain.filling import secret_places
from executor.domain.instant import to_text
from executor.domain.job import Definition, definition_from_document
from executor.domain.run import Cause, Outcome, Output, Reason, Run, RunState
from executor.ports.clock import Clock
from executor.ports.target import LauncherFactory, Work

#: Exit statuses beside the command's own.
TIMED_OUT: Final = 124
NOT_STARTED: Final = 127
SIGNALLED: Final = 128

#: Name of the made-up job, which the command finds as SOLOCRON_JOB.
JOB: Final = "command-line"

#: What to do where a secret is named.
_NO_SECRETS: Final = (
    "no store is asked here, so there are no secrets; export a variable with the value, which the "
    "program inherits, and use that instead"
)

#: Options that are fields of the target's limits, rather than of the target or the job.
_LIMITS: Final = ("cpu", "memory", "processes", "output")


@dataclass(frozen=True, slots=True)
class Report:
    """How the run went.

    Attributes:
        started_at: None if it could not be started.
        seconds: from the start to the end, by the monotonic clock.
    """

    outcome: Outcome
    started_at: datetime | None
    finished_at: datetime
    seconds: float

    @property
    def exit_status(self) -> int:
        """What whoever asked for the run should exit with."""
        outcome = self.outcome
        if outcome.state is RunState.TIMED_OUT:
            return TIMED_OUT
        if outcome.state is RunState.CANCELLED:
            return SIGNALLED + signal.SIGINT
        if outcome.exit_code is not None:
            return outcome.exit_code
        if self.started_at is None:
            return NOT_STARTED
        return SIGNALLED + (outcome.signal or 0)


class _Listener:
    """Waits for one run; see :class:`~executor.ports.target.WorkListener`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._started_at: datetime | None = None
        self._report: Report | None = None
        self._over = threading.Event()

    def may_start(self) -> bool:
        self._began = self._clock.monotonic()
        return True

    def started(self, run_id: str, at: datetime) -> None:
        self._started_at = at

    def progressed(self, run_id: str, details: Mapping[str, object]) -> None:
        """Nobody asks how far it is."""

    def not_started(self, run_id: str) -> None:
        raise AssertionError("a run that may start is not given back")

    def said(self, run_id: str, offset: int, data: bytes) -> None:
        """Do nothing: all of it comes with the end."""

    def handed_over(self, run_id: str, at: datetime, running: bool) -> None:
        raise AssertionError("a program is not handed over")

    def finished(self, run_id: str, at: datetime, outcome: Outcome) -> None:
        seconds = self._clock.monotonic() - self._began
        self._report = Report(outcome, self._started_at, at, seconds)
        self._over.set()

    def wait(self) -> Report:
        self._over.wait()
        assert self._report is not None
        return self._report


def definition_of(words: Sequence[str], options: Mapping[str, object]) -> Definition:
    """Return the made-up job that runs *words*: one is a command, several are an argv.

    Args:
        options: fields of a job (``timeout``), of its target and of the limits, by their own
            names and as documents have them; None for what was not given.

    Raises:
        InvalidJob: with every fault; the last part of a fault's field is the option's name.  Also
            where a secret is named: these are in the store, which is not asked.
    """
    given = {name: value for name, value in options.items() if value is not None}
    limits = {name: given.pop(name) for name in _LIMITS if name in given}
    timeout = {"timeout": given.pop("timeout")} if "timeout" in given else {}
    what = {"command": words[0]} if len(words) == 1 else {"argv": list(words)}
    target = {"kind": "command", **what, **given, "limits": limits}
    definition = definition_from_document({"name": JOB, "target": target, **timeout})
    secrets = [
        Fault(field, f"{_NO_SECRETS} (secret {name!r})")
        for field, name in secret_places(definition.target)
    ]
    if secrets:
        raise InvalidJob(secrets)
    return definition


def perform(definition: Definition, launchers: LauncherFactory, clock: Clock) -> Report:
    """Run the target of *definition* once and return how it went.

    SIGINT, SIGTERM and SIGHUP cancel the run, with its whole group of processes; call from the
    main thread.
    """
    listener = _Listener(clock)
    launcher = launchers(listener)
    run = _made_up(clock.now())
    try:
        with _cancelling(lambda: launcher.cancel(run.id, Reason.REQUESTED)):
            launcher.start([Work(run, definition)])
            return listener.wait()
    finally:
        launcher.stop()


def _made_up(now: datetime) -> Run:
    """Return a run that belongs to no job."""
    return Run(
        id=uuid4().hex,
        job_id="0" * 32,
        job=JOB,
        cause=Cause.MANUAL,
        state=RunState.PENDING,
        term=0,
        clear_at=now,
        created_at=now,
    )


@contextmanager
def _cancelling(cancel: Callable[[], None]) -> Iterator[None]:
    """Let the signals that end a program in the foreground call *cancel* instead."""

    def obey(number: int, frame: FrameType | None) -> None:
        # Not here: whatever this thread was about may hold the lock that cancelling needs.
        threading.Thread(target=cancel, name="cancel").start()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    former = [signal.signal(number, obey) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)


def document_of(report: Report) -> dict[str, Any]:
    """Return *report* for programs; ``seconds`` to the millisecond, instants in RFC 3339."""
    outcome = report.outcome
    output = outcome.output or Output()
    return {
        "state": outcome.state,
        "exit_code": outcome.exit_code,
        "signal": None if outcome.signal is None else _name_of(outcome.signal),
        "error": outcome.error,
        "started_at": None if report.started_at is None else to_text(report.started_at),
        "finished_at": to_text(report.finished_at),
        "seconds": round(report.seconds, 3),
        "output": {
            "head": output.head,
            "tail": output.tail,
            "size": output.size,
            "complete": not output.tail,
        },
    }


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def in_words(report: Report) -> str:
    """Return how the command ended, after how long, and whether its output was cut."""
    outcome = report.outcome
    ended = outcome.error or ("cancelled" if outcome.reason else "exit status 0")
    words = f"{ended}, after {report.seconds:.3f} s"
    if outcome.output is not None and outcome.output.tail:
        words += f"; of {outcome.output.size:,} bytes of output the middle is left out"
    return words
