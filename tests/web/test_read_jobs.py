"""GET /v1/jobs and GET /v1/jobs/{job}."""

from dataclasses import replace
from typing import Any

import pytest

from executor.domain.job import Job, LastRun, Pause, definition_from_document
from executor.domain.schedule import schedule_from_document
from executor.domain.writes import JobWrite
from tests.web.world import NIGHTLY, PLAIN, World, faults_of, json_of, problem_of


def names(document: dict[str, Any]) -> list[str]:
    """Return the names of a list of jobs."""
    return [job["name"] for job in document["items"]]


def test_a_job_is_found_by_id_and_by_name(world: World) -> None:
    """Both addresses show the same job, with its revision as ETag."""
    job = world.add()

    by_id, by_name = world.get(f"/v1/jobs/{job['id']}"), world.get("/v1/jobs/plain")

    assert json_of(by_id) == json_of(by_name) == job
    assert by_id.headers["ETag"] == by_name.headers["ETag"] == '"1"'


def test_a_name_with_odd_characters_has_an_address(world: World) -> None:
    """Whatever a name may hold survives in a path."""
    world.add(name="späte + Jobs; 100 & more: ☂")

    response = world.get("/v1/jobs/sp%C3%A4te%20+%20Jobs;%20100%20&%20more:%20%E2%98%82")

    assert json_of(response)["name"] == "späte + Jobs; 100 & more: ☂"


def test_an_unknown_job_is_not_found(world: World) -> None:
    """404 repeats what was asked for."""
    assert "'nobody'" in problem_of(world.get("/v1/jobs/nobody"), 404)["detail"]


def test_jobs_are_listed_by_name_in_parts(world: World) -> None:
    """`next` leads through all parts and is null at the end."""
    for name in "cabed":
        world.add(name=name)

    first = json_of(world.get("/v1/jobs?limit=2"))
    second = json_of(world.get(f"/v1/jobs?limit=2&cursor={first['next']}"))
    third = json_of(world.get(f"/v1/jobs?limit=2&cursor={second['next']}"))

    assert [names(first), names(second), names(third)] == [["a", "b"], ["c", "d"], ["e"]]
    assert third["next"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=REP", ["report"]),
        ("tag=night", ["report"]),
        ("owner=ops", ["backup"]),
        ("enabled=false", ["backup"]),
        ("enabled=true", ["report"]),
        ("q=", ["backup", "report"]),
        ("q=none", []),
    ],
)
def test_filters_narrow_the_list(world: World, query: str, found: list[str]) -> None:
    """Each filter keeps what it describes; an empty text keeps everything."""
    world.add(name="report", tags=["night"])
    world.add(name="backup", owner="ops", enabled=False)

    assert names(json_of(world.get(f"/v1/jobs?{query}"))) == found


def test_state_filters_by_the_latest_result(world: World) -> None:
    """`state` is that of the latest finished run."""
    last = LastRun(run_id="r", state="failed", finished_at=world.clock.now())
    world.put_job("bad", last_run=last)
    world.put_job("good")

    assert names(json_of(world.get("/v1/jobs?state=failed"))) == ["bad"]


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("limit=-1", "limit", "from 1 to 1000"),
        ("limit=0", "limit", "from 1 to 1000"),
        ("limit=1001", "limit", "from 1 to 1000"),
        ("limit=ten", "limit", "from 1 to 1000"),
        (f"limit={'9' * 5000}", "limit", "from 1 to 1000"),
        ("limit=%D9%A1", "limit", "from 1 to 1000"),
        ("limit=1&limit=2", "limit", "more than once"),
        ("enabled=yes", "enabled", "true or false"),
        ("state=broken", "state", "succeeded"),
        ("cursor=nonsense", "cursor", "not a `next` of this list"),
        ("q=a%00b", "q", "NUL"),
        ("page=2", "page", "possible: q, tag, owner"),
    ],
)
def test_a_wrong_query_is_refused_by_name(world: World, query: str, field: str, says: str) -> None:
    """400 names the parameter and what is possible."""
    faults = faults_of(world.get(f"/v1/jobs?{query}"), 400)

    assert says in faults[field]


def test_every_fault_of_a_query_is_reported(world: World) -> None:
    """A query with three mistakes is answered with three faults."""
    faults = faults_of(world.get("/v1/jobs?limit=x&enabled=x&x=x"), 400)

    assert set(faults) == {"limit", "enabled", "x"}


def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    """A cursor of the list of runs is not one of the list of jobs."""
    for number in range(2):
        world.put_run(f"r{number}")
    cursor = json_of(world.get("/v1/runs?limit=1"))["next"]

    assert "cursor" in faults_of(world.get(f"/v1/jobs?cursor={cursor}"), 400)


def test_a_broken_job_is_shown_and_hides_no_other(world: World) -> None:
    """The list and the job's own address show the record's fault."""
    broken = world.add(name="broken")
    world.add(name="sound")
    world.store.break_job(broken["id"])

    listed = json_of(world.get("/v1/jobs"))["items"]

    shown = {
        "id": broken["id"],
        "name": "broken",
        "state": "broken",
        "error": "broken on purpose",
    }
    assert listed[0] == shown
    assert listed[1]["name"] == "sound"
    assert json_of(world.get("/v1/jobs/broken")) == shown


def test_state_says_whether_a_job_fires(world: World) -> None:
    """Disabled wins over paused; a pause whose end has come is over."""
    now = world.clock.now()
    world.put_job("a-paused", paused=Pause(since=now))
    world.put_job("b-over", paused=Pause(since=now, until=now))
    world.add(PLAIN, name="c-disabled", enabled=False)

    jobs = json_of(world.get("/v1/jobs"))["items"]

    assert [job["state"] for job in jobs] == ["paused", "active", "disabled"]


def test_a_store_that_does_not_answer_is_503(world: World) -> None:
    """Readers learn when to come again."""
    world.store.down = True

    response = world.get("/v1/jobs")

    assert problem_of(response, 503)["detail"] == "the store is down"
    assert int(response.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("until", "shown"),
    [
        (None, None),
        (3600.0, "2026-12-01T02:30:00Z"),
        (2.5 * 3600, "2026-12-01T02:30:00Z"),
        (2.5 * 3600 + 1, "2026-12-02T02:30:00Z"),
        (0.0, "2026-12-01T02:30:00Z"),
    ],
)
def test_the_next_fire_time_is_one_that_no_pause_holds(
    world: World, until: float | None, shown: str | None
) -> None:
    """Null if it has no end; in lists, alone, and in the answer to a change, as in `upcoming`."""
    world.add(NIGHTLY)
    job = world.store.find_job("nightly")
    assert isinstance(job, Job)
    ends = None if until is None else world.later(seconds=until)
    paused = replace(job, revision=2, paused=Pause(since=world.clock.now(), until=ends))
    assert world.store.write_jobs([JobWrite(paused, 1)]) == [None]

    upcoming = json_of(world.get("/v1/jobs/nightly/upcoming?limit=1"))["items"]

    assert [item["fire_at"] for item in upcoming] == ([] if shown is None else [shown])
    assert json_of(world.get("/v1/jobs/nightly"))["next_fire_at"] == shown
    assert json_of(world.get("/v1/jobs"))["items"][0]["next_fire_at"] == shown
    changed = world.send("PATCH", "/v1/jobs/nightly", {"description": "new"})
    assert json_of(changed)["next_fire_at"] == shown


def test_a_disabled_job_has_no_next_fire_time(world: World) -> None:
    """What will not be run is not promised; once it is enabled there is one again."""
    assert world.add(NIGHTLY, enabled=False)["next_fire_at"] is None

    enabled = world.send("PATCH", "/v1/jobs/nightly", {"enabled": True})

    assert json_of(enabled)["next_fire_at"] == "2026-12-01T02:30:00Z"


def test_a_job_whose_schedule_is_over_is_done(world: World) -> None:
    """Only one that has a schedule, is enabled, and has no fire time left."""
    once = schedule_from_document("R0/2026-12-02T00:00:00Z/")
    definition = definition_from_document(PLAIN)
    over = replace(definition, schedule=once)
    world.put_job("over", definition=replace(over, name="over"))
    world.put_job("off", definition=replace(over, name="off", enabled=False))
    world.put_job("asked", definition=replace(definition, name="asked"))
    ahead = world.later(days=1)
    world.put_job("ahead", definition=replace(over, name="ahead"), next_fire_at=ahead)

    shown = {one["name"]: one["done"] for one in json_of(world.get("/v1/jobs"))["items"]}

    assert shown == {"over": True, "off": False, "asked": False, "ahead": False}
    listed = world.get("/ui/jobs?q=over", headers={"Accept": "text/html"}).text
    assert "done" in listed.partition("<tbody>")[2].partition("</tbody>")[0]
