"""A letter box that an epoll loop can watch.

Launchers own everything on one thread that sleeps in ``epoll``.  Other threads do not
touch what it owns, they put a message here; the box's descriptor becomes readable and
the loop takes all messages at once.

Rules
-----
1. Messages come out in the order in which they were put in.
2. A box that is closed swallows messages: whoever writes after the end meets neither
   an error nor, worse, somebody else's descriptor with the same number.
"""

from __future__ import annotations

import os
from threading import Lock
from typing import Generic, TypeVar

Message = TypeVar("Message")


class Inbox(Generic[Message]):
    """Messages from any thread to the one that watches :attr:`fd`."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._lock = Lock()
        self._messages: list[Message] = []
        self._closed = False

    def put(self, message: Message) -> None:
        """Leave *message* and wake the reader.  Any thread; never waits for the reader."""
        with self._lock:
            if self._closed:
                return
            self._messages.append(message)
            if len(self._messages) == 1:
                os.eventfd_write(self.fd, 1)

    def take(self) -> list[Message]:
        """Return the messages since the last call, oldest first; the reader's thread only."""
        with self._lock:
            if not self._messages:
                return []
            taken, self._messages = self._messages, []
            os.eventfd_read(self.fd)
            return taken

    def close(self) -> None:
        """Throw away what is in the box and everything that comes later."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._messages = []
                os.close(self.fd)
