"""GET /v1/runs, /v1/runs/{run} and /v1/jobs/{job}/runs."""

from typing import Any

import pytest

from executor.domain.run import AWAITING, QUEUED, Cause, Reason, RunState
from tests.web.world import World, faults_of, json_of, problem_of


def ids(document: dict[str, Any]) -> list[str]:
    """Return the ids of a list of runs."""
    return [run["id"] for run in document["items"]]


def test_a_run_shows_everything_but_its_output(world: World) -> None:
    """The document has the fields of the contract, instants in RFC 3339."""
    now = world.clock.now()
    world.put_run("r1", fire_at=now, scheduled=True, started_at=world.later(milliseconds=3))

    run = json_of(world.get("/v1/runs/r1"))

    assert run == {
        "id": "r1",
        "job_id": "id-of-plain",
        "job": "plain",
        "cause": "schedule",
        "trigger_id": "r1",
        "attempt": 1,
        "state": "succeeded",
        "reason": None,
        "waiting": None,
        "due_at": None,
        "since": None,
        "fire_at": "2026-12-01T00:00:00Z",
        "created_at": "2026-12-01T00:00:00Z",
        "started_at": "2026-12-01T00:00:00.003Z",
        "finished_at": None,
        "term": 1,
        "executor": "",
        "revision": 0,
        "retriggers": 0,
        "covers": 1,
        "covers_from": None,
        "exit_code": None,
        "http_status": None,
        "retry_after": None,
        "error": None,
        "remote": False,
        "details": {},
        "parent_run_id": None,
        "parent_job_id": None,
    }


def test_runs_are_listed_newest_first_in_parts(world: World) -> None:
    """`next` leads through the history."""
    for number in range(3):
        world.put_run(f"r{number}", created_at=world.later(seconds=number))

    first = json_of(world.get("/v1/runs?limit=2"))
    second = json_of(world.get(f"/v1/runs?limit=2&cursor={first['next']}"))

    assert (ids(first), ids(second), second["next"]) == (["r2", "r1"], ["r0"], None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=skipped", ["r1"]),
        ("cause=manual", ["r2"]),
        ("from=2026-12-01T00:00:01Z", ["r2", "r1"]),
        ("to=2026-12-01T00:00:01Z", ["r0"]),
        ("from=2026-12-01T01:00:01%2B01:00&to=2026-12-01T01:00:02+01:00", ["r1"]),
        ("job=plain", ["r1", "r0"]),
        ("job=plain&state=skipped", ["r1"]),
    ],
)
def test_filters_narrow_the_history(world: World, query: str, found: list[str]) -> None:
    """`from` is inclusive, `to` exclusive; a plus sign need not be encoded."""
    world.put_job("plain")
    world.put_run("r0")
    world.put_run(
        "r1", state=RunState.SKIPPED, reason=Reason.OVERLAP, created_at=world.later(seconds=1)
    )
    world.put_run("r2", job_id="x", cause=Cause.MANUAL, created_at=world.later(seconds=2))

    assert ids(json_of(world.get(f"/v1/runs?{query}"))) == found


def test_the_runs_of_one_job(world: World) -> None:
    """A job's own list has its runs only and takes the same filters."""
    world.put_job("plain")
    world.put_run("r1")
    world.put_run("r2", job_id="other")

    assert ids(json_of(world.get("/v1/jobs/plain/runs"))) == ["r1"]
    assert ids(json_of(world.get("/v1/jobs/plain/runs?state=failed"))) == []


def test_the_runs_of_a_name_that_nobody_has(world: World) -> None:
    """A misspelt job is 404, not an empty history."""
    problem_of(world.get("/v1/jobs/nobody/runs"), 404)
    problem_of(world.get("/v1/runs?job=nobody"), 404)


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("limit=-1", "limit", "from 1 to 1000"),
        ("state=done", "state", "succeeded"),
        ("cause=cron", "cause", "schedule"),
        ("from=yesterday", "from", "RFC 3339"),
        ("from=2026-12-01T00:00:00", "from", "no zone"),
        ("to=0001-01-01T00:00:00%2B14:00", "to", "years"),
        ("cursor=%00", "cursor", "NUL"),
        ("cursor=W10", "cursor", "not a `next`"),
        ("since=2026-12-01T00:00:00Z", "since", "possible"),
    ],
)
def test_a_wrong_query_is_refused_by_name(world: World, query: str, field: str, says: str) -> None:
    """400 names the parameter and what to write."""
    assert says in faults_of(world.get(f"/v1/runs?{query}"), 400)[field]


def test_an_unknown_run_is_not_found(world: World) -> None:
    """404 repeats the id."""
    assert "'r9'" in problem_of(world.get("/v1/runs/r9"), 404)["detail"]


def test_a_run_tells_what_it_waits_for_and_whom_it_follows(world: World) -> None:
    """Its turn, other jobs, or nothing but time; and once it has begun, nothing."""
    waiting = {"state": RunState.PENDING}
    world.put_run("turn", clear_at=QUEUED, **waiting)
    world.put_run("joins", clear_at=AWAITING, parent_job_id="j", parent_run_id="p", **waiting)
    world.put_run("time", due_at=world.later(hours=1), since=world.later(hours=-1), **waiting)
    world.put_run("begun", clear_at=QUEUED, state=RunState.RUNNING)

    shown = {one["id"]: one for one in json_of(world.get("/v1/runs"))["items"]}

    assert {name: one["waiting"] for name, one in shown.items()} == {
        "turn": "turn",
        "joins": "dependency",
        "time": None,
        "begun": None,
    }
    assert shown["time"]["due_at"] == "2026-12-01T01:00:00Z"
    assert shown["time"]["since"] == "2026-11-30T23:00:00Z"
    assert (shown["joins"]["parent_job_id"], shown["joins"]["parent_run_id"]) == ("j", "p")
