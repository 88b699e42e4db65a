"""GET /v1/jobs/{job}/upcoming: the fire times that will be run as things stand."""

from executor.domain.calendar import CALENDARS
from executor.domain.instant import to_text
from executor.domain.job import Job, Pause
from executor.domain.schedule import for_job, next_after
from tests.web.world import NIGHTLY, World, faults_of, json_of, problem_of

BERLIN = {
    **NIGHTLY,
    "schedule": {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Berlin"},
}


def times(world: World, query: str = "") -> list[str]:
    """Return the fire times of the nightly job in UTC."""
    items = json_of(world.get(f"/v1/jobs/nightly/upcoming{query}"))["items"]
    return [item["fire_at"] for item in items]


def test_fire_times_are_shown_in_utc_and_on_the_schedules_clock(world: World) -> None:
    """Both are the same instant; ten are shown unless told otherwise."""
    world.add(BERLIN)

    upcoming = json_of(world.get("/v1/jobs/nightly/upcoming"))

    assert len(upcoming["items"]) == 10
    assert upcoming["items"][0] == {
        "fire_at": "2026-12-01T01:30:00Z",
        "local": "2026-12-01T02:30:00+01:00",
        "blackout": None,
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

    assert json_of(world.get("/v1/jobs/nightly/upcoming")) == {
        "items": [],
        "next": None,
        "note": None,
    }


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


def test_a_hashed_schedule_is_shown_with_the_times_of_its_job(world: World) -> None:
    """`H` is chosen by the id, so what is listed is what will be run."""
    world.add({**NIGHTLY, "schedule": "H H * * *"})
    job = world.store.find_job("nightly")
    assert isinstance(job, Job)
    assert job.definition.schedule is not None

    first = next_after(for_job(job.definition.schedule, job.id), world.clock.now())

    assert first is not None
    assert times(world, "?limit=1") == [to_text(first)]


def test_a_finite_schedule_has_a_last_fire_time(world: World) -> None:
    """After the repeats there is nothing, and no cursor."""
    world.add({**NIGHTLY, "schedule": "R2/2026-12-05T02:30:00Z/P1M"})

    assert times(world) == [
        "2026-12-05T02:30:00Z",
        "2027-01-05T02:30:00Z",
        "2027-02-05T02:30:00Z",
    ]


def test_blackouts_are_marked_with_what_happens_then(world: World) -> None:
    """The policy of the job's calendar; of two that apply, skipping wins."""
    for name, first, last in (("a", 2, 4), ("b", 4, 5)):
        dates = [{"from": f"2026-12-{first:02}", "to": f"2026-12-{last:02}"}]
        world.send("PUT", f"/v1/calendars/{name}", {"dates": dates})
    world.add(NIGHTLY, calendars=[{"name": "a", "policy": "run_after"}, {"name": "b"}])

    items = json_of(world.get("/v1/jobs/nightly/upcoming?limit=6"))["items"]

    assert [item["blackout"] for item in items] == [
        None,
        "run_after",
        "run_after",
        "skip",
        "skip",
        None,
    ]


def test_a_start_that_jitter_puts_off_into_a_blackout_is_marked(world: World) -> None:
    """As the executor treats it: it is the start that the calendar forbids."""
    dates = [{"from": "2026-12-01T02:30:01Z", "to": "2026-12-09T00:00:00Z"}]
    world.send("PUT", "/v1/calendars/a", {"dates": dates})
    for name, jitter in (("still", "PT0S"), ("late", "PT23H")):
        schedule = {"kind": "cron", "expression": "30 2 * * *", "jitter": jitter}
        world.add(NIGHTLY, name=name, schedule=schedule, calendars=[{"name": "a"}])

    shown = {
        name: json_of(world.get(f"/v1/jobs/{name}/upcoming?limit=1"))["items"][0]["blackout"]
        for name in ("still", "late")
    }

    assert shown == {"still": None, "late": "skip"}


def test_a_calendar_that_is_missing_or_broken_marks_nothing(world: World) -> None:
    """The job fires as if it were not named."""
    world.send("PUT", "/v1/calendars/a", {"dates": [{"from": "2026-12-01", "to": "2026-12-09"}]})
    world.store.break_named(CALENDARS, "a")
    world.add(NIGHTLY, calendars=[{"name": "a"}, {"name": "b"}])

    items = json_of(world.get("/v1/jobs/nightly/upcoming"))["items"]

    assert {item["blackout"] for item in items} == {None}


def test_jitter_is_told_as_a_range(world: World) -> None:
    """Fire times stay what they are; a note says how late starts may be."""
    schedule = {"kind": "cron", "expression": "30 2 * * *", "jitter": "5m"}
    world.add(NIGHTLY, schedule=schedule)

    found = json_of(world.get("/v1/jobs/nightly/upcoming?limit=1"))

    assert found["items"][0]["fire_at"] == "2026-12-01T02:30:00Z"
    assert found["note"] == "Each run starts up to 5 min after its fire time: `jitter` is PT5M."
