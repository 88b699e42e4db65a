"""GET /v1/load."""

from __future__ import annotations

import time

import pytest

from executor.domain.job import Job, definition_from_document
from tests.web.world import NIGHTLY, PLAIN, World, json_of


def test_the_load_is_that_of_all_jobs_that_fire(world: World) -> None:
    """From the present minute on; what rests or has no schedule does not count."""
    world.clock.advance(90)
    world.add(NIGHTLY)
    world.add(NIGHTLY, name="same")
    world.add(NIGHTLY, name="hourly", schedule="@hourly")
    world.add(NIGHTLY, name="off", enabled=False)
    world.add(NIGHTLY, name="rests")
    world.post("/v1/jobs/rests/pause", {})
    world.add(PLAIN)

    found = json_of(world.get("/v1/load"))

    assert found["since"] == "2026-12-01T00:01:00Z"
    assert len(found["minutes"]) == 1440
    assert sum(found["minutes"]) == 2 + 24
    assert found["peak"] == {"at": "2026-12-01T02:30:00Z", "starts": 2}
    assert (found["jobs"], found["estimated"]) == (3, False)


def test_without_jobs_there_is_no_peak(world: World) -> None:
    """1,440 empty minutes."""
    found = json_of(world.get("/v1/load"))

    assert (found["peak"], found["jobs"], set(found["minutes"])) == (None, 0, {0})


@pytest.mark.alone
def test_ten_thousand_jobs_of_as_many_schedules_are_answered_within_a_second(world: World) -> None:
    """Processor time once the store has been asked before, and said to be an estimate."""
    now = world.clock.now()
    for number in range(10_000):
        expression = f"{number % 60} {number // 60 % 24} * * *"
        schedule = {"kind": "cron", "expression": expression, "jitter": f"PT{number + 1}S"}
        definition = definition_from_document({**NIGHTLY, "schedule": schedule})
        job = Job(
            id=f"{number:032x}", definition=definition, revision=1, created_at=now, updated_at=now
        )
        # Not by write_jobs: the memory store looks through all names for each.
        world.store._jobs[job.id] = job

    taken = []
    for _ in range(2):
        start = time.process_time()
        found = json_of(world.get("/v1/load"))
        taken.append(time.process_time() - start)

    assert (found["jobs"], found["estimated"]) == (10_000, True)
    assert min(taken) < 1
    assert sum(found["minutes"]) == pytest.approx(10_000, rel=0.1)
