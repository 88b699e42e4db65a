"""Hostile texts that are accepted: kept as they came, byte for byte, and meaning nothing.

``hostile_texts`` lists them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import pymongo
import pytest

from tests.servers import find
from tests.web.hostile_texts import NAMES, NO_NAMES, TEXTS
from tests.web.instances import LiveInstance, on_mongodb, on_sqlite

#: What no test may touch.
BYSTANDER = {"name": "bystander", "owner": "somebody", "tags": ["other"]}

#: What would find the bystander if it were a pattern, or take for ever.
PATTERNS = (".*", "(a+)+$", "$", "^", "%", "_", "\\", "[a-z]", "(?s).", "\\x62", "a" * 100_000)


def on_stores(name: str, sqlite: Sequence[str], mongodb: Sequence[str]) -> pytest.MarkDecorator:
    """Return what has a test run with each of *sqlite* on the one store, of *mongodb* on the other.

    A store is tried with what it could take for something else.
    """
    cases = [*(("sqlite", value) for value in sqlite), *(("mongodb", value) for value in mongodb)]
    return pytest.mark.parametrize(("instance", name), cases, indirect=["instance"])


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveInstance]:
    """One instance for all; what a test makes it deletes, but for a job that is nobody's."""
    with on_sqlite(tmp_path_factory.mktemp("texts")) as instance:
        add(instance, BYSTANDER)
        yield instance


@pytest.fixture(scope="module")
def mongodb(mongodb_uri: str) -> Iterator[LiveInstance]:
    """The same on MongoDB."""
    name = f"solocron_test_{uuid.uuid4().hex}"
    with on_mongodb(find.with_database(mongodb_uri, name)) as instance:
        add(instance, BYSTANDER)
        yield instance
    with pymongo.MongoClient[dict[str, object]](mongodb_uri) as mongo:
        mongo.drop_database(name)


@pytest.fixture
def instance(request: pytest.FixtureRequest) -> LiveInstance:
    """The instance on the store that a test asks for."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, LiveInstance)
    return found


def add(instance: LiveInstance, document: dict[str, Any]) -> dict[str, Any]:
    """Create a job, of a command that is not run, and return it as it is read afterwards."""
    target = {"kind": "command", "argv": ["true"]}
    response = instance.client.post("/v1/jobs", json={"target": target, **document})
    assert response.status_code == 201, response.text
    assert response.headers["Location"] == f"/v1/jobs/{response.get_json()['id']}"
    found: dict[str, Any] = instance.get(response.headers["Location"])
    return found


def remove(instance: LiveInstance, job: dict[str, Any]) -> None:
    """Delete a job: it alone goes."""
    assert instance.client.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert instance.get("/v1/jobs/bystander")["owner"] == "somebody"
    assert instance.launcher.begun == []


@on_stores("what", list(TEXTS), list(TEXTS))
def test_a_text_is_kept_as_it_came(instance: LiveInstance, what: str) -> None:
    """In every field that takes any text; a search for it finds what has it, and nothing else."""
    text = TEXTS[what]
    written = {
        "name": "text",
        "description": text,
        "owner": text,
        "tags": [text],
        "labels": {text[:100]: text},
        "lock": text,
        "target": {"kind": "command", "argv": ["true", text], "env": {"X": text}},
    }

    job = add(instance, written)

    assert {name: job[name] for name in written if name != "target"} == {
        name: value for name, value in written.items() if name != "target"
    }
    assert (job["target"]["argv"], job["target"]["env"]) == (["true", text], {"X": text})
    for query in ({"owner": text}, {"tag": text}):
        [found] = instance.get(f"/v1/jobs?{urlencode(query)}")["items"]
        assert found["name"] == "text"
    assert instance.get(f"/v1/jobs?{urlencode({'q': text})}")["items"] == []
    paused = instance.client.post("/v1/jobs/text/pause", json={"reason": text})
    assert paused.get_json()["paused"]["reason"] == text
    [revision] = instance.get("/v1/jobs/text/revisions")["items"][-1:]
    assert instance.get(f"/v1/jobs/text/revisions/{revision['revision']}")
    remove(instance, job)


@on_stores("name", NAMES, [name for name in NAMES if set(name) & set("$.*_{")])
def test_a_name_is_a_name_and_nothing_else(instance: LiveInstance, name: str) -> None:
    """It addresses its job, is found by it, and is shown by the other schedulers' faces."""
    job = add(instance, {"name": name})
    place = quote(name, safe="")

    assert job["name"] == name
    assert instance.get(f"/v1/jobs/{place}") == job
    found = instance.get(f"/v1/jobs?{urlencode({'q': name})}")["items"]
    assert [one["name"] for one in found if one["name"] == name] == [name]
    assert instance.get(f"/v1/runs?{urlencode({'job': name})}")["items"] == []
    assert instance.get(f"/api/jobs/{place}")["name"] == name
    assert name in instance.get("/jobs")["jobTypes"]
    assert instance.get("/api/v1/job/")["jobs"]
    assert instance.get("/v1/jobs/bystander")
    remove(instance, job)


@on_stores("name", NO_NAMES, [])
def test_what_is_no_name_is_refused_natively(instance: LiveInstance, name: str) -> None:
    """422 names the field, also in a batch, where nothing of the batch is done."""
    target = {"kind": "command", "argv": ["true"]}
    before = instance.get("/v1/jobs")
    item = {"put": {"name": name, "target": target}}
    sound = {"put": {"name": "sound", "target": target}}

    alone = instance.client.post("/v1/jobs", json=item["put"])
    together = instance.client.post("/v1/batch", json={"items": [sound, item]})

    assert alone.status_code == together.status_code == 422
    assert "name" in {fault["field"] for fault in alone.get_json()["errors"]}
    assert "items.1.put.name" in {fault["field"] for fault in together.get_json()["errors"]}
    assert instance.get("/v1/jobs") == before


@on_stores("name", [name for name in NO_NAMES if name and "\x00" not in name], [])
def test_kala_takes_any_name_and_keeps_it(instance: LiveInstance, name: str) -> None:
    """Its clients get back what they wrote; the job itself has a name that it can have."""
    written = {"name": name, "command": "true", "schedule": "R/2040-01-01T00:00:00Z/PT1H"}
    made = instance.client.post("/api/v1/job/", json=written).get_json()["id"]

    assert instance.get(f"/api/v1/job/{made}/")["job"]["name"] == name
    [job] = [one for one in instance.get("/v1/jobs")["items"] if one["name"] != "bystander"]
    assert not set(job["name"]) & set("/?#%\\\r\n\x1b\x7f")
    remove(instance, job)


@on_stores("query", PATTERNS, PATTERNS)
def test_a_search_is_for_text(instance: LiveInstance, query: str) -> None:
    """No pattern means anything, however long it is."""
    assert instance.get(f"/v1/jobs?{urlencode({'q': query})}")["items"] == []
