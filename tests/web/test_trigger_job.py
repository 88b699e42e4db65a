"""POST /v1/jobs/{job}/trigger."""

from tests.web.world import World, json_of, problem_of


def test_a_triggered_job_is_answered_with_its_run(world: World) -> None:
    """201 carries the run, Location leads to it."""
    job = world.add()

    response = world.post("/v1/jobs/plain/trigger", {})

    run = json_of(response)
    assert response.status_code == 201
    assert response.headers["Location"] == f"/v1/runs/{run['id']}"
    assert (run["job_id"], run["cause"], run["state"]) == (job["id"], "manual", "pending")
    assert run["fire_at"] is None
    assert run["trigger_id"] == run["id"]


def test_the_same_key_starts_one_run(world: World) -> None:
    """A repeated trigger with its Idempotency-Key shows the run of the first."""
    world.add()

    first = json_of(world.post("/v1/jobs/plain/trigger", {}, Idempotency_Key="k"))
    again = json_of(world.post("/v1/jobs/plain/trigger", {}, Idempotency_Key="k"))

    assert again["id"] == first["id"]
    assert len(json_of(world.get("/v1/runs"))["items"]) == 1


def test_without_a_key_each_trigger_starts_a_run(world: World) -> None:
    """Two requests are two runs."""
    world.add()

    world.post("/v1/jobs/plain/trigger", {})
    world.post("/v1/jobs/plain/trigger", {})

    assert len(json_of(world.get("/v1/jobs/plain/runs"))["items"]) == 2


def test_a_key_belongs_to_one_address(world: World) -> None:
    """The same key for two jobs is two commands."""
    world.add()
    world.add(name="other")

    first = world.post("/v1/jobs/plain/trigger", {}, Idempotency_Key="k")
    second = world.post("/v1/jobs/other/trigger", {}, Idempotency_Key="k")

    assert json_of(first)["job"] == "plain"
    assert json_of(second)["job"] == "other"


def test_a_refusal_keeps_the_executors_reason(world: World) -> None:
    """A job that cannot be run is 409 with the reason."""
    job = world.add()
    world.store.break_job(job["id"])

    problem = problem_of(world.post("/v1/jobs/plain/trigger", {}), 409)

    assert "the record of job 'plain' cannot be read; PUT it anew" in problem["detail"]
