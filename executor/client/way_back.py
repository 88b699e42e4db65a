"""The port on this machine that a browser comes back to from the identity provider.

A fixed one, because providers are told beforehand where they may send people back to.

Source: RFC 8252, section 7.3; RFC 6749, section 4.1.2.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from executor.client.connection import NoAnswer

#: Not used by anything that is registered.
PORT: Final = 5556

PATH: Final = "/callback"

#: What the provider has to know as an address to send people back to.
ADDRESS: Final = f"http://localhost:{PORT}{PATH}"

#: ``localhost`` is either to browsers.
_LOOPBACKS: Final = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))

#: How often a server that is to end looks up, seconds.
_POLL_S: Final = 0.05

#: Longest silence of who has connected, seconds.
_SILENCE_S: Final = 10.0

_DONE: Final = "You are logged in. Close this window, and go on at the command line.\n"
_FAILED: Final = "You are not logged in. The command line says more.\n"
_UNKNOWN: Final = "This is not the answer that is awaited here.\n"


class WayBack:
    """Waits for the provider's answer; a context manager.

    Args:
        belongs: tells whether an answer is the one that is awaited.

    Raises:
        NoAnswer: somebody else has the port.
    """

    def __init__(self, belongs: Callable[[Mapping[str, str]], bool]) -> None:
        self._answers: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        self._servers = [
            server
            for family, address in _LOOPBACKS
            if (server := _server(family, address, self._handler(belongs))) is not None
        ]
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(_POLL_S,), daemon=True)
            for server in self._servers
        ]

    def await_answer(self, patience_s: float) -> dict[str, str] | None:
        """Return the answer's parameters; None if there is none in time."""
        try:
            return self._answers.get(timeout=patience_s)
        except queue.Empty:
            return None

    def _handler(
        self, belongs: Callable[[Mapping[str, str]], bool]
    ) -> type[BaseHTTPRequestHandler]:
        answers = self._answers

        class Handler(BaseHTTPRequestHandler):
            timeout = _SILENCE_S

            def do_GET(self) -> None:
                address = urlsplit(self.path)
                answer = dict(parse_qsl(address.query))
                if address.path != PATH or not belongs(answer):
                    self._say(HTTPStatus.NOT_FOUND, _UNKNOWN)
                    return
                self._say(HTTPStatus.OK, _DONE if "code" in answer else _FAILED)
                answers.put(answer)

            def _say(self, status: HTTPStatus, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.send_header("Content-Length", str(len(text)))
                self.send_header("Cache-Control", "no-store")
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                """Say nothing: the address holds the code."""

        return Handler

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()


def _server(
    family: socket.AddressFamily, address: str, handler: type[BaseHTTPRequestHandler]
) -> ThreadingHTTPServer | None:
    """Return a server at *address*; None where this machine has no such addresses.

    Raises:
        NoAnswer: somebody else has the port.
    """

    class Server(ThreadingHTTPServer):
        address_family = family

    try:
        return Server((address, PORT), handler)
    except OSError as error:
        if family is socket.AF_INET6:
            return None
        raise NoAnswer(
            f"port {PORT} of this machine, to which your browser has to come back, cannot be used "
            f"({error.strerror}); log in with --device"
        ) from error
