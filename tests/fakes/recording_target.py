"""An HTTP server for launchers to call: it remembers every request, and misbehaves on order.

Paths
-----
``/status/503``            answers with that status and a short body; more may follow
``/busy/429?after=90``     answers with that status and that Retry-After
``/echo``                  answers 200 with the request's body
``/hang``                  answers nothing until the server closes
``/stall?head=text``       answers 200, sends ``head``, then nothing more
``/drip``                  sends a byte now and then, until the client has had enough
``/endless``               sends until the client has had enough
``/bytes/1000``            answers with so many bytes, counting lines
``/drop``                  closes the connection without an answer
``/redirect/303?to=/x``    answers with that status and that location
``/loop``                  redirects to itself

As a program it prints its address and serves until its input ends.
"""

import contextlib
import socket
import ssl
import sys
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Self
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

#: Longest that a handler waits for anything, seconds; tests end long before.
_PATIENCE_S = 30

#: Pause between two drops, seconds: no client may take the silence for the end.
_DRIP_S = 0.05


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived; header names in lower case.

    ``at`` is by the monotonic clock, ``connection`` the port it came from.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    connection: int

    @property
    def run_id(self) -> str:
        return self.headers.get("x-solocron-run-id", "")


class RecordingTarget:
    """The server, on a port of its own.

    Args:
        tls: make it an HTTPS server.
        address: which of this machine's addresses it listens on.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> None:
        self.requests: list[Request] = []
        self.closing = Event()
        self._lock = Lock()
        self._server = _Server(self, tls, address)
        self.port: int = self._server.server_port
        self.url = f"{'https' if tls else 'http'}://{address}:{self.port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def record(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)

    def seen(self) -> list[str]:
        """Return the run ids of the requests so far, in the order of their arrival."""
        with self._lock:
            return [request.run_id for request in self.requests]

    def drop_connections(self) -> None:
        """Close every connection that clients keep, from this side."""
        self._server.drop_connections()

    def close(self) -> None:
        """Stop answering; no thread and no socket is left."""
        self.closing.set()
        self._server.shutdown()
        self._server.drop_connections()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 2048

    def __init__(self, target: RecordingTarget, tls: ssl.SSLContext | None, address: str) -> None:
        self.target = target
        self.tls = tls
        self._open: set[socket.socket] = set()
        self._guard = Lock()
        super().__init__((address, 0), _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        with self._guard:
            self._open.add(connection)
        return connection, address

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        # Here and not in get_request: a handshake must not keep others from connecting.
        with (
            contextlib.suppress(OSError),
            self.tls.wrap_socket(request, server_side=True) as secure,
        ):
            super().finish_request(secure, client_address)

    def shutdown_request(self, request: object) -> None:
        assert isinstance(request, socket.socket)
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that break off are what these tests are about."""

    def drop_connections(self) -> None:
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    #: Head and body are two writes; held back, the second waits 40 ms for the first's receipt.
    disable_nagle_algorithm = True
    timeout = _PATIENCE_S
    server: _Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.target.record(
            Request(
                self.command,
                self.path,
                {name.lower(): value for name, value in self.headers.items()},
                body,
                time.monotonic(),
                self.client_address[1],
            )
        )
        parts = urlsplit(self.path)
        name, _, argument = parts.path.strip("/").partition("/")
        query = parse_qs(parts.query)
        answer = getattr(self, f"_answer_{name}", None)
        if answer is None:
            self._send(200, b"ok\n")
        else:
            answer(argument, query, body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def _send(
        self, status: int, body: bytes, location: bytes | None = None, after: str | None = None
    ) -> None:
        self.send_response(status)
        if after is not None:
            self.send_header("Retry-After", after)
        if location is not None:
            self._headers_buffer.append(b"Location: " + location + b"\r\n")  # type: ignore[attr-defined]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _begin_endless(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()

    def _answer_status(self, argument: str, _query: object, _body: object) -> None:
        argument = argument.partition("/")[0]
        body = b"" if argument in {"204", "304"} else f"this is {argument}\n".encode()
        self._send(int(argument), body)

    def _answer_busy(self, argument: str, query: dict[str, list[str]], _body: object) -> None:
        self._send(int(argument), b"not now", after=query["after"][0])

    def _answer_echo(self, _argument: str, _query: object, body: bytes) -> None:
        self._send(200, body)

    def _answer_bytes(self, argument: str, _query: object, _body: object) -> None:
        size = int(argument)
        lines = b"".join(b"%015d\n" % number for number in range(size // 16 + 1))
        self._send(200, lines[:size])

    def _answer_hang(self, _argument: str, _query: object, _body: object) -> None:
        self.close_connection = True
        self.server.target.closing.wait(_PATIENCE_S)

    def _answer_stall(self, _argument: str, query: dict[str, list[str]], _body: object) -> None:
        self._begin_endless()
        self.wfile.write(query["head"][0].encode())
        self.server.target.closing.wait(_PATIENCE_S)

    def _answer_endless(self, _argument: str, _query: object, _body: object) -> None:
        self._begin_endless()
        block = b"x" * 65_536
        while not self.server.target.closing.is_set():
            self.wfile.write(block)

    def _answer_drip(self, _argument: str, _query: object, _body: object) -> None:
        self._begin_endless()
        while not self.server.target.closing.wait(_DRIP_S):
            self.wfile.write(b".")

    def _answer_drop(self, _argument: str, _query: object, _body: object) -> None:
        self.close_connection = True

    def _answer_redirect(self, argument: str, query: dict[str, list[str]], _body: object) -> None:
        raw = self.path.partition("to=")[2] or query["to"][0]
        self._send(int(argument), b"elsewhere", unquote_to_bytes(raw))

    def _answer_loop(self, _argument: str, _query: object, _body: object) -> None:
        self._send(302, b"again", b"/loop")


if __name__ == "__main__":
    with RecordingTarget() as serving:
        print(serving.url, flush=True)
        sys.stdin.read()
