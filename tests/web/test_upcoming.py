"""GET /v1/jobs/{job}/upcoming: the fire times that will be run as things stand."""

from executor.domain.job import Pause
from tests.web.world import NIGHTLY, World, faults_of, json_of, problem_of

BERLIN = {
    **NIGHTLY,
    "schedule": {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Berlin"},
}


def times(world: World, query: str = "") -> list[str]:
    """Return the fire times of the nightly job in UTC."""
    items = json_of(world.get(f"/v1/jobs/nightly/upcoming{query}"))["items"]
    return [item["utc"] for item in items]


def test_fire_times_are_shown_in_utc_and_on_the_schedules_clock(world: World) -> None:
    """Both are the same instant; ten are shown unless told otherwise."""
    world.add(BERLIN)

    upcoming = json_of(world.get("/v1/jobs/nightly/upcoming"))

    assert len(upcoming["items"]) == 10
    assert upcoming["items"][0] == {
        "utc": "2026-12-01T01:30:00Z",
        "local": "2026-12-01T02:30:00+01:00",
    }


def test_the_cursor_leads_on(world: World) -> None:
    """The next part begins after the last fire time of this one."""
    world.add(NIGHTLY)
    first = json_of(world.get("/v1/jobs/nightly/upcoming?limit=2"))

    second = times(world, f"?limit=2&cursor={first['next']}")

    assert second == ["2026-12-03T02:30:00Z", "2026-12-04T02:30:00Z"]


def test_a_disabled_job_has_none(world: World) -> None:
    """What will not be run is not promised."""
    world.add(NIGHTLY, enabled=False)

    assert times(world) == []


def test_a_job_without_schedule_has_none(world: World) -> None:
    """The list is empty and has no further part."""
    world.add(NIGHTLY, schedule=None)

    assert json_of(world.get("/v1/jobs/nightly/upcoming")) == {"items": [], "next": None}


def test_a_pause_without_end_has_none(world: World) -> None:
    """Nothing is due until somebody resumes the job."""
    world.add(NIGHTLY)
    world.post("/v1/jobs/nightly/pause", {})

    assert times(world) == []


def test_a_pause_with_an_end_hides_the_slots_before_it(world: World) -> None:
    """The slot at the very end of the pause is the first that is run."""
    world.add(NIGHTLY)
    world.post("/v1/jobs/nightly/pause", {"until": "2026-12-05T02:30:00Z"})

    assert times(world, "?limit=1") == ["2026-12-05T02:30:00Z"]


def test_a_pause_that_is_over_hides_nothing(world: World) -> None:
    """A pause whose end has come counts as resumed."""
    world.put_job("nightly", paused=Pause(since=world.clock.now(), until=world.clock.now()))

    assert json_of(world.get("/v1/jobs/nightly/upcoming"))["items"] == []
    world.send("PATCH", "/v1/jobs/nightly", {"schedule": "30 2 * * *"})
    assert times(world, "?limit=1") == ["2026-12-01T02:30:00Z"]


def test_a_wrong_cursor_is_refused(world: World) -> None:
    """400 names the parameter."""
    world.add(NIGHTLY)

    assert "cursor" in faults_of(world.get("/v1/jobs/nightly/upcoming?cursor=soon"), 400)


def test_a_broken_job_has_no_upcoming(world: World) -> None:
    """409 says that its record cannot be read."""
    job = world.add(NIGHTLY)
    world.store.break_job(job["id"])

    assert "cannot be read" in problem_of(world.get("/v1/jobs/nightly/upcoming"), 409)["detail"]
