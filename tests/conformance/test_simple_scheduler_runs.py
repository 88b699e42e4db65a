"""simple-scheduler's runs against ``solocron serve``: by way of a worker, and over HTTP.

Its workers are spoken for by a plain AMQP client that knows exchange, queues and messages of its
protocol and nothing of ours.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest

from tests.conformance.foreign_client import ForeignClient
from tests.conformance.simple_scheduler import (
    NEVER,
    add_due,
    await_status,
    read,
    runs,
)
from tests.contract.worker_side import WorkerSide


def due(client: ForeignClient, worker: WorkerSide, **fields: Any) -> str:
    """Add a job that is due already, and return the run that the worker has taken."""
    add_due(client, worker.job, **fields)
    return str(worker.take()[0]["runId"])


def test_a_run_goes_its_way_through_a_worker(client: ForeignClient, worker: WorkerSide) -> None:
    """Due already, it is sent at once; what the worker reports is shown, and can be asked for."""
    add_due(client, worker.job)

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
    run_id = due(client, worker)
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


@pytest.mark.parametrize(
    ("limit", "begins"), [("runExecutionTimeout", True), ("runStartTimeout", False)]
)
def test_a_run_beyond_its_limit_is_called_back(
    client: ForeignClient, worker: WorkerSide, limit: str, begins: bool
) -> None:
    """One counts from the start, the other from the moment it was due; the worker confirms."""
    run_id = due(client, worker, **{limit: 1_000})
    if begins:
        worker.status(run_id, "running")

    order, _ = worker.take()

    assert (order["runId"], order["action"]) == (run_id, "cancel")
    worker.status(run_id, "cancelled")
    await_status(client, run_id, "cancelled")


def test_a_run_whose_worker_falls_silent_is_sent_again(
    client: ForeignClient, worker: WorkerSide
) -> None:
    """It is pending again, and the same order comes to whoever works then."""
    run_id = due(client, worker, heartbeatTimeout=3_000)
    worker.status(run_id, "running")
    await_status(client, run_id, "running")

    again, _ = worker.take()

    assert (again["runId"], again["action"]) == (run_id, "run")
    await_status(client, run_id, "pending")


def test_a_disabled_job_rests(client: ForeignClient, worker: WorkerSide) -> None:
    """Nothing is sent for it until it is enabled again."""
    add_due(client, worker.job, interval=1_000, enabled=False)
    assert worker.ready("action") == 0

    client.ask("PATCH", f"/api/jobs/{worker.job}", {"enabled": True})

    assert worker.take()[0]["action"] == "run"


def test_runs_are_found_by_every_filter_in_both_spellings(
    client: ForeignClient, worker: WorkerSide
) -> None:
    """All filters count together; what nothing matches is null."""
    run_id = due(client, worker)
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
    run_id = due(client, worker)

    foreign = client.ask("GET", f"/api/runs/{run_id}/cancel", Sec_Fetch_Site="cross-site")
    looked = client.ask("HEAD", f"/api/runs/{run_id}/cancel")

    assert foreign.status == HTTPStatus.FORBIDDEN
    assert looked.status == HTTPStatus.METHOD_NOT_ALLOWED
    assert client.ask("GET", f"/api/runs/{run_id}").document["status"] == "pending"
