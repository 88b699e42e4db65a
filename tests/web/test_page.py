"""GET /: the page for people, as the server writes it."""

import html
import re

import pytest

from executor.domain.cron import Dialect
from executor.domain.errors import BrokerUnavailable
from executor.domain.job import LastRun
from executor.domain.run import AWAITING, QUEUED, Cause, Output, Reason, RunState
from tests.web.world import INSTANCE, NIGHTLY, PLAIN, World, json_of
from web.pages import JOBS, RUNS


def page(world: World, query: str = "", status: int = 200) -> str:
    """Return the page's HTML."""
    response = world.get(f"/{query}")
    assert response.status_code == status
    assert response.mimetype == "text/html"
    return response.text


def text(world: World, query: str = "") -> str:
    """Return what a person reads on the page, blanks reduced."""
    body = page(world, query).partition("<body>")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_an_empty_service_says_what_to_do_first(world: World) -> None:
    """No jobs: the first steps, and a command to copy."""
    shown = text(world)

    assert "No jobs yet." in shown
    assert "curl http://localhost/v1/jobs" in shown
    assert "No runs yet." in shown


def test_the_page_says_who_executes(world: World) -> None:
    """Instance, term and standbys are seen at a glance."""
    world.beat("a", "executing")
    world.beat("b", "standby")
    world.clear()
    world.clock.advance(5)

    shown = text(world)

    assert f"Executor {INSTANCE} term 1, since 5 s ago" in shown
    assert "Instances 2 1 on standby" in shown
    assert "Answered by web-1" in shown


def test_a_job_shows_its_schedule_next_fire_time_and_last_result(world: World) -> None:
    """In plain words, with the expression and the exact instants beside them."""
    world.add(NIGHTLY)
    run = LastRun(run_id="r", state="timed_out", finished_at=world.later(minutes=-3))
    world.put_job("done", last_run=run)

    shown = text(world)

    assert "nightly POST https://example.com/ At 02:30 AM 30 2 * * * in 2 h 02:30:00 UTC" in shown
    assert "not run yet" in shown
    assert "timed out 3 min ago" in shown


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (
            "R/2026-12-24T18:30:00+01:00/P1D",
            "Every day from 2026-12-24 at 18:30 on, UTC+01:00 R/2026-12-24T18:30:00+01:00/P1D",
        ),
        (
            {"kind": "once", "at": "2026-12-24T18:30:00Z"},
            "Once, on 2026-12-24 at 18:30 2026-12-24T18:30:00Z",
        ),
        (
            {"kind": "cron", "expression": "0 30 18 ? * 2", "dialect": "quartz"},
            "At 06:30 PM, only on Monday 0 30 18 ? * 2",
        ),
    ],
)
def test_every_kind_of_schedule_is_shown(world: World, schedule: object, words: str) -> None:
    """In words, with the clock they are read on, and as it was written."""
    world.add(NIGHTLY, schedule=schedule)

    assert words in text(world)


def test_a_job_that_does_not_fire_says_why(world: World) -> None:
    """Paused with reason and end, disabled, overdue, broken."""
    world.add(NIGHTLY, name="a")
    world.post("/v1/jobs/a/pause", {"reason": "freeze", "until": "2026-12-02T00:00:00Z"})
    world.add(NIGHTLY, name="b", enabled=False)
    world.store.break_job(world.add(PLAIN, name="c")["id"])
    world.put_job("d", next_fire_at=world.later(seconds=-11))

    shown = text(world)

    assert "paused ends in 24 h · freeze" in shown
    assert "disabled" in shown
    assert "broken The record cannot be read; other jobs are not affected." in shown
    assert "overdue 23:59" not in shown
    assert "overdue 2026-11-30 23:59 UTC" in shown


def test_runs_are_shown_newest_first(world: World) -> None:
    """State, reason, time and duration; output and cancel where there is any to be had."""
    now = world.clock.now()
    world.put_run("r1", fire_at=now, started_at=now, finished_at=world.later(seconds=1.25))
    world.put_run(
        "r2",
        created_at=world.later(seconds=1),
        cause=Cause.CATCH_UP,
        state=RunState.SKIPPED,
        reason=Reason.MISFIRE,
        covers=7,
    )
    world.put_run("r3", created_at=world.later(seconds=2), state=RunState.RUNNING, started_at=now)

    shown = page(world)

    assert [shown.index(f"/v1/runs/{run}") for run in ("r3", "r2", "r1")] == sorted(
        shown.index(f"/v1/runs/{run}") for run in ("r3", "r2", "r1")
    )
    assert "1.2 s" in shown
    assert "misfire · 7 slots" in shown
    assert "/v1/runs/r3/cancel" in shown
    assert "/v1/runs/r1/cancel" not in shown
    assert "/v1/runs/r1/output" in shown
    assert "/v1/runs/r2/output" not in shown


def test_what_users_write_is_text_never_markup(world: World) -> None:
    """Names, commands, reasons, errors and searches cannot add elements or attributes."""
    evil = "\"><script>alert(1)</script>'"
    world.add(
        name="<img src=x onerror=alert(1)>",
        target={"kind": "command", "command": "echo"},
    )
    world.add(name="b", target={"kind": "command", "argv": ["echo", evil]})
    world.post("/v1/jobs/b/pause", {"reason": evil})
    world.put_run("r1", error=evil, job=evil, output=Output(head=evil, size=1))

    shown = page(world, "?q=%22%3E%3Cscript%3E") + page(world)

    assert "<script>" not in shown
    assert "<img" not in shown
    tags = re.findall(r"<[^>]*>", re.sub(r'"[^"]*"', '""', shown))
    assert not [tag for tag in tags if re.search(r"\son\w+=", tag)]


def test_the_page_needs_nothing_but_itself(world: World) -> None:
    """Every asset is ours, nothing is inline, every asset exists."""
    shown = page(world)

    assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', shown)
    assert len(assets) == 3
    for asset in assets:
        with world.get(asset) as response:
            assert response.status_code == 200
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*src=)", shown)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', shown)


def test_the_page_can_be_used_without_a_mouse_or_eyes(world: World) -> None:
    """Every input has a label, every table a caption, and the page its landmarks."""
    world.add(NIGHTLY)
    world.put_run("r1", state=RunState.RUNNING)

    shown = page(world)

    labelled = set(re.findall(r'<label[^>]*\sfor="([^"]+)"', shown))
    controls = re.findall(r'<(?:input|select)[^>]*\sid="([^"]+)"', shown)
    assert controls
    assert set(controls) <= labelled
    assert shown.count("<table") == shown.count("<caption") == 2
    for landmark in ("<header", "<main", "<footer", "<nav", 'lang="en"'):
        assert landmark in shown
    ids = re.findall(r'\sid="([^"]+)"', shown)
    assert len(ids) == len(set(ids))


def test_without_an_executor_the_page_says_so(world: World) -> None:
    """And when the last one was heard."""
    world.clear()
    world.clock.advance(60)

    shown = text(world)

    assert "Nobody executes." in shown
    assert "last executor was heard 60 s ago" in shown


def test_without_the_store_the_page_still_answers(world: World) -> None:
    """503 for machines, the reason for people."""
    world.store.down = True

    shown = page(world, status=503)

    assert "The store does not answer." in shown
    assert "the store is down" in shown


@pytest.mark.parametrize("answers", range(6))
def test_a_store_that_goes_away_meanwhile_breaks_no_page(world: World, answers: int) -> None:
    """Whichever read fails, the page is written."""
    world.store.answers = answers

    assert "</html>" in page(world, status=503)


def test_without_the_broker_the_page_says_what_that_means(world: World) -> None:
    """Jobs go on, changes do not."""
    world.executor.away = BrokerUnavailable("refused")
    world.executor.connection = "connection refused"

    assert "The broker is not connected. Jobs go on firing" in text(world)


def test_the_list_is_searched_and_paged(world: World) -> None:
    """Never more than one part is shown; the links keep the search."""
    for number in range(JOBS + 2):
        world.put_job(f"job-{number:03}")
    world.put_job("other")

    first = page(world, "?q=job")
    [following] = re.findall(r'href="([^"]+)" rel="next"', first)
    second = page(world, html.unescape(following).removeprefix("/"))

    assert first.count('scope="row"') == JOBS
    assert second.count('scope="row"') == 2
    assert "other" not in second
    assert 'href="/?q=job">First' in second


def test_a_search_without_result_leads_back(world: World) -> None:
    """It is not mistaken for an empty service."""
    world.add()

    shown = text(world, "?q=none")

    assert "No job matches." in shown
    assert "No jobs yet" not in shown


@pytest.mark.parametrize(
    "query", ["?cursor=bad", "?state=nope", "?q=%00", "?utm_source=x", "?q=a&q=b"]
)
def test_an_odd_query_shows_the_page(world: World, query: str) -> None:
    """People are not refused for what a link or a bookmark carries."""
    assert "</html>" in page(world, query)


def test_only_the_newest_runs_are_shown(world: World) -> None:
    """The page's length does not grow with the history."""
    for number in range(RUNS + 5):
        world.put_run(f"r{number}", created_at=world.later(seconds=number))

    assert page(world).count('scope="row"') == RUNS


def test_the_form_takes_every_way_to_write_a_schedule(world: World) -> None:
    """Each is chosen by name, with an example that the preview accepts."""
    select = page(world).partition('id="job-dialect"')[2].partition("</select>")[0]
    options = dict(re.findall(r'value="(\w+)" data-example="([^"]+)"', select))

    assert set(options) == {*Dialect, "interval", "once"}
    for name, example in options.items():
        schedule: dict[str, str] = {"kind": "cron", "expression": example, "dialect": name}
        if name == "interval":
            schedule = {"kind": name, "expression": example}
        elif name == "once":
            schedule = {"kind": name, "at": example}
        response = world.post("/v1/schedules/preview", {"schedule": schedule})
        assert response.status_code == 200, response.text
        assert json_of(response)["fire_times"]


def test_a_run_that_waits_says_for_what(world: World) -> None:
    """For its turn, for other jobs, or for whoever runs it."""
    world.put_run("r1", state=RunState.PENDING, clear_at=QUEUED)
    world.put_run("r2", state=RunState.PENDING, clear_at=AWAITING)
    until = {"ping_by": "2026-12-01T00:10:00Z"}
    world.put_run("r3", state=RunState.PENDING, remote=True, details=until)
    world.add({"name": "backup", "target": {"kind": "watched"}})

    assert "waits for its turn" in text(world)
    assert "waits for other jobs" in text(world)
    assert "waits for a ping" in text(world)
    assert "pings, within PT10M" in text(world)


def test_channels_are_listed_with_a_button_to_test_each(world: World) -> None:
    """For those who may; without channels nothing is said of them."""
    assert "Who is told" not in text(world)
    url = "https://example.com/hook?a=1&lt=2"
    put = world.send("PUT", "/v1/channels/ops", {"kind": "webhook", "url": url})
    assert put.status_code == 201, put.text

    assert "Who is told" in text(world)
    assert f"Actions ops webhook {url} Test" in text(world)
    assert 'data-post="/v1/channels/ops/test"' in page(world)
