"""Ports, subnets and folders that no other test run on this machine uses.

A reservation is a lock on a file.  The kernel releases it when its holder dies,
however that happens, so nothing is ever left reserved; folders of dead holders
are swept by whoever reserves the next one.

Ports come from below the range the kernel takes for outgoing connections: a
server that is down for a moment must find its port free when it comes back.
"""

import fcntl
import os
import random
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from types import TracebackType
from typing import Self

#: All reservations and server folders of this user on this machine.
ROOT = Path(tempfile.gettempdir()) / f"solocron-tests-{os.getuid()}"

#: See ip_local_port_range in ip(7): outgoing connections start at 32768.
PORTS = range(21000, 32000)


class Reservation:
    """Something numbered that is ours until :meth:`close`, or until we die."""

    def __init__(self, number: int, lock: TextIOWrapper) -> None:
        self.number = number
        self._lock = lock

    def close(self) -> None:
        """Let others have it; harmless when done already."""
        self._lock.close()


def _lock(path: Path) -> TextIOWrapper | None:
    """Return the locked file, or None when somebody else holds the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def reserve(
    kind: str, candidates: Iterable[int], usable: Callable[[int], bool] = lambda _: True
) -> Reservation:
    """Return the first of *candidates* that nobody has reserved and that is *usable*.

    Raises:
        RuntimeError: There is none.
    """
    for number in candidates:
        lock = _lock(ROOT / kind / str(number))
        if lock is not None:
            if usable(number):
                return Reservation(number, lock)
            lock.close()
    raise RuntimeError(f"every {kind} is taken")


def reserve_port(bind: str = "127.0.0.1") -> Reservation:
    """Return a TCP port that is free at the address *bind*."""

    def free(port: int) -> bool:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((bind, port))
            except OSError:
                return False
        return True

    return reserve("ports", random.sample(PORTS, len(PORTS)), free)


class Folder:
    """A folder of our own, removed by :meth:`close` or by the next test run."""

    def __init__(self, name: str) -> None:
        parent = ROOT / "servers"
        parent.mkdir(parents=True, exist_ok=True)
        # One at a time: a sweeper must not meet a folder that is not locked yet.
        with (ROOT / "sweep").open("a", encoding="utf-8") as sweep:
            fcntl.flock(sweep, fcntl.LOCK_EX)
            _sweep(parent)
            self.path = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
            self._lock = _lock(_lock_of(self.path))

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        _lock_of(self.path).unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _sweep(parent: Path) -> None:
    """Remove the folders whose holders died without doing so."""
    for path in parent.glob("*.lock"):
        lock = _lock(path)
        if lock is not None:
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            with suppress(FileNotFoundError):
                path.unlink()
            lock.close()
