"""How long a client may take to send one request.

gunicorn waits for a first byte without spending a thread on it; from then on a thread belongs to
the client until the request is whole.  Whoever sends it a byte at a time, on some dozen
connections, would have all threads.  So each connection that is being read from has a deadline.
When that is over it is shut for reading: whoever waits for more learns that there is none.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Final

#: Seconds for a whole request, the body included: 1 MB over a line of 300 kbit/s.
LIMIT_S: Final = 30.0

#: How often deadlines are looked at, seconds.
_EVERY_S: Final = 1.0


class ReadingTime:
    """The deadlines of all connections that are being read from; any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: dict[socket.socket, float] = {}

    def begin(self, connection: socket.socket) -> None:
        """A request is being read from *connection* from now on."""
        with self._lock:
            self._since[connection] = time.monotonic()

    def end(self, connection: socket.socket) -> bool:
        """Nothing more is read; return whether that was so in time."""
        with self._lock:
            return self._since.pop(connection, None) is not None

    def shut_late(self, now: float) -> None:
        """Shut the connections whose deadline is over at *now*, monotonic seconds."""
        with self._lock:
            late = [one for one, since in self._since.items() if now - since >= LIMIT_S]
            for connection in late:
                del self._since[connection]
                # Gone already: as good.
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)

    def watch(self) -> None:
        """Look at the deadlines from now on, on a thread that ends with the process."""
        threading.Thread(target=self._watch, name="reading-time", daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(_EVERY_S):
            self.shut_late(time.monotonic())
