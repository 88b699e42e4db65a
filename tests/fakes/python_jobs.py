"""Python jobs for the tests to run: each does one thing that a run may have to stand."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from typing import Any

from executor.jobs import Cancellation, JobCancelled, JobContext, job


def _touch(context: JobContext, path: str | None) -> None:
    if path is not None:
        # Not by way of pathlib: a thousand of these are started at one instant.
        with open(path, "a") as touched:  # noqa: PTH123
            touched.write(f"{context.run_id}\n")


@job(name="quick", schedule="30 2 * * *", tags=["sample"], arguments={"touched": None})
def quick(context: JobContext, touched: str | None = None) -> dict[str, Any]:
    _touch(context, touched)
    print("hello")
    return {"attempt": context.attempt}


def failing(context: JobContext, touched: str | None = None) -> None:
    _touch(context, touched)
    raise ValueError("no\nmore data")


def hanging(context: JobContext, touched: str | None = None) -> None:
    _touch(context, touched)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Event().wait()


def stubborn(context: JobContext, pids: str) -> None:
    """Ignores that it is to end, and so does a child of it in the same group."""
    import subprocess
    from pathlib import Path

    script = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)"
    child = subprocess.Popen([sys.executable, "-c", script])
    Path(pids).write_text(f"{os.getpid()}\n{child.pid}\n")
    while True:
        time.sleep(1000)


def endless(context: JobContext, touched: str | None = None) -> None:
    _touch(context, touched)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        os.write(1, b"x" * 65_536)


def gigabyte(context: JobContext) -> None:
    for _ in range(1024**3 // 65_536):
        os.write(1, b"x" * 65_536)


def told(context: JobContext, **arguments: Any) -> dict[str, Any]:
    """Returns what it was handed."""
    assert arguments == context.arguments
    fire_time = None if context.fire_time is None else context.fire_time.isoformat()
    return {
        "run_id": context.run_id,
        "trigger_id": context.trigger_id,
        "job": context.job,
        "fire_time": fire_time,
        "attempt": context.attempt,
        "term": context.term,
        "arguments": dict(context.arguments),
    }


def returning(context: JobContext, value: Any = None) -> object:
    return value


def naming(context: JobContext, value: str) -> dict[str, Any]:
    return {value: [{"of": value}]}


def returning_nonsense(context: JobContext) -> object:
    return {"when": threading.Event()}


def returning_too_much(context: JobContext, size: int) -> object:
    return "x" * size


def writing(context: JobContext, state: str, details: Any = None) -> None:
    context.write_status(state, details)


def writing_then_waiting(context: JobContext, details: dict[str, Any]) -> None:
    context.write_status("preparing", details)
    context.cancelled.wait()


def counting(context: JobContext, total: int) -> None:
    for number in range(total + 1):
        context.progress(number, total, "counting")


def cooperating(context: JobContext) -> None:
    print("began", flush=True)
    context.progress(1, 2)
    context.cancelled.wait()
    print("tidied up")
    context.raise_if_cancelled()


def giving_up(context: JobContext) -> None:
    raise JobCancelled


async def hello_async(context: JobContext) -> str:
    import asyncio

    await asyncio.sleep(0)
    return "hello"


async def waiting_async(context: JobContext) -> None:
    import asyncio

    context.progress(0)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        print(f"cancelled: {bool(context.cancelled)}")
        raise


def logging_away(context: JobContext) -> None:
    print("one")
    context.log.info("two")
    logging.getLogger("library").warning("three")
    print("four", file=sys.stderr)


def exiting(context: JobContext, status: int) -> None:
    sys.exit(status)


def vanishing(context: JobContext, status: int) -> None:
    os._exit(status)


def crashing(context: JobContext) -> None:
    import ctypes

    ctypes.string_at(0)


def killed(context: JobContext) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def bombing(context: JobContext) -> None:
    """Starts processes without end, each of which stays."""
    import subprocess

    while True:
        subprocess.Popen(["sleep", "1000"])


def hoarding(context: JobContext) -> None:
    bytearray(1024**3)


def whoami(context: JobContext) -> dict[str, Any]:
    mask = os.umask(0)
    return {"user": os.getuid(), "umask": oct(mask)}


_imported = 0
_imported += 1


def drawing(context: JobContext) -> dict[str, Any]:
    import random

    return {"imported": _imported, "drawn": random.random()}


def lingering(context: JobContext) -> None:
    import atexit

    atexit.register(print, "atexit")
    threading.Timer(0.1, print, ["thread"]).start()


def awaiting(context: JobContext, path: str) -> dict[str, Any]:
    context.progress(0)
    while not os.path.exists(path):  # noqa: PTH110
        context.cancelled.wait(0.02)
    return {"came": True}


def parent(context: JobContext) -> dict[str, Any]:
    return {"parent": os.getppid()}


def forging(context: JobContext) -> None:
    """Sends nonsense over every descriptor it has."""
    for descriptor in range(3, 100):
        try:
            os.write(descriptor, b"S{nonsense")
        except OSError:
            continue
    context.write_status("running", {"half": "\ud800"})


def forking(context: JobContext, children: int) -> None:
    """Has children that report as well."""
    for number in range(children):
        if os.fork() == 0:
            context.write_status("running", {"child": number, "much": "x" * 50_000})
            os._exit(0)
    for _ in range(children):
        os.wait()


not_a_function = 4
borrowed = Cancellation
_private = quick
