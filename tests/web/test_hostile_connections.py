"""Bytes on the wire that are no request, or two: a real service answers each, and only once."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.failover.served import PATIENCE_S, Served
from tests.waiting import eventually
from tests.web.hostile_texts import NAMES

ADMIN = "a" * 32

#: Of every line of the log: an instant, or what belongs to the line before it.
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z | {4}")

JOB = json.dumps({"name": "smuggled", "target": {"kind": "http", "url": "https://example.com/"}})

_WHO = f"Host: x\r\nAuthorization: Bearer {ADMIN}\r\nContent-Type: application/json\r\n"

#: A request that must not be served where it is the rest of another one.
INNER = f"POST /v1/jobs HTTP/1.1\r\n{_WHO}Content-Length: {len(JOB)}\r\n\r\n{JOB}"

#: The end of a request after which the connection is closed.
LAST = "Connection: close\r\n\r\n"


def post(fields: str, body: str, path: str = "/v1/jobs") -> str:
    """Return a request with these header fields."""
    return f"POST {path} HTTP/1.1\r\n{_WHO}Connection: close\r\n{fields}\r\n{body}"


def get(fields: str, path: str = "/healthz") -> str:
    """Return a request without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{fields}{LAST}"


CHUNKED = "Transfer-Encoding: chunked\r\n"

#: What is sent, and the status of the one answer.
BYTES = {
    "length and chunks": (post(f"Content-Length: 5\r\n{CHUNKED}", f"0\r\n\r\n{INNER}"), 400),
    "chunks and length": (post(f"{CHUNKED}Content-Length: 5\r\n", f"0\r\n\r\n{INNER}"), 400),
    "two lengths": (post("Content-Length: 2\r\nContent-Length: 5\r\n", f"{{}}{INNER}"), 400),
    "a list of lengths": (post("Content-Length: 2, 2\r\n", f"{{}}{INNER}"), 400),
    "a negative length": (post("Content-Length: -1\r\n", INNER), 400),
    "a length with a plus": (post("Content-Length: +2\r\n", "{}"), 400),
    "a length in hexadecimal": (post("Content-Length: 0x2\r\n", "{}"), 400),
    "a length of other digits": (post("Content-Length: \xb2\r\n", "{}"), 400),
    "a length without end": (post(f"Content-Length: {'9' * 5_000}\r\n", "{}"), 400),
    "a length beyond all": (post(f"Content-Length: {'9' * 20}\r\n", "{}"), 413),
    "an unknown coding": (post("Transfer-Encoding: xchunked\r\n", "2\r\n{}\r\n0\r\n\r\n"), 501),
    "chunks twice": (post("Transfer-Encoding: chunked, chunked\r\n", f"0\r\n\r\n{INNER}"), 400),
    "two codings": (
        post(f"{CHUNKED}Transfer-Encoding: identity\r\n", f"0\r\n\r\n{INNER}"),
        400,
    ),
    "a blank before the colon": (post("Transfer-Encoding : chunked\r\n", INNER), 400),
    "a coding behind a control character": (post("Transfer-Encoding:\x0bchunked\r\n", INNER), 400),
    "a chunk of no size": (post(CHUNKED, f"zz\r\n{{}}\r\n0\r\n\r\n{INNER}"), 400),
    "a chunk of negative size": (post(CHUNKED, f"-2\r\n{{}}\r\n0\r\n\r\n{INNER}"), 400),
    "a chunk with an underscore": (post(CHUNKED, f"1_0\r\n{INNER}"), 400),
    "a chunk longer than it says": (post(CHUNKED, f"2\r\n{{}}XX0\r\n\r\n{INNER}"), 400),
    "a login that breaks off": (
        post(f"Sec-Fetch-Site: same-origin\r\n{CHUNKED}", "zz\r\n", "/login"),
        400,
    ),
    "a ping that breaks off": (post(CHUNKED, "zz\r\n", "/ping/x"), 400),
    "a line of 64 kB": (get("", f"/{'a' * 65_536}"), 414),
    "a field of 64 kB": (get(f"X: {'a' * 65_536}\r\n"), 431),
    "a thousand fields": (get("".join(f"X{number}: a\r\n" for number in range(1_000))), 431),
    "ninety cookies": (get("Cookie: solocron=b; " + "a=b; " * 1_500 + "\r\n", "/login"), 200),
    "too many cookies": (get("Cookie: a=b\r\n" * 101, "/login"), 431),
    "an odd cookie": (get('Cookie: solocron="\\";=;;; =a; $Version=1; \xff\r\n', "/login"), 200),
    "a folded line": (get("X: a\r\n b\r\n"), 400),
    "a bare carriage return": (get("X: a\rAuthorization: b\r\n"), 400),
    "a bare line feed": ("GET /healthz HTTP/1.1\nHost: x\n\n", 400),
    "a NUL": (get("X: a\x00b\r\n"), 400),
    "two hosts": (get("Host: y\r\n"), 400),
    "a place of its own": (get("SCRIPT_NAME: /evil\r\n"), 400),
    "another method": (get("X-HTTP-Method-Override: DELETE\r\n", "/v1/jobs/x"), 401),
    "another host": ("GET http://evil.example/healthz HTTP/1.1\r\nHost: x\r\n" + LAST, 200),
    "no host": ("GET http://[/healthz HTTP/1.1\r\nHost: x\r\n" + LAST, 400),
    "a tunnel": ("CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n" + LAST, 404),
    "an echo": ("TRACE / HTTP/1.1\r\nHost: x\r\nX-Secret: echoed\r\n" + LAST, 405),
    "HTTP/2": ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/0.9": ("GET /healthz\r\n\r\n", 400),
    "a proxy's line": (f"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n{get('')}", 400),
    "an odd expectation": (post("Expect: nonsense\r\nContent-Length: 2\r\n", "{}"), 400),
    "a compressed body": (post("Content-Encoding: gzip\r\nContent-Length: 2\r\n", "\x1f\x8b"), 415),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service keeps all that it keeps."""
    return tmp_path_factory.mktemp("connections")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    """One service for all tests here."""
    with Served(folder, settings={"SOLOCRON_ADMIN_TOKEN": ADMIN}) as served:
        eventually(
            lambda: ask(served, "GET", "/v1/status")["state"] == "executing",
            PATIENCE_S,
            "somebody executes",
            ignoring=(OSError,),
        )
        yield served


def ask(served: Served, method: str, path: str, document: object = None) -> dict[str, object]:
    """Send a proper request as the administrator, and return what is answered."""
    who = {"Authorization": f"Bearer {ADMIN}"}
    found: dict[str, object] = served.request(method, path, document, headers=who)[1]
    return found


def answer(served: Served, data: str) -> bytes:
    """Return all that comes back until the service closes the connection."""
    with socket.create_connection(("127.0.0.1", served.port), PATIENCE_S) as connection:
        connection.sendall(data.encode("latin-1"))
        found = b""
        try:
            while part := connection.recv(65_536):
                found += part
        except ConnectionResetError:
            pass  # not all that was sent has been read
        return found


@pytest.mark.parametrize("what", BYTES)
def test_what_is_no_sound_request_has_one_answer(served: Served, what: str) -> None:
    """It fits, the connection ends, and nothing that was hidden within is served."""
    data, status = BYTES[what]

    head, _, body = answer(served, data).partition(b"\r\n\r\n")

    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert not re.search(rb"HTTP/1\.1 \d", body)
    assert b"echoed" not in head + body
    assert b"Set-Cookie: solocron=b" not in head
    assert ask(served, "GET", "/v1/jobs?q=smuggled")["items"] == []


def test_a_body_that_nobody_reads_is_no_request(served: Served) -> None:
    """What follows it on the same connection is."""
    first = f"GET /v1/jobs HTTP/1.1\r\n{_WHO}Content-Length: {len(INNER)}\r\n\r\n{INNER}"

    found = answer(served, first + get(""))

    assert re.findall(rb"HTTP/1\.1 (\d+)", found) == [b"200", b"200"]
    assert ask(served, "GET", "/v1/jobs?q=smuggled")["items"] == []


def test_names_forge_no_line_of_the_log_and_touch_no_file(
    served: Served, folder: Path, tmp_path: Path
) -> None:
    """A job runs under any name; the log has one line for each event, the data folder no more."""
    marker = tmp_path / "ran"
    target = {"kind": "command", "argv": ["touch", str(marker)]}
    items = [{"put": {"name": name, "target": target, "owner": "log"}} for name in NAMES]
    made = ask(served, "POST", "/v1/batch", {"items": items})["items"]
    assert isinstance(made, list)
    assert {one["status"] for one in made} == {"created"}
    before = sorted(folder.rglob("*"))

    for name in ("a\x85b", "a\u2028x", "\x9b31m", "-rf *", "..."):
        run = ask(served, "POST", f"/v1/jobs/{quote(name)}/trigger")
        ended = partial(_has_succeeded, served, f"/v1/runs/{run['id']}")
        eventually(ended, PATIENCE_S, "it has run")

    assert marker.exists()
    assert sorted(folder.rglob("*")) == before
    lines = served.log.split("\n")[:-1]
    assert lines
    assert [line for line in lines if not LINE.match(line) or not line.isprintable()] == []


def _has_succeeded(served: Served, run: str) -> bool:
    return ask(served, "GET", run)["state"] == "succeeded"
