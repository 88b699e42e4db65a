"""Requests that gunicorn refuses before the application sees them."""

from __future__ import annotations

import json
import logging
import socket

import pytest
from gunicorn.http import errors  # type: ignore[import-untyped]

from web.worker import ProblemWorker


def _answer_to(error: Exception) -> tuple[str, dict[str, object]]:
    """Return the answer's head and its problem."""
    worker = ProblemWorker.__new__(ProblemWorker)
    worker.log = logging.getLogger(__name__)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker.handle_error(None, ours, ("127.0.0.1", 1), error)
        ours.close()
        answer = theirs.makefile("rb").read()
    head, _, body = answer.decode().partition("\r\n\r\n")
    return head, json.loads(body)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.LimitRequestLine(9000, 8190), 414),
        (errors.LimitRequestHeaders("too large"), 431),
        (errors.InvalidRequestMethod("get"), 400),
        (errors.InvalidRequestLine("nonsense"), 400),
        (errors.InvalidHTTPVersion((3, 0)), 505),
        (errors.InvalidHeaderName("a b"), 400),
        (errors.UnsupportedTransferCoding("zip"), 501),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_cannot_be_parsed_is_answered_with_a_problem(error: Exception, status: int) -> None:
    """The status fits, and the problem names what to send instead."""
    head, problem = _answer_to(error)

    assert head.startswith(f"HTTP/1.1 {status} ")
    assert "Content-Type: application/problem+json" in head
    assert problem["status"] == status
    assert problem["errors"]


def test_a_failure_outside_the_application_says_nothing_about_itself() -> None:
    """A bug is logged; its caller gets a bare 500."""
    head, problem = _answer_to(RuntimeError("secret"))

    assert head.startswith("HTTP/1.1 500 ")
    assert "secret" not in json.dumps(problem)
