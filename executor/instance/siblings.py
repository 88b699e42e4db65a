"""The siblings: programs that live and die together.

Rules
-----
1. If one ends, whatever its status, the other is stopped and the whole ends with a
   non-zero status.
2. SIGTERM, SIGINT and SIGHUP stop both with SIGTERM.  What has not ended after the limit
   is killed; a second SIGINT does not wait for the limit.
3. Nothing survives us: not the siblings (see ``lifeline``), not what they leave behind
   (see ``orphans``).

Siblings are started in process groups of their own, so Ctrl-C on a terminal reaches us
alone and they are stopped in order.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Final

from executor.instance import orphans

logger = logging.getLogger(__name__)

_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Program:
    """What to start: a name for the log, and the command line with its full path first."""

    name: str
    argv: tuple[str, ...]


class Siblings:
    """A set of programs, run once.

    Args:
        programs: started in this order.
        environ: their environment.
        descriptors: open files that they inherit under the same numbers; closed here after that,
            so that a port is free once they have let go of it.
        kill_after_s: seconds between SIGTERM and SIGKILL.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        environ: Mapping[str, str],
        descriptors: Collection[int],
        kill_after_s: float,
    ) -> None:
        self._programs, self._environ = programs, environ
        self._descriptors, self._kill_after_s = descriptors, kill_after_s
        self._running: dict[int, str] = {}
        self._stopped_for: str | None = None
        self._deadline = float("inf")
        self._status = 0

    def run(self) -> int:
        """Start the programs and return when all have ended.

        Returns:
            The exit status for the whole: 0 after a stop that was asked for and obeyed in
            time, else that of the program which ended first, or 1 if it was killed or 0.
        """
        with _signals() as (wakeup, received):
            orphans.adopt()
            self._start()
            while self._running:
                left_s = self._deadline - time.monotonic()
                if left_s <= 0:
                    self._kill()
                select.select([wakeup], [], [], None if left_s > 1e6 else max(left_s, 0.0))
                _drain(wakeup)
                self._reap()
                self._obey(received)
            orphans.end(spare=(), reap=self._reap)
        return self._status

    def _start(self) -> None:
        for descriptor in self._descriptors:
            os.set_inheritable(descriptor, True)
        for program in self._programs:
            pid = os.posix_spawn(program.argv[0], program.argv, self._environ, setpgroup=0)
            self._running[pid] = program.name
            logger.info(
                "process started",
                extra={"action": "process_started", "child": program.name, "pid": pid},
            )
        for descriptor in self._descriptors:
            os.close(descriptor)

    def _reap(self) -> None:
        """Collect every child that has ended, adopted ones included."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            name = self._running.pop(pid, None)
            if name is not None:
                self._ended(name, os.waitstatus_to_exitcode(status))

    def _ended(self, name: str, status: int) -> None:
        # Killed by our SIGTERM before it could install a handler: that is obedience, too.
        expected = self._stopped_for is not None and status in {0, -signal.SIGTERM}
        if not expected:
            self._status = self._status or max(status, 1)
        logger.log(
            logging.INFO if expected else logging.ERROR,
            "process ended",
            extra={"action": "process_ended", "child": name, "status": _in_words(status)},
        )
        self._stop(f"{name} ended")
        if not expected:
            # Its commands must not run on beside those of the next executor.
            orphans.end(spare=self._running, reap=self._reap)

    def _obey(self, received: list[signal.Signals]) -> None:
        while received:
            number = received.pop(0)
            if number == signal.SIGINT and self._stopped_for is not None:
                self._deadline = time.monotonic()
            self._stop(number.name)

    def _stop(self, reason: str) -> None:
        if self._stopped_for is not None:
            return
        self._stopped_for = reason
        self._deadline = time.monotonic() + self._kill_after_s
        logger.info("stopping", extra={"action": "stopping", "reason": reason})
        for pid in self._running:
            os.kill(pid, signal.SIGTERM)

    def _kill(self) -> None:
        self._deadline = float("inf")
        self._status = self._status or 1
        for pid, name in self._running.items():
            logger.error(
                "process killed", extra={"action": "process_killed", "child": name, "pid": pid}
            )
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def _in_words(status: int) -> str:
    return f"exit {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"


@contextmanager
def _signals() -> Iterator[tuple[int, list[signal.Signals]]]:
    """Catch the signals that concern us.

    Yields:
        A descriptor that becomes readable with every signal, SIGCHLD included, and the list
        to which each stop signal is added.
    """
    received: list[signal.Signals] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD:
            received.append(signal.Signals(number))

    with ExitStack() as undo:
        reading_end, writing_end = os.pipe()
        undo.callback(os.close, reading_end)
        undo.callback(os.close, writing_end)
        os.set_blocking(reading_end, False)
        os.set_blocking(writing_end, False)
        undo.callback(signal.set_wakeup_fd, signal.set_wakeup_fd(writing_end))
        for number in (*_STOP_SIGNALS, signal.SIGCHLD):
            # nohup, and shells that start us in the background, mean it.
            if number == signal.SIGCHLD or signal.getsignal(number) != signal.SIG_IGN:
                undo.callback(signal.signal, number, signal.signal(number, note))
        yield reading_end, received


def _drain(descriptor: int) -> None:
    with suppress(BlockingIOError):
        while os.read(descriptor, 4096):
            pass
