"""GET /v1/status."""

from datetime import timedelta

import pytest

from executor.domain.errors import BrokerUnavailable
from executor.domain.run import Cause, RunState
from tests.web.world import INSTANCE, World, json_of


def status(world: World) -> dict[str, object]:
    """Return the status, which is always 200."""
    response = world.get("/v1/status")
    assert response.status_code == 200
    return json_of(response)


def test_status_says_who_executes(world: World) -> None:
    """Instance, term, since when, and who else is there."""
    world.beat("b", "standby")
    world.beat("a", "executing")
    world.clear()

    shown = status(world)

    assert shown["state"] == "executing"
    assert shown["executor"] == {
        "instance": INSTANCE,
        "term": 1,
        "since": "2026-12-01T00:00:00Z",
        "heartbeat_at": "2026-12-01T00:00:00Z",
        "tzdata": "2026a",
    }
    instances = shown["instances"]
    assert isinstance(instances, list)
    assert [(one["id"], one["role"]) for one in instances] == [("a", "executing"), ("b", "standby")]
    assert (shown["token"], shown["broker"], shown["store"]) == ("held", "connected", "connected")
    assert (shown["answered_by"], shown["version"]) == ("web-1", "1.2.3")


def test_dead_letters_are_counted(world: World) -> None:
    """As the broker counts them; null when it is away."""
    world.executor.dead = 3
    assert status(world)["dead_letters"] == 3
    world.executor.away = BrokerUnavailable("gone")
    assert status(world)["dead_letters"] is None


@pytest.mark.parametrize(("silence_s", "state"), [(10, "executing"), (10.001, "no_executor")])
def test_an_executor_that_is_silent_does_not_execute(
    world: World, silence_s: float, state: str
) -> None:
    """Ten seconds without a heartbeat are the limit, by the store's clock."""
    world.clear()
    world.clock.advance(silence_s)

    shown = status(world)

    assert shown["state"] == state
    assert (shown["executor"] is None) == (state == "no_executor")


def test_an_executor_that_resigned_does_not_execute(world: World) -> None:
    """A clean shutdown is seen at once."""
    world.clear()
    world.store.resign_term(world.executor.term)

    assert status(world)["state"] == "no_executor"


def test_jobs_and_running_runs_are_counted(world: World) -> None:
    """A pending run is not running."""
    world.add()
    world.put_run("r1", state=RunState.RUNNING)
    world.put_run("r2", state=RunState.PENDING)
    world.put_run("r3")

    shown = status(world)

    assert (shown["jobs"], shown["running"]) == (1, 1)


def test_lateness_is_that_of_runs_on_schedule(world: World) -> None:
    """Catching up, manual runs and what has not started say nothing about lateness."""
    now = world.clock.now()
    for number, late_ms in enumerate((1, 2, 3, 4, 500)):
        fire_at = now + timedelta(seconds=number)
        started = fire_at + timedelta(milliseconds=late_ms)
        world.put_run(f"s{number}", fire_at=fire_at, started_at=started)
    world.put_run("c", cause=Cause.CATCH_UP, fire_at=now, started_at=now + timedelta(hours=1))
    world.put_run("p", fire_at=now, state=RunState.PENDING)
    world.put_run("m", cause=Cause.MANUAL, started_at=now)

    assert status(world)["lateness"] == {"runs": 5, "median_s": 0.003, "p99_s": 0.5}


def test_without_runs_there_is_no_lateness(world: World) -> None:
    """null, not zero."""
    assert status(world)["lateness"] is None


def test_status_answers_without_the_store(world: World) -> None:
    """200 says that the store is away, and still what the broker knows."""
    world.store.down = True

    shown = status(world)

    assert shown["state"] == "store_unavailable"
    assert shown["store"] == "the store is down"
    assert (shown["jobs"], shown["running"], shown["executor"]) == (None, None, None)
    assert shown["token"] == "held"


@pytest.mark.parametrize("answers", range(5))
def test_status_answers_when_the_store_goes_away_meanwhile(world: World, answers: int) -> None:
    """Whichever of its reads fails, the answer is whole."""
    world.store.answers = answers

    assert status(world)["state"] == "store_unavailable"


def test_status_answers_without_the_broker(world: World) -> None:
    """Cron goes on while the broker is away, and status says both."""
    world.clear()
    world.executor.away = BrokerUnavailable("refused")
    world.executor.connection = "connection refused"

    shown = status(world)

    assert shown["state"] == "executing"
    assert (shown["token"], shown["broker"]) == ("unknown", "connection refused")
