"""A TCP connection that tests can cut or freeze: a forwarder on threads of its own.

Cutting is what the other side sees of ``kill -9``; freezing is what both sides see of a
network or a process that has stopped moving while the connection stays up.
"""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

#: Bytes moved at once.
CHUNK = 65536


class _Pair:
    """One connection: the client's socket, the server's, and a thread for each direction."""

    def __init__(
        self, client: socket.socket, server: socket.socket, moving: threading.Event
    ) -> None:
        self._ends = client, server
        self._moving = moving
        self._broken = False
        self._threads = [
            threading.Thread(target=self._move, args=ends, name="tcp proxy")
            for ends in ((client, server), (server, client))
        ]
        for thread in self._threads:
            thread.start()

    def cut(self) -> None:
        """Break both ends; what was held up is thrown away."""
        self._broken = True
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Wait for the end of a pair that was cut; frozen ones must be moving again."""
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()

    def _move(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(CHUNK):
                self._moving.wait()
                if self._broken:
                    break
                sink.sendall(chunk)
        self.cut()


class TcpProxy:
    """Forwards connections to the server of *url*; a context manager."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._moving = threading.Event()
        self._moving.set()
        self._lock = threading.Lock()
        self._refusing = False
        self._pairs: list[_Pair] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="tcp proxy")
        self._thread.start()

    @property
    def url(self) -> str:
        """The URL that leads through here."""
        login, at, _host = self._parts.netloc.rpartition("@")
        return urlunsplit(self._parts._replace(netloc=f"{login}{at}127.0.0.1:{self._port}"))

    def cut(self) -> None:
        """Break every connection; new ones are welcome."""
        with self._lock:
            for pair in self._pairs:
                pair.cut()

    def lead_to(self, url: str) -> None:
        """Break every connection and forward new ones to the server of *url*."""
        with self._lock:
            self._parts = urlsplit(url)
        self.cut()

    def shut(self) -> None:
        """Break every connection and refuse new ones, for ever."""
        with self._lock:
            if not self._refusing:
                self._refusing = True
                self._listener.shutdown(socket.SHUT_RDWR)
                self._listener.close()
        self.cut()

    def freeze(self) -> None:
        """Keep connections open and move nothing."""
        self._moving.clear()

    def thaw(self) -> None:
        """Move again, beginning with what was held up."""
        self._moving.set()

    def close(self) -> None:
        """Break everything and end the threads."""
        self.shut()
        self._moving.set()
        self._thread.join()
        for pair in self._pairs:
            pair.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return  # shut
            try:
                server = socket.create_connection((self._parts.hostname, self._parts.port))
            except OSError:
                client.close()  # nobody there
                continue
            with self._lock:
                pair = _Pair(client, server, self._moving)
                self._pairs.append(pair)
                if self._refusing:
                    pair.cut()
