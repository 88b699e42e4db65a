"""Starting a program with limits, as another user, or with a mask of its own.

Such a program is started by way of the ``gate``, a bare interpreter that confines itself
and then becomes the program: same process, same number.  It costs twenty milliseconds,
so programs without any of that do not take this way.

The gate starts without the job's environment: as long as it may be root, nothing that a
job's author wrote has a say in it.
"""

from __future__ import annotations

import marshal
import math
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from executor.adapters.command_target.account import Account
from executor.domain.errors import Fault, InvalidJob
from executor.domain.targets import CommandTarget

_GATE: Final = str(Path(__file__).with_name("gate.py"))

#: Bytes received at once.
_CHUNK: Final = 65_536

#: Step of the gate -> the field that asks for it, where it is not about the program itself.
_FIELDS: Final = {
    "umask": "target.umask",
    "cpu": "target.limits.cpu",
    "processes": "target.limits.processes",
    "user": "target.user",
    "limits": "target.limits.memory",
}


def is_confined(target: CommandTarget, account: Account | None) -> bool:
    """Whether *target* has to be started by :func:`start`."""
    limits = target.limits
    asked = (limits.cpu, limits.memory, limits.processes, target.umask, account)
    return any(one is not None for one in asked)


def start(
    target: CommandTarget,
    environment: Mapping[str, str],
    account: Account | None,
    output: int,
    kept: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start *target*'s program, confined, in a session of its own.

    Returns once the program has begun.

    Args:
        account: the user to become; None to stay who we are.
        output: descriptor for all that it says.
        kept: descriptors that the program has open under the same numbers.

    Raises:
        OSError: it cannot be started; ``filename`` is its cwd if that was the reason.
        InvalidJob: what it asks for cannot be had here.
        ValueError: its words are no arguments of a program.
        RuntimeError: the gate itself cannot be started.
    """
    plan = marshal.dumps(_plan(target, environment, account))
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = _open_gate(theirs.fileno(), output, kept)
        answer = _exchange(ours, plan)
    if answer:
        process.kill()
        process.wait()
        step, number, text = marshal.loads(answer)
        raise _refusal(target, step, number, text)
    return process


def _open_gate(channel: int, output: int, kept: Sequence[int]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            (sys.executable, "-I", "-S", _GATE, str(channel)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Where an interpreter may find its own libraries: as this one did.
            env={k: v for k, v in os.environ.items() if k == "LD_LIBRARY_PATH"},
            start_new_session=True,
            pass_fds=(channel, *kept),
        )
    except OSError as error:
        # Not the program's fault, and nothing that its author could put right.
        what = f"{sys.executable!r}, which sets its limits, cannot be run: {error.strerror}"
        raise RuntimeError(what) from error


def _plan(
    target: CommandTarget, environment: Mapping[str, str], account: Account | None
) -> dict[str, Any]:
    """Return what the gate is told: by step, None for nothing to do."""
    limits = target.limits
    if limits.processes is not None and (os.geteuid() if account is None else account.uid) == 0:
        message = "does not bind root, which this would run as; name another user in target.user"
        raise InvalidJob([Fault("target.limits.processes", message)])
    words = [_argument(word) for word in target.words]
    folders = [b""] if b"/" in words[0] else map(os.fsencode, os.get_exec_path(environment))
    return {
        "umask": None if target.umask is None else int(target.umask, 8),
        "cpu": None if limits.cpu is None else math.ceil(limits.cpu.total_seconds()),
        "processes": limits.processes,
        "user": None if account is None else (account.uid, account.gid, list(account.groups)),
        "cwd": None if target.cwd is None else os.fsencode(target.cwd),
        "program": (
            # The same way as without confinement: relative folders count from the cwd.
            [os.path.join(folder, words[0]) for folder in folders],  # noqa: PTH118
            words,
            {os.fsencode(name): os.fsencode(value) for name, value in environment.items()},
            limits.memory,
        ),
    }


def _argument(word: str) -> bytes:
    if "\x00" in word:
        raise ValueError("embedded null byte")
    return os.fsencode(word)


def _exchange(channel: socket.socket, plan: bytes) -> bytes:
    """Send the plan and return the answer, empty if the program has begun (or the gate died)."""
    answer = b""
    try:
        channel.sendall(plan)
        channel.shutdown(socket.SHUT_WR)
        while chunk := channel.recv(_CHUNK):
            answer += chunk
    except OSError:
        # Killed on its way: how it ended is seen like the end of any program.
        return b""
    return answer


def _refusal(target: CommandTarget, step: str, number: int | None, text: str) -> Exception:
    """Return what to raise for the gate's answer."""
    if step in _FIELDS:
        return InvalidJob([Fault(_FIELDS[step], f"cannot be had on this machine: {text}")])
    if number is None:
        return ValueError(text)
    return OSError(number, os.strerror(number), target.cwd if step == "cwd" else target.words[0])
