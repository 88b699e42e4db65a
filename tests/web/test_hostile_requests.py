"""Hostile requests against every door, on real stores: refused, and nothing has changed.

``hostile_requests`` lists them.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from werkzeug.test import TestResponse

from executor.domain.callback import token_for
from executor.domain.kinds import PUTS
from executor.domain.run import RunState
from executor.ports.store import JobFilter, RunFilter
from tests.servers import find
from tests.waiting import eventually
from tests.web.hostile_requests import BODIES, HTTP, JSON, PATHS, QUERIES, REQUESTS, Hostile
from tests.web.instances import PATIENCE_S, LiveInstance, on_mongodb, on_sqlite

#: Seconds of processor time that no request may take, however long it is; most take a
#: thousandth of that, and looking into each of 5,000 mistakes half a second.
SLOW_S = 5.0

#: Every route that takes a document: method, path, media type.
DOORS = (
    ("POST", "/v1/jobs", JSON),
    ("PUT", "/v1/jobs/plain", JSON),
    ("PATCH", "/v1/jobs/plain", "application/merge-patch+json"),
    ("POST", "/v1/batch", JSON),
    ("POST", "/v1/jobs/plain/trigger", JSON),
    ("POST", "/v1/jobs/plain/pause", JSON),
    ("POST", "/v1/jobs/plain/resume", JSON),
    ("POST", "/v1/jobs/plain/backfill", JSON),
    ("POST", "/v1/schedules/preview", JSON),
    ("POST", "/v1/runs/{run}/cancel", JSON),
    ("POST", "/v1/runs/{run}/status", JSON),
    ("PUT", "/v1/calendars/x", JSON),
    ("PUT", "/v1/channels/x", JSON),
    ("PUT", "/v1/secrets/x", JSON),
    ("POST", "/v1/tokens", JSON),
    ("POST", "/api/v1/job/", JSON),
    ("POST", "/api/v1/job", "text/plain"),
    ("POST", "/api/jobs", JSON),
    ("PATCH", "/api/jobs/plain", "text/plain"),
    ("POST", "/api/runs/{run}/cancel", JSON),
)


class Besieged:
    """An instance with a job of each kind and a run that goes on."""

    def __init__(self, instance: LiveInstance) -> None:
        self.instance = instance
        self.client = instance.client
        self.job = self._add({"name": "plain", "target": HTTP})
        watched = self._add({"name": "watched", "target": {"kind": "watched", "grace": "1h"}})
        run = self.client.post("/v1/jobs/plain/trigger").get_json()
        eventually(
            lambda: instance.readers.get_run(run["id"]).state is RunState.RUNNING,
            PATIENCE_S,
            "the run goes on",
        )
        self.places = {
            "{job}": self.job["id"],
            "{run}": run["id"],
            "{key}": watched["ping_url"].rpartition("/")[2],
        }
        self.token = token_for(instance.readers.callback_key(), run["id"])
        self._before = self._everything()

    def _add(self, document: dict[str, Any]) -> dict[str, Any]:
        response = self.client.post("/v1/jobs", json=document)
        assert response.status_code == 201, response.text
        added: dict[str, Any] = response.get_json()
        return added

    def send(self, method: str, path: str, **how: Any) -> TestResponse:
        """Send a request; whatever it is, it does not take long."""
        for name, value in self.places.items():
            path = path.replace(name, value)
        begun = time.process_time()
        response = self.client.open(path, method=method, **how)
        assert time.process_time() - begun < SLOW_S
        return response

    def check(self) -> None:
        """Nothing has changed."""
        assert self._everything() == self._before

    def _everything(self) -> list[object]:
        """Return what there is: jobs, runs, all that has a name, and what was to be begun."""
        readers = self.instance.readers
        return [
            readers.list_jobs(JobFilter(), 1_000, None).items,
            [(run.id, run.state, run.details) for run in self._runs()],
            [readers.list_named(kind) for kind in PUTS.values()],
            list(self.instance.launcher.begun),
        ]

    def _runs(self) -> Any:
        return self.instance.readers.list_runs(RunFilter(), 1_000, None).items


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    """One instance for all tests of this module: nothing here may change it."""
    with on_sqlite(tmp_path_factory.mktemp("besieged")) as instance:
        yield Besieged(instance)


@pytest.fixture(scope="module")
def mongodb(mongodb_uri: str) -> Iterator[Besieged]:
    """The same on MongoDB."""
    name = f"solocron_test_{uuid.uuid4().hex}"
    with on_mongodb(find.with_database(mongodb_uri, name)) as instance:
        yield Besieged(instance)
    with pymongo.MongoClient[dict[str, object]](mongodb_uri) as mongo:
        mongo.drop_database(name)


@pytest.fixture
def besieged(request: pytest.FixtureRequest) -> Besieged:
    """The instance on the store that a test asks for."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Besieged)
    return found


#: What never gets as far as a store is tried on one of them.
SQLITE = pytest.mark.parametrize("besieged", ["sqlite"], indirect=True)


def refusal(response: TestResponse, path: str) -> str:
    """Return what a refusal says; it has the form that belongs to *path*."""
    assert 400 <= response.status_code < 500, response.text
    document = response.get_json()
    assert response.data.isascii()
    assert len(response.data) < 120_000
    assert "Set-Cookie" not in response.headers
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    if path.startswith("/api/"):
        assert response.mimetype == JSON
        return str(document["error"])
    if path.startswith("/jobs"):
        assert (response.mimetype, document["status"]) == (JSON, "KO")
        return str(document["message"])
    assert response.content_type == "application/problem+json"
    assert set(document) == {"type", "title", "status", "detail", "errors"}
    assert document["status"] == response.status_code
    return f"{document['detail']} {document['errors']}"


def test_there_are_a_hundred_and_more() -> None:
    """All of them differ."""
    distinct = {
        (one.method, one.path, one.body, tuple(one.headers.items())) for one in REQUESTS
    } | set(BODIES.values())

    assert len(distinct) == len(REQUESTS) + len(BODIES) > 200


@pytest.mark.parametrize(
    ("besieged", "hostile"),
    [
        *(("sqlite", hostile) for hostile in REQUESTS),
        *(("mongodb", hostile) for hostile in (*PATHS, *QUERIES)),
    ],
    ids=lambda value: value.what if isinstance(value, Hostile) else value,
    indirect=["besieged"],
)
def test_a_hostile_request_is_refused_and_changes_nothing(
    besieged: Besieged, hostile: Hostile
) -> None:
    """The answer says what was wrong, in the form of the place, and nothing was begun."""
    response = besieged.send(
        hostile.method, hostile.path, data=hostile.body, headers=hostile.headers
    )

    assert response.status_code == hostile.status, response.text
    assert hostile.says in refusal(response, hostile.path)
    besieged.check()


@pytest.mark.parametrize("body", BODIES)
@SQLITE
def test_a_hostile_body_is_refused_at_every_door(besieged: Besieged, body: str) -> None:
    """One reader for all: native, of a run's service, and of the other schedulers."""
    data, status = BODIES[body]

    for method, path, media_type in DOORS:
        headers = {"Content-Type": media_type, "X-Solocron-Token": besieged.token}
        response = besieged.send(method, path, data=data, headers=headers)
        assert (path, response.status_code) == (path, status)
        assert refusal(response, path)
    besieged.check()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x", ""])
@SQLITE
def test_a_compressed_body_is_refused_at_every_door(besieged: Besieged, coding: str) -> None:
    """Nothing is ever unpacked, so no bomb goes off."""
    for method, path, media_type in DOORS:
        headers = {"Content-Type": media_type, "Content-Encoding": coding}
        headers["X-Solocron-Token"] = besieged.token
        response = besieged.send(method, path, data=b"\x1f\x8b\x08\x00", headers=headers)
        assert (path, response.status_code) == (path, 415)
    besieged.check()
