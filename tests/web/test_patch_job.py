"""PATCH /v1/jobs/{job}: JSON merge patch."""

from typing import Any

import pytest

from tests.web.world import NIGHTLY, World, faults_of, json_of, problem_of
from web.changes import PATCH_TRIES, merge


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merging_follows_the_examples_of_the_rfc(target: Any, patch: Any, result: Any) -> None:
    """All fifteen rows of RFC 7396, appendix A."""
    assert merge(target, patch) == result


def test_a_patch_changes_only_what_it_names(world: World) -> None:
    """A nested field changes, its neighbours stay, null goes back to the default."""
    before = world.add(NIGHTLY, owner="ops")

    patch = {"schedule": {"timezone": "Europe/Berlin"}, "owner": None, "timeout": "5m"}
    response = world.send("PATCH", "/v1/jobs/nightly", patch)

    job = json_of(response)
    assert response.status_code == 200
    assert job["schedule"] == {**before["schedule"], "timezone": "Europe/Berlin"}
    assert (job["owner"], job["timeout"], job["revision"]) == ("", "PT5M", 2)
    assert job["target"] == before["target"]


def test_the_media_type_of_merge_patches_is_accepted(world: World) -> None:
    """application/merge-patch+json is as good as application/json."""
    world.add(NIGHTLY)

    response = world.client.patch(
        "/v1/jobs/nightly", data='{"owner":"x"}', content_type="application/merge-patch+json"
    )

    assert json_of(response)["owner"] == "x"


def test_a_patch_that_breaks_a_rule_is_refused(world: World) -> None:
    """The result of the merge is checked as a whole."""
    world.add(NIGHTLY)

    response = world.send("PATCH", "/v1/jobs/nightly", {"target": {"kind": "command"}, "ownr": 1})

    assert {"target.url", "ownr"} <= set(faults_of(response, 422))


def test_a_patch_without_condition_survives_a_race(world: World) -> None:
    """Somebody else's change in between is read and kept; both changes stand."""
    world.add(NIGHTLY)
    meddle_once(world, {"owner": "other"})

    response = world.send("PATCH", "/v1/jobs/nightly", {"description": "mine"})

    job = json_of(response)
    assert response.status_code == 200
    assert (job["owner"], job["description"], job["revision"]) == ("other", "mine", 3)


def test_a_patch_with_a_condition_does_not(world: World) -> None:
    """With If-Match the race is the client's to decide: 412."""
    world.add(NIGHTLY)
    meddle_once(world, {"owner": "other"})

    problem_of(world.send("PATCH", "/v1/jobs/nightly", {"description": "x"}, If_Match='"1"'), 412)


def test_a_patch_gives_up_on_a_job_that_never_rests(world: World) -> None:
    """After some tries it is 409, not an endless loop."""
    world.add(NIGHTLY)
    calls = 0

    def meddle() -> None:
        nonlocal calls
        calls += 1
        world.executor.before = lambda: None
        world.send("PATCH", "/v1/jobs/nightly", {"owner": f"other-{calls}"})
        world.executor.before = meddle

    world.executor.before = meddle

    problem_of(world.send("PATCH", "/v1/jobs/nightly", {"description": "x"}), 409)
    assert calls == PATCH_TRIES


def test_a_broken_job_cannot_be_patched(world: World) -> None:
    """409 says what to do instead."""
    job = world.add(NIGHTLY)
    world.store.break_job(job["id"])

    assert "PUT" in problem_of(world.send("PATCH", "/v1/jobs/nightly", {}), 409)["detail"]


def meddle_once(world: World, patch: dict[str, Any]) -> None:
    """Change the job right before the next command is carried out."""

    def meddle() -> None:
        world.executor.before = lambda: None
        world.send("PATCH", "/v1/jobs/nightly", patch)

    world.executor.before = meddle
