"""A lock on a file, held by one process of the machine until it lets go or dies.

It is an *open file description* lock (fcntl(2)): like one of flock(2) it belongs to the
open file and ends with its last descriptor, however the process ends.  Unlike that it
can be asked about without being taken for a moment, so those who only ask never get in
the way of those who compete.

Children must not keep it alive.  Programs that are started lose the descriptor because
it is not inheritable; a mere ``fork`` closes its copy here.
"""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

#: ``struct flock``: type, whence, start, length (0: to the end), pid (0, for this kind of lock).
_FORM: Final = "hhqqi4x"

#: Descriptors of locks that this process holds.
_held: set[int] = set()


def _close_inherited() -> None:
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_close_inherited)


class HeldLock:
    """A lock that this process holds."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor

    def is_in_place(self) -> bool:
        """Return whether the locked file is still the one others find; False if it was replaced."""
        try:
            there, mine = self._path.stat(), os.fstat(self._descriptor)
        except FileNotFoundError:
            return False
        return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)

    def sign(self, text: str) -> None:
        """Write into the file who holds the lock; for people, nothing reads it."""
        # On a full disk there is no signature; the lock is none the worse for it.
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{text}\n".encode(), 0)

    def release(self) -> None:
        """Let go, also of what a child that just came to be may still have open."""
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _request(fcntl.F_UNLCK))
        finally:
            _close(self._descriptor)


def try_lock(path: Path) -> HeldLock | None:
    """Take the lock on *path*, which is created if need be; None if somebody holds it.

    Raises:
        OSError: the file cannot be opened or locked.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    _held.add(descriptor)
    lock = HeldLock(path, descriptor)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _request(fcntl.F_WRLCK))
        # Whoever held it may have removed the file since it was opened here.
        if lock.is_in_place():
            return lock
    except BlockingIOError:
        # Somebody holds it, which is an answer.
        pass
    except BaseException:
        _close(descriptor)
        raise
    _close(descriptor)
    return None


def is_locked(path: Path) -> bool:
    """Return whether somebody holds the lock, without taking it.

    Raises:
        OSError: it cannot be told.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _request(fcntl.F_WRLCK))
    finally:
        os.close(descriptor)
    (kind, *_) = struct.unpack(_FORM, answer)
    return bool(kind != fcntl.F_UNLCK)


def _request(kind: int) -> bytes:
    return struct.pack(_FORM, kind, os.SEEK_SET, 0, 0, 0)


def _close(descriptor: int) -> None:
    _held.discard(descriptor)
    os.close(descriptor)
