"""DELETE /v1/jobs/{job}."""

from tests.web.world import World, json_of, problem_of


def test_a_deleted_job_is_gone(world: World) -> None:
    """204 without a body; the job is neither found nor listed, its name is free."""
    world.add()

    response = world.send("DELETE", "/v1/jobs/plain")

    assert (response.status_code, response.data) == (204, b"")
    problem_of(world.get("/v1/jobs/plain"), 404)
    assert json_of(world.get("/v1/jobs"))["items"] == []
    world.add()


def test_an_unknown_job_cannot_be_deleted(world: World) -> None:
    """404, and nothing is sent."""
    problem_of(world.send("DELETE", "/v1/jobs/plain"), 404)

    assert world.executor.received == []


def test_deleting_checks_the_revision_that_was_read(world: World) -> None:
    """If-Match with an old revision is 412 and the job stays."""
    world.add()

    problem_of(world.send("DELETE", "/v1/jobs/plain", If_Match='"7"'), 412)
    assert world.get("/v1/jobs/plain").status_code == 200


def test_the_runs_of_a_deleted_job_are_found_by_its_id(world: World) -> None:
    """History outlives the job."""
    job = world.add()
    run = json_of(world.post("/v1/jobs/plain/trigger"))
    world.send("DELETE", "/v1/jobs/plain")

    listed = json_of(world.get(f"/v1/runs?job={job['id']}"))

    assert [item["id"] for item in listed["items"]] == [run["id"]]
