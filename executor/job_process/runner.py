"""One run of a Python job: the main program of its process.

Started as ``python -m executor.job_process.runner CHANNEL LIFELINE``.

*CHANNEL* is a socket that keeps the borders of messages.  The first message comes from the
launcher: the plan, JSON.  Then this process sends: ``S`` and a status, as often as there
is one, and last of all ``E`` and how the run ended.  Each is the whole of what is known, so
that only the newest counts, and a process that the job forks can send as well.

*LIFELINE* ends this process and its group with the service (see ``lifeline``).

SIGTERM asks the run to end: it sets ``context.cancelled`` and cancels the task of an async
job.  Whoever ignores that is killed by the launcher.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from types import CoroutineType, TracebackType
from typing import Any, Final

from executor.job_process.lifeline import tie
from executor.jobs import JobCancelled, JobContext, declaration_of, details_text

#: Longest plan, bytes: far below what a socket takes at once (212,992 by default).
PLAN_LIMIT: Final = 131_072

#: Characters kept of an error: a few lines for people, the rest is in the output.
_ERROR_LIMIT: Final = 2_000

_STATUS: Final = b"S"
_END: Final = b"E"


class _NotFound(Exception):
    """The plan names nothing that can be run; says why."""


def main(channel: int, lifeline: int) -> int:
    """Run what the plan says and return the exit status: 0 for a success."""
    tie(lifeline)
    os.set_inheritable(channel, False)
    plan = json.loads(os.read(channel, PLAN_LIMIT + 1))
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )

    def report(state: str, details: str | None) -> None:
        _send(channel, _STATUS, state, details)

    context = _context(plan, report)
    signal.signal(signal.SIGTERM, lambda *_: context.cancelled.set())
    details, error, state = None, None, "failed"
    try:
        value = _call(_function(plan["callable"]), context)
        details = _details_of(value)
        state = context.state
    except _NotFound as problem:
        error = str(problem)
    except BaseException as problem:
        cancelled = isinstance(problem, JobCancelled) or _is_cancelled_task(problem)
        if cancelled or (isinstance(problem, SystemExit) and not problem.code):
            state = "cancelled" if cancelled else context.state
        else:
            error = _said(problem)
    if state == "failed" and error is None:
        error = "the job says that it failed (write_status)"
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    _send(channel, _END, state, details, error)
    return 1 if state in {"failed", "cancelled"} else 0


def _context(plan: dict[str, Any], report: Callable[[str, str | None], None]) -> JobContext:
    fire_time = plan["fire_time"]
    return JobContext(
        run_id=plan["run_id"],
        job=plan["job"],
        trigger_id=plan["trigger_id"],
        fire_time=None if fire_time is None else datetime.fromisoformat(fire_time),
        attempt=plan["attempt"],
        term=plan["term"],
        arguments=plan["arguments"],
        report=report,
    )


def _function(called: str) -> Callable[..., Any]:
    """Return the function named ``module:name``.

    It has to be the module's own, or declared a job: a module that imports others does not lend
    their functions to whoever may save jobs.
    """
    where, _, name = called.partition(":")
    try:
        module = importlib.import_module(where)
    except BaseException as error:
        raise _NotFound(f"module {where!r} cannot be imported: {_said(error)}") from None
    try:
        function = getattr(module, name)
    except AttributeError:
        raise _NotFound(f"module {where!r} has no function {name!r}") from None
    own = getattr(function, "__module__", None) == where and not name.startswith("_")
    if not callable(function) or not (own or declaration_of(function) is not None):
        raise _NotFound(
            f"{called!r} is no job: name a function of that module, or one decorated with @job"
        )
    return function  # type: ignore[no-any-return]


def _call(function: Callable[..., Any], context: JobContext) -> object:
    value = function(context, **context.arguments)
    return _awaited(value, context) if isinstance(value, CoroutineType) else value


def _awaited(work: Coroutine[Any, Any, object], context: JobContext) -> object:
    """Run an async job to its end; SIGTERM cancels its task."""
    # Half as long to import as everything else here together, and most jobs do without.
    import asyncio

    async def attend() -> object:
        task = asyncio.current_task()
        assert task is not None

        def cancel() -> None:
            context.cancelled.set()
            task.cancel()

        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, cancel)
        if context.cancelled:
            task.cancel()
        return await work

    return asyncio.run(attend())


def _is_cancelled_task(problem: BaseException) -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and isinstance(problem, asyncio.CancelledError)


def _details_of(value: object) -> str | None:
    if value is None:
        return None
    return details_text(value if isinstance(value, dict) else {"result": value})


def _said(problem: BaseException) -> str:
    """Write the traceback into the output, and return its last line."""
    import traceback

    if isinstance(problem, SystemExit):
        return f"the job ended its process: exit status {problem.code}"
    found = traceback.TracebackException(
        type(problem), problem, _of_job(problem.__traceback__), compact=True
    )
    for line in found.format():
        print(line, end="", file=sys.stderr)
    return "".join(found.format_exception_only()).strip()[:_ERROR_LIMIT]


def _of_job(trace: TracebackType | None) -> TracebackType | None:
    """Return *trace* without the frames of ours, and of the import system, that it begins with."""
    ours = (__file__, importlib.__file__)
    while trace is not None and (
        trace.tb_frame.f_code.co_filename in ours
        or trace.tb_frame.f_code.co_filename.startswith("<frozen importlib")
        or "/asyncio/" in trace.tb_frame.f_code.co_filename
    ):
        trace = trace.tb_next
    return trace


def _send(
    channel: int, kind: bytes, state: str, details: str | None, error: str | None = None
) -> None:
    """Send one message; nobody to hear it any more is no error of the job's."""
    told = json.dumps({"state": state, "error": error})
    text = f'{{"of": {told}, "details": {details or "null"}}}'
    with suppress(OSError):
        os.write(channel, kind + text.encode())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
