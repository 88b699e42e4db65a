"""Every route of simple-scheduler against ``solocron serve`` on RabbitMQ and MongoDB.

Its command line client is spoken for by the requests that it sends; its workers by a plain AMQP
client that knows exchange, queues and messages of its protocol and nothing of ours.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pymongo
import pytest

from tests.conformance.foreign_client import ForeignClient
from tests.contract.worker_side import WorkerSide
from tests.failover.served import PATIENCE_S, Served
from tests.servers import find
from tests.waiting import eventually

#: The administrator's token.
ADMIN = "a" * 32

#: An instant that is not set.
NEVER = "0001-01-01T00:00:00Z"

#: What the command line client sends to add a job, zero values and all.
JOB: dict[str, Any] = {
    "enabled": True,
    "nextRunAt": "2099-12-01T00:00:00Z",
    "interval": 60_000,
    "runExecutionTimeout": 5_000,
    "runStartTimeout": 3_000,
    "maxQueueCount": 10,
    "allowConcurrentRuns": False,
    "heartbeatTimeout": 2_000,
    "heartbeat": NEVER,
}

#: The fields of a job that a client sets.
SETTINGS = [name for name in JOB if name != "heartbeat"]


@pytest.fixture(scope="module")
def served(
    rabbitmq_url: str, mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """One service for all tests here, whose callers have to say who they are."""
    name = f"solocron_test_{uuid.uuid4().hex}"
    settings = {
        "RABBITMQ_URL": rabbitmq_url,
        "MONGODB_URI": find.with_database(mongodb_uri, name),
        "SOLOCRON_PREFIX": name,
        "SOLOCRON_ADMIN_TOKEN": ADMIN,
    }
    with Served(tmp_path_factory.mktemp("simple"), settings=settings) as served:
        eventually(
            lambda: executes(served), PATIENCE_S, "the instance executes", ignoring=(OSError,)
        )
        yield served
    with pymongo.MongoClient[dict[str, object]](mongodb_uri) as mongo:
        mongo.drop_database(name)


def executes(served: Served) -> bool:
    assert served.process.poll() is None, served.log
    status, document = served.request("GET", "/v1/status", headers=bearer(ADMIN))
    return status == HTTPStatus.OK and document["state"] == "executing"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def client(served: Served) -> ForeignClient:
    """A client whose token has the scopes of simple-scheduler, and no other."""
    scopes = ["jobs:read", "jobs:write", "runs:read", "runs:write"]
    return ForeignClient(served.url, bearer(make_token(served, *scopes)))


def make_token(served: Served, *scopes: str) -> str:
    admin = ForeignClient(served.url, bearer(ADMIN))
    made = admin.ask("POST", "/v1/tokens", {"name": uuid.uuid4().hex, "scopes": list(scopes)})
    assert made.status == HTTPStatus.CREATED, made
    return str(made.document["token"])


@pytest.fixture
def worker(rabbitmq_url: str) -> Iterator[WorkerSide]:
    """A worker of a job of its own; nothing of it stays on the broker."""
    with WorkerSide(rabbitmq_url, f"job-{uuid.uuid4().hex}") as worker:
        yield worker.declare()


@pytest.fixture
def job(worker: WorkerSide) -> str:
    """The name of the worker's job."""
    return worker.job


def add(client: ForeignClient, job: str, **fields: Any) -> None:
    made = client.ask("POST", "/api/jobs", {"name": job, **JOB, **fields})
    assert (made.status, made.document) == (HTTPStatus.CREATED, {"name": job})


def read(client: ForeignClient, job: str) -> dict[str, Any]:
    found = client.ask("GET", f"/api/jobs/{job}")
    assert found.status == HTTPStatus.OK
    return dict(found.document)


def runs(client: ForeignClient, query: str) -> list[dict[str, Any]]:
    found = client.ask("GET", f"/api/runs?{query}")
    assert found.status == HTTPStatus.OK, found
    return list(found.document or [])


def await_status(client: ForeignClient, run_id: str, status: str) -> dict[str, Any]:
    """Wait until a run has *status*, and return it."""

    def look() -> dict[str, Any] | None:
        run: dict[str, Any] = client.ask("GET", f"/api/runs/{run_id}").document
        return run if run["status"] == status else None

    found = eventually(look, PATIENCE_S, f"run {run_id} is {status}")
    assert found is not None
    return found


def soon() -> str:
    """Return an instant that has just passed, as clients write it: with fraction and offset."""
    return (datetime.now(UTC) - timedelta(seconds=1)).isoformat()


# Who is let in ---------------------------------------------------------------------------


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


# Jobs ------------------------------------------------------------------------------------


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
    assert job in again.document["error"]
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


# Runs ------------------------------------------------------------------------------------


def test_a_run_goes_its_way_through_a_worker(client: ForeignClient, worker: WorkerSide) -> None:
    """Due already, it is sent at once; what the worker reports is shown, and can be asked for."""
    add(client, worker.job, nextRunAt=soon(), interval=0, heartbeatTimeout=0, runStartTimeout=0)

    order, _ = worker.take()
    assert (order["jobName"], order["action"]) == (worker.job, "run")
    run_id = order["runId"]
    pending = await_status(client, run_id, "pending")
    assert (pending["startTime"], pending["endTime"]) == (NEVER, NEVER)
    assert pending["createdTime"] == read(client, worker.job)["nextRunAt"]

    worker.status(run_id, "running")
    running = await_status(client, run_id, "running")
    worker.beat(run_id)
    worker.status(run_id, "completed")
    done = await_status(client, run_id, "completed")

    assert list(done) == [
        "id",
        "jobName",
        "status",
        "createdTime",
        "startTime",
        "endTime",
        "heartbeat",
    ]
    assert (done["startTime"], done["endTime"] != NEVER) == (running["startTime"], True)
    assert runs(client, f"jobName={worker.job}&status=completed") == [done]
    cancelled = client.ask("GET", f"/api/runs/{run_id}/cancel")
    assert cancelled.status == HTTPStatus.BAD_REQUEST
    assert cancelled.document == {"error": "Run already finished"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_cancelled_run_is_called_back(
    client: ForeignClient, worker: WorkerSide, method: str
) -> None:
    """The worker is told; meanwhile the run is cancelling, and to ask again changes nothing."""
    add(client, worker.job, nextRunAt=soon(), interval=0, heartbeatTimeout=0, runStartTimeout=0)
    run_id = worker.take()[0]["runId"]
    worker.status(run_id, "running")
    await_status(client, run_id, "running")

    for _ in range(2):
        asked = client.ask(method, f"/api/runs/{run_id}/cancel")
        assert (asked.status, asked.body) == (HTTPStatus.NO_CONTENT, b"")
    order, _ = worker.take()
    assert (order["jobName"], order["runId"], order["action"]) == (worker.job, run_id, "cancel")
    assert await_status(client, run_id, "cancelling")

    worker.status(run_id, "cancelled")
    await_status(client, run_id, "cancelled")
    assert client.ask(method, f"/api/runs/{run_id}/cancel").status == HTTPStatus.NO_CONTENT


def test_a_run_that_takes_too_long_is_cancelled(client: ForeignClient, worker: WorkerSide) -> None:
    """``runExecutionTimeout`` counts from the start; the worker is told, and confirms."""
    add(client, worker.job, nextRunAt=soon(), interval=0, runExecutionTimeout=1_000,
        heartbeatTimeout=0, runStartTimeout=0)  # fmt: skip
    run_id = worker.take()[0]["runId"]
    worker.status(run_id, "running")

    order, _ = worker.take()
    assert (order["runId"], order["action"]) == (run_id, "cancel")
    worker.status(run_id, "cancelled")
    await_status(client, run_id, "cancelled")


def test_a_run_that_is_not_begun_in_time_is_called_back(
    client: ForeignClient, worker: WorkerSide
) -> None:
    """``runStartTimeout`` counts from the moment it was due; the worker confirms."""
    add(client, worker.job, nextRunAt=soon(), interval=0, runStartTimeout=1_000)
    run_id = worker.take()[0]["runId"]

    order, _ = worker.take()

    assert (order["runId"], order["action"]) == (run_id, "cancel")
    worker.status(run_id, "cancelled")
    await_status(client, run_id, "cancelled")


def test_a_run_whose_worker_falls_silent_is_sent_again(
    client: ForeignClient, worker: WorkerSide
) -> None:
    """It is pending again, and the same order comes to whoever works then."""
    add(client, worker.job, nextRunAt=soon(), interval=0, heartbeatTimeout=1_000,
        runExecutionTimeout=0, runStartTimeout=0)  # fmt: skip
    run_id = worker.take()[0]["runId"]
    worker.status(run_id, "running")
    await_status(client, run_id, "running")

    again, _ = worker.take()

    assert (again["runId"], again["action"]) == (run_id, "run")
    await_status(client, run_id, "pending")


def test_a_disabled_job_rests(client: ForeignClient, worker: WorkerSide) -> None:
    """Nothing is sent for it until it is enabled again."""
    add(client, worker.job, nextRunAt=soon(), interval=1_000, enabled=False, runStartTimeout=0)
    assert worker.ready("action") == 0

    client.ask("PATCH", f"/api/jobs/{worker.job}", {"enabled": True})

    assert worker.take()[0]["action"] == "run"


def test_runs_are_found_by_every_filter_in_both_spellings(
    client: ForeignClient, worker: WorkerSide
) -> None:
    """All filters count together; what nothing matches is null."""
    add(client, worker.job, nextRunAt=soon(), interval=0, heartbeatTimeout=0, runStartTimeout=0)
    run_id = worker.take()[0]["runId"]
    worker.status(run_id, "failed")
    run = await_status(client, run_id, "failed")
    past, future = "2000-01-01T00:00:00Z", "2099-01-01T00:00:00Z"

    for spelled in (str, lambda name: name[0].upper() + name[1:]):
        mine = f"{spelled('jobName')}={worker.job}"
        assert runs(client, mine) == [run]
        assert runs(client, f"{mine}&{spelled('status')}=failed") == [run]
        assert runs(client, f"{mine}&{spelled('status')}=running") == []
        for name in ("createdBefore", "heartbeatBefore"):
            assert runs(client, f"{mine}&{spelled(name)}={future}") == [run]
            assert client.ask("GET", f"/api/runs?{mine}&{spelled(name)}={past}").body == b"null\n"
        assert runs(client, f"{mine}&{spelled('startedBefore')}={past}") == []
    assert client.ask("GET", "/api/runs?jobName=nobody").document is None


@pytest.mark.parametrize("query", ["Status=done", "status=done"])
def test_an_unknown_status_is_refused(client: ForeignClient, query: str) -> None:
    """Once, with the statuses that there are."""
    reply = client.ask("GET", f"/api/runs?{query}")

    assert reply.status == HTTPStatus.BAD_REQUEST
    assert reply.document["status"] == "Invalid run status"
    assert "pending, running, cancelling" in reply.document["error"]


def test_an_unreadable_instant_is_refused(client: ForeignClient) -> None:
    """With the form that is wanted."""
    reply = client.ask("GET", "/api/runs?CreatedBefore=yesterday")

    assert (reply.status, "RFC 3339" in reply.document["error"]) == (HTTPStatus.BAD_REQUEST, True)


def test_a_page_of_another_site_cancels_nothing(client: ForeignClient, worker: WorkerSide) -> None:
    """Although a browser would send it, being a GET; nor does who only looks."""
    add(client, worker.job, nextRunAt=soon(), interval=0, heartbeatTimeout=0, runStartTimeout=0)
    run_id = worker.take()[0]["runId"]

    foreign = client.ask("GET", f"/api/runs/{run_id}/cancel", Sec_Fetch_Site="cross-site")
    looked = client.ask("HEAD", f"/api/runs/{run_id}/cancel")

    assert foreign.status == HTTPStatus.FORBIDDEN
    assert looked.status == HTTPStatus.METHOD_NOT_ALLOWED
    assert client.ask("GET", f"/api/runs/{run_id}").document["status"] == "pending"
