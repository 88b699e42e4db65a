"""simple-scheduler's face where no worker is needed to see it: words, commands, and rights."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from executor.domain.command import CommandKind
from executor.domain.errors import NoExecutor
from executor.domain.job import Job
from executor.domain.run import RunState
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.world import PLAIN, World, json_of

JOB: dict[str, Any] = {"name": "report", "enabled": True, "nextRunAt": "2099-01-01T00:00:00Z"}


def kinds(world: World) -> list[CommandKind]:
    """Return what the executor was asked for."""
    return [one.kind for one in world.executor.received]


def first_slot(world: World) -> datetime | None:
    """Return the slot that the executor runs next."""
    job = world.store.find_job("report")
    assert isinstance(job, Job)
    return job.next_fire_at


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (RunState.PENDING, "pending"),
        (RunState.RUNNING, "running"),
        (RunState.CANCELLING, "cancelling"),
        (RunState.SUCCEEDED, "completed"),
        (RunState.FAILED, "failed"),
        (RunState.LOST, "failed"),
        (RunState.CANCELLED, "cancelled"),
        (RunState.TIMED_OUT, "cancelled"),
        (RunState.SKIPPED, "cancelled"),
    ],
)
def test_every_state_has_a_status_by_which_it_is_found(
    world: World, state: RunState, status: str
) -> None:
    """And is not found by any other."""
    world.put_run("r", state=state)

    assert json_of(world.get("/api/runs/r"))["status"] == status
    for asked in ("pending", "running", "cancelling", "cancelled", "failed", "completed"):
        found = world.get(f"/api/runs?status={asked}").get_json() or []
        assert [run["id"] for run in found] == (["r"] if asked == status else [])


def test_runs_of_several_states_come_newest_first(world: World) -> None:
    """Also where one of its statuses is several states of ours."""
    now = world.clock.now()
    for number, state in enumerate([RunState.FAILED, RunState.LOST, RunState.FAILED]):
        world.put_run(f"r{number}", state=state, created_at=now + timedelta(seconds=number))

    found = world.get("/api/runs?status=failed").get_json()

    assert [run["id"] for run in found] == ["r2", "r1", "r0"]


def test_a_job_that_is_due_already_goes_on_by_its_interval_and_runs_at_once(world: World) -> None:
    """Once, however many of its runs have passed; not if it is disabled."""
    start = (world.clock.now() - timedelta(hours=1)).isoformat()
    late = {**JOB, "nextRunAt": start, "interval": 60_000}
    assert world.post("/api/jobs", late).status_code == 201
    assert kinds(world) == [CommandKind.CREATE_JOB, CommandKind.TRIGGER_JOB]

    same = world.send("PATCH", "/api/jobs/report", {"heartbeatTimeout": 5_000})
    assert same.status_code == 204
    assert kinds(world)[2:] == [CommandKind.UPDATE_JOB]

    off = {**late, "name": "off", "enabled": False}
    assert world.post("/api/jobs", off).status_code == 201
    assert kinds(world)[3:] == [CommandKind.CREATE_JOB]

    earlier = (world.clock.now() - timedelta(minutes=90)).isoformat()
    moved = world.send("PATCH", "/api/jobs/report", {"nextRunAt": earlier})
    assert moved.status_code == 204
    assert kinds(world)[4:] == [CommandKind.UPDATE_JOB, CommandKind.TRIGGER_JOB]


def test_a_job_that_runs_once_and_is_due_already_runs_a_moment_later(world: World) -> None:
    """So that its only run is as certain as the job itself."""
    start = (world.clock.now() - timedelta(hours=1)).isoformat()
    world.post("/api/jobs", {**JOB, "nextRunAt": start})

    schedule = json_of(world.get("/v1/jobs/report"))["schedule"]
    assert schedule["kind"] == "once"
    assert kinds(world) == [CommandKind.CREATE_JOB]
    assert json_of(world.get("/v1/jobs/report"))["next_fire_at"] is not None


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize("ahead_s", [-3_600, 0, 1])
@pytest.mark.parametrize("verb", ["POST", "PATCH"])
def test_a_job_that_runs_once_runs_however_late_the_executor_hears_of_it(
    world: World, verb: str, ahead_s: int, silent: bool
) -> None:
    """Its slot has passed by then and is still to come for the executor; answered or not."""
    due = (world.clock.now() + timedelta(seconds=ahead_s)).isoformat()
    if verb == "PATCH":
        world.post("/api/jobs", JOB)
    world.executor.before = lambda: world.clock.advance(3)
    world.executor.silent = silent

    if verb == "POST":
        response = world.post("/api/jobs", {**JOB, "nextRunAt": due})
    else:
        response = world.send("PATCH", "/api/jobs/report", {"nextRunAt": due})

    assert response.status_code == (202 if silent else 201 if verb == "POST" else 204)
    slot = first_slot(world)
    assert slot is not None
    assert slot < world.clock.now()


@pytest.mark.parametrize("silent", [False, True])
def test_the_run_of_a_job_that_is_due_already_is_asked_for_together_with_it(
    world: World, silent: bool
) -> None:
    """It hangs neither on an answer in time nor on an executor that is still there afterwards."""
    world.executor.silent = silent
    start = (world.clock.now() - timedelta(hours=1)).isoformat()
    late = {**JOB, "nextRunAt": start, "interval": 60_000}

    made = world.post("/api/jobs", late)
    moved = world.send("PATCH", "/api/jobs/report", {"nextRunAt": start, "interval": 30_000})

    assert [made.status_code, moved.status_code] == ([202, 202] if silent else [201, 204])
    job_id = world.store.find_job("report").id
    runs = [one for one in world.executor.received if one.kind is CommandKind.TRIGGER_JOB]
    assert [one.subject for one in runs] == [job_id, job_id]
    assert len(world.get("/v1/runs").get_json()["items"]) == 2


def test_a_first_slot_that_passes_on_the_way_is_not_left_out(world: World) -> None:
    """The job goes on from there, not from the one after it."""
    due = world.clock.now().replace(microsecond=0) + timedelta(seconds=1)
    world.executor.before = lambda: world.clock.advance(3)

    world.post("/api/jobs", {**JOB, "nextRunAt": due.isoformat(), "interval": 60_000})

    assert first_slot(world) == due


def test_a_change_that_is_overtaken_runs_a_job_that_is_due_once(world: World) -> None:
    """However often it has to be sent."""
    world.post("/api/jobs", JOB)
    start = (world.clock.now() - timedelta(hours=1)).isoformat()

    def overtake() -> None:
        world.executor.before = lambda: None
        world.send("PATCH", "/api/jobs/report", {"maxQueueCount": 7})

    world.executor.before = overtake
    moved = world.send("PATCH", "/api/jobs/report", {"nextRunAt": start, "interval": 60_000})

    assert moved.status_code == 204
    assert kinds(world).count(CommandKind.UPDATE_JOB) == 3
    assert len(world.get("/v1/runs").get_json()["items"]) == 1


def test_a_taken_name_is_told_with_what_changes_the_job(world: World) -> None:
    """In the words of the face: its clients know no other routes."""
    world.post("/api/jobs", {**JOB, "name": "\u00e9 x"})

    taken = world.post("/api/jobs", {**JOB, "name": "\u00e9 x"})

    assert taken.status_code == 409
    words = "a job named '\u00e9 x' exists already; PATCH /api/jobs/%C3%A9%20x changes it"
    assert json_of(taken) == {"error": words}


def test_nothing_is_early(world: World) -> None:
    """A fraction of a second is rounded up, and names are read in any case."""
    world.post("/api/jobs", {"NAME": "x", "Enabled": True, "nextrunat": "2099-01-01T00:00:00.001Z"})

    assert json_of(world.get("/api/jobs/x"))["nextRunAt"] == "2099-01-01T00:00:01Z"


def test_concurrent_runs_and_the_length_of_the_queue_are_both_kept(world: World) -> None:
    """Although nothing waits where everything may run."""
    for count in (0, 7):
        name = f"job-{count}"
        given = {**JOB, "name": name, "allowConcurrentRuns": True, "maxQueueCount": count}
        world.post("/api/jobs", given)

        shown = json_of(world.get(f"/api/jobs/{name}"))
        assert (shown["allowConcurrentRuns"], shown["maxQueueCount"]) == (True, count)


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, {"nextRunAt": "0001-01-01T00:00:00Z", "interval": 0, "enabled": True}),
        ({"schedule": "R/2099-01-01T00:00:00Z/P1D"}, {"interval": 86_400_000}),
        ({"schedule": "R0/2099-01-01T00:00:00Z/"}, {"nextRunAt": "2099-01-01T00:00:00Z"}),
        ({"schedule": "R/2099-01-01T00:00:00Z/PT90S"}, {"interval": 90_000}),
        ({"schedule": {"kind": "continuous"}}, {"nextRunAt": "0001-01-01T00:00:00Z"}),
        ({"schedule": "*/5 * * * *", "enabled": False}, {"interval": 300_000, "enabled": False}),
        ({"timeout": "PT1M", "start_timeout": "PT2S"},
         {"runExecutionTimeout": 60_000, "runStartTimeout": 2_000}),
        ({"overlap": {"policy": "replace"}}, {"allowConcurrentRuns": False, "maxQueueCount": 0}),
    ],
)  # fmt: skip
def test_other_jobs_are_shown_by_their_nearest_words(
    world: World, fields: dict[str, Any], shown: dict[str, Any]
) -> None:
    """And sending back what is shown changes nothing."""
    before = world.add(**fields)

    found = json_of(world.get("/api/jobs/plain"))
    assert {name: found[name] for name in shown} == shown

    assert world.send("PATCH", "/api/jobs/plain", found).status_code == 204
    after = json_of(world.get("/v1/jobs/plain"))
    assert {**after, "revision": 1, "updated_at": None} == {**before, "updated_at": None}


def test_a_part_of_a_policy_leaves_the_rest_of_it(world: World) -> None:
    """The number of runs at a time is not among its words."""
    world.add(overlap={"policy": "queue", "limit": 16, "queue": 5})

    world.send("PATCH", "/api/jobs/plain", {"maxQueueCount": 9})

    overlap = json_of(world.get("/v1/jobs/plain"))["overlap"]
    assert overlap == {"policy": "queue", "limit": 16, "queue": 9}


def test_a_fault_of_ours_is_told_in_its_words(world: World) -> None:
    """A heartbeat is for workers; the field is named as its client knows it."""
    world.add()

    refused = world.send("PATCH", "/api/jobs/plain", {"heartbeatTimeout": 1_000})

    assert refused.status_code == 400
    assert json_of(refused)["error"].startswith("heartbeatTimeout: nobody reports")


def test_a_job_without_a_schedule_needs_an_instant_to_get_one(world: World) -> None:
    """An interval alone has no beginning."""
    world.add()

    refused = world.send("PATCH", "/api/jobs/plain", {"interval": 60_000})

    assert refused.status_code == 400
    assert json_of(refused)["error"] == "nextRunAt: is not set; write when the first run is due"


def test_a_record_that_cannot_be_read_hides_no_other(world: World) -> None:
    """It is shown as a job that does nothing."""
    world.add()
    world.add(name="broken")
    world.store.break_job(world.store.find_job("broken").id)

    broken, sound = world.get("/api/jobs").get_json()

    assert (broken["name"], broken["enabled"], broken["managerId"]) == ("broken", False, "0" * 24)
    assert list(broken) == list(sound)


def test_a_change_that_is_not_answered_in_time_is_accepted(world: World) -> None:
    """202 with the place to ask at, as everywhere; without an executor 503 in its form."""
    world.executor.silent = True
    accepted = world.post("/api/jobs", JOB)
    assert (accepted.status_code, accepted.headers["Location"][:13]) == (202, "/v1/commands/")

    world.executor.away = NoExecutor("nobody executes")
    away = world.post("/api/jobs", {**JOB, "name": "other"})
    assert (away.status_code, json_of(away)) == (503, {"error": "nobody executes"})
    assert away.headers["Retry-After"]


def test_jobs_made_by_narrowed_rights_carry_their_tag() -> None:
    """Its words have none, and without one the holder could not see what he made."""
    world = GuardedWorld()
    token = world.token("jobs:write#team-a")

    assert world.ask(token, "POST", "/api/jobs", JOB).status_code == 201

    assert json_of(world.ask(ADMIN, "GET", "/v1/jobs/report"))["tags"] == ["team-a"]
    world.ask(ADMIN, "POST", "/v1/jobs", PLAIN)
    seen = world.ask(token, "GET", "/api/jobs").get_json()
    assert [job["name"] for job in seen] == ["report"]
