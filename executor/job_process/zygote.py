"""The zygote: an interpreter that is ready, and becomes the process of a run by forking.

Started as ``python -m executor.job_process.zygote CONTROL LIFELINE``, once for a launcher.
An interpreter takes a tenth of a second of processor time to start and to import what
every run needs; a fork of one that has done so takes a millisecond or two.

It has imported nothing but the standard library and what is ours: a job's own modules are
imported by each run, so that none finds connections, threads or random numbers of another
one.  It has one thread, so that nothing is locked when it forks.

On *CONTROL*, a socket that keeps the borders of messages, it takes one request at a time:

``F`` and JSON, with three descriptors
    Become a run: with these variables in its environment, this output, channel and lifeline.
    The answer, from the run itself once it is the leader of a session, is its process id; or
    ``!`` and why there is none.
``R`` and a process id
    The answer is the wait status of that child, which from then on is forgotten; or empty as
    long as it lives.

It ends with the launcher.  It reaps nothing unasked: until a run is asked about, its number
is its own.
"""

from __future__ import annotations

# Not for use here: what runs need, or will soon.
import asyncio  # noqa: F401
import atexit
import gc
import json
import logging  # noqa: F401
import os
import socket
import sys
import threading
import traceback  # noqa: F401
from typing import NoReturn

from executor.job_process import runner
from executor.job_process.lifeline import tie

#: Longest request, bytes: a handful of variables.
_LONGEST = 65_536


def main(control: int, lifeline: int) -> int:
    """Serve until the launcher is gone; return the exit status.  A fork runs the job, and ends."""
    tie(lifeline)
    os.set_inheritable(control, False)
    gc.collect()
    # What is there now is shared with every run, as long as nobody touches it.
    gc.freeze()
    with socket.socket(fileno=control) as requests:
        ends = _serve(requests)
    if ends is None:
        return 0
    os.close(lifeline)
    return _leave(runner.main(*ends))


def _serve(requests: socket.socket) -> tuple[int, int] | None:
    """Take requests; return channel and lifeline in a process that has become a run."""
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, _LONGEST, 3)
        if not message:
            return None
        if message.startswith(b"R"):
            requests.send(_status_of(int(message[1:])))
            continue
        try:
            pid = os.fork()
        except OSError as error:
            requests.send(f"!{error}".encode())
            pid = -1
        if pid == 0:
            output, channel, lifeline = descriptors
            os.setsid()
            requests.send(str(os.getpid()).encode())
            _dress(json.loads(message[1:]), output)
            return channel, lifeline
        for descriptor in descriptors:
            os.close(descriptor)


def _status_of(pid: int) -> bytes:
    """Return the wait status of a child that has ended, and forget it."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return b"?"
    return str(status).encode() if found else b"-"


def _dress(variables: dict[str, str], output: int) -> None:
    os.environ.update(variables)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.close(output)


def _leave(status: int) -> NoReturn:
    """End the process of a run: everybody's last words are heard, but nothing is taken apart.

    To free what was shared with the zygote would mean to copy it first, all of it.
    """
    try:
        # Waits for the threads that are no daemons, as every interpreter does at its end.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
