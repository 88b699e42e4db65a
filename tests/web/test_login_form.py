"""The form of the login page, filled in by somebody who is no browser."""

from __future__ import annotations

import io

import pytest
from werkzeug.test import TestResponse, create_environ, run_wsgi_app
from werkzeug.wrappers import Request

from tests.web.guarded import ADMIN, GuardedWorld
from web.bodies import FORM, MAX_FIELDS

#: What a browser says of a request that a page of the same origin makes it send.
OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def guarded() -> GuardedWorld:
    """Return one world for all: nobody is let in but once."""
    return GuardedWorld()


def send(world: GuardedWorld, data: bytes, content_type: str = FORM) -> TestResponse:
    """Send the form."""
    return world.client.post("/login", data=data, content_type=content_type, headers=OWN)


def refused(response: TestResponse, status: int, says: str) -> None:
    """Nobody was let in, and the page says why."""
    assert response.status_code == status, response.text
    assert response.mimetype == "text/html"
    assert says in response.text
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("content_type", [FORM, "multipart/form-data; boundary=x"])
def test_a_form_that_breaks_off_is_refused(guarded: GuardedWorld, content_type: str) -> None:
    """What the server raises for a malformed chunk is the sender's fault, not ours."""

    class Broken(io.BytesIO):
        """A stream of the kind that servers make of chunks: the first one is malformed."""

        def readinto(self, buffer: object) -> int:
            raise RuntimeError("invalid chunk size")

    environ = create_environ("/login", method="POST", content_type=content_type, headers=OWN)
    environ.pop("CONTENT_LENGTH", None)
    environ |= {"wsgi.input": Broken(), "wsgi.input_terminated": True}
    answer, status, headers = run_wsgi_app(guarded.app, environ)

    refused(TestResponse(answer, status, headers, Request(environ)), 400, "did not arrive whole")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; boundary=x", "text/plain", "application/json", "x"]
)
def test_only_what_our_page_sends_is_read(guarded: GuardedWorld, content_type: str) -> None:
    """415: nothing that comes with files, and nothing that a page of another kind can send."""
    data = f"--x\r\nContent-Disposition: form-data; name=token\r\n\r\n{ADMIN}\r\n--x--\r\n"

    refused(send(guarded, data.encode(), content_type), 415, f"send {FORM}")


@pytest.mark.parametrize(
    ("data", "status", "says"),
    [
        (b"", 401, "incomplete or misspelt"),
        (b"token", 401, "incomplete or misspelt"),
        (b"token=%00%ff%f0%9f&next=%00", 401, "incomplete or misspelt"),
        (b"token=%3Cscript%3E&next=%22%3E%3Cscript%3E", 401, "incomplete or misspelt"),
        (b"token[$ne]=1", 401, "incomplete or misspelt"),
        (b"\xff\xfe\x00t\x00o", 401, "incomplete or misspelt"),
        (b"&a=b" * (MAX_FIELDS + 1), 400, f"at most {MAX_FIELDS} fields"),
        (b"token=" + b"x" * 1_000_000, 413, "longer than"),
    ],
)
def test_an_odd_form_lets_nobody_in(
    guarded: GuardedWorld, data: bytes, status: int, says: str
) -> None:
    """The page says what was wrong, and repeats nothing of it."""
    response = send(guarded, data)

    assert response.status_code == status
    assert says in response.text
    assert "<script>" not in response.text
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "destination",
    [
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "/\r\nSet-Cookie: a=b",
        "https://evil.example/",
        "javascript:alert(1)",
        "\\\\evil.example",
        " //evil.example",
        "/" + "x" * 1_001,
        "/\u2028",
        "",
        ".",
    ],
)
def test_nobody_is_led_away(guarded: GuardedWorld, destination: str) -> None:
    """Whatever the form says, one ends up on a page of this service."""
    form = {"token": ADMIN, "next": destination}
    response = guarded.client.post("/login", data=form, headers=OWN)

    assert response.status_code == 303
    assert response.headers["Location"] == "/"
