"""ha-jobs' face where nothing has to run to see it: states, places, and what is in the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from executor.domain.command import CommandKind
from executor.domain.errors import NoExecutor
from executor.domain.run import Reason, RunState
from tests.web.world import PLAIN, World, json_of


def status(world: World, **facts: Any) -> dict[str, Any]:
    """Return the status of a run with *facts*."""
    job = world.put_job("plain")
    world.put_run("r", job_id=job.id, **facts)
    return json_of(world.get("/jobs/plain/r"))


@pytest.mark.parametrize(
    ("facts", "state", "result"),
    [
        ({"state": RunState.PENDING}, "PREPARING", "PENDING"),
        ({"state": RunState.RUNNING}, "RUNNING", "PENDING"),
        ({"state": RunState.CANCELLING}, "RUNNING", "PENDING"),
        ({"state": RunState.SUCCEEDED}, "FINISHED", "SUCCESS"),
        ({"reason": Reason.WARNING}, "WARNING", "SUCCESS"),
        ({"reason": Reason.SKIPPED}, "SKIPPED", "SUCCESS"),
        ({"reason": Reason.NO_ACTION_NEEDED}, "NO_ACTION_NEEDED", "SUCCESS"),
        ({"state": RunState.FAILED}, "FAILED", "FAILED"),
        ({"state": RunState.TIMED_OUT}, "FAILED", "FAILED"),
        ({"state": RunState.CANCELLED}, "CANCELED", "FAILED"),
        ({"state": RunState.LOST}, "DEAD", "FAILED"),
    ],
)
def test_every_state_has_its_word(
    world: World, facts: dict[str, Any], state: str, result: str
) -> None:
    """And what came of it."""
    found = status(world, **facts)

    assert (found["jobState"], found["jobResult"]) == (state, result)


def test_what_a_run_told_is_its_content(world: World) -> None:
    """Progress and results as they are, with the reason and the error if there are any."""
    told = {"done": 3, "total": 10}
    found = status(world, state=RunState.FAILED, error="it broke", details=told)

    assert found["content"] == {"error": "it broke", **told}


def test_a_run_that_told_nothing_has_no_content(world: World) -> None:
    """Nor a start and a length, while it has neither."""
    found = status(world, state=RunState.PENDING)

    assert {"content", "startTime", "duration"}.isdisjoint(found)


def test_how_long_it_took_is_said_in_words(world: World) -> None:
    """To the second."""
    start = world.clock.now()
    found = status(world, started_at=start, finished_at=start + timedelta(minutes=10))

    assert (found["duration"], found["jobStatusTs"]) == ("10 minutes", "2026-12-01T00:10:00.000Z")


def test_refused_starts_are_no_runs_in_the_list(world: World) -> None:
    """A row that only says that nothing was started is neither listed nor the latest."""
    job = world.put_job("plain")
    now = world.clock.now()
    world.put_run("ran", job_id=job.id)
    later = now + timedelta(seconds=1)
    world.put_run("not", job_id=job.id, state=RunState.SKIPPED, created_at=later)

    found = json_of(world.get("/jobs/plain?limit=1"))

    assert [run["jobId"] for run in found["jobs"]] == ["ran"]
    assert found["latest"] == "/jobs/plain/ran"
    assert world.get("/jobs/plain/latest").headers["Location"] == "/jobs/plain/ran"


def test_names_are_written_so_that_addresses_hold_them(world: World) -> None:
    """A space and an umlaut lead back to the same job."""
    world.add(name="über nacht")

    made = world.post("/jobs/über nacht")

    assert made.headers["Location"].startswith("/jobs/%C3%BCber%20nacht/")
    assert world.get(made.headers["Location"]).status_code == 200


def test_a_start_that_another_reason_refuses_says_it(world: World) -> None:
    """Where no run of the job is in the way there is no place to look."""
    world.add({**PLAIN, "enabled": False})

    refused = world.post("/jobs/plain")

    assert refused.status_code == 409
    assert "disabled" in json_of(refused)["message"]
    assert "Location" not in refused.headers


def test_to_cancel_a_type_ends_all_its_unfinished_runs(world: World) -> None:
    """And none of another job, nor any that is over."""
    job, other = world.put_job("plain"), world.put_job("other")
    for run_id, state in (("a", RunState.RUNNING), ("b", RunState.PENDING)):
        world.put_run(run_id, job_id=job.id, state=state)
    world.put_run("over", job_id=job.id)
    world.put_run("foreign", job_id=other.id, job="other", state=RunState.RUNNING)

    assert json_of(world.send("DELETE", "/jobs/plain")) == {"status": "OK"}

    asked = world.executor.received
    assert [(one.kind, one.subject) for one in asked] == [
        (CommandKind.CANCEL_RUN, "a"),
        (CommandKind.CANCEL_RUN, "b"),
    ]


def test_a_cancellation_that_is_not_answered_in_time_says_so(world: World) -> None:
    """202, and still OK: it will be done."""
    job = world.put_job("plain")
    world.put_run("a", job_id=job.id, state=RunState.RUNNING)
    world.executor.silent = True

    accepted = world.send("DELETE", "/jobs/plain")

    assert (accepted.status_code, json_of(accepted)["status"]) == (202, "OK")


def test_without_an_executor_nothing_is_started(world: World) -> None:
    """503 in its form."""
    world.add()
    world.executor.away = NoExecutor("nobody executes")

    away = world.post("/jobs/plain")

    assert (away.status_code, json_of(away)) == (
        503,
        {"status": "KO", "message": "nobody executes"},
    )


def test_jobs_that_never_ran_are_listed(world: World) -> None:
    """Who cannot see them cannot start them."""
    world.add()

    assert json_of(world.get("/jobs")) == {"jobTypes": ["plain"]}
    assert json_of(world.get("/jobs/plain")) == {"jobs": [], "cron": None, "latest": None}
