"""/ui/jobs/{job}: one job, and what can be done with it."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from executor.domain.errors import NoExecutor
from executor.domain.instant import to_text
from executor.domain.run import Cause, Reason, RunState
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.reading import BROWSER, check_page, part, read, submit, visit, words
from tests.web.world import NIGHTLY, PLAIN, World, json_of, problem_of
from web.ui.job import PLOTTED
from web.ui.sentences import timed

BERLIN = {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Berlin"}


def page_of(job: dict[str, object]) -> str:
    return f"/ui/jobs/{job['id']}"


def test_a_job_is_told_in_words(world: World) -> None:
    """What it does, when, and what happens if something goes wrong."""
    job = world.add(
        NIGHTLY,
        description="Writes the report.",
        retry={"attempts": 2},
        overlap={"policy": "queue"},
        owner="data",
        tags=["prod"],
    )

    page = visit(world, page_of(job))
    shown = words(page)

    for text in (
        "Writes the report.",
        "Runs POST https://example.com/",
        "When At 02:30 AM, UTC 30 2 * * *",
        "While an earlier run is unfinished the new one waits for its turn",
        "When a run fails it is tried 2 times more, after 10.0 s, each time twice as long",
        "Owner data",
        "revision 1",
    ):
        assert text in shown
    check_page(page)


def test_a_job_is_found_by_its_name_too(world: World) -> None:
    """As in the API; one that is not there is a page that says so."""
    world.add(NIGHTLY)

    assert "nightly" in read(world, "/ui/jobs/nightly")
    page = visit(world, "/ui/jobs/unknown", 404)
    assert "unknown" in words(page)
    check_page(page)
    problem_of(world.get("/ui/jobs/unknown"), 404)


def test_fire_times_say_what_the_clocks_do(world: World) -> None:
    """The one after a change is marked, and the change is told in words."""
    now = datetime(2026, 10, 23, 12, tzinfo=UTC)
    world.clock.step((now - world.clock.now()).total_seconds())
    job = world.add(NIGHTLY, schedule=BERLIN)

    shown = read(world, page_of(job))

    assert "02:30:00 CEST" in shown
    assert "02:30:00 CET · the clocks have gone back since the one before" in shown
    assert "On 2026-10-25 clocks in Europe/Berlin go back" in shown


def test_the_history_is_plotted_and_counted(world: World) -> None:
    """Durations, lateness and the success rate; skipped runs say nothing about the job."""
    job = world.add(NIGHTLY)
    for number, state in enumerate([RunState.SUCCEEDED] * 3 + [RunState.FAILED, RunState.SKIPPED]):
        at = world.later(minutes=-number)
        ran = state is not RunState.SKIPPED
        world.put_run(
            f"r{number}",
            job_id=job["id"],
            state=state,
            reason=None if ran else Reason.OVERLAP,
            created_at=at,
            fire_at=at,
            started_at=world.later(minutes=-number, seconds=2) if ran else None,
            finished_at=world.later(minutes=-number, seconds=12) if ran else None,
        )

    page = visit(world, page_of(job))
    shown = words(page)

    assert "Success 75 % 3 of the latest 4" in shown
    assert "Usually takes 10.0 s" in shown
    assert "How late they started, at most 2.0 s" in shown
    assert ": 10.0 s, failed</title>" in page
    assert f'href="/ui/runs?job={job["id"]}"' in page
    check_page(page)


def plotted(page: str) -> Any:
    """Return what the plots of *page* are made of."""
    [text] = re.findall(r"data-runs='([^']*)'", page)
    return json.loads(html.unescape(text))


def test_the_plots_are_made_of_what_the_page_says(world: World) -> None:
    """A run is called by its fire time, and told in seconds and in words; skipped ones too."""
    job = world.add(NIGHTLY)
    due = world.later()
    common = {"job_id": job["id"], "created_at": world.later(seconds=-0.3), "fire_at": due}
    began, ended = world.later(seconds=0.25), world.later(seconds=75)
    ran = {"started_at": began, "finished_at": ended}
    world.put_run("ran", state=RunState.TIMED_OUT, **common, **ran)
    earlier = world.later(minutes=-5)
    skipped = {"state": RunState.SKIPPED, "reason": Reason.OVERLAP}
    world.put_run("skipped", job_id=job["id"], created_at=earlier, fire_at=earlier, **skipped)

    page = visit(world, page_of(job))

    calm, bad = plotted(page)
    assert calm == {
        "id": "skipped",
        "at": to_text(earlier),
        "kind": "rest",
        "state": "skipped",
        "took": None,
        "late": None,
    }
    assert (bad["at"], bad["state"], bad["kind"]) == (to_text(due), "timed out", "bad")
    assert (bad["took"], bad["late"]) == ([74.75, "1 min 14 s"], [0.25, "250 ms"])
    assert f"<title>{due:%Y-%m-%d %H:%M} UTC: 1 min 14 s, timed out</title>" in page


def test_a_page_full_of_runs_stays_small_and_loads_the_chart_library_alone(world: World) -> None:
    """As many runs as are plotted, each with all it can have; no other page loads it."""
    job = world.add(NIGHTLY)
    for number in range(PLOTTED + 1):
        at = world.later(minutes=-number)
        times = {"started_at": at, "finished_at": at + timedelta(minutes=61)}
        found = {"state": RunState.FAILED, "error": "x" * 500}
        world.put_run(
            f"{number:032x}", job_id=job["id"], created_at=at, fire_at=at, **times, **found
        )

    page = visit(world, page_of(job))

    assert len(plotted(page)) == PLOTTED
    check_page(page)
    assert "vendor/uPlot.iife.min.js" in page
    for other in ("/", "/ui/jobs", "/ui/runs"):
        assert "uPlot" not in visit(world, other)


def test_why_it_did_not_run_is_asked_on_the_page(world: World) -> None:
    """In UTC, with or without saying so; a text that is no instant is a fault, not an error."""
    job = world.add(NIGHTLY)
    slot = world.later(hours=2, minutes=30)
    world.put_run(
        "r1",
        job_id=job["id"],
        scheduled=True,
        fire_at=slot,
        state=RunState.SKIPPED,
        reason=Reason.PAUSED,
    )
    world.clock.advance(4 * 3600)

    for text in ("2026-12-01T02:30", "2026-12-01T02:30:00Z", "2026-12-01T03:30:00%2B01:00"):
        shown = visit(world, f"{page_of(job)}?at={text}")
        assert "the job was paused" in shown, text
        assert "/ui/runs/r1" in shown
    assert "not due" in read(world, f"{page_of(job)}?at=2026-12-01T02:31")
    assert "soon" in read(world, f"{page_of(job)}?at=soon")


@pytest.mark.parametrize(
    ("after", "when", "ends"),
    [
        ({"jobs": ["plain"]}, "After plain", "plain, once it has succeeded"),
        (
            {"jobs": ["plain", "b"], "mode": "all", "when": "finished"},
            "After plain and b",
            "plain, b: once each of them is over",
        ),
        (
            {"jobs": ["plain", "b", "c", "d"], "when": "failure"},
            "After plain or b or c or 1 more",
            "plain, b, c, d: whenever one of them has failed",
        ),
    ],
)
def test_a_job_that_follows_others_says_which(
    world: World, after: dict[str, object], when: str, ends: str
) -> None:
    """In the list and on its page; it does not run on request only."""
    for name in ("plain", "b", "c", "d"):
        world.add(PLAIN, name=name)
    job = world.add(PLAIN, name="child", after=after)

    shown = read(world, page_of(job))

    assert f"When {when} " in shown
    assert 'href="/ui/jobs/plain"' in visit(world, page_of(job))
    assert f"Runs after {ends} " in shown
    assert "It runs after other jobs." in shown
    assert f"child {when} after other jobs" in read(world, "/ui/jobs?q=child")


def test_instants_in_a_sentence_are_shown_like_all_others(world: World) -> None:
    """On the viewer's clock; what is no instant, and markup, stays text."""
    text = "<b>made at 2026-12-01T00:00:00.25Z, not at 2026-13-01T00:00:00Z</b> by `forbid`"

    assert timed(text) == (
        '&lt;b&gt;made at <time datetime="2026-12-01T00:00:00.250Z" data-as="clock" '
        'title="2026-12-01 00:00:00 UTC">2026-12-01 00:00:00 UTC</time>'
        ", not at 2026-13-01T00:00:00Z&lt;/b&gt; by <code>forbid</code>"
    )
    job = world.add(NIGHTLY)
    asked = visit(world, f"{page_of(job)}?at=2026-11-01T02:30")
    assert 'it was created at <time datetime="2026-12-01T00:00:00Z"' in asked


def test_a_job_is_run_now(world: World) -> None:
    """And one is led to the run, which says so, once."""
    job = world.add(PLAIN)

    response = submit(world, f"{page_of(job)}/trigger")

    [run] = json_of(world.get("/v1/jobs/plain/runs"))["items"]
    page = f"/ui/runs/{run['id']}"
    assert (response.status_code, response.headers["Location"]) == (303, page)
    assert "It was started." in read(world, page)
    assert "It was started." not in read(world, page)
    assert run["cause"] == Cause.MANUAL


def test_a_job_is_paused_with_a_reason_and_resumed(world: World) -> None:
    """Who did it is known; the page offers the way back."""
    job = world.add(NIGHTLY)

    submit(world, f"{page_of(job)}/pause", reason="disk full", until="2026-12-02T00:00")

    shown = read(world, page_of(job))
    assert "It was paused until 2026-12-02 00:00:00 UTC ." in shown
    assert "by local, ends 2026-12-02 00:00:00 UTC : disk full" in shown
    assert "Resume" in shown
    submit(world, f"{page_of(job)}/resume")
    assert "It was resumed." in read(world, page_of(job))
    assert json_of(world.get("/v1/jobs/nightly"))["paused"] is None


def test_what_is_refused_is_said_where_it_was_asked_for(world: World) -> None:
    """In the executor's words, or in those of the rule that is broken."""
    job = world.add(PLAIN, enabled=False)
    submit(world, f"{page_of(job)}/trigger")
    assert "the job is disabled" in read(world, page_of(job))

    submit(world, f"{page_of(job)}/pause", until="2020-01-01T00:00")
    assert "lies in the past" in read(world, page_of(job))

    world.executor.away = NoExecutor("nobody executes")
    submit(world, f"{page_of(job)}/pause")
    assert "Nobody executes." in read(world, page_of(job))


def test_a_change_that_is_not_answered_in_time_is_not_called_done(world: World) -> None:
    """It is accepted, which is what the page says."""
    job = world.add(PLAIN)
    world.executor.silent = True

    submit(world, f"{page_of(job)}/pause")

    assert "Accepted, but the executor has not answered yet" in read(world, page_of(job))


def test_former_revisions_are_compared_and_restored(world: World) -> None:
    """Field by field; going back is a revision of its own."""
    job = world.add(NIGHTLY)
    world.send("PATCH", "/v1/jobs/nightly", {"schedule": "0 4 * * *"})

    shown = read(world, page_of(job))
    assert 'schedule.expression: "30 2 * * *" -> "0 4 * * *"' in shown

    submit(world, f"{page_of(job)}/revisions/1/restore")
    assert "It is what it was at revision 1, from now on." in read(world, page_of(job))
    now = json_of(world.get("/v1/jobs/nightly"))
    assert (now["revision"], now["schedule"]["expression"]) == (3, "30 2 * * *")


def test_a_broken_job_can_be_looked_at_and_deleted(world: World) -> None:
    """The page says what is wrong, and offers what is possible."""
    job = world.add(PLAIN)
    world.store.break_job(str(job["id"]))

    page = visit(world, page_of(job))

    assert "The record of this job cannot be read." in words(page)
    assert "Delete" in page
    assert "Run now" not in page
    check_page(page)


def test_a_broken_job_is_mended_by_what_it_was(world: World) -> None:
    """Its former revisions are on its page, with the way back."""
    job = world.add(NIGHTLY)
    world.send("PATCH", "/v1/jobs/nightly", {"description": "changed"})
    world.store.break_job(str(job["id"]))

    page = visit(world, page_of(job))
    assert "Restore what it was below" in words(page)
    assert "Revision 1 Restore since then its record is broken" in words(page)
    check_page(page)
    submit(world, f"{page_of(job)}/revisions/1/restore")

    assert json_of(world.get("/v1/jobs/nightly"))["description"] == ""


@pytest.mark.parametrize("kind", ["trigger", "pause", "resume", "revisions/1/restore"])
def test_a_form_needs_the_scope_of_what_it_does(kind: str) -> None:
    """Readers are offered no button, and are refused without one."""
    world = GuardedWorld()
    job = json_of(world.ask(ADMIN, "POST", "/v1/jobs", NIGHTLY))
    token = world.token("jobs:read", "runs:read")

    page = world.ask(token, "GET", page_of(job), Accept="text/html").text
    assert "<button>Explain" in page
    assert 'method="post"' not in page
    headers = {**BROWSER, "Authorization": f"Bearer {token}"}
    assert world.client.post(f"{page_of(job)}/{kind}", headers=headers).status_code == 403


def test_no_page_of_another_site_runs_a_job(world: World) -> None:
    """Nor does one that hides where it comes from."""
    job = world.add(PLAIN)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
        response = world.client.post(f"{page_of(job)}/trigger", headers=headers)
        assert response.status_code == 403

    assert json_of(world.get("/v1/runs"))["items"] == []


def test_what_has_not_changed_is_not_sent_again(world: World) -> None:
    """Until the job runs."""
    job = world.add(NIGHTLY)
    page = visit(world, page_of(job))

    assert part(world, page).status_code == 204
    world.put_run("r1", job_id=job["id"])
    assert "/ui/runs/r1" in part(world, page).text


def test_what_users_write_is_text_never_markup(world: World) -> None:
    """Neither in words, in JSON, nor in a difference."""
    evil = "\"><script>alert(1)</script>'"
    job = world.add(NIGHTLY, description=evil, owner=evil, tags=[evil], labels={"a": evil})
    world.send("PATCH", f"/v1/jobs/{job['id']}", {"description": f"{evil}2"})
    submit(world, f"{page_of(job)}/pause", reason=evil)

    assert "<script>" not in visit(world, f"{page_of(job)}?at=%22%3E%3Cscript%3E")
