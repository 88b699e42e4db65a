"""Every route of ha-jobs against ``solocron serve`` on the embedded default."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest

from tests.conformance.foreign_client import ForeignClient, Reply
from tests.failover.served import PATIENCE_S, Served
from tests.waiting import eventually

#: ISO 8601 with milliseconds, in UTC.
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

#: Ends when somebody ends it.
LONG = {"kind": "command", "command": "sleep 600"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for all tests here."""
    with Served(tmp_path_factory.mktemp("ha-jobs")) as served:
        yield served.await_executing()


@pytest.fixture(scope="module")
def client(served: Served) -> ForeignClient:
    return ForeignClient(served.url)


@pytest.fixture
def job(client: ForeignClient) -> str:
    """A name that no other test uses."""
    return f"job-{uuid.uuid4().hex[:8]}"


def make(client: ForeignClient, job: str, target: Any, **fields: Any) -> None:
    made = client.ask("POST", "/v1/jobs", {"name": job, "target": target, **fields})
    assert made.status == HTTPStatus.CREATED, made


def await_state(client: ForeignClient, address: str, state: str) -> dict[str, Any]:
    """Wait until a run is told to be in *state*, and return its status."""

    def look() -> dict[str, Any] | None:
        status: dict[str, Any] = client.ask("GET", address).document
        return status if status["jobState"] == state else None

    found = eventually(look, PATIENCE_S, f"{address} is {state}")
    assert found is not None
    return found


def start(client: ForeignClient, job: str) -> str:
    """Start a job and return where its status is."""
    reply = client.ask("POST", f"/jobs/{job}")
    assert (reply.status, reply.document["status"]) == (HTTPStatus.CREATED, "OK")
    return reply.headers["Location"]


def test_a_job_type_is_started_and_its_status_is_found(client: ForeignClient, job: str) -> None:
    """201 shows the way; the status has the fields, ids and instants of a ``JobStatus``."""
    make(client, job, {"kind": "command", "command": "echo done"})

    status = await_state(client, start(client, job), "FINISHED")

    assert (status["jobType"], status["jobResult"]) == (job, "SUCCESS")
    assert str(uuid.UUID(status["jobId"])) == status["jobId"]
    assert str(uuid.UUID(status["triggerId"])) == status["triggerId"]
    assert uuid.UUID(status["jobId"]).version == 4
    assert INSTANT.fullmatch(status["jobStatusTs"])
    assert INSTANT.fullmatch(status["startTime"])
    assert re.fullmatch(r"\d+ seconds?", status["duration"])


def test_what_a_run_tells_is_its_content(client: ForeignClient, job: str) -> None:
    """Why it failed is there; in the list it is not."""
    make(client, job, {"kind": "command", "command": "false"})

    status = await_state(client, start(client, job), "FAILED")

    assert status["jobResult"] == "FAILED"
    assert "1" in status["content"]["error"]
    (listed,) = client.ask("GET", f"/jobs/{job}").document["jobs"]
    assert listed == {name: value for name, value in status.items() if name != "content"}


def test_a_running_job_is_not_started_again(client: ForeignClient, job: str) -> None:
    """409 says so, and shows the way to the run that is in the way; then it is cancelled."""
    make(client, job, LONG)
    address = start(client, job)
    assert await_state(client, address, "RUNNING")["jobResult"] == "PENDING"

    refused = client.ask("POST", f"/jobs/{job}")

    assert refused.status == HTTPStatus.CONFLICT
    assert refused.document == {"status": "KO", "message": "The job's already running"}
    assert refused.headers["Location"] == address

    cancelled = client.ask("DELETE", f"/jobs/{job}")
    assert (cancelled.status, cancelled.document) == (HTTPStatus.OK, {"status": "OK"})
    assert await_state(client, address, "CANCELED")["jobResult"] == "FAILED"
    listed = client.ask("GET", f"/jobs/{job}").document["jobs"]
    assert [one["jobState"] for one in listed] == ["CANCELED"]


def test_to_cancel_what_does_not_run_is_a_success(client: ForeignClient, job: str) -> None:
    """The job is still there afterwards."""
    make(client, job, LONG)

    assert client.ask("DELETE", f"/jobs/{job}").document == {"status": "OK"}
    assert job in client.ask("GET", "/jobs").document["jobTypes"]


def test_unknown_types_are_refused_by_each_method(client: ForeignClient) -> None:
    """404 to start or read one; 500 to cancel one, with the words that its clients know."""
    started = client.ask("POST", "/jobs/nobody")
    assert (started.status, started.document["status"]) == (HTTPStatus.NOT_FOUND, "KO")
    assert "nobody" in started.document["message"]
    assert client.ask("GET", "/jobs/nobody").status == HTTPStatus.NOT_FOUND
    assert client.ask("GET", "/jobs/nobody/latest").status == HTTPStatus.NOT_FOUND
    cancelled = client.ask("DELETE", "/jobs/nobody")
    assert cancelled.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert cancelled.document == {
        "status": "KO",
        "message": "Error when canceling job. JobType nobody is unknown",
    }


def test_the_list_of_a_type_is_its_history(client: ForeignClient, job: str) -> None:
    """Newest first, as many as asked for, with the cron expression and the latest of them."""
    cron = {"kind": "cron", "expression": "0 0 0 ? * MON", "dialect": "quartz"}
    make(client, job, {"kind": "command", "command": "true"}, schedule=cron)
    assert client.ask("GET", f"/jobs/{job}").document == {
        "jobs": [],
        "cron": "0 0 0 ? * MON",
        "latest": None,
    }

    addresses = [start_and_await(client, job) for _ in range(3)]

    found = client.ask("GET", f"/jobs/{job}?limit=2").document
    ids = [one["jobId"] for one in found["jobs"]]
    assert ids == [address.rpartition("/")[2] for address in reversed(addresses[1:])]
    assert found["latest"] == addresses[-1]
    assert client.ask("GET", f"/jobs/{job}?limit=x").status == HTTPStatus.BAD_REQUEST


def start_and_await(client: ForeignClient, job: str) -> str:
    address = start(client, job)
    await_state(client, address, "FINISHED")
    return address


def test_the_latest_run_is_found_by_a_redirect(client: ForeignClient, job: str) -> None:
    """404 before the first one, 307 afterwards."""
    make(client, job, {"kind": "command", "command": "true"})
    assert client.ask("GET", f"/jobs/{job}/latest").status == HTTPStatus.NOT_FOUND

    address = start_and_await(client, job)

    latest = client.ask("GET", f"/jobs/{job}/latest")
    assert (latest.status, latest.headers["Location"]) == (HTTPStatus.TEMPORARY_REDIRECT, address)


def test_a_status_is_that_of_its_type_only(client: ForeignClient, job: str) -> None:
    """No UUID, an unknown one, and one of another type are all 404."""
    make(client, job, {"kind": "command", "command": "true"})
    other = f"other-{job}"
    make(client, other, {"kind": "command", "command": "true"})
    run_id = start_and_await(client, job).rpartition("/")[2]

    assert client.ask("GET", f"/jobs/{job}/{uuid.UUID(run_id).hex}").status == HTTPStatus.OK
    for address in (
        f"/jobs/{job}/no-uuid",
        f"/jobs/{job}/{uuid.uuid4()}",
        f"/jobs/{other}/{run_id}",
    ):
        reply = client.ask("GET", address)
        assert (reply.status, reply.document["status"]) == (HTTPStatus.NOT_FOUND, "KO")


def test_the_overview_leads_to_the_page(client: ForeignClient) -> None:
    """Where jobs are seen, started and cancelled."""
    overview: Reply = client.ask("GET", "/jobsOverview")

    assert overview.status == HTTPStatus.TEMPORARY_REDIRECT
    assert b"<title>" in client.ask("GET", overview.headers["Location"]).body
