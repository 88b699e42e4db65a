"""Requests that cannot be read: wrong addresses, methods, bodies and media types."""

import io
import json
from typing import IO

import pytest
from werkzeug.test import TestResponse, create_environ, run_wsgi_app
from werkzeug.wrappers import Request

from tests.web.reading import BROWSER, check_page, visit
from tests.web.world import PLAIN, World, faults_of, problem_of


def post(world: World, data: bytes, content_type: str | None = "application/json") -> TestResponse:
    """Send *data* as a new job."""
    return world.client.post("/v1/jobs", data=data, content_type=content_type)


def post_chunked(world: World, stream: IO[bytes]) -> TestResponse:
    """Send *stream* as a new job without saying how long it is, as servers hand that over.

    Not by the test client, which would find out the length itself.
    """
    environ = create_environ("/v1/jobs", method="POST", content_type="application/json")
    environ.pop("CONTENT_LENGTH", None)
    environ |= {"wsgi.input": stream, "wsgi.input_terminated": True}
    answer, status, headers = run_wsgi_app(world.app, environ)
    return TestResponse(answer, status, headers, Request(environ))


@pytest.mark.parametrize(
    "path", ["/nope", "/v1", "/v1/", "/v1/jobs/", "/v1//jobs", "/v1/jobs/a/b/c", "/%00", "/%ff"]
)
def test_an_unknown_address_is_a_problem(world: World, path: str) -> None:
    """404 points to the description; no redirect guesses what was meant."""
    assert "/openapi.json" in problem_of(world.get(path), 404)["detail"]


@pytest.mark.parametrize("path", ["/nope", "/ui/nope", "/<script>"])
def test_a_person_who_is_lost_gets_a_page(world: World, path: str) -> None:
    """With the way back; programs, and whoever looks at the API in a browser, get the problem."""
    page = visit(world, path, 404)

    assert 'href="/ui/jobs"' in page
    assert "There is nothing at /" in page
    assert "<script>" not in page
    check_page(page)
    assert problem_of(world.get("/v1/nope", headers=BROWSER), 404)
    assert problem_of(world.client.post("/nope", headers=BROWSER), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/jobs", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("POST", "/v1/jobs/x", {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT"}),
        ("GET", "/v1/jobs/x/trigger", {"OPTIONS", "POST"}),
        ("POST", "/", {"GET", "HEAD", "OPTIONS"}),
        ("BREW", "/v1/jobs", {"GET", "HEAD", "OPTIONS", "POST"}),
    ],
)
def test_a_wrong_method_is_a_problem(
    world: World, method: str, path: str, allowed: set[str]
) -> None:
    """405 names the methods there are, in Allow as well."""
    response = world.client.open(path, method=method)

    problem_of(response, 405)
    assert set(response.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "line 1, column 2"),
        (b'{\n"name": }', "line 2, column 9"),
        (b"name=plain", "line 1, column 1"),
        (b'{"name": "a"} {}', "Extra data"),
        (b'{"name": "\xff"}', "byte 10 is not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b'{"retrigger": NaN}', "NaN"),
        (b'{"retrigger": -Infinity}', "-Infinity"),
        (b'{"retrigger": 1e999}', "1e999"),
        (b'{"retrigger": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"name": "\\ud800"}', "\\ud800"),
        (b'{"\\udfff": 1}', "\\udfff"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 60 + b"1" + b"}" * 60, "nested deeper than 50"),
        (b"\x00", "not JSON"),
    ],
)
def test_a_body_that_is_not_json_is_refused(world: World, data: bytes, says: str) -> None:
    """400 names the place."""
    assert says in faults_of(post(world, data), 400)[""]


def test_a_key_given_twice_is_refused(world: World) -> None:
    """Which of the two was meant is not for us to guess."""
    data = b'{"name": "a", "target": {"kind": "http", "kind": "command"}}'

    assert faults_of(post(world, data), 400)["kind"].startswith("is given twice")


@pytest.mark.parametrize("data", [b"[]", b'"job"', b"1", b"null", b"true"])
def test_json_that_is_no_object_is_refused(world: World, data: bytes) -> None:
    """422: it was read, but it is not a job."""
    assert "object" in faults_of(post(world, data), 422)[""]


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/json",
        "application/json; charset=utf-16",
        "application/merge-patch+json",
        "nonsense",
    ],
)
def test_another_media_type_is_refused(world: World, content_type: str) -> None:
    """415, even if the body is JSON: a form on a foreign page can send text/plain."""
    response = post(world, json.dumps(PLAIN).encode(), content_type)

    assert faults_of(response, 415)["Content-Type"] == "must be application/json"


@pytest.mark.parametrize(
    "content_type", [None, "application/json; charset=UTF-8", "Application/JSON"]
)
def test_json_by_any_proper_name_is_accepted(world: World, content_type: str | None) -> None:
    """A missing Content-Type, a charset of UTF-8 and upper case are fine."""
    assert post(world, json.dumps(PLAIN).encode(), content_type).status_code == 201


def test_a_byte_order_mark_is_ignored(world: World) -> None:
    """Editors write it; nobody sees it."""
    assert post(world, b"\xef\xbb\xbf" + json.dumps(PLAIN).encode()).status_code == 201


def test_a_compressed_body_is_refused(world: World) -> None:
    """415 says so, instead of complaining about UTF-8."""
    response = world.client.post(
        "/v1/jobs",
        data=b"\x1f\x8b\x08",
        content_type="application/json",
        headers={"Content-Encoding": "gzip"},
    )

    assert "Content-Encoding" in faults_of(response, 415)


def test_a_body_of_10_mb_is_refused(world: World) -> None:
    """413 names the limit, before the body is read."""
    response = post(world, b" " * 10_000_000)

    assert "1,000,000 bytes" in problem_of(response, 413)["detail"]


def test_a_body_of_unknown_length_is_refused_where_it_gets_too_long(world: World) -> None:
    """A chunked body has no length to judge by; it is read up to the limit only."""
    stream = io.BytesIO(b" " * 10_000_000)
    problem_of(post_chunked(world, stream), 413)
    assert stream.tell() < 2_000_000


def test_the_limit_is_a_setting() -> None:
    """A body of just the limit is read, one byte more is not."""
    world = World(max_body=200)

    faults_of(post(world, b"{}".ljust(200)), 422)
    faults_of(post_chunked(world, io.BytesIO(b"{}".ljust(200))), 422)
    problem_of(post(world, b"{}".ljust(201)), 413)
    problem_of(post_chunked(world, io.BytesIO(b"{}".ljust(201))), 413)


@pytest.mark.parametrize("kind", [OSError, ValueError, RuntimeError])
def test_a_body_that_breaks_off_is_refused(world: World, kind: type[Exception]) -> None:
    """What the server raises for a malformed chunk is the sender's fault, not ours."""

    class Broken(io.BytesIO):
        """A stream of the kind that servers make of chunks: the second one is malformed."""

        def readinto(self, buffer: object) -> int:
            if self.tell():
                raise kind("invalid chunk size")
            return super().readinto(buffer)  # type: ignore[arg-type]

    response = post_chunked(world, Broken(b'{"name": "a"'))

    assert "did not arrive whole" in problem_of(response, 400)["detail"]


def test_a_document_full_of_faults_is_answered_briefly(world: World) -> None:
    """However many and long the mistakes are, the answer has a limit."""
    document = {f"field-{number}": "x" for number in range(20_000)} | {"name": "/" * 100_000}

    response = world.post("/v1/jobs", document)

    errors = problem_of(response, 422)["errors"]
    assert len(errors) == 101
    assert errors[-1]["message"].startswith("and 19,")
    assert len(response.data) < 120_000


def test_an_endless_query_is_answered_briefly(world: World) -> None:
    """A parameter of any length is refused without being repeated at length."""
    response = world.get(f"/v1/jobs?{'x' * 100_000}=1")

    problem_of(response, 400)
    assert len(response.data) < 10_000


def test_head_is_get_without_a_body(world: World) -> None:
    """Status and headers are those of GET."""
    response = world.client.head("/v1/jobs")

    assert (response.status_code, response.data) == (200, b"")
