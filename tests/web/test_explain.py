"""GET /v1/jobs/{job}/explain: by the definition of that time, with who decided."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.run import Cause, Reason, Run, RunState
from tests.web.world import INSTANCE, NIGHTLY, World, faults_of, json_of, problem_of

#: A fire time of the nightly job, a day after the world begins.
NIGHT = "2026-12-02T02:30:00Z"


def explained(world: World, at: str, job: str = "nightly") -> dict[str, Any]:
    """Return the explanation of an instant."""
    response = world.get(f"/v1/jobs/{job}/explain?at={at}")
    assert response.status_code == 200, response.text
    return json_of(response)


def skipped(world: World, job: dict[str, Any], **facts: Any) -> Run:
    """Write the row of a skipped night into the store."""
    given = {"state": RunState.SKIPPED, "reason": Reason.OVERLAP, "cause": Cause.SCHEDULE, **facts}
    return world.put_run("r1", job_id=job["id"], job="nightly", scheduled=True, **given)


def test_a_fire_time_is_explained_with_its_run_and_who_decided(world: World) -> None:
    """Verdict, sentence, neighbours, revision, the run as the API shows it, term and holder."""
    job = world.add(NIGHTLY)
    world.clock.advance(26.5 * 3600)
    world.clear()
    row = skipped(world, job, fire_at=world.clock.now(), finished_at=world.later(seconds=1))
    world.clock.advance(3600)

    assert explained(world, NIGHT) == {
        "at": NIGHT,
        "slot": True,
        "verdict": "skipped",
        "sentence": "It was skipped: an earlier run of the job was unfinished, and its overlap "
        "policy is `forbid`.",
        "before": "2026-12-01T02:30:00Z",
        "after": "2026-12-03T02:30:00Z",
        "revision": 1,
        "run": json_of(world.get(f"/v1/runs/{row.id}")),
        "decided_by": {"term": 1, "instance": INSTANCE, "at": "2026-12-02T02:30:01Z"},
    }


def test_an_instant_that_is_no_fire_time_shows_its_neighbours(world: World) -> None:
    """And nobody has decided anything."""
    world.add(NIGHTLY)

    found = explained(world, "2026-12-05T12:00:00.250%2B01:00")

    assert (found["at"], found["slot"]) == ("2026-12-05T11:00:00.250Z", False)
    assert found["verdict"] == "not_due"
    assert (found["before"], found["after"]) == ("2026-12-05T02:30:00Z", "2026-12-06T02:30:00Z")
    assert (found["run"], found["decided_by"]) == (None, None)


def test_the_definition_of_that_time_counts(world: World) -> None:
    """What a later change made of the schedule does not rewrite the past."""
    world.add(NIGHTLY)
    world.clock.advance(86_400)
    world.send("PATCH", "/v1/jobs/nightly", {"schedule": "0 12 * * *"})
    world.clock.advance(86_400)
    world.send("PATCH", "/v1/jobs/nightly", {"owner": "ops"})
    world.clock.advance(86_400)

    seen = [explained(world, f"2026-12-0{day}T02:30:00Z") for day in (1, 2, 3)]

    assert [(one["slot"], one["revision"]) for one in seen] == [(True, 1), (False, 2), (False, 3)]
    assert "as it was then" in seen[1]["sentence"]
    assert explained(world, "2026-11-30T02:30:00Z")["verdict"] == "not_due"
    assert "created at 2026-12-01" in explained(world, "2026-11-30T02:30:00Z")["sentence"]


def test_many_revisions_are_looked_through(world: World) -> None:
    """The one in force is found behind newer ones; one not kept is said to be forgotten."""
    world.add(NIGHTLY)
    for number in range(120):
        world.clock.advance(60)
        world.send("PATCH", "/v1/jobs/nightly", {"owner": str(number)})

    assert explained(world, "2026-12-01T00:30:30Z")["revision"] == 31
    forgotten = explained(world, "2026-12-01T00:00:30Z")
    assert (forgotten["verdict"], forgotten["revision"]) == ("unknown", None)


def test_an_older_term_is_told_with_its_holder(world: World) -> None:
    """The history of terms knows who decided; the run itself does if it was started."""
    job = world.add(NIGHTLY)
    world.clock.advance(26.5 * 3600)
    skipped(world, job, fire_at=world.clock.now())
    world.store.mint_term("executor-2")

    assert explained(world, NIGHT)["decided_by"]["instance"] == INSTANCE


@pytest.mark.parametrize(
    ("facts", "instance"),
    [({"term": 99}, None), ({"term": 99, "executor": "executor-9"}, "executor-9")],
)
def test_a_forgotten_term_is_told_without_holder(
    world: World, facts: dict[str, Any], instance: str | None
) -> None:
    """Null, unless the run itself names its executor."""
    job = world.add(NIGHTLY)
    world.clock.advance(26.5 * 3600)
    skipped(world, job, fire_at=world.clock.now(), **facts)

    assert explained(world, NIGHT)["decided_by"]["instance"] == instance


def test_what_is_to_come_knows_the_calendars(world: World) -> None:
    """A blackout ahead is told as things stand."""
    world.send(
        "PUT", "/v1/calendars/frost", {"dates": [{"from": "2026-12-02", "to": "2026-12-02"}]}
    )
    world.add(NIGHTLY, calendars=[{"name": "frost"}, {"name": "none"}])

    assert "will be skipped" in explained(world, NIGHT)["sentence"]
    assert explained(world, "2026-12-03T02:30:00Z")["sentence"] == "It is to come."


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "is required"),
        ("?at=", "RFC 3339"),
        ("?at=now", "RFC 3339"),
        ("?at=2026-12-01", "zone"),
    ],
)
def test_an_instant_is_needed(world: World, query: str, says: str) -> None:
    """400 says how to write one."""
    world.add(NIGHTLY)

    assert says in faults_of(world.get(f"/v1/jobs/nightly/explain{query}"), 400)["at"]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_the_ends_of_time_are_no_failure(world: World, at: str) -> None:
    """Answered like any other instant."""
    world.add(NIGHTLY)

    assert explained(world, at)["sentence"]


def test_an_unknown_or_broken_job_is_refused(world: World) -> None:
    """404 and 409."""
    problem_of(world.get(f"/v1/jobs/nobody/explain?at={NIGHT}"), 404)
    world.store.break_job(world.add(NIGHTLY)["id"])
    problem_of(world.get(f"/v1/jobs/nightly/explain?at={NIGHT}"), 409)
