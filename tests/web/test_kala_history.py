"""The runs of a job as Kala counts them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from executor.domain.instant import to_text
from executor.domain.job import LastRun, definition_from_document
from executor.domain.run import Cause, Output, RunState
from tests.web.test_kala_face import created, own
from tests.web.world import World, json_of


@pytest.fixture
def chain(world: World) -> str:
    """A job whose first attempt failed, whose second is lost, and whose third succeeded."""
    job_id = created(world)
    now = world.clock.now()
    states = [RunState.FAILED, RunState.LOST, RunState.SUCCEEDED]
    causes = [Cause.MANUAL, Cause.RETRY, Cause.RETRIGGER]
    for number, (state, cause) in enumerate(zip(states, causes, strict=True)):
        began = now + timedelta(seconds=number)
        world.put_run(
            f"r{number}",
            job_id=own(job_id),
            state=state,
            cause=cause,
            attempt=number + 1,
            parent_run_id=f"r{number - 1}" if number else None,
            created_at=began,
            started_at=began,
            finished_at=began + timedelta(milliseconds=500),
            output=Output(head=f"said {number}", size=6),
            error="no" if number < 2 else None,
        )
    return job_id


def test_attempts_of_one_chain_are_one_run(world: World, chain: str) -> None:
    """It lasts from the first to the last, and has the last one's success."""
    [stat] = json_of(world.get(f"/api/v1/job/stats/{chain}"))["job_stats"]

    assert (stat["number_of_retries"], stat["success"]) == (2, True)
    assert stat["execution_duration"] == 2_500_000_000
    assert (stat["duration"], stat["response"]) == ("2.5s", "said 2")
    metadata = json_of(world.get(f"/api/v1/job/{chain}/"))["job"]["metadata"]
    assert (metadata["success_count"], metadata["error_count"]) == (1, 2)
    assert metadata["number_of_finished_runs"] == 1


@pytest.mark.parametrize("state", [RunState.PENDING, RunState.RUNNING])
def test_a_run_that_is_being_tried_again_has_not_ended(
    world: World, chain: str, state: RunState
) -> None:
    """Kala's run goes on; what was attempted counts already."""
    later = world.later(seconds=9)
    started = later if state is RunState.RUNNING else None
    about = {"job_id": own(chain), "created_at": later, "started_at": started}
    world.put_run("r3", state=RunState.FAILED, **{**about, "started_at": later})
    world.put_run("r4", state=state, cause=Cause.RETRY, attempt=2, parent_run_id="r3", **about)

    job = json_of(world.get(f"/api/v1/job/{chain}"))["job"]

    assert len(job["stats"]) == 1
    assert (job["metadata"]["error_count"], job["is_done"]) == (3, False)
    assert job["is_running"] is (state is RunState.RUNNING)


def test_what_never_began_is_no_run(world: World) -> None:
    """A skipped slot, and one that was cancelled in time."""
    job_id = created(world)
    for number, state in enumerate([RunState.SKIPPED, RunState.CANCELLED]):
        world.put_run(f"r{number}", job_id=own(job_id), state=state, fire_at=world.later(days=1))

    job = json_of(world.get(f"/api/v1/job/{job_id}/"))["job"]

    assert (job["stats"], job["metadata"]["error_count"]) == (None, 0)


def test_a_job_is_done_though_its_runs_are_not_kept_any_more(world: World) -> None:
    """The job itself remembers that it has run."""
    ended = world.later(hours=2)
    last = LastRun(run_id="r", state="succeeded", finished_at=ended)
    once = {"kind": "once", "at": to_text(world.later(hours=1))}
    for name, schedule in (("once", once), ("ever", "0 * * * *"), ("asked", None)):
        document = {"name": name, "target": {"kind": "command", "command": "true"}}
        definition = definition_from_document({**document, "schedule": schedule})
        due = world.later(hours=1)
        world.put_job(name, definition=definition, last_run=last, next_fire_at=due)

    jobs = {job["name"]: job for job in json_of(world.get("/api/v1/job/"))["jobs"].values()}

    assert {name: job["is_done"] for name, job in jobs.items()} == {
        "once": True,
        "ever": False,
        "asked": True,
    }
    assert jobs["ever"]["next_run_at"] == to_text(world.later(hours=3))
