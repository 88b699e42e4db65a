"""``/v1/audit``: who changed what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from executor.domain.audit import Change, change_of_job
from executor.domain.command import CommandKind
from executor.domain.job import Job, LastCommand
from tests.web.world import World, faults_of, json_of, problem_of


def enter(world: World, job: Job | None = None, **facts: Any) -> None:
    """Append an entry: for the present revision of *job*, or of *facts*."""
    fields: dict[str, Any] = {
        "id": f"command:{len(world.store.every_change())}",
        "at": world.clock.now(),
        "actor": "token:ci",
        "address": "192.0.2.1",
        "action": CommandKind.TRIGGER_JOB,
        "subject": "plain",
    }
    change = Change(**{**fields, **facts}) if job is None else change_of_job(job)
    assert change is not None
    world.store.append_changes([change])


def items(world: World, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json_of(world.get(f"/v1/audit{query}"))["items"]
    return found


def made(actor: str) -> LastCommand:
    return LastCommand(id="c", kind=CommandKind.UPDATE_JOB, digest="", actor=actor)


def test_a_change_is_shown_with_before_and_after(world: World) -> None:
    """Definitions as they are written."""
    enter(world, world.put_job("plain", last_command=made("local")))
    world.clock.advance(1)
    job = world.store.find_job("plain")
    assert isinstance(job, Job)
    enter(
        world,
        id="job:id-of-plain:2",
        job_id=job.id,
        revision=2,
        action=CommandKind.DELETE_JOB,
    )

    deleted, created = items(world)
    assert (deleted["action"], deleted["actor"], deleted["after"]) == (
        "delete_job",
        "token:ci",
        None,
    )
    assert deleted["before"] == created["after"]
    assert created["after"]["name"] == "plain"
    assert created["before"] is None


def test_what_stood_before_an_upgrade_is_known_from_the_revisions(world: World) -> None:
    """The first change under this version has no entry before it."""
    present = world.put_job("plain", revision=2)
    former = replace(present, revision=1)
    world.store.archive_jobs([former])
    enter(world, id=f"job:{former.id}:2", job_id=former.id, revision=2)
    enter(world, id="job:gone:2", job_id="gone", revision=2)

    unknown, known = sorted(items(world), key=lambda item: item["before"] is not None)
    assert known["before"]["name"] == "plain"
    assert unknown["before"] is None


def test_the_audit_is_narrowed_and_paged(world: World) -> None:
    """By job (name or id), actor, action and time."""
    job = world.put_job("plain")
    enter(world, job_id=job.id, at=world.later(seconds=-2))
    enter(world, actor="local", action=CommandKind.PUT_SECRET, at=world.later(seconds=-1))
    enter(world, job_id=job.id, actor="local")

    assert len(items(world, "?job=plain")) == 2
    assert len(items(world, f"?job={job.id}&actor=local")) == 1
    assert len(items(world, "?actor=token:ci")) == 1
    assert len(items(world, "?action=put_secret")) == 1
    page = json_of(world.get("/v1/audit?limit=2"))
    assert len(page["items"]) == 2
    assert len(items(world, f"?limit=2&cursor={page['next']}")) == 1


@pytest.mark.parametrize("query", ["action=nothing", "from=yesterday", "cursor=x", "who=me"])
def test_a_faulty_query_names_the_parameter(world: World, query: str) -> None:
    """400."""
    assert query.partition("=")[0] in faults_of(world.get(f"/v1/audit?{query}"), 400)


def test_a_job_that_is_not_there_is_not_found(world: World) -> None:
    """By its name; the id of a deleted job still finds its changes."""
    problem_of(world.get("/v1/audit?job=unknown"), 404)
    assert items(world, "?job=" + "0" * 32) == []
