"""Writes that are not answered in time or cannot be sent; GET /v1/commands/{id}."""

import pytest

from executor.domain.errors import BrokerUnavailable, NoExecutor
from tests.web.world import PLAIN, World, json_of, problem_of


def test_a_write_without_answer_is_accepted(world: World) -> None:
    """202 says where to ask; nothing is claimed about the outcome."""
    world.executor.silent = True

    response = world.post("/v1/jobs", PLAIN)

    pending = json_of(response)
    assert response.status_code == 202
    assert response.headers["Location"] == f"/v1/commands/{pending['id']}"
    assert (pending["status"], pending["kind"]) == ("pending", "create_job")


def test_the_outcome_is_found_at_the_location(world: World) -> None:
    """Once the executor has answered, the command shows how it ended."""
    world.executor.silent = True
    location = world.post("/v1/jobs", PLAIN).headers["Location"]

    command = json_of(world.get(location))

    assert command["status"] == "created"
    assert command["finished_at"] == "2026-12-01T00:00:00Z"
    assert command["errors"] == []
    assert json_of(world.get(f"/v1/jobs/{command['job_id']}"))["name"] == "plain"


def test_an_unknown_command_is_not_found(world: World) -> None:
    """Not answered yet looks the same as never sent: 404."""
    problem_of(world.get("/v1/commands/0123"), 404)


def test_a_change_whose_document_cannot_be_read_is_accepted(world: World) -> None:
    """It is applied, so it is no failure; 202 leads to its outcome."""
    world.store.answers = 1  # for the executor; none is left for the answer's document

    response = world.post("/v1/jobs", PLAIN)

    assert response.status_code == 202
    world.store.answers, world.store.down = None, False
    assert json_of(world.get(response.headers["Location"]))["status"] == "created"


@pytest.mark.parametrize(
    "error", [NoExecutor("no instance is executing"), BrokerUnavailable("connection refused")]
)
def test_a_write_that_cannot_be_sent_is_unavailable(
    world: World, error: NoExecutor | BrokerUnavailable
) -> None:
    """503 says when to try again, and nothing is half-applied."""
    world.executor.away = error

    response = world.post("/v1/jobs", PLAIN)

    assert problem_of(response, 503)["detail"] == str(error)
    assert int(response.headers["Retry-After"]) > 0
    assert json_of(world.get("/v1/jobs"))["items"] == []


def test_reading_needs_no_executor(world: World) -> None:
    """Lists and jobs are shown while nobody executes."""
    world.add()
    world.executor.away = NoExecutor("nobody")

    assert world.get("/v1/jobs").status_code == 200
    assert world.get("/v1/jobs/plain/upcoming").status_code == 200
