"""GET /: how everything stands."""

from __future__ import annotations

import html
import re

import pytest

from executor.domain.errors import BrokerUnavailable
from executor.domain.run import Cause, RunState
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.reading import BROWSER, check_page, part, read, visit, words
from tests.web.world import INSTANCE, NIGHTLY, World

PAGE = "/"


def executing(world: World) -> None:
    world.beat("b", "standby")
    world.clear()


def test_the_page_says_who_executes_and_who_stands_by(world: World) -> None:
    """With the term, and how everything is connected."""
    executing(world)

    shown = read(world, PAGE)

    assert f"Executor {INSTANCE} term 1, since" in shown
    assert "Standbys 1 b" in shown
    assert "Connections all well token held · broker there · store there" in shown


def test_an_empty_service_says_what_to_do_first(world: World) -> None:
    """And is a whole page."""
    executing(world)

    assert "No jobs yet." in read(world, PAGE)
    check_page(visit(world, PAGE))


def test_what_runs_is_late_or_failed_is_listed(world: World) -> None:
    """With links to each, and the reason of a failure."""
    executing(world)
    now = world.clock.now()
    world.put_run("r1", job="busy", state=RunState.RUNNING, started_at=now)
    world.put_run("r2", job="bad", state=RunState.FAILED, error="no route to host")
    world.put_run("r3", job="slow", job_id="id-of-slow", state=RunState.TIMED_OUT)
    world.put_run("r4", job="long-ago", state=RunState.LOST, created_at=world.later(hours=-25))
    world.put_job("behind", next_fire_at=world.later(seconds=-11))
    world.put_job("in-time", next_fire_at=world.later(seconds=-1))

    page = visit(world, PAGE)
    shown = words(page)

    assert "busy running started" in shown
    assert "bad failed" in shown
    assert "no route to host" in shown
    assert "slow timed out" in shown
    assert "long-ago" not in shown
    assert "Late behind overdue" in shown
    assert "Next to fire in-time" in shown
    for address in ("/ui/runs/r1", "/ui/runs/r2", "/ui/jobs/id-of-behind"):
        assert f'href="{address}"' in page
    check_page(page)


def test_a_job_that_fails_again_and_again_hides_no_other(world: World) -> None:
    """It has one line, with its newest failure and how many there were."""
    executing(world)
    world.put_run("other", job="other", job_id="id-of-other", state=RunState.LOST)
    for number in range(9):
        world.put_run(
            f"r{number}",
            created_at=world.later(seconds=number),
            finished_at=world.later(seconds=number),
            state=RunState.FAILED,
            error=f"failure {number}",
        )

    page = visit(world, PAGE)

    assert "plain failed 9 times" in words(page)
    assert "failure 8" in page
    assert "failure 7" not in page
    assert "other lost" in words(page)
    check_page(page)


def test_of_very_many_failures_not_all_are_counted(world: World) -> None:
    """The page's cost does not grow with them, and it says so."""
    executing(world)
    for number in range(60):
        world.put_run(f"r{number}", state=RunState.FAILED)

    assert "plain failed 30+ times" in read(world, PAGE)


def test_the_last_hour_is_drawn_minute_by_minute(world: World) -> None:
    """Each bar says its numbers; what is older is not there."""
    executing(world)
    for number in range(3):
        world.put_run(f"good{number}", created_at=world.later(minutes=-5))
    world.put_run("bad", created_at=world.later(minutes=-5), state=RunState.FAILED)
    world.put_run("skipped", state=RunState.SKIPPED)
    world.put_run("old", created_at=world.later(minutes=-61), state=RunState.FAILED)

    shown = visit(world, PAGE)

    assert "3 succeeded, 1 failed</title>" in shown
    assert "1 skipped or cancelled</title>" in shown
    assert "3 succeeded 1 failed 1 skipped or cancelled" in words(shown)


def test_the_day_ahead_is_drawn(world: World) -> None:
    """How much starts, and when most of it does."""
    executing(world)
    world.add(NIGHTLY)

    assert "1 starts; most at" in read(world, PAGE)


def test_the_day_ahead_is_computed_once_a_minute(world: World) -> None:
    """However often somebody looks."""
    executing(world)
    read(world, PAGE)
    world.add(NIGHTLY)

    assert "nothing is due" in read(world, PAGE)
    world.clock.advance(60)
    assert "1 starts" in read(world, PAGE)


def test_what_has_not_changed_is_not_sent_again(world: World) -> None:
    """204 for the live part, until something happens."""
    executing(world)
    page = visit(world, PAGE)
    assert part(world, page).status_code == 204

    world.clock.advance(3)
    assert part(world, page).status_code == 204

    world.put_run("r1", job="news", cause=Cause.MANUAL, state=RunState.RUNNING)
    fresh = part(world, page)
    assert fresh.status_code == 200
    assert "news" in fresh.text
    assert "<html" not in fresh.text
    assert part(world, fresh.text).status_code == 204


def test_without_an_executor_the_page_says_so(world: World) -> None:
    """And when the last one was heard."""
    world.clear()
    world.clock.advance(60)

    assert "Nobody executes." in read(world, PAGE)
    assert "The last executor was heard" in read(world, PAGE)


def test_without_the_store_the_page_still_answers(world: World) -> None:
    """503 for machines, the reason for people."""
    world.store.down = True

    shown = read(world, PAGE, 503)

    assert "The store does not answer." in shown
    assert "the store is down" in shown


def test_an_open_page_says_that_the_store_has_gone(world: World) -> None:
    """With the part that keeps itself up to date, which goes on asking."""
    executing(world)
    page = visit(world, PAGE)
    world.store.down = True

    gone = part(world, page)

    assert gone.status_code == 503
    assert "The store does not answer." in gone.text
    assert gone.text.lstrip().startswith('<div id="live"')
    world.store.down = False
    assert part(world, gone.text).status_code == 200


@pytest.mark.parametrize("answers", range(14))
def test_a_store_that_goes_away_meanwhile_breaks_no_page(world: World, answers: int) -> None:
    """Whichever read fails, the page is written."""
    world.store.answers = answers
    response = world.get(PAGE, headers=BROWSER)

    assert response.status_code in {200, 503}
    assert "</html>" in response.text


def test_without_the_broker_the_page_says_what_that_means(world: World) -> None:
    """Jobs go on, changes do not."""
    world.executor.away = BrokerUnavailable("refused")
    world.executor.connection = "connection refused"

    assert "The broker is not connected. Jobs go on firing" in read(world, PAGE)


def test_who_sees_some_jobs_sees_nothing_of_the_others() -> None:
    """Neither in a list nor in a sum."""
    world = GuardedWorld()
    executing(world)
    world.ask(ADMIN, "POST", "/v1/jobs", {**NIGHTLY, "name": "theirs", "tags": ["b"]})
    world.ask(ADMIN, "POST", "/v1/jobs", {**NIGHTLY, "name": "ours", "tags": ["a"]})
    token = world.token("jobs:read#a", "runs:read#a")

    page = world.ask(token, "GET", PAGE, Accept="text/html").text

    assert "ours" in page
    assert "theirs" not in page
    assert "The next 24 hours" not in page


def test_who_is_nobody_is_led_to_the_login() -> None:
    """And then back to where he wanted to go."""
    world = GuardedWorld()

    response = world.get("/?a=b", headers=BROWSER)

    assert response.status_code == 303
    assert response.headers["Location"] == "/login?next=%2F%3Fa%3Db"


def test_every_asset_is_ours(world: World) -> None:
    """It exists, and a page with all of it stays small."""
    page = visit(world, PAGE)
    total = len(page)
    for address in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        with world.get(html.unescape(address)) as response:
            assert response.status_code == 200
            total += len(response.data)

    assert total < 150_000
