"""Our end of the zygote, which forks the processes of runs (see ``executor.job_process.zygote``).

It is started with the first run, and again should it have died: what it had forked goes on,
but how that ends is then known from its reports alone.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from threading import Lock
from typing import Final

from executor.adapters.python_target.lifeline import Lifeline

#: Seconds in which a zygote is gone that was let go.
_GONE_S: Final = 2.0

#: Longest answer, bytes: a number, or a sentence.
_LONGEST: Final = 1_024

_PROGRAM: Final = ("-u", "-X", "faulthandler", "-m", "executor.job_process.zygote")


class ForkedProcess:
    """A process of the zygote's; see :class:`~executor.adapters.command_target.child.Process`."""

    def __init__(self, zygote: _Generation, pid: int) -> None:
        self._zygote = zygote
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, None while it lives or if nobody knows."""
        if self.returncode is None:
            self.returncode = self._zygote.status_of(self.pid)
        return self.returncode


class Zygote:
    """Forks processes; any of several threads may ask.

    Args:
        environment: what the processes see, besides what each is given.
        lifeline: what it hangs on itself.
        interpreter: the program to start.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        lifeline: Lifeline,
        interpreter: str = sys.executable,
    ) -> None:
        self._environment = environment
        self._lifeline = lifeline
        self._interpreter = interpreter
        self._lock = Lock()
        self._present: _Generation | None = None

    def fork(
        self, variables: Mapping[str, str], descriptors: tuple[int, int, int]
    ) -> ForkedProcess:
        """Return a new process, the leader of a session.

        Args:
            variables: added to its environment.
            descriptors: its output, channel and lifeline; they stay open here.

        Raises:
            OSError: it cannot be had.
        """
        with self._lock:
            if self._present is None or self._present.is_dead:
                self._end()
                self._present = _Generation(self._interpreter, self._environment, self._lifeline)
            present = self._present
        return ForkedProcess(present, present.fork(variables, descriptors))

    def close(self) -> None:
        """Let it go, and wait until it is gone."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._present is not None:
            self._present.close()
            self._present = None


class _Generation:
    """One process of the zygote, until it dies."""

    def __init__(
        self, interpreter: str, environment: Mapping[str, str], lifeline: Lifeline
    ) -> None:
        self._lock = Lock()
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs, lifeline.end() as end:
                ends = (theirs.fileno(), end)
                self._process = subprocess.Popen(
                    (interpreter, *_PROGRAM, *map(str, ends)),
                    stdin=subprocess.DEVNULL,
                    env=environment,
                    start_new_session=True,
                    pass_fds=ends,
                )
        except BaseException:
            self._ours.close()
            raise

    @property
    def is_dead(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def fork(self, variables: Mapping[str, str], descriptors: tuple[int, int, int]) -> int:
        """Return the number of a new process."""
        answer = self._ask(b"F" + json.dumps(dict(variables)).encode(), descriptors)
        if not answer.isdigit():
            raise OSError(f"no process can be forked: {answer.decode()[1:] or 'it has died'}")
        return int(answer)

    def status_of(self, pid: int) -> int | None:
        """Return the exit status of a child, as of subprocess; None while it lives, or if lost."""
        with suppress(OSError):
            answer = self._ask(b"R" + str(pid).encode())
            if answer.isdigit():
                return os.waitstatus_to_exitcode(int(answer))
        return None

    def _ask(self, request: bytes, descriptors: tuple[int, ...] = ()) -> bytes:
        with self._lock:
            socket.send_fds(self._ours, [request], descriptors)
            return self._ours.recv(_LONGEST)

    def close(self) -> None:
        """Let it go."""
        with self._lock:
            self._ours.close()
        try:
            self._process.wait(_GONE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
