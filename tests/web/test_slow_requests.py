"""Clients that send a request a byte at a time keep no thread."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn  # type: ignore[import-untyped]

from tests.waiting import eventually
from web.reading_time import LIMIT_S
from web.worker import ProblemWorker

#: Seconds that a thread may take on a machine with much else to do.
PATIENCE_S = 20.0


class Exchange:
    """A worker's thread that serves one connection, and the client's end of that."""

    def __init__(self, application: Callable[..., Any]) -> None:
        config = Config()
        self.worker = ProblemWorker(0, 0, [], None, 30, config, Logger(config))
        self.worker.wsgi = application
        ours, self.client = socket.socketpair()
        self.client.settimeout(PATIENCE_S)
        self._conn = TConn(self.worker.cfg, ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
        self.kept: object = None
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        self.kept = self.worker.handle(self._conn)
        self._conn.sock.close()

    def send(self, text: bytes) -> None:
        """Send something; the first time begins the exchange."""
        self.client.sendall(text)
        if not self._thread.ident:
            self._thread.start()

    def let_pass(self, seconds: float) -> None:
        """Look at the deadlines as if so many seconds had passed."""
        self.worker.reading.shut_late(time.monotonic() + seconds)

    def answer(self) -> bytes:
        """Return all that the client gets."""
        parts = iter(lambda: self.client.recv(65_536), b"")
        return b"".join(parts)

    def close(self) -> None:
        self.client.close()
        self._thread.join(PATIENCE_S)
        self.worker.tmp.close()
        assert not self._thread.is_alive()


def echo(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    """Answer with the number of bytes of the body."""
    body = environ["wsgi.input"].read()
    start("200 OK", [("Content-Type", "text/plain")])
    return [str(len(body)).encode()]


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    found = Exchange(echo)
    yield found
    found.close()


def begun(exchange: Exchange) -> None:
    """Wait until the worker reads."""
    waiting = exchange.worker.reading._since
    eventually(lambda: bool(waiting), PATIENCE_S, "the worker reads")


def test_a_head_that_does_not_end_is_given_up(exchange: Exchange) -> None:
    """408, as a problem; before its time is up it is waited for."""
    exchange.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
    begun(exchange)
    exchange.let_pass(LIMIT_S - 2)
    exchange.send(b"X: y\r\n")
    exchange.let_pass(LIMIT_S)

    head, _, body = exchange.answer().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["errors"] == [
        {"field": "request", "message": "did not arrive within 30 s; send it faster"}
    ]
    assert exchange.kept is False


def test_a_body_that_does_not_end_is_given_up(exchange: Exchange) -> None:
    """The application learns that no more of it will come."""
    exchange.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
    begun(exchange)
    exchange.let_pass(LIMIT_S)

    assert b"408" not in exchange.answer()[:20]


def test_a_request_in_time_is_answered(exchange: Exchange) -> None:
    """However long its answer takes: the deadline is for reading only."""
    exchange.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n")
    begun(exchange)
    exchange.send(b"abc")

    assert b"\r\n1\r\n3\r\n" in exchange.answer()
    assert not exchange.worker.reading._since


def test_an_answer_that_takes_long_is_not_cut() -> None:
    """Who follows an output has sent his request, and is left alone."""
    waiting, go_on = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        waiting.set()
        assert go_on.wait(PATIENCE_S)
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"at last"]

    exchange = Exchange(slow)
    exchange.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert waiting.wait(PATIENCE_S)
    exchange.let_pass(10 * LIMIT_S)
    go_on.set()

    assert b"at last" in exchange.answer()
    exchange.close()
