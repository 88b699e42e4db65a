"""An HTTP server that notes when each request arrives, and does next to nothing else.

One process, one thread and epoll, so that what is measured is whoever sends.  Requests are taken
for such without a body; each is answered with 200, and connections stay open.

As a program it prints its address and serves until its input ends; then it prints the instants
of arrival, seconds since 1970, as a JSON list.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from typing import Final

#: More connections at once than anybody opens.
_BACKLOG: Final = 4096

_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"

_END_OF_HEAD: Final = b"\r\n\r\n"


class _Server:
    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self.listener.setblocking(False)
        self.arrivals: list[float] = []
        self._open: dict[int, socket.socket] = {}
        self._poll = select.epoll()
        self._poll.register(self.listener, select.EPOLLIN)
        self._poll.register(sys.stdin, select.EPOLLIN)

    def serve(self) -> None:
        """Answer until the standard input ends."""
        while True:
            for fd, _ in self._poll.poll():
                if fd == sys.stdin.fileno():
                    return
                if fd == self.listener.fileno():
                    self._accept()
                else:
                    self._answer(fd)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except BlockingIOError:
                return
            self._open[connection.fileno()] = connection
            self._poll.register(connection, select.EPOLLIN)

    def _answer(self, fd: int) -> None:
        connection = self._open[fd]
        try:
            data = connection.recv(65_536)
            if not data:
                raise ConnectionResetError
            if _END_OF_HEAD in data:
                self.arrivals.append(time.time())
                connection.sendall(_ANSWER)
        except ConnectionError:
            self._poll.unregister(connection)
            self._open.pop(fd).close()


if __name__ == "__main__":
    server = _Server()
    print(f"http://127.0.0.1:{server.listener.getsockname()[1]}", flush=True)
    server.serve()
    print(json.dumps(server.arrivals), flush=True)
