"""One web process with everything behind it, in memory and in the test's hands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from executor.adapters.keyring import Keyring
from executor.domain.errors import StoreUnavailable
from executor.domain.job import Job, definition_from_document
from executor.domain.permitted_targets import ALL_TARGETS, PermittedTargets
from executor.domain.run import Cause, Run, RunState
from executor.domain.term import TermRecord
from executor.domain.writes import Instance, JobWrite
from executor.ports.store import Readers
from tests.fakes.fake_clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.paced_followers import PacedFollowers
from tests.web.fake_executor import INSTANCE, FakeExecutor
from web.app import Services, create_app
from web.services import Entrance

#: The key of this installation's secrets.
KEY = b"k" * 32

#: The one before it.
FORMER = b"f" * 32

#: A job with nothing but what is required.
PLAIN = {"name": "plain", "target": {"kind": "http", "url": "https://example.com/"}}

#: The most usual kind of job.
NIGHTLY = {**PLAIN, "name": "nightly", "schedule": "30 2 * * *"}


class FragileStore(MemoryStore):
    """A store that does not answer readers while it is ``down``.

    Counting from ``answers``, it goes down by itself after so many further calls.
    """

    down = False
    answers: int | None = None

    def __getattribute__(self, name: str) -> Any:
        if name in _READS:
            self.ask()
        return super().__getattribute__(name)

    def ask(self) -> None:
        """Count one call; raise if the store is not there for it."""
        if self.answers is not None:
            self.down = self.down or self.answers <= 0
            self.answers -= 1
        if self.down:
            raise StoreUnavailable("the store is down")


_READS = frozenset(name for name in vars(Readers) if not name.startswith("_"))


class World:
    """A client, and the store, executor and clock behind what it talks to."""

    def __init__(
        self,
        max_body: int = 1_000_000,
        permitted: PermittedTargets = ALL_TARGETS,
        *,
        sealing: bool = True,
        entrance: Entrance | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.while_waiting: Callable[[], None] = lambda: None
        self.store = FragileStore(self.clock)
        self.executor = FakeExecutor(self.store, self.clock)
        self.followers = PacedFollowers(self.clock)
        self.services = Services(
            readers=self.store,
            sender=self.executor,
            clock=self.clock,
            command_timeout_s=5,
            instance_id="web-1",
            version="1.2.3",
            followers=self.followers,
            sealer=Keyring([KEY, FORMER]) if sealing else None,
            max_body=max_body,
            permitted=permitted,
            entrance=entrance or Entrance(),
            wait=lambda seconds: self.while_waiting(),
        )
        self.app = create_app(self.services)
        self.client: FlaskClient = self.app.test_client()

    def get(self, url: str, **how: Any) -> TestResponse:
        """Send GET."""
        return self.client.get(url, **how)

    def post(self, url: str, document: Any = None, **headers: str) -> TestResponse:
        """Send POST with a JSON body; underscores in header names stand for dashes."""
        return self.send("POST", url, document, **headers)

    def send(self, method: str, url: str, document: Any = None, **headers: str) -> TestResponse:
        """Send *method* with a JSON body."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(url, method=method, json=document, headers=fields)

    def add(self, document: Any = PLAIN, **changes: Any) -> dict[str, Any]:
        """Create a job through the API and return its document."""
        response = self.post("/v1/jobs", {**document, **changes})
        assert response.status_code == 201, response.text
        return json_of(response)

    def put_job(self, name: str, **facts: Any) -> Job:
        """Write a job into the store, with *facts* that only an executor sets."""
        now = self.clock.now()
        definition = definition_from_document({**PLAIN, "name": name})
        job = Job(
            id=f"id-of-{name}", definition=definition, revision=1, created_at=now, updated_at=now
        )
        self.store.write_jobs([JobWrite(replace(job, **facts), None)])
        return replace(job, **facts)

    def put_run(self, run_id: str, **facts: Any) -> Run:
        """Write a run into the store: a succeeded one on schedule, but for *facts*."""
        now = self.clock.now()
        run = Run(
            id=run_id,
            job_id="id-of-plain",
            job="plain",
            cause=Cause.SCHEDULE,
            state=RunState.SUCCEEDED,
            term=self.executor.term,
            clear_at=now,
            created_at=now,
        )
        run = replace(run, **facts)
        assert not self.store.insert_runs([run])
        return run

    def beat(self, instance_id: str, role: str, **facts: Any) -> None:
        """Let an instance show that it lives."""
        now = self.clock.now()
        about = Instance(id=instance_id, host="host", version="1.2.3", role=role, seen_at=now)
        self.store.beat(replace(about, **facts))

    def clear(self) -> TermRecord:
        """Let the executor show that it executes, and return its term."""
        self.store.clear_term(self.executor.term, self.clock.now())
        record = self.store.read_term()
        assert record is not None
        return record

    def later(self, **span: float) -> datetime:
        """Return the instant *span* from now."""
        return self.clock.now() + timedelta(**span)


def json_of(response: TestResponse) -> dict[str, Any]:
    """Return the JSON object that *response* carries."""
    document = response.get_json()
    assert isinstance(document, dict), response.text
    return document


def problem_of(response: TestResponse, status: int) -> dict[str, Any]:
    """Return the problem that *response* carries, which must have *status* and all its members."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    document = json_of(response)
    assert set(document) == {"type", "title", "status", "detail", "errors"}
    assert document["status"] == status
    assert document["detail"]
    return document


def faults_of(response: TestResponse, status: int) -> dict[str, str]:
    """Return the faults of a problem, message by field."""
    return {fault["field"]: fault["message"] for fault in problem_of(response, status)["errors"]}


__all__ = ["INSTANCE", "NIGHTLY", "PLAIN", "World", "faults_of", "json_of", "problem_of"]
