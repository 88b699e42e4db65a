"""POST /v1/jobs/{job}/pause and /resume."""

from typing import Any

import pytest

from tests.web.world import World, faults_of, json_of, problem_of


def test_a_pause_has_a_reason_and_an_end(world: World) -> None:
    """The job shows why, who wanted it and until when it rests."""
    world.add()

    response = world.post(
        "/v1/jobs/plain/pause",
        {"reason": "freeze", "by": "Ada", "until": "2026-12-24T18:00:00+01:00"},
    )

    job = json_of(response)
    assert job["state"] == "paused"
    assert job["paused"] == {
        "since": "2026-12-01T00:00:00Z",
        "reason": "freeze",
        "by": "Ada",
        "until": "2026-12-24T17:00:00Z",
    }


def test_a_pause_needs_no_body(world: World) -> None:
    """Without one it lasts until the job is resumed."""
    world.add()

    job = json_of(world.client.post("/v1/jobs/plain/pause"))

    assert (job["paused"]["reason"], job["paused"]["until"]) == ("", None)


def test_a_resumed_job_is_active(world: World) -> None:
    """Resuming ends the pause."""
    world.add()
    world.post("/v1/jobs/plain/pause", {})

    job = json_of(world.post("/v1/jobs/plain/resume", {}))

    assert (job["state"], job["paused"], job["revision"]) == ("active", None, 3)


@pytest.mark.parametrize(
    ("document", "field", "says"),
    [
        ({"until": "2026-11-30T23:59:59Z"}, "until", "past"),
        ({"until": "2026-12-24"}, "until", "zone"),
        ({"until": "later"}, "until", "RFC 3339"),
        ({"until": 1798000000}, "until", "write an instant"),
        ({"until": "0001-01-01T00:00:00+14:00"}, "until", "years 1 to 9999"),
        ({"reason": 7}, "reason", "string"),
        ({"reason": "x" * 1001}, "reason", "longer"),
        ({"resaon": ""}, "resaon", "write `reason`"),
    ],
)
def test_a_wrong_pause_is_refused(
    world: World, document: dict[str, Any], field: str, says: str
) -> None:
    """422 names the field and what to write."""
    world.add()

    assert says in faults_of(world.post("/v1/jobs/plain/pause", document), 422)[field]
    assert json_of(world.get("/v1/jobs/plain"))["state"] == "active"


def test_resuming_takes_no_arguments(world: World) -> None:
    """A field that would be ignored is refused."""
    world.add()

    assert "until" in faults_of(world.post("/v1/jobs/plain/resume", {"until": None}), 422)


@pytest.mark.parametrize("what", ["pause", "resume", "trigger"])
def test_an_unknown_job_is_not_found(world: World, what: str) -> None:
    """404 for each of the actions."""
    problem_of(world.post(f"/v1/jobs/nobody/{what}", {}), 404)
