"""Our end of the lifeline that the processes of Python jobs hang on.

See ``executor.job_process.lifeline`` for theirs.  The writing end is open in this process
alone, for as long as it lives or until it is closed.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Lifeline:
    """A pipe that nobody writes to; any thread may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._reading_end, self._our_end = os.pipe()
        self._closed = False

    @contextmanager
    def end(self) -> Iterator[int]:
        """Open the reading end once more, for one process to inherit; closed here after that.

        Raises:
            OSError: it is closed, or no file can be opened any more.
        """
        with self._lock:
            if self._closed:
                raise OSError(errno.ESHUTDOWN, "the service is stopping")
            descriptor = os.open(f"/proc/self/fd/{self._reading_end}", os.O_RDONLY | os.O_NONBLOCK)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Let go: whatever hangs on it is killed by that."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._reading_end)
                os.close(self._our_end)
