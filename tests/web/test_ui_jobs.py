"""/ui/jobs: the list of jobs, and changes of many."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from executor.domain.errors import NoExecutor
from executor.domain.job import LastRun
from executor.domain.run import RunState
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.reading import BROWSER, check_page, part, read, submit, visit, words
from tests.web.world import NIGHTLY, PLAIN, World, json_of
from web.ui.jobs import ROWS

PAGE = "/ui/jobs"


def names(page: str) -> list[str]:
    """Return the names of the jobs in the order of the page."""
    return re.findall(r'<a href="/ui/jobs/[^"]+" title="([^"]+)">', page)


def state_of(world: World, name: str) -> str:
    return str(json_of(world.get(f"/v1/jobs/{name}"))["state"])


def test_a_job_is_shown_in_words(world: World) -> None:
    """Schedule, next fire time, latest result, and how it fared lately."""
    job = world.add(NIGHTLY, tags=["prod"], owner="data")
    last = LastRun(run_id="r1", state="timed_out", finished_at=world.later(minutes=-3))
    done = world.put_job("done", last_run=last)
    world.put_run("r1", job_id=done.id, state=RunState.TIMED_OUT)

    page = visit(world, PAGE)

    assert f'href="/ui/jobs/{job["id"]}"' in page
    assert "nightly data prod At 02:30 AM, UTC 30 2 * * * 2026-12-01 02:30:00 UTC" in words(page)
    assert "timed out 2026-11-30 23:57:00 UTC" in words(page)
    assert 'aria-label="1 latest run, 1 failed"' in page
    check_page(page)


def test_a_job_that_does_not_fire_says_why(world: World) -> None:
    """Paused with its reason, disabled, overdue, broken."""
    world.add(NIGHTLY, name="a")
    world.post("/v1/jobs/a/pause", {"reason": "freeze"})
    world.add(NIGHTLY, name="b", enabled=False)
    world.store.break_job(world.add(PLAIN, name="c")["id"])
    world.put_job("d", next_fire_at=world.later(seconds=-11))

    shown = read(world, PAGE)

    for text in ("paused freeze", "disabled", "overdue", "broken The record cannot be read"):
        assert text in shown


def test_the_list_is_searched_and_filtered(world: World) -> None:
    """By name, result, tag, owner, and whether enabled."""
    world.add(name="alpha", tags=["x"], owner="me")
    world.add(name="beta", enabled=False)
    last = LastRun(run_id="r", state="failed", finished_at=world.clock.now())
    world.put_job("gamma", last_run=last)

    for query, expected in (
        ("q=ALP", ["alpha"]),
        ("tag=x", ["alpha"]),
        ("owner=me", ["alpha"]),
        ("enabled=no", ["beta"]),
        ("state=failed", ["gamma"]),
        ("enabled=yes&q=a", ["alpha", "gamma"]),
    ):
        assert names(visit(world, f"{PAGE}?{query}")) == expected, query
    assert "No job matches." in read(world, f"{PAGE}?q=none")


def test_the_list_is_sorted(world: World) -> None:
    """By name, by what is due first, or by what has ended last."""
    now = world.clock.now()
    for number, name in enumerate("cab"):
        at = now + timedelta(minutes=number)
        last = LastRun(run_id="r", state="failed", finished_at=at)
        world.put_job(name, next_fire_at=at, last_run=last)

    assert names(visit(world, PAGE)) == ["a", "b", "c"]
    assert names(visit(world, f"{PAGE}?order=next_fire")) == ["c", "a", "b"]
    assert names(visit(world, f"{PAGE}?order=last_run")) == ["b", "a", "c"]


@pytest.mark.parametrize("order", ["name", "next_fire"])
def test_the_list_comes_page_by_page(world: World, order: str) -> None:
    """The links keep search and order, and every job is met once."""
    for number in range(ROWS + 2):
        world.put_job(f"job-{number:03}", next_fire_at=world.later(seconds=-number))
    world.put_job("other")

    first = visit(world, f"{PAGE}?q=job&order={order}")
    [following] = re.findall(r'href="([^"]+)" rel="next"', first)
    second = visit(world, html.unescape(following))

    assert len(names(first)) == ROWS
    assert len(names(second)) == 2
    assert len({*names(first), *names(second)}) == ROWS + 2
    check_page(first)


@pytest.mark.parametrize(
    "query", ["cursor=bad", "state=nope", "q=%00", "utm_source=x", "q=a&q=b", "order=no"]
)
def test_an_odd_query_shows_the_page(world: World, query: str) -> None:
    """People are not refused for what a link or a bookmark carries."""
    assert "</html>" in visit(world, f"{PAGE}?{query}")


def test_a_list_that_has_not_changed_is_not_sent_again(world: World) -> None:
    """Not even when somebody searches for the same."""
    world.add()
    page = visit(world, f"{PAGE}?q=pl")

    assert part(world, page).status_code == 204
    world.add(name="plum")
    assert "plum" in part(world, page).text


def test_many_jobs_are_paused_and_resumed(world: World) -> None:
    """One command each; the next page says once what came of it."""
    ids = [world.add(NIGHTLY, name=name)["id"] for name in "abc"]

    form = {"do": "pause", "job": ids[:2], "reason": "freeze", "back": "/ui/jobs?q=a"}
    response = submit(world, PAGE, **form)

    assert response.status_code == 303
    assert response.headers["Location"] == "/ui/jobs?q=a"
    assert [state_of(world, name) for name in "abc"] == ["paused", "paused", "active"]
    assert "2 jobs were paused." in read(world, PAGE)
    assert "2 jobs were paused." not in read(world, PAGE)
    paused = json_of(world.get("/v1/jobs/a"))["paused"]
    assert (paused["reason"], paused["by"]) == ("freeze", "local")

    submit(world, PAGE, do="resume", job=ids)
    assert [state_of(world, name) for name in "abc"] == ["active"] * 3


def test_deleting_asks_once_more(world: World) -> None:
    """Nothing is gone before somebody has seen the names."""
    ids = [world.add(name=name)["id"] for name in ("a", "b")]

    asked = submit(world, PAGE, do="delete", job=ids)

    assert asked.status_code == 200
    assert "Delete 2 jobs?" in words(asked.text)
    check_page(asked.text)
    assert len(names(visit(world, PAGE))) == 2
    submit(world, PAGE, do="delete", job=ids, sure="yes")
    assert "2 jobs were deleted." in read(world, PAGE)
    assert names(visit(world, PAGE)) == []


def test_what_is_refused_is_said(world: World) -> None:
    """Nobody executes, nothing is chosen, a job is gone."""
    job = world.add()
    submit(world, PAGE, do="pause")
    assert "Nothing was chosen." in read(world, PAGE)

    submit(world, PAGE, do="pause", job=[job["id"], "gone"])
    assert "1 job was paused. 1 did not exist any more." in read(world, PAGE)

    world.executor.silent = True
    submit(world, PAGE, do="resume", job=job["id"])
    assert "1 accepted, but not answered yet." in read(world, PAGE)

    world.executor.away = NoExecutor("nobody executes")
    submit(world, PAGE, do="pause", job=job["id"])
    assert "nobody executes" in read(world, PAGE).lower()


def test_no_page_of_another_site_changes_anything(world: World) -> None:
    """Whether it says where it comes from or hides it; a back of its own is not followed."""
    job = world.add()
    form = {"do": "delete", "job": job["id"], "sure": "yes"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        assert world.client.post(PAGE, data=form, headers=headers).status_code == 403

    assert state_of(world, "plain") == "active"
    response = submit(world, PAGE, back="//evil.example/")
    assert response.headers["Location"] == PAGE
    response = submit(world, PAGE, back=f"{PAGE}?q=a\r\nX: b")
    assert (response.status_code, "X" in response.headers) == (303, False)


def test_who_may_only_read_is_offered_nothing_else() -> None:
    """No box to tick, and a form of his is refused."""
    world = GuardedWorld()
    world.ask(ADMIN, "POST", "/v1/jobs", PLAIN)
    token = world.token("jobs:read", "runs:read")

    page = world.ask(token, "GET", PAGE, Accept="text/html").text

    assert "plain" in page
    assert "checkbox" not in page
    headers = {**BROWSER, "Authorization": f"Bearer {token}"}
    assert world.client.post(PAGE, data={"do": "pause"}, headers=headers).status_code == 403


def test_what_users_write_is_text_never_markup(world: World) -> None:
    """Names, tags, owners, reasons and searches cannot add elements or attributes."""
    evil = "\"><script>alert(1)</script>'"
    job = world.add(name="<img src=x onerror=alert(1)>", tags=[evil], owner=evil)
    world.post(f"/v1/jobs/{job['id']}/pause", {"reason": evil})
    submit(world, PAGE, do="pause", job=job["id"], reason=evil)

    shown = visit(world, f"{PAGE}?tag=%22%3E%3Cscript%3E") + visit(world, PAGE)

    assert "<script>" not in shown
    assert "<img" not in shown


def tags_of(world: World, name: str) -> list[str]:
    """Return the tags of the job *name*."""
    return list(json_of(world.get(f"/v1/jobs/{name}"))["tags"])


def test_many_jobs_are_tagged_and_untagged(world: World) -> None:
    """One update each, by name in the audit; who has the tag already is left alone."""
    ids = [world.add(name=name, tags=tags)["id"] for name, tags in (("a", ["x"]), ("b", ["new"]))]

    submit(world, PAGE, do="tag", job=ids, tag=" new ")

    assert "1 job was tagged. 1 needed no change." in read(world, PAGE)
    assert (tags_of(world, "a"), tags_of(world, "b")) == (["x", "new"], ["new"])
    assert world.executor.received[-1].actor == "local"
    submit(world, PAGE, do="untag", job=ids, tag="new")
    assert "2 jobs were untagged." in read(world, PAGE)
    assert (tags_of(world, "a"), tags_of(world, "b")) == (["x"], [])


def test_a_tag_that_cannot_be_is_refused_with_the_reason(world: World) -> None:
    """Each job by itself: one has too many, of another the record cannot be read."""
    full = world.add(name="full", tags=[f"t{number}" for number in range(50)])
    broken = world.add(name="torn")
    world.store.break_job(broken["id"])
    good = world.add(name="good")

    submit(world, PAGE, do="tag", job=[full["id"], broken["id"], good["id"]], tag="new")
    shown = read(world, PAGE)

    assert "1 job was tagged. 2 refused; full: " in shown
    assert tags_of(world, "good") == ["new"]
    submit(world, PAGE, do="tag", job=[good["id"]], tag=" ")
    assert "Write the tag first" in read(world, PAGE)


def test_a_tag_is_put_on_what_the_job_is_now(world: World) -> None:
    """Somebody changes it in the same moment: neither change is lost."""
    job = world.add(name="busy", tags=["x"])

    def change_once() -> None:
        world.executor.before = lambda: None
        world.send("PATCH", "/v1/jobs/busy", {"description": "changed meanwhile"})

    world.executor.before = change_once

    submit(world, PAGE, do="tag", job=[job["id"]], tag="new")

    after = json_of(world.get("/v1/jobs/busy"))
    assert (after["tags"], after["description"]) == (["x", "new"], "changed meanwhile")
    assert "1 job was tagged." in read(world, PAGE)
