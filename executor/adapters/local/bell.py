"""A bell beside the command queue, so that commands are taken at once and not at the next look.

It is a named pipe in the data folder.  It carries no message: a ring that nobody hears, or
that the wrong one hears, costs a second, after which the queue is looked at anyway.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

#: The pipe's name in the data folder.
_NAME: Final = "commands.bell"

#: More than a pipe holds, bytes.
_ALL: Final = 1 << 20


def ring(folder: Path) -> None:
    """Wake whoever listens.  Never waits, never fails."""
    # No pipe, nobody listens, or so many rings unheard that the pipe is full.
    with suppress(OSError):
        descriptor = os.open(folder / _NAME, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(descriptor, b"\0")
        finally:
            os.close(descriptor)


class Listening:
    """The hearing end; :attr:`fd` is readable once somebody has rung."""

    def __init__(self, folder: Path) -> None:
        """Begin to listen.

        Raises:
            OSError: there can be no pipe.
        """
        path = folder / _NAME
        with suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        # Open for both, a pipe has never reached its end because the last ringer has gone.
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISFIFO(os.fstat(self.fd).st_mode):
            os.close(self.fd)
            raise FileExistsError(f"{path} is not a pipe; remove it")

    def hush(self) -> None:
        """Forget all rings so far."""
        with suppress(BlockingIOError):
            os.read(self.fd, _ALL)

    def close(self) -> None:
        """Stop listening."""
        os.close(self.fd)
