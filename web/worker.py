"""gunicorn's threaded worker, whose own refusals have the form of all others.

Requests that cannot even be parsed never reach the application; gunicorn answers them
itself, in HTML.  Here they become problems that say what is wrong and what to send instead.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

from gunicorn.http import errors  # type: ignore[import-untyped]
from gunicorn.util import write_nonblock  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from web.problems import MEDIA_TYPE
from web.protection import HEADERS

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


class ProblemWorker(ThreadWorker):  # type: ignore[misc]
    """Answers what cannot be parsed with ``application/problem+json``."""

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
