"""One process of a run: its group, its output, and how it came to its end.

The process stays a zombie until :meth:`Child.reap`: as long as it does, its number
cannot be given to anybody else, and a signal to its group hits nobody else.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Final, Protocol

from executor.adapters.captured_output import CapturedOutput
from executor.adapters.command_target import confinement
from executor.adapters.command_target.account import Account
from executor.adapters.command_target.channel import Channel
from executor.domain.run import Outcome, Reason, RunState
from executor.domain.targets import CommandTarget

#: Bytes read at once: all that a pipe holds by default.
_READ: Final = 65_536

#: Reads in one go before other children have their turn.
_READS: Final = 4


#: What may help where a program could not be started, by the kernel's error number.
_HINTS: Final = {
    errno.ENOEXEC: "; a script needs a first line such as #!/bin/sh",
    errno.EAGAIN: "; its user has as many processes as are allowed (limits.processes)",
    errno.ENOMEM: "; allow it more (limits.memory)",
}

#: What is known of an end by signal, beyond its name.
_SIGNALS: Final = {signal.SIGXCPU: ": its CPU time was used up (limits.cpu)"}


class Phase(Enum):
    """Where a child stands on its way to the end."""

    RUNNING = auto()
    #: The program is over, somebody it started still holds the output open.
    LINGERING = auto()
    #: SIGTERM is sent; SIGKILL follows.
    ENDING = auto()
    #: SIGKILL is sent; only a process stuck in the kernel, or not ours to kill, survives it.
    KILLED = auto()
    #: Reported as it stands; only the zombie is still waited for.
    ABANDONED = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a child is ended before its time; ``error`` says so to a person."""

    state: RunState
    reason: Reason | None = None
    error: str | None = None


class Process(Protocol):
    """A started process; ``returncode`` as of :class:`subprocess.Popen`, from :meth:`poll` on."""

    returncode: int | None

    @property
    def pid(self) -> int:
        """Its number, and that of its group."""
        ...

    def poll(self) -> int | None:
        """Return how it ended, and give its number back; None while it lives."""
        ...


class Child:
    """A started program.  Belongs to one thread at a time.

    Attributes:
        run_id: the run it works for.
        pidfd: becomes readable when the program is over.
        pipe: the reading end of its output; None once that is closed.
        channel: what its code tells of itself; None if it tells nothing, or nothing more.
        timeout_s: seconds it may run.
        phase: where it stands.
        verdict: why it is being ended; None if it was left to itself.
        is_over: the program has ended; the zombie may not be reaped yet.
        output: what it has said so far.
        since: monotonic time from which on it is listened to.
    """

    def __init__(
        self,
        run_id: str,
        process: Process,
        pipe: int,
        output: CapturedOutput,
        timeout_s: float,
        channel: Channel | None = None,
    ) -> None:
        self.run_id = run_id
        self.channel = self._told = channel
        self.pidfd = os.pidfd_open(process.pid)
        self.pipe: int | None = pipe
        self.timeout_s = timeout_s
        self.phase = Phase.RUNNING
        self.verdict: Verdict | None = None
        self.is_over = False
        self.output = output
        self.since = inf
        self._process = process

    def read(self) -> bool:
        """Take what has been written; return True once nothing can follow."""
        if self.pipe is None:
            return True
        for _ in range(_READS):
            try:
                data = os.read(self.pipe, _READ)
            except BlockingIOError:
                return False
            if not data:
                return True
            self.output.add(data)
        return False

    def close_pipe(self) -> None:
        """Read no more; whoever goes on writing gets SIGPIPE."""
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None

    def close_channel(self) -> None:
        """Hear no more; what was told stays known."""
        if self.channel is not None:
            self.channel.close()
            self.channel = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, as far as its members are ours to signal."""
        # Not there any more, or a program that changed its user: nothing more can be done.
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return

    def reap(self) -> None:
        """Give the process number back, if the program is over, and close every descriptor."""
        self._process.poll()
        self.close_pipe()
        self.close_channel()
        os.close(self.pidfd)

    def outcome(self) -> Outcome:
        """Say how the run ended; after :meth:`reap`, or of an abandoned program."""
        plain = self._plain_outcome()
        if self._told is None:
            return plain
        return self._told.judge(plain, by_itself=self.verdict is None)

    def _plain_outcome(self) -> Outcome:
        status = self._process.returncode
        exit_code = status if status is not None and status >= 0 else None
        ended_by = -status if status is not None and status < 0 else None
        output = self.output.output()
        if self.verdict is None:
            error = _error_of(status)
            state = RunState.SUCCEEDED if error is None else RunState.FAILED
            return Outcome(
                state=state, exit_code=exit_code, signal=ended_by, error=error, output=output
            )
        return Outcome(
            state=self.verdict.state,
            reason=self.verdict.reason,
            exit_code=exit_code,
            signal=ended_by,
            error=self.verdict.error if self.is_over else "the program outlived SIGKILL",
            output=output,
        )


def _error_of(status: int | None) -> str | None:
    if status == 0:
        return None
    if status is None:
        return "unknown how the program ended"
    if status > 0:
        return f"exit status {status}"
    try:
        number = signal.Signals(-status)
        return f"ended by signal {number.name}{_SIGNALS.get(number, '')}"
    except ValueError:
        return f"ended by signal {-status}"


def spawn(
    run_id: str,
    start: Callable[[int], Process],
    timeout_s: float,
    output: CapturedOutput,
    channel: Channel | None = None,
) -> Child:
    """Start a process in a session of its own.

    Args:
        start: does it; gets the descriptor for all that it says.
        timeout_s: seconds it may run; kept for whoever ends it.
        output: takes what it says.
        channel: what it tells of itself; the child's from now on, unless this fails.

    Raises:
        Exception: what *start* raises.
        OSError: it cannot be followed; it is killed.
    """
    reading, writing = os.pipe()
    try:
        process = start(writing)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
    os.set_blocking(reading, False)
    try:
        return Child(run_id, process, reading, output, timeout_s, channel)
    except OSError:
        os.close(reading)
        os.killpg(process.pid, signal.SIGKILL)
        if isinstance(process, subprocess.Popen):
            process.wait()
        raise


def open_program(
    target: CommandTarget,
    environment: Mapping[str, str],
    account: Account | None,
    output: int,
    kept: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start *target*'s program in a session of its own.

    Args:
        account: the user it runs as; None for our own.
        output: the descriptor for all that it says.
        kept: descriptors that it has open under the same numbers.

    Raises:
        OSError: it cannot be started; :func:`explained` says why in words.
        InvalidJob: its limits or its user cannot be had on this machine.
        ValueError: its words are no arguments of a program (a NUL, a lone surrogate).
    """
    if confinement.is_confined(target, account):
        return confinement.start(target, environment, account, output, kept)
    # Neither preexec_fn nor a user: with either, CPython gives up vfork, and starting a
    # process takes the longer the more memory the executor has.
    return subprocess.Popen(
        target.words,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=target.cwd,
        env=environment,
        start_new_session=True,
        pass_fds=kept,
    )


def explained(error: Exception, target: CommandTarget) -> str:
    """Return why :func:`spawn` failed, for a person."""
    if not isinstance(error, OSError):
        return f"the program could not be started: {error}"
    if target.cwd is not None and error.filename == target.cwd:
        return f"the working directory {target.cwd!r} cannot be entered: {error.strerror}"
    hint = _HINTS.get(error.errno or 0, "")
    return f"{target.words[0]!r} could not be started: {error.strerror}{hint}"
