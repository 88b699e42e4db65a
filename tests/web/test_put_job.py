"""PUT /v1/jobs/{job}."""

import pytest

from tests.web.world import NIGHTLY, PLAIN, World, faults_of, json_of, problem_of


def test_put_creates_a_job_that_does_not_exist(world: World) -> None:
    """201 with Location; the name may be left to the address."""
    response = world.send("PUT", "/v1/jobs/plain", {"target": PLAIN["target"]})

    assert response.status_code == 201
    assert json_of(world.get(response.headers["Location"]))["name"] == "plain"


def test_put_replaces_the_whole_definition(world: World) -> None:
    """What the new document leaves out goes back to its default."""
    world.add(NIGHTLY, owner="ops")

    response = world.send("PUT", "/v1/jobs/nightly", {**PLAIN, "name": "nightly"})

    job = json_of(response)
    assert response.status_code == 200
    assert (job["owner"], job["schedule"], job["revision"]) == ("", None, 2)
    assert response.headers["ETag"] == '"2"'


def test_what_get_shows_may_be_put_back(world: World) -> None:
    """Read, change one field, put: the service's own fields are ignored."""
    job = world.add(NIGHTLY)

    response = world.send("PUT", "/v1/jobs/nightly", {**job, "owner": "ops", "revision": 99})

    assert response.status_code == 200
    assert json_of(response) == {**job, "owner": "ops", "revision": 2}


def test_put_by_id_may_rename(world: World) -> None:
    """The id stays; the job is found by its new name."""
    job = world.add()

    world.send("PUT", f"/v1/jobs/{job['id']}", {**PLAIN, "name": "renamed"})

    assert json_of(world.get("/v1/jobs/renamed"))["id"] == job["id"]


def test_put_by_name_does_not_rename(world: World) -> None:
    """Another name in the body than in the address is 422 and says how to rename."""
    world.add()

    faults = faults_of(world.send("PUT", "/v1/jobs/plain", {**PLAIN, "name": "other"}), 422)

    assert "by its id" in faults["name"]


def test_put_of_an_unknown_id_is_not_found(world: World) -> None:
    """An id is never chosen by a client."""
    problem_of(world.send("PUT", f"/v1/jobs/{'0' * 32}", PLAIN), 404)


def test_put_checks_the_revision_that_was_read(world: World) -> None:
    """If-Match with an old revision is 412 and changes nothing."""
    world.add()
    world.send("PUT", "/v1/jobs/plain", {**PLAIN, "owner": "first"}, If_Match='"1"')

    response = world.send("PUT", "/v1/jobs/plain", {**PLAIN, "owner": "second"}, If_Match='"1"')

    problem_of(response, 412)
    assert json_of(world.get("/v1/jobs/plain"))["owner"] == "first"


@pytest.mark.parametrize("tag", ["1", '"x"', 'W/"1"', "*", '"1", "2"', f'"{"9" * 30}"', '"-1"'])
def test_an_unreadable_revision_is_refused(world: World, tag: str) -> None:
    """If-Match that is not one ETag of a job is 400; it is never taken for absent."""
    world.add()

    response = world.send("PUT", "/v1/jobs/plain", PLAIN, If_Match=tag)

    assert "If-Match" in faults_of(response, 400)


def test_put_needs_a_sound_name_in_the_address(world: World) -> None:
    """A name that no job may have is refused as such."""
    assert "name" in faults_of(
        world.send("PUT", "/v1/jobs/a%25b", {"target": PLAIN["target"]}), 422
    )
