"""/ui/runs and /ui/runs/{run}: what ran, and what becomes of what still does."""

from __future__ import annotations

import html
import re

import pytest

from executor.domain.run import QUEUED, Cause, Output, Reason, RunState
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.reading import BROWSER, check_page, part, read, submit, visit, words
from tests.web.world import PLAIN, World, json_of
from web.ui.runs import ROWS

PAGE = "/ui/runs"


def shown_runs(page: str) -> list[str]:
    return re.findall(r'href="/ui/runs/(\w+)"', page)


def test_runs_are_listed_newest_first(world: World) -> None:
    """With state, reason and duration."""
    now = world.clock.now()
    world.put_run("r1", started_at=now, finished_at=world.later(seconds=1.25))
    world.put_run(
        "r2",
        created_at=world.later(seconds=1),
        cause=Cause.CATCH_UP,
        state=RunState.SKIPPED,
        reason=Reason.MISFIRE,
        covers=7,
    )

    page = visit(world, PAGE)

    assert shown_runs(page) == ["r2", "r1"]
    assert "skipped misfire · 7 slots" in words(page)
    assert "catch up" in words(page)
    assert "1.2 s" in words(page)
    check_page(page)


def test_runs_are_filtered(world: World) -> None:
    """By job, state and cause."""
    job = world.add()
    world.put_run("r1", job_id=job["id"], state=RunState.FAILED)
    world.put_run("r2", state=RunState.FAILED, cause=Cause.MANUAL)
    world.put_run("r3")

    assert set(shown_runs(visit(world, f"{PAGE}?state=failed"))) == {"r1", "r2"}
    assert shown_runs(visit(world, f"{PAGE}?state=failed&cause=manual")) == ["r2"]
    assert shown_runs(visit(world, f"{PAGE}?job=plain")) == ["r1"]
    assert "Runs of plain" in read(world, f"{PAGE}?job={job['id']}")
    assert "No run matches." in read(world, f"{PAGE}?state=lost")
    visit(world, f"{PAGE}?job=unknown", 404)


@pytest.mark.parametrize("query", ["cursor=bad", "state=nope", "cause=%00", "utm_source=x"])
def test_an_odd_query_shows_the_page(world: World, query: str) -> None:
    """People are not refused for what a link or a bookmark carries."""
    assert "</html>" in visit(world, f"{PAGE}?{query}")


def test_runs_come_page_by_page(world: World) -> None:
    """The links keep the filter."""
    for number in range(ROWS + 2):
        world.put_run(f"r{number}", created_at=world.later(seconds=number), cause=Cause.MANUAL)

    first = visit(world, f"{PAGE}?cause=manual")
    [older] = re.findall(r'href="([^"]+)" rel="next"', first)
    assert "cause=manual" in older

    assert len(shown_runs(first)) == ROWS
    assert shown_runs(visit(world, html.unescape(older))) == ["r1", "r0"]
    check_page(first)


def test_an_empty_list_says_what_comes_here(world: World) -> None:
    """It is not mistaken for a filter without result."""
    assert "No runs yet." in read(world, PAGE)


def test_a_run_tells_its_way(world: World) -> None:
    """Due, recorded, started and ended, by whom, how late and how."""
    job = world.add()
    at = world.clock.now()
    world.put_run(
        "r1",
        job_id=job["id"],
        fire_at=at,
        executor="executor-1",
        started_at=world.later(seconds=0.25),
        finished_at=world.later(seconds=3.25),
        state=RunState.FAILED,
        exit_code=2,
        error="disk full",
        details={"rows": 42},
        output=Output(head="line one\n", size=9),
    )

    page = visit(world, f"{PAGE}/r1")
    shown = words(page)

    steps = re.findall(r"<b>(.*?)</b>", page.partition('class="path"')[2].partition("</ol>")[0])
    assert steps == ["due", "recorded", "started", "failed"]
    assert "on executor-1, 250 ms after its fire time" in shown
    assert "after 3.0 s · exit 2 · disk full" in shown
    assert '"rows": 42' in shown
    assert "line one" in shown
    assert "Run again" in shown
    assert "Cancel" not in shown
    check_page(page)


def test_a_run_leads_to_its_family(world: World) -> None:
    """To what it repeats, and to what repeats it."""
    end = world.later(seconds=1)
    world.put_run("r1", state=RunState.FAILED, finished_at=end)
    retry = {"cause": Cause.RETRY, "attempt": 2, "parent_run_id": "r1"}
    world.put_run("r2", created_at=world.later(seconds=2), **retry)

    assert "Led to plain, retry 2 succeeded" in read(world, f"{PAGE}/r1")
    assert "Follows plain, schedule failed" in read(world, f"{PAGE}/r2")


def test_a_run_leads_to_the_runs_of_other_jobs_that_follow_it(world: World) -> None:
    """There and back; where the parent is gone its job is what is left."""
    end = world.later(seconds=1)
    world.put_run("r1", state=RunState.FAILED, finished_at=end)
    follows = {"created_at": end, "parent_run_id": "r1", "parent_job_id": "id-of-plain"}
    world.put_run("r2", job_id="b", job="child", cause=Cause.DEPENDENCY, **follows)
    world.put_run("r3", job_id="c", job="rescue", cause=Cause.FAILURE_HANDLER, **follows)
    orphan = {**follows, "parent_run_id": "gone"}
    world.put_run("r4", job_id="b", job="child", cause=Cause.DEPENDENCY, **orphan)

    shown = read(world, f"{PAGE}/r1")

    assert "Led to child, dependency succeeded" in shown
    assert "Led to rescue, failure handler succeeded" in shown
    assert shown.count("Led to") == 2
    assert "Follows plain, schedule failed" in read(world, f"{PAGE}/r2")
    assert "Follows a run of another job that is not kept" in read(world, f"{PAGE}/r4")


def test_a_run_that_goes_on_shows_its_progress_and_is_followed(world: World) -> None:
    """The page keeps itself up to date, and hears what the run says."""
    now = world.clock.now()
    world.put_run("r1", state=RunState.RUNNING, started_at=now, details={"progress": 62.5})

    page = visit(world, f"{PAGE}/r1")

    assert '<progress max="100" value="62.5"' in page
    assert 'data-follow="/v1/runs/r1/output?follow=1"' in page
    assert part(world, page).status_code == 204
    check_page(page)


@pytest.mark.parametrize("progress", [True, "half", -1, 101, None, [1]])
def test_what_is_no_progress_is_not_drawn(world: World, progress: object) -> None:
    """A run may say what it likes."""
    world.put_run("r1", state=RunState.RUNNING, details={"progress": progress})

    assert "<progress" not in visit(world, f"{PAGE}/r1")


def test_a_run_that_waits_says_for_what(world: World) -> None:
    """As in the lists."""
    world.put_run("r1", state=RunState.PENDING, clear_at=QUEUED)

    assert "waiting waits for its turn" in read(world, f"{PAGE}/r1")


def test_a_lost_run_says_what_that_means(world: World) -> None:
    """Its outcome is unknown, which is not a failure."""
    world.put_run("r1", state=RunState.LOST, reason=Reason.SHUTDOWN)

    assert "whether the work was done is not known" in read(world, f"{PAGE}/r1")


def test_a_run_is_cancelled(world: World) -> None:
    """While it goes on; later the page says that it is over."""
    world.put_run("r1", state=RunState.RUNNING)

    response = submit(world, f"{PAGE}/r1/cancel")

    assert response.headers["Location"] == f"{PAGE}/r1"
    assert "It is being cancelled." in read(world, f"{PAGE}/r1")
    world.put_run("r2")
    submit(world, f"{PAGE}/r2/cancel")
    assert "The run is succeeded." in read(world, f"{PAGE}/r2")


def test_a_job_is_run_again(world: World) -> None:
    """By the same right and the same policies as any run on request."""
    job = world.add()
    world.put_run("r1", job_id=job["id"], state=RunState.FAILED)

    response = submit(world, f"{PAGE}/r1/again")

    runs = json_of(world.get("/v1/jobs/plain/runs"))["items"]
    [again] = [run for run in runs if run["cause"] == Cause.MANUAL]
    assert response.headers["Location"] == f"{PAGE}/{again['id']}"


def test_the_run_of_a_deleted_job_can_still_be_read(world: World) -> None:
    """It leads nowhere, and cannot be run again."""
    world.put_run("r1")

    page = visit(world, f"{PAGE}/r1")

    assert "Run again" not in page
    assert "/ui/jobs/id-of-plain" not in page


def test_runs_of_others_are_not_there() -> None:
    """Neither listed, nor shown, nor cancelled."""
    world = GuardedWorld()
    theirs = json_of(world.ask(ADMIN, "POST", "/v1/jobs", {**PLAIN, "tags": ["b"]}))
    world.put_run("r1", job_id=theirs["id"], state=RunState.RUNNING)
    token = world.token("jobs:read#a", "runs:write#a")
    headers = {**BROWSER, "Authorization": f"Bearer {token}"}

    assert shown_runs(world.client.get(PAGE, headers=headers).text) == []
    assert world.client.get(f"{PAGE}/r1", headers=headers).status_code == 404
    assert world.client.post(f"{PAGE}/r1/cancel", headers=headers).status_code == 404


def test_what_runs_say_is_text_never_markup(world: World) -> None:
    """Output, errors, details and names."""
    evil = "\"><script>alert(1)</script>'"
    world.put_run(
        "r1",
        job=evil,
        error=evil,
        details={evil: evil},
        started_at=world.clock.now(),
        output=Output(head=evil, tail=evil, size=900),
    )

    assert "<script>" not in visit(world, f"{PAGE}/r1") + visit(world, PAGE)
