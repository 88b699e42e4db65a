"""gunicorn's threaded worker, whose own refusals have the form of all others.

Requests that cannot even be parsed never reach the application; gunicorn answers them
itself, in HTML.  Here they become problems that say what is wrong and what to send instead.
"""

from __future__ import annotations

import json
import socket
import struct
from http import HTTPStatus
from types import FrameType
from typing import Any, Final

from gunicorn.http import errors  # type: ignore[import-untyped]
from gunicorn.util import write_nonblock  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from web.following import FOLLOWERS
from web.problems import MEDIA_TYPE
from web.protection import HEADERS
from web.reading_time import LIMIT_S, ReadingTime

#: gunicorn's exception -> status, field, sentence.  The first that fits counts.
_ANSWERS: Final[tuple[tuple[type[Exception], HTTPStatus, str, str], ...]] = (
    (
        errors.LimitRequestLine,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        "request line",
        "is longer than 8190 bytes; send a shorter query",
    ),
    (
        errors.LimitRequestHeaders,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "headers",
        "send at most 100 header fields of at most 8190 bytes each",
    ),
    (
        errors.InvalidRequestMethod,
        HTTPStatus.BAD_REQUEST,
        "method",
        "is not an HTTP method; send GET, POST, PUT, PATCH or DELETE",
    ),
    (
        errors.InvalidHTTPVersion,
        HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
        "request line",
        "names an HTTP version that is not spoken here; speak HTTP/1.1",
    ),
    (
        errors.InvalidRequestLine,
        HTTPStatus.BAD_REQUEST,
        "request line",
        "cannot be read; send METHOD, path and HTTP/1.1, separated by single spaces",
    ),
    (
        errors.UnsupportedTransferCoding,
        HTTPStatus.NOT_IMPLEMENTED,
        "Transfer-Encoding",
        "is not known here; send chunked, or a Content-Length",
    ),
    (
        errors.ParseException,
        HTTPStatus.BAD_REQUEST,
        "headers",
        "cannot be read; send fields as Name: value, each on a line of its own",
    ),
)


#: Seconds that a client may take to read on; then its connection is closed, or, as long as the
#: kernel still finds room for a part of the answer, so much later.  Without a limit one that
#: reads nothing would keep a thread for ever.
SEND_TIMEOUT_S: Final = 20

#: What is said to who does not send a whole request in time.
_TOO_SLOW: Final = {
    "field": "request",
    "message": f"did not arrive within {LIMIT_S:g} s; send it faster",
}

#: As the kernel takes it: seconds and microseconds.
_SEND_TIMEOUT: Final = struct.pack("ll", SEND_TIMEOUT_S, 0)


class ProblemWorker(ThreadWorker):  # type: ignore[misc]
    """Answers what cannot be parsed with ``application/problem+json``.

    It sends those who follow outputs away when it is to end, and waits for no client for ever.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.reading = ReadingTime()

    def init_process(self) -> None:
        """Serve, in a process of its own, until told to end."""
        self.reading.watch()
        super().init_process()

    def handle(self, conn: Any) -> Any:
        """Read and answer a request; who takes too long to send it is told so."""
        sock, conn.seen = conn.sock, False
        self.reading.begin(sock)
        kept = super().handle(conn)
        if not self.reading.end(sock) and not conn.seen:
            self._answer(sock, HTTPStatus.REQUEST_TIMEOUT, [_TOO_SLOW])
            return False
        return kept

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End soon: what is short is answered, who follows an output is sent away."""
        # A signal may come before there is an application.
        application = getattr(self, "wsgi", None)
        followers = getattr(application, "extensions", {}).get(FOLLOWERS)
        if followers is not None:
            followers.dismiss()
        super().handle_exit(sig, frame)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request; the connection is closed if the client does not read the answer."""
        conn.seen = True
        if not _has_body(req):
            self.reading.end(conn.sock)
        conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
        try:
            return super().handle_request(req, conn)
        except BlockingIOError:
            self.log.debug("a client did not read its answer")
            return False

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer a request that failed outside the application; its connection ends."""
        for kind, status, field, message in _ANSWERS:
            if isinstance(exc, kind):
                self.log.debug("a request could not be read: %s", exc)
                self._answer(client, status, [{"field": field, "message": message}])
                return
        self.log.error("a request failed outside the application", exc_info=exc)
        self._answer(client, HTTPStatus.INTERNAL_SERVER_ERROR, [])

    def _answer(self, client: Any, status: HTTPStatus, faults: list[dict[str, str]]) -> None:
        problem = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults),
            "errors": faults,
        }
        body = json.dumps(problem).encode()
        fields = {
            **HEADERS,
            "Cache-Control": "no-store",
            "Connection": "close",
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
        }
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", *map(": ".join, fields.items())]
        head = "\r\n".join([*lines, "", ""])
        try:
            write_nonblock(client, head.encode("latin-1") + body)
        except OSError as error:
            self.log.debug("nobody was left to be told: %s", error)


def _has_body(req: Any) -> bool:
    fields = {name.upper(): value for name, value in req.headers}
    return "TRANSFER-ENCODING" in fields or fields.get("CONTENT-LENGTH", "0") != "0"
