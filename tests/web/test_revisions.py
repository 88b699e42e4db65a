"""GET /v1/jobs/{job}/revisions, one of them, and going back to it."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.command import CommandKind
from tests.web.world import NIGHTLY, World, faults_of, json_of, problem_of


def changed(world: World, times: int) -> dict[str, Any]:
    """Return the nightly job after it was given so many owners."""
    world.add(NIGHTLY)
    job: dict[str, Any] = {}
    for number in range(1, times + 1):
        world.clock.advance(60)
        job = json_of(world.send("PATCH", "/v1/jobs/nightly", {"owner": f"owner-{number}"}))
    return job


def listed(world: World, query: str = "") -> dict[str, Any]:
    """Return a part of the list."""
    return json_of(world.get(f"/v1/jobs/nightly/revisions{query}"))


def test_all_that_a_job_has_been_is_listed(world: World) -> None:
    """The present first; each with its definition, when and by which command it was made."""
    job = changed(world, 2)
    world.post("/v1/jobs/nightly/pause", {"reason": "freeze"})

    items = listed(world)["items"]

    assert [one["revision"] for one in items] == [4, 3, 2, 1]
    assert [one["present"] for one in items] == [True, False, False, False]
    assert [one["definition"]["owner"] for one in items] == ["owner-2", "owner-2", "owner-1", ""]
    assert [one["change"] for one in items] == [
        CommandKind.PAUSE_JOB,
        CommandKind.UPDATE_JOB,
        CommandKind.UPDATE_JOB,
        CommandKind.CREATE_JOB,
    ]
    assert [one["paused"] and one["paused"]["reason"] for one in items] == [
        "freeze",
        None,
        None,
        None,
    ]
    assert items[1]["updated_at"] == job["updated_at"] == "2026-12-01T00:02:00Z"
    assert {one["job_id"] for one in items} == {job["id"]}


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_the_list_is_read_in_parts(world: World, limit: int) -> None:
    """Every revision once, newest first, never more than asked for."""
    changed(world, 3)
    seen: list[int] = []
    page = listed(world, f"?limit={limit}")
    while page["items"]:
        assert len(page["items"]) <= limit
        seen += [one["revision"] for one in page["items"]]
        if page["next"] is None:
            break
        page = listed(world, f"?limit={limit}&cursor={page['next']}")

    assert seen == [4, 3, 2, 1]


def test_a_wrong_cursor_is_refused(world: World) -> None:
    """400 names the parameter."""
    world.add(NIGHTLY)

    assert "cursor" in faults_of(world.get("/v1/jobs/nightly/revisions?cursor=x"), 400)


def test_one_revision_is_read_by_its_number(world: World) -> None:
    """Former ones and the present one alike."""
    changed(world, 2)

    for number, owner in ((1, ""), (2, "owner-1"), (3, "owner-2")):
        found = json_of(world.get(f"/v1/jobs/nightly/revisions/{number}"))
        assert (found["revision"], found["definition"]["owner"]) == (number, owner)
        assert found["present"] is (number == 3)


@pytest.mark.parametrize("number", ["0", "9", "-1", "x", "1.0", "9" * 30, "٣"])
@pytest.mark.parametrize("what", ["", "/restore"])
def test_a_revision_that_is_not_kept_is_not_found(world: World, number: str, what: str) -> None:
    """404, whatever is written for a number."""
    world.add(NIGHTLY)
    url = f"/v1/jobs/nightly/revisions/{number}{what}"

    assert "revision" in problem_of(world.post(url) if what else world.get(url), 404)["detail"]


def test_a_job_is_made_what_it_was(world: World) -> None:
    """As a new revision with the old definition, answered like every change."""
    job = changed(world, 2)

    response = world.post("/v1/jobs/nightly/revisions/2/restore")

    restored = json_of(response)
    assert response.status_code == 200
    assert response.headers["ETag"] == '"4"'
    assert (restored["owner"], restored["revision"], restored["id"]) == ("owner-1", 4, job["id"])
    assert [one["revision"] for one in listed(world)["items"]] == [4, 3, 2, 1]


def test_a_pause_is_neither_restored_nor_ended(world: World) -> None:
    """Whether the job rests is not part of its definition."""
    world.add(NIGHTLY)
    world.post("/v1/jobs/nightly/pause", {})
    world.post("/v1/jobs/nightly/resume", {})
    assert json_of(world.post("/v1/jobs/nightly/revisions/2/restore"))["state"] == "active"

    world.post("/v1/jobs/nightly/pause", {})

    assert json_of(world.post("/v1/jobs/nightly/revisions/1/restore"))["state"] == "paused"


def test_restoring_checks_the_revision_that_was_read(world: World) -> None:
    """If-Match with an old revision is 412 and changes nothing."""
    changed(world, 2)

    problem_of(world.post("/v1/jobs/nightly/revisions/1/restore", If_Match='"2"'), 412)
    assert json_of(world.get("/v1/jobs/nightly"))["owner"] == "owner-2"
    assert world.post("/v1/jobs/nightly/revisions/1/restore", If_Match='"3"').status_code == 200


def test_restoring_is_safe_to_repeat(world: World) -> None:
    """With an Idempotency-Key there is one new revision."""
    changed(world, 1)

    answers = [
        json_of(world.post("/v1/jobs/nightly/revisions/1/restore", Idempotency_Key="k"))
        for _ in range(2)
    ]

    assert answers[0] == answers[1]
    assert answers[0]["revision"] == 3


def test_what_a_broken_job_was_is_still_shown(world: World) -> None:
    """Its former definitions are what it can be mended with."""
    job = changed(world, 1)
    world.store.break_job(job["id"])

    assert [one["revision"] for one in listed(world)["items"]] == [1]
    assert json_of(world.get("/v1/jobs/nightly/revisions/1"))["present"] is False


def test_restoring_takes_no_arguments(world: World) -> None:
    """A field that would be ignored is refused."""
    world.add(NIGHTLY)

    assert "name" in faults_of(world.post("/v1/jobs/nightly/revisions/1/restore", {"name": 1}), 422)
