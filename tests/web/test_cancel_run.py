"""POST /v1/runs/{run}/cancel."""

import pytest

from executor.domain.run import RunState
from tests.web.world import World, json_of, problem_of


@pytest.mark.parametrize(
    ("before", "after"), [(RunState.PENDING, "cancelled"), (RunState.RUNNING, "cancelling")]
)
def test_a_cancelled_run_is_shown_as_it_is_now(world: World, before: RunState, after: str) -> None:
    """200 carries the run; what runs already needs time to end."""
    world.put_run("r1", state=before)

    response = world.post("/v1/runs/r1/cancel", {})

    run = json_of(response)
    assert response.status_code == 200
    assert (run["state"], run["reason"]) == (after, "requested")


def test_a_run_that_is_over_cannot_be_cancelled(world: World) -> None:
    """409 with the state it ended in."""
    world.put_run("r1")

    assert "succeeded" in problem_of(world.post("/v1/runs/r1/cancel", {}), 409)["detail"]


def test_an_unknown_run_is_not_found(world: World) -> None:
    """404, and nothing is sent."""
    problem_of(world.post("/v1/runs/r9/cancel", {}), 404)

    assert world.executor.received == []
