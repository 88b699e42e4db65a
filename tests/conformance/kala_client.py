"""A client of Kala: what its own clients send, byte by byte, and what they look at."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.failover.served import Served
from tests.waiting import eventually

#: Seconds that a run may take to be seen, on a machine with much else to do.
SOON_S = 20.0

#: Go's instant that never was.
NEVER = "0001-01-01T00:00:00Z"

#: The keys of a job, in the order of Kala's source.
JOB_KEYS = [
    "name",
    "id",
    "command",
    "owner",
    "disabled",
    "dependent_jobs",
    "parent_jobs",
    "on_failure_job",
    "schedule",
    "retries",
    "epsilon",
    "next_run_at",
    "TemplateDelimiters",
    "resume_at_next_scheduled_time",
    "metadata",
    "type",
    "remote_properties",
    "stats",
    "is_done",
]
METADATA_KEYS = [
    "success_count",
    "last_success",
    "error_count",
    "last_error",
    "last_attempted_run",
    "number_of_finished_runs",
]
REMOTE_KEYS = [
    "url",
    "method",
    "body",
    "headers",
    "timeout",
    "expected_response_codes",
]
STAT_KEYS = [
    "job_id",
    "ran_at",
    "number_of_retries",
    "success",
    "execution_duration",
]
COUNT_KEYS = [
    "active_jobs",
    "disabled_jobs",
    "jobs",
    "error_count",
    "success_count",
    "next_run_at",
    "last_attempted_run",
    "created",
]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came; redirects are not followed."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The JSON of the body."""
        assert self.headers["content-type"] == "application/json;charset=UTF-8", self
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The text of a refusal."""
        document = self.document
        assert list(document) == ["error"], document
        assert document["error"], document
        return str(document["error"])


class KalaClient:
    """Speaks with a service at ``/api/v1``."""

    def __init__(self, served: Served) -> None:
        self.served = served

    def ask(self, method: str, path: str, body: str | None = None) -> Answer:
        """Send what curl sends with ``-d``: Kala does not look at the type of a body."""
        headers = {} if body is None else {"Content-Type": "application/x-www-form-urlencoded"}
        connection = HTTPConnection("127.0.0.1", self.served.port, timeout=40)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, fields, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        """Return the document at *path* below the prefix."""
        answer = self.ask("GET", f"/api/v1/{path}")
        assert answer.status == 200, answer
        return answer.document

    def post(self, path: str) -> Answer:
        """Send a POST without a body."""
        return self.ask("POST", f"/api/v1/{path}")

    def try_to_create(self, slash: str = "/", **job: Any) -> Answer:
        """Send a job, named ``job`` and running ``true`` unless it says otherwise."""
        document = {"name": "job", "command": "true", **job}
        return self.ask("POST", f"/api/v1/job{slash}", json.dumps(document))

    def create(self, slash: str = "/", **job: Any) -> str:
        """Make a job and return its id."""
        answer = self.try_to_create(slash, **job)
        assert answer.status == 201, answer
        assert list(answer.document) == ["id"]
        return str(answer.document["id"])

    def job(self, job_id: str, slash: str = "/") -> dict[str, Any]:
        """Return a job."""
        document: dict[str, Any] = self.get(f"job/{job_id}{slash}")["job"]
        return document

    def stats(self, job_id: str, slash: str = "/") -> list[dict[str, Any]]:
        """Return the finished runs of a job."""
        found: list[dict[str, Any]] | None = self.get(f"job/stats/{job_id}{slash}")["job_stats"]
        return found or []

    def await_runs(self, job_id: str, number: int = 1) -> list[dict[str, Any]]:
        """Return the finished runs of a job once there are so many."""

        def enough() -> list[dict[str, Any]]:
            found = self.stats(job_id)
            return found if len(found) >= number else []

        return eventually(enough, SOON_S, f"{number} runs of {job_id}")

    def await_done(self, job_id: str) -> dict[str, Any]:
        """Return a job once it says that it is done."""

        def done() -> dict[str, Any] | None:
            found = self.job(job_id)
            return found if found["is_done"] else None

        found = eventually(done, SOON_S, f"{job_id} is done")
        assert found is not None
        return found

    def output(self, job_id: str) -> str:
        """Return what the latest run of a job said, as the fork tells it."""
        self.await_runs(job_id)
        return str(self.stats(job_id, slash="")[-1]["response"]).strip()


@contextmanager
def kala_service(folder: Path) -> Iterator[KalaClient]:
    """Start a service on the embedded default."""
    with Served(folder) as served:
        yield KalaClient(served.await_executing())


def later(seconds: float, fraction: bool = True) -> str:
    """Return the instant so many seconds from now, as Python's isoformat writes it."""
    instant = datetime.now(UTC) + timedelta(seconds=seconds)
    return (instant if fraction else instant.replace(microsecond=0)).isoformat()
