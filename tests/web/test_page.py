"""What the page at ``/`` and those that it leads to promise to a person who has only these."""

import html
import re

import pytest

from executor.domain.errors import BrokerUnavailable
from executor.domain.job import LastRun
from executor.domain.run import AWAITING, QUEUED, Cause, Output, Reason, RunState
from tests.web.forms import send
from tests.web.reading import check_page, read, visit, words
from tests.web.world import INSTANCE, NIGHTLY, PLAIN, World
from web.ui.controls import Control
from web.ui.jobs import ROWS
from web.ui.sheet import SCHEDULES

NEW = "/ui/jobs/new"
JOBS = "/ui/jobs"
RUNS = "/ui/runs"


def executing(world: World) -> None:
    """Let somebody execute, and somebody stand by."""
    world.beat("b", "standby")
    world.clear()


def test_an_empty_service_says_what_to_do_first(world: World) -> None:
    """No jobs: what to begin with, and a command to copy."""
    executing(world)

    page = visit(world, "/")
    shown = words(page)

    assert "Make the first job" in shown
    assert f'href="{NEW}?template=hello"' in page
    assert "curl http://localhost/v1/jobs" in shown
    assert "No jobs yet." in read(world, JOBS)
    assert "No runs" in read(world, RUNS)
    check_page(page)


def test_who_has_jobs_is_not_told_how_to_begin(world: World) -> None:
    """The page is about what there is."""
    executing(world)
    world.add(NIGHTLY)

    assert "Make the first job" not in read(world, "/")


def test_the_page_says_who_executes(world: World) -> None:
    """Instance, term and standbys are seen at a glance."""
    executing(world)

    shown = read(world, "/")

    assert f"Executor {INSTANCE} term 1, since" in shown
    assert "Standbys 1 b" in shown
    assert "Answered by web-1" in shown


def test_links_to_where_it_was_lead_to_the_page(world: World) -> None:
    """It was elsewhere before it was the first one."""
    response = world.get("/ui/overview?a=b")

    assert (response.status_code, response.headers["Location"]) == (303, "/")


def test_a_job_shows_its_schedule_next_fire_time_and_last_result(world: World) -> None:
    """In plain words, with the expression and the exact instants beside them."""
    job = world.add(NIGHTLY)
    run = LastRun(run_id="r", state="timed_out", finished_at=world.later(minutes=-3))
    world.put_job("done", last_run=run)

    shown = read(world, JOBS)

    assert "nightly At 02:30 AM, UTC 30 2 * * * 2026-12-01 02:30:00 UTC" in shown
    assert "not run yet" in shown
    assert "timed out 2026-11-30 23:57:00 UTC" in shown
    assert "POST https://example.com/" in read(world, f"{JOBS}/{job['id']}")


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (
            "R/2026-12-24T18:30:00+01:00/P1D",
            "Every day from 2026-12-24 at 18:30 on, UTC+01:00 R/2026-12-24T18:30:00+01:00/P1D",
        ),
        (
            {"kind": "once", "at": "2026-12-24T18:30:00Z"},
            "Once, on 2026-12-24 at 18:30, UTC 2026-12-24T18:30:00Z",
        ),
        (
            {"kind": "cron", "expression": "0 30 18 ? * 2", "dialect": "quartz"},
            "At 06:30 PM, only on Monday, UTC 0 30 18 ? * 2",
        ),
    ],
)
def test_every_kind_of_schedule_is_shown(world: World, schedule: object, said: str) -> None:
    """In words, with the clock they are read on, and as it was written."""
    world.add(NIGHTLY, schedule=schedule)

    assert said in read(world, JOBS)


def test_a_job_that_does_not_fire_says_why(world: World) -> None:
    """Paused with reason and end, disabled, overdue, broken."""
    world.add(NIGHTLY, name="a")
    world.post("/v1/jobs/a/pause", {"reason": "freeze", "until": "2026-12-02T00:00:00Z"})
    world.add(NIGHTLY, name="b", enabled=False)
    world.store.break_job(world.add(PLAIN, name="c")["id"])
    world.put_job("d", next_fire_at=world.later(seconds=-11))

    shown = read(world, JOBS)

    assert "paused ends 2026-12-02 00:00:00 UTC · freeze" in shown
    assert "disabled" in shown
    assert "broken The record cannot be read; other jobs are not affected." in shown
    assert "overdue 2026-11-30 23:59:49 UTC" in shown


def test_runs_are_shown_newest_first(world: World) -> None:
    """State, reason, time and duration; each leads to its output, and can be cancelled there."""
    now = world.clock.now()
    world.put_run(
        "r1",
        fire_at=now,
        started_at=now,
        finished_at=world.later(seconds=1.25),
        output=Output(head="said", size=4),
    )
    world.put_run(
        "r2",
        created_at=world.later(seconds=1),
        cause=Cause.CATCH_UP,
        state=RunState.SKIPPED,
        reason=Reason.MISFIRE,
        covers=7,
    )
    world.put_run("r3", created_at=world.later(seconds=2), state=RunState.RUNNING, started_at=now)

    page = visit(world, RUNS)

    places = [page.index(f"/ui/runs/{run}") for run in ("r3", "r2", "r1")]
    assert places == sorted(places)
    assert "1.2 s" in page
    assert "misfire · 7 slots" in words(page)
    assert "/ui/runs/r3/cancel" in visit(world, f"{RUNS}/r3")
    assert "/ui/runs/r1/cancel" not in visit(world, f"{RUNS}/r1")
    assert "said" in read(world, f"{RUNS}/r1")


def test_what_users_write_is_text_never_markup(world: World) -> None:
    """Names, commands, reasons, errors and searches cannot add elements or attributes."""
    evil = "\"><script>alert(1)</script>'"
    world.add(
        name="<img src=x onerror=alert(1)>",
        target={"kind": "command", "command": "echo"},
    )
    world.add(name="b", target={"kind": "command", "argv": ["echo", evil]})
    world.post("/v1/jobs/b/pause", {"reason": evil})
    world.put_run("r1", error=evil, job=evil, state=RunState.FAILED)
    executing(world)

    shown = "".join(
        visit(world, address)
        for address in ("/", f"{JOBS}?q=%22%3E%3Cscript%3E", JOBS, f"{JOBS}/b", RUNS, f"{RUNS}/r1")
    )

    assert "<script>" not in shown
    assert "<img" not in shown
    tags = re.findall(r"<[^>]*>", re.sub(r'"[^"]*"', '""', shown))
    assert not [tag for tag in tags if re.search(r"\son\w+=", tag)]


def test_without_an_executor_the_page_says_so(world: World) -> None:
    """And when the last one was heard."""
    world.clear()
    world.clock.advance(60)

    shown = read(world, "/")

    assert "Nobody executes." in shown
    assert "The last executor was heard 2026-12-01 00:00:00 UTC" in shown


def test_without_the_store_the_page_still_answers(world: World) -> None:
    """503 for machines, the reason for people."""
    world.store.down = True

    shown = read(world, "/", 503)

    assert "The store does not answer." in shown
    assert "the store is down" in shown


def test_without_the_broker_the_page_says_what_that_means(world: World) -> None:
    """Jobs go on, changes do not."""
    world.executor.away = BrokerUnavailable("refused")
    world.executor.connection = "connection refused"

    assert "The broker is not connected. Jobs go on firing" in read(world, "/")


def test_the_list_is_searched_and_paged(world: World) -> None:
    """Never more than one part is shown; the links keep the search."""
    for number in range(ROWS + 2):
        world.put_job(f"job-{number:03}")
    world.put_job("other")

    first = visit(world, f"{JOBS}?q=job")
    [following] = re.findall(r'href="([^"]+)" rel="next"', first)
    second = visit(world, html.unescape(following))

    assert first.count('scope="row"') == ROWS
    assert second.count('scope="row"') == 2
    assert "other" not in words(second)
    assert 'href="/ui/jobs?q=job">First' in second


def test_a_search_without_result_leads_back(world: World) -> None:
    """It is not mistaken for an empty service."""
    world.add()

    shown = read(world, f"{JOBS}?q=none")

    assert "No job matches." in shown
    assert "No jobs yet" not in shown


@pytest.mark.parametrize("address", ["/", JOBS, NEW])
@pytest.mark.parametrize(
    "query", ["?cursor=bad", "?state=nope", "?q=%00", "?utm_source=x", "?q=a&q=b", "?template=x"]
)
def test_an_odd_query_shows_the_page(world: World, address: str, query: str) -> None:
    """People are not refused for what a link or a bookmark carries."""
    executing(world)

    assert "</html>" in visit(world, address + query)


def _lines() -> list[tuple[str, Control]]:
    return [
        (kind.name, control)
        for kind in SCHEDULES
        for control in kind.first
        if control.path in {"schedule.expression", "schedule.at"}
    ]


@pytest.mark.parametrize(("kind", "control"), _lines(), ids=lambda one: str(one)[:12])
def test_the_form_takes_every_way_to_write_a_schedule(
    world: World, kind: str, control: Control
) -> None:
    """Each is chosen by name, with an example that it accepts."""
    page = visit(world, NEW)
    told = send(world, NEW, page, part=True, schedule__kind=kind, **{control.name: control.example})

    assert "The next fire times" in told.text
    assert "To be put right" not in told.text


def test_the_form_takes_every_dialect(world: World) -> None:
    """Six columns and Quartz's too."""
    page = visit(world, NEW)
    for dialect, expression in (("cron6s", "0 30 2 * * *"), ("quartz", "0 30 2 ? * MON-FRI")):
        told = send(
            world,
            NEW,
            page,
            part=True,
            schedule__cron__expression=expression,
            schedule__cron__dialect=dialect,
        )
        assert "At 02:30 AM" in words(told.text), told.text


def test_a_run_that_waits_says_for_what(world: World) -> None:
    """For its turn, for other jobs, or for whoever runs it."""
    world.put_run("r1", state=RunState.PENDING, clear_at=QUEUED)
    world.put_run("r2", state=RunState.PENDING, clear_at=AWAITING)
    until = {"ping_by": "2026-12-01T00:10:00Z"}
    world.put_run("r3", state=RunState.PENDING, remote=True, details=until)
    job = world.add({"name": "backup", "target": {"kind": "watched"}})

    shown = read(world, RUNS)
    assert "waits for its turn" in shown
    assert "waits for other jobs" in shown
    assert "waits for a ping" in shown
    assert "pings, within PT10M" in read(world, f"{JOBS}/{job['id']}")
