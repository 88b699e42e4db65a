"""Jobs in Python: the decorator that declares them, and what a run is handed.

    from executor.jobs import JobContext, job

    @job(name="report", schedule="30 2 * * *", lock="database", retrigger=2)
    def report(context: JobContext, region: str = "eu") -> dict[str, int]:
        for number, page in enumerate(pages := read(region)):
            context.raise_if_cancelled()
            context.progress(number, len(pages))
        return {"pages": len(pages)}

Rules
-----
1. A job is a function at the top of a module, or an ``async`` one.  It gets the context,
   and its ``arguments`` as keywords.  Decorated it stays what it was: call it in a test with
   :func:`context_for_test`.
2. What it returns (None or JSON) is the run's ``details``; an exception fails the run.
   :meth:`JobContext.write_status` tells details before the end, and what kind of end it is.
3. Each run is a process of its own, so nothing is shared between runs but what is
   imported, and nothing a run does to its process survives it.
4. This module needs nothing but a little of the standard library and imports nothing else
   of ours: every run loads it, before anything of its own.
"""

from __future__ import annotations

import _thread
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn, TypeVar

__all__ = [
    "DETAILS_LIMIT",
    "Cancellation",
    "Declaration",
    "JobCancelled",
    "JobContext",
    "TestContext",
    "context_for_test",
    "declaration_of",
    "job",
]

#: Bytes of JSON that the details of a run may have: as much as is kept of its output.  They
#: are stored with the run, and shown in lists of runs.
DETAILS_LIMIT: Final = 65_536

#: Reports of progress that are passed on within a second.  A loop may report every step of a
#: million; nobody sees more than two a second, and each costs twenty microseconds.
_REPORTS_A_SECOND: Final = 200

#: What :meth:`JobContext.write_status` takes -> the word that counts.  The states are those of
#: ha-jobs, whatever their case.
_STATES: Final = {
    "running": "running",
    "preparing": "preparing",
    "finished": "finished",
    "warning": "warning",
    "skipped": "skipped",
    "no_action_needed": "no_action_needed",
    "failed": "failed",
    "canceled": "cancelled",
    "cancelled": "cancelled",
}

#: Where a decorated function keeps its declaration.
_MARK: Final = "__solocron_job__"

#: The fields of a job's target; all others are those of the job itself.
_OF_TARGET: Final = ("arguments", "limits", "user", "umask")

_Function = TypeVar("_Function", bound=Callable[..., Any])


class JobCancelled(BaseException):
    """The run is to end.  Like ``asyncio.CancelledError`` it passes every ``except Exception``."""


class Cancellation:
    """Whether a run is to end: true or false, and something to wait for."""

    def __init__(self) -> None:
        self._asked = False
        self._event = threading.Event()

    def __bool__(self) -> bool:
        return self._asked

    def is_set(self) -> bool:
        """Whether the run is to end."""
        return self._asked

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is to end, *timeout* seconds at most; return whether it is."""
        return self._asked or self._event.wait(timeout)

    def set(self) -> None:
        """Ask the run to end; may be called by a signal handler."""
        self._asked = True
        # Not here: the thread that a signal interrupts may be the one that holds the event's lock.
        # Where no thread can be had, whoever waits sees it when his time is up.
        with suppress(RuntimeError):
            _thread.start_new_thread(self._event.set, ())


class JobContext:
    """What a run knows of itself, and how it says how it goes.

    Attributes:
        run_id: this run.
        trigger_id: the same for a run and its repetitions: refuse work that was done for it.
        job: the job's name.
        fire_time: when the run was due, aware UTC; None if it was asked for.
        attempt: 1, and more for repetitions.
        term: a number that grows with every new executor; refuse lower ones.
        arguments: those of the job's target, filled in; the function gets them as keywords.
        cancelled: true once the run is to end; ``cancelled.wait(5)`` waits for that.
        log: its records go to the run's output.
    """

    def __init__(
        self,
        *,
        run_id: str,
        job: str,
        trigger_id: str = "",
        fire_time: datetime | None = None,
        attempt: int = 1,
        term: int = 0,
        arguments: Mapping[str, Any] | None = None,
        report: Callable[[str, str | None], None],
    ) -> None:
        self.run_id = run_id
        self.trigger_id = trigger_id or run_id
        self.job = job
        self.fire_time = fire_time
        self.attempt = attempt
        self.term = term
        self.arguments: Mapping[str, Any] = arguments or {}
        self.cancelled = Cancellation()
        self.log = logging.getLogger(f"job.{job}")
        self._report = report
        self._state = "running"
        self._second, self._reports = 0.0, 0

    @property
    def state(self) -> str:
        """The state that was written last, in lower case; ``running`` before any was."""
        return self._state

    def write_status(self, state: str, details: Mapping[str, Any] | str | None = None) -> None:
        """Say how the run stands.

        The state that was written last decides how a run ends that returns: ``warning``,
        ``skipped`` and ``no_action_needed`` are successes of their kind, ``failed`` is a failure,
        ``canceled`` a cancellation; with ``running``, ``preparing`` and ``finished`` it succeeded.

        Args:
            details: a JSON object that replaces what was told before, or a text; None leaves it.

        Raises:
            ValueError: there is no such state, or the details are no JSON or too long.
        """
        written = _STATES.get(state.lower())
        if written is None:
            raise ValueError(f"there is no state {state!r}; write one of {', '.join(_STATES)}")
        content = {"message": details} if isinstance(details, str) else details
        text = None if content is None else details_text(content)
        self._state = written
        self._report(written, text)

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Say how far the run is: *done* of *total*, in whatever is counted.

        As often as you like: what comes too fast to be seen is dropped.

        Raises:
            ValueError: a number is not finite, or the message is too long.
        """
        now = time.monotonic()
        if now - self._second >= 1:
            self._second, self._reports = now, 0
        self._reports += 1
        if self._reports <= _REPORTS_A_SECOND or done == total:
            details: dict[str, Any] = {"done": done, "total": total}
            self.write_status("running", {**details, "message": message} if message else details)

    def raise_if_cancelled(self) -> None:
        """Raise JobCancelled if the run is to end."""
        if self.cancelled:
            raise JobCancelled


class TestContext(JobContext):
    """A context without a process, for tests of jobs.

    Attributes:
        statuses: what was written: states, each with its details, None for none.
    """

    #: pytest is not to take it for a test.
    __test__ = False

    def __init__(self, **fields: Any) -> None:
        self.statuses: list[tuple[str, Any]] = []
        super().__init__(**fields, report=self._remember)

    def _remember(self, state: str, details: str | None) -> None:
        self.statuses.append((state, None if details is None else json.loads(details)))


def context_for_test(
    job: str = "job under test",
    *,
    run_id: str = "run",
    fire_time: datetime | None = None,
    attempt: int = 1,
    **arguments: Any,
) -> TestContext:
    """Return a context with which a job can be called like any function.

    ``context.cancelled.set()`` cancels it; ``context.statuses`` are what the job has written.
    """
    return TestContext(
        job=job, run_id=run_id, fire_time=fire_time, attempt=attempt, arguments=arguments
    )


class Declaration:
    """What a decorated function declares.

    Attributes:
        name: the job's.
        document: the job as the API would take it, but for ``target.callable``, which
            depends on the module that it is found in.
    """

    __slots__ = ("document", "name")

    def __init__(self, name: str, document: dict[str, Any]) -> None:
        self.name = name
        self.document = document


def job(
    *,
    name: str | None = None,
    schedule: str | Mapping[str, Any] | None = None,
    continuous: bool = False,
    lock: str | None = None,
    retrigger: int | None = None,
    timeout: str | timedelta | None = None,
    arguments: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Callable[[_Function], _Function]:
    """Declare the decorated function a job; see the README for what can be given.

    Nothing is checked before the service reads the declaration; what is wrong is in its log
    and its status then, and the job's former definition stays.

    Args:
        name: unique among all jobs; the function's own name if None.
        schedule: as in a job of the API; None: only on request, or ``after`` other jobs.
        continuous: it runs for ever and is started again when it ends; exactly one run of it
            goes on in the whole cluster.  Instead of a schedule.
        lock: jobs with the same lock never run at the same time.
        retrigger: how often a lost run is repeated; 1 if None.
        timeout: longest time of a run, as ``"10m"`` or a timedelta; an hour if None, and no
            limit for a continuous job.
        arguments: keywords for the function; templates in their texts are filled in.
        fields: any other field of a job (``retry``, ``overlap``, ``tags``, ``enabled``, ...), and
            ``limits``, ``user`` and ``umask`` of its target.

    Raises:
        TypeError: what is decorated is not a function at the top of a module.
        ValueError: a continuous job has a schedule as well.
    """
    if continuous and schedule is not None:
        raise ValueError("a continuous job has no schedule: write one of both")
    given = {
        "schedule": {"kind": "continuous"} if continuous else schedule,
        "lock": lock,
        "retrigger": retrigger,
        "timeout": timeout,
        "arguments": arguments,
        **fields,
    }

    def declare(function: _Function) -> _Function:
        if "." in getattr(function, "__qualname__", "."):
            _refuse(function)
        called = name or function.__name__
        document: dict[str, Any] = {"name": called, "target": {"kind": "python"}}
        for field, value in given.items():
            if value is not None or field in fields:
                part = document["target"] if field in _OF_TARGET else document
                part[field] = _plain(value)
        setattr(function, _MARK, Declaration(called, document))
        return function

    return declare


def _refuse(function: object) -> NoReturn:
    raise TypeError(f"{function!r} cannot be a job: write a function at the top of a module")


def _plain(value: Any) -> Any:
    """Return *value* as JSON knows it; durations as seconds in ISO 8601."""
    if isinstance(value, timedelta):
        return f"PT{value.total_seconds():.3f}S"
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(member) for member in value]
    return value


def declaration_of(function: object) -> Declaration | None:
    """Return what *function* was declared to be; None if it is no job."""
    found = getattr(function, _MARK, None)
    return found if isinstance(found, Declaration) else None


def details_text(details: Mapping[str, Any]) -> str:
    """Return *details* as JSON.

    Raises:
        ValueError: they are not JSON, or longer than :data:`DETAILS_LIMIT`.
    """
    try:
        text = json.dumps(details, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"details have to be JSON: {error}") from None
    if len(text) > DETAILS_LIMIT:
        raise ValueError(
            f"details of {len(text):,} bytes are too long; at most {DETAILS_LIMIT:,} are kept of a "
            "run: tell less, or write it somewhere and tell where"
        )
    return text
