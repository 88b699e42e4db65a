"""What clients of simple-scheduler say to the service, and what they wait for."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from tests.conformance.foreign_client import ForeignClient
from tests.failover.served import PATIENCE_S, Served
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


def executes(served: Served) -> bool:
    assert served.process.poll() is None, served.log
    status, document = served.request("GET", "/v1/status", headers=bearer(ADMIN))
    return status == HTTPStatus.OK and document["state"] == "executing"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def make_token(served: Served, *scopes: str) -> str:
    admin = ForeignClient(served.url, bearer(ADMIN))
    made = admin.ask("POST", "/v1/tokens", {"name": uuid.uuid4().hex, "scopes": list(scopes)})
    assert made.status == HTTPStatus.CREATED, made
    return str(made.document["token"])


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


def add_due(client: ForeignClient, job: str, **fields: Any) -> None:
    """Add a job whose only run is due already, without limits but those in *fields*.

    Its instant is written as clients write it, with a fraction and an offset.
    """
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    limits = ("interval", "runExecutionTimeout", "runStartTimeout", "heartbeatTimeout")
    add(client, job, nextRunAt=past, **{**dict.fromkeys(limits, 0), **fields})
