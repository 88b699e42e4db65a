"""POST /v1/jobs."""

import pytest

from executor.domain.command import CommandKind
from tests.web.world import NIGHTLY, PLAIN, World, faults_of, json_of, problem_of


def test_a_created_job_is_answered_with_its_address_and_revision(world: World) -> None:
    """201 carries the job as stored, Location leads to it, ETag is its revision."""
    response = world.post("/v1/jobs", NIGHTLY)

    job = json_of(response)
    assert response.status_code == 201
    assert response.headers["ETag"] == '"1"'
    assert json_of(world.get(response.headers["Location"])) == job
    assert job["name"] == "nightly"
    assert job["state"] == "active"
    assert job["next_fire_at"] == "2026-12-01T02:30:00Z"
    assert job["schedule"]["timezone"] == "UTC"


def test_the_executor_receives_the_canonical_definition(world: World) -> None:
    """Short forms and left out fields reach the executor written out."""
    world.post("/v1/jobs", {**NIGHTLY, "timeout": "90m"})

    [command] = world.executor.received
    assert command.kind is CommandKind.CREATE_JOB
    assert command.subject == "nightly"
    assert command.arguments["definition"]["timeout"] == "PT1H30M"
    assert command.arguments["definition"]["schedule"]["dialect"] == "cron5"


def test_a_taken_name_is_a_conflict(world: World) -> None:
    """The second job of a name is refused with 409 and the executor's words."""
    world.add()

    problem = problem_of(world.post("/v1/jobs", PLAIN), 409)

    assert problem["detail"].endswith("exists already; PUT /v1/jobs/plain changes it")


def test_every_fault_is_reported_at_once(world: World) -> None:
    """422 names each wrong field by its path, and nothing is sent to the executor."""
    response = world.post(
        "/v1/jobs",
        {
            "name": "a/b",
            "target": {"kind": "http", "url": "ftp://x", "timeout": "soon"},
            "schedule": {"kind": "cron", "expression": "61 * * * *", "timezone": "Moon/Base"},
            "retrigger": -1,
            "shedule": "",
        },
    )

    faults = faults_of(response, 422)
    assert set(faults) == {
        "name",
        "target.url",
        "target.timeout",
        "schedule.expression",
        "schedule.timezone",
        "retrigger",
        "shedule",
    }
    assert faults["shedule"] == "unknown field; write `schedule`"
    assert faults["schedule.expression"].endswith("write 0-59")
    assert world.executor.received == []


@pytest.mark.parametrize("field", ["id", "revision", "state", "next_fire_at", "last_run"])
def test_what_only_the_service_sets_cannot_be_given(world: World, field: str) -> None:
    """A client that chooses an id or a watermark is told, not silently overruled."""
    assert field in faults_of(world.post("/v1/jobs", {**PLAIN, field: None}), 422)


def test_a_body_is_required(world: World) -> None:
    """An empty body is 400."""
    assert faults_of(world.post("/v1/jobs"), 400) == {"": "a JSON body is required"}


def test_the_same_idempotency_key_creates_one_job(world: World) -> None:
    """A repeated request with its key is answered with the job of the first."""
    first = world.post("/v1/jobs", PLAIN, Idempotency_Key="k1")
    again = world.post("/v1/jobs", PLAIN, Idempotency_Key="k1")

    assert again.status_code == 201
    assert json_of(again) == json_of(first)


def test_an_idempotency_key_serves_one_request_only(world: World) -> None:
    """The same key with another body is 409, and makes no job."""
    world.post("/v1/jobs", PLAIN, Idempotency_Key="k1")

    problem_of(world.post("/v1/jobs", NIGHTLY, Idempotency_Key="k1"), 409)
    problem_of(world.get("/v1/jobs/nightly"), 404)


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_of_no_use_is_refused(world: World, key: str) -> None:
    """An empty or endless Idempotency-Key is 400."""
    response = world.post("/v1/jobs", PLAIN, Idempotency_Key=key)

    assert "Idempotency-Key" in faults_of(response, 400)
