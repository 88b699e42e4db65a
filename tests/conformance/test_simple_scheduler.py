"""simple-scheduler's status, jobs and rights against ``solocron serve`` on RabbitMQ and MongoDB.

Its command line client is spoken for by the requests that it sends.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import pytest

from tests.conformance.foreign_client import ForeignClient
from tests.conformance.simple_scheduler import (
    JOB,
    NEVER,
    SETTINGS,
    add,
    bearer,
    make_token,
    read,
)
from tests.failover.served import Served


def test_the_status_is_for_everybody(served: Served) -> None:
    """No token is asked for."""
    reply = ForeignClient(served.url).ask("GET", "/api/status")

    assert (reply.status, reply.document) == (HTTPStatus.OK, {"status": "OK"})
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, "Authorization header is missing"),
        ({"Authorization": "Token x"}, "Invalid authorization format"),
        ({"Authorization": "Bearer "}, "Access token is missing"),
        ({"Authorization": "Bearer abc"}, "Invalid access token"),
    ],
)
def test_strangers_are_told_what_is_wrong(
    served: Served, headers: dict[str, str], error: str
) -> None:
    """401 in the words that its clients know."""
    reply = ForeignClient(served.url, headers).ask("GET", "/api/jobs")

    assert (reply.status, reply.document["error"]) == (HTTPStatus.UNAUTHORIZED, error)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/jobs", "jobs:read"),
        ("GET", "/api/jobs/x", "jobs:read"),
        ("POST", "/api/jobs", "jobs:write"),
        ("PATCH", "/api/jobs/x", "jobs:write"),
        ("DELETE", "/api/jobs/x", "jobs:write"),
        ("GET", "/api/runs", "runs:read"),
        ("GET", "/api/runs/x", "runs:read"),
        ("GET", "/api/runs/x/cancel", "runs:write"),
    ],
)
def test_a_missing_scope_is_named(served: Served, method: str, path: str, scope: str) -> None:
    """403 says which one, whatever else the token may."""
    others = {"jobs:read", "runs:read"} - {scope}
    reply = ForeignClient(served.url, bearer(make_token(served, *others))).ask(method, path)

    assert reply.status == HTTPStatus.FORBIDDEN
    assert reply.document == {"error": "Missing required scopes", "missing_scopes": [scope]}


def test_a_job_is_shown_as_it_was_added(client: ForeignClient, job: str) -> None:
    """With all its fields, by its name and in the list; with or without a slash at the end."""
    add(client, job)

    found = read(client, job)

    assert {name: found[name] for name in SETTINGS} == {name: JOB[name] for name in SETTINGS}
    assert list(found) == ["name", *SETTINGS, "managerId", "heartbeat"]
    assert re.fullmatch(r"[0-9a-f]{24}", found["managerId"])
    for path in ("/api/jobs", "/api/jobs/"):
        assert job in [one["name"] for one in client.ask("GET", path).document]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "name: is required"),
        ({"enabled": None}, "enabled: is required"),
        ({"nextRunAt": NEVER}, "nextRunAt: is required"),
        ({"nextRunAt": "tomorrow"}, "nextRunAt: 'tomorrow' is not an instant"),
        ({"interval": "60"}, "interval: '60' is no number of milliseconds"),
        ({"interval": 1_500}, "interval: 1500 ms: runs are whole seconds apart"),
        ({"interval": 10**15}, f"interval: {10**15} is too long; write at most {10**12}"),
        ({"runExecutionTimeout": 10**15}, f"runExecutionTimeout: {10**15} is too long"),
        ({"name": "a/b"}, "name: use 1 to 200 characters"),
    ],
)
def test_bad_jobs_are_refused_by_field(
    client: ForeignClient, change: dict[str, Any], words: str
) -> None:
    """400 names the field as its clients write it, and the fix."""
    reply = client.ask("POST", "/api/jobs", {"name": "bad", **JOB, **change})

    assert reply.status == HTTPStatus.BAD_REQUEST
    assert words in reply.document["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]"])
def test_what_is_no_object_is_refused(client: ForeignClient, body: bytes) -> None:
    """400 with a reason, to add and to change."""
    for method, path in (("POST", "/api/jobs"), ("PATCH", "/api/jobs/x")):
        reply = client.ask(method, path, body, Content_Type="application/json")
        assert reply.status == HTTPStatus.BAD_REQUEST, reply
        assert reply.document["error"]


def test_a_name_is_taken_once(client: ForeignClient, job: str) -> None:
    """409, and the job stays as it was; a disabled one may be added."""
    add(client, job, enabled=False)

    again = client.ask("POST", "/api/jobs", {"name": job, **JOB})

    assert again.status == HTTPStatus.CONFLICT
    assert again.document["error"].endswith(f"exists already; PATCH /api/jobs/{job} changes it")
    assert read(client, job)["enabled"] is False


def test_only_the_fields_that_are_given_change(client: ForeignClient, job: str) -> None:
    """As ``update job`` sends them; null, unknown names and the name change nothing."""
    add(client, job)
    changes = {"interval": 120_000, "maxQueueCount": 3, "enabled": None, "name": "x", "other": 1}

    changed = client.ask("PATCH", f"/api/jobs/{job}", changes)

    assert (changed.status, changed.body) == (HTTPStatus.NO_CONTENT, b"")
    found = read(client, job)
    expected = {**JOB, "interval": 120_000, "maxQueueCount": 3}
    assert {name: found[name] for name in SETTINGS} == {name: expected[name] for name in SETTINGS}
    assert client.ask("PATCH", f"/api/jobs/{job}", {"interval": "x"}).status == 400


def test_what_is_not_there_is_404(client: ForeignClient) -> None:
    """For every method; a read is answered with an empty body, as its clients know it."""
    for path in ("/api/jobs/nobody", "/api/runs/nobody"):
        reply = client.ask("GET", path)
        assert (reply.status, reply.body) == (HTTPStatus.NOT_FOUND, b"")
    for method, path in (("PATCH", "/api/jobs/nobody"), ("DELETE", "/api/jobs/nobody")):
        reply = client.ask(method, path, {"enabled": False} if method == "PATCH" else None)
        assert reply.status == HTTPStatus.NOT_FOUND
        assert "nobody" in reply.document["error"]
    assert client.ask("POST", "/api/runs/nobody/cancel").status == HTTPStatus.NOT_FOUND


def test_a_deleted_job_is_gone(client: ForeignClient, job: str) -> None:
    """204 once."""
    add(client, job)

    assert client.ask("DELETE", f"/api/jobs/{job}").status == HTTPStatus.NO_CONTENT
    assert client.ask("GET", f"/api/jobs/{job}").status == HTTPStatus.NOT_FOUND


def test_jobs_that_were_made_otherwise_are_shown_and_kept(client: ForeignClient, job: str) -> None:
    """A cron job has its next instant and distance; sent back as shown it stays a cron job."""
    target = {"kind": "http", "url": "https://example.com/"}
    document = {"name": job, "schedule": "0 0 1 1 *", "target": target}
    assert client.ask("POST", "/v1/jobs", document).status == HTTPStatus.CREATED

    shown = read(client, job)
    assert shown["nextRunAt"].endswith("-01-01T00:00:00Z")
    assert shown["interval"] in {365 * 86_400_000, 366 * 86_400_000}
    sent = {**shown, "enabled": False}
    assert client.ask("PATCH", f"/api/jobs/{job}", sent).status == HTTPStatus.NO_CONTENT

    kept = client.ask("GET", f"/v1/jobs/{job}").document
    assert (kept["enabled"], kept["schedule"]["expression"]) == (False, "0 0 1 1 *")
    assert read(client, job)["nextRunAt"] == shown["nextRunAt"]
