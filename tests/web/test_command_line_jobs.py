"""``solocron jobs``, against an instance that serves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from executor.cli import main
from tests.web.command_line import solocron
from tests.web.serving import served
from tests.web.world import NIGHTLY, PLAIN, World, json_of

FILE = """\
name: nightly
schedule: 30 2 * * *
target: {kind: http, url: https://example.com/}
---
name: plain
target: {kind: http, url: https://example.com/}
"""


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """Return the address at which the world is served."""
    with served(world.app) as address:
        yield address


def test_jobs_are_listed_in_columns(url: str, world: World) -> None:
    """A heading, a line each, instants as the API writes them."""
    world.add(NIGHTLY)
    world.add(PLAIN)

    result = solocron(url, "jobs", "list")

    assert result.exit_code == 0, result.output
    heading, nightly, plain = (line.split() for line in result.stdout.splitlines())
    assert heading == ["NAME", "STATE", "SCHEDULE", "NEXT", "LAST", "RUN", "ENDED"]
    assert nightly[:2] == ["nightly", "active"]
    assert nightly[7].endswith("T02:30:00Z")
    assert plain == ["plain", "active", "on", "request", "-", "-", "-"]


def test_a_broken_job_is_listed_with_the_others(url: str, world: World) -> None:
    """Its error stands where its schedule would."""
    job = world.put_job("torn")
    world.add(PLAIN)
    world.store.break_job(job.id)

    lines = solocron(url, "jobs", "list").stdout.splitlines()

    assert len(lines) == 3
    assert "broken" in lines[1] + lines[2]


def test_lists_are_filtered_and_cut(url: str, world: World) -> None:
    """What is left out is said, with how to see it."""
    world.add(NIGHTLY, tags=["a"])
    world.add(PLAIN)

    assert "plain" not in solocron(url, "jobs", "list", "--tag", "a").stdout
    assert "nightly" not in solocron(url, "jobs", "list", "-q", "lai").stdout
    assert (
        "There are more: a larger --limit, or --cursor "
        in solocron(url, "jobs", "list", "-n", 1).stderr
    )
    assert "Make one" in solocron(url, "jobs", "list", "--tag", "b").stderr


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("jobs", "list"), "/v1/jobs"),
        (("jobs", "show", "nightly"), "/v1/jobs/nightly"),
        (("runs", "list"), "/v1/runs"),
        (("status",), "/v1/status"),
    ],
)
def test_with_json_it_prints_what_the_api_answers(
    url: str, world: World, words: tuple[str, ...], path: str
) -> None:
    """Nothing else, on standard output."""
    world.add(NIGHTLY)
    world.clear()

    result = solocron(url, *words, "--json")

    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == json_of(world.get(path))


def test_a_job_is_shown_with_its_next_fire_times_and_latest_runs(url: str, world: World) -> None:
    """In words: what is special about it, and the schedule as a sentence."""
    job = world.add(NIGHTLY, owner="team", tags=["x", "y"])
    world.put_run("r1", job_id=job["id"], job="nightly")

    shown = solocron(url, "jobs", "show", "nightly").stdout

    assert "30 2 * * *  (At 02:30 AM)" in shown
    assert "x, y" in shown
    assert shown.count("T02:30:00Z") == 3
    assert "r1" in shown


def test_a_job_is_made_of_options(url: str, world: World) -> None:
    """Those that are given; the rest is the default."""
    result = solocron(
        url, "jobs", "create", "web", "--cron", "*/5 * * * *", "--tz", "Europe/Berlin",
        "--http", "https://example.com/", "--method", "GET", "--header", "X-A: b",
        "--tag", "t", "--retries", 2, "--overlap", "allow", "--disabled",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("web is made; next: ")
    job = json_of(world.get("/v1/jobs/web"))
    assert job["schedule"]["timezone"] == "Europe/Berlin"
    assert job["target"]["headers"] == {"X-A": "b"}
    assert (job["retry"]["attempts"], job["overlap"]["policy"]) == (2, "allow")
    assert job["enabled"] is False


def test_every_counts_from_the_services_now(url: str, world: World) -> None:
    """The first run is due one such time later."""
    assert solocron(url, "jobs", "create", "p", "--every", "5m", "--message").exit_code == 0

    first = json_of(world.get("/v1/jobs/p"))["next_fire_at"]
    assert first == world.later(minutes=5).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--cron", "61 * * * *", "--message"), "--cron: minute `61`"),
        (("--every", "soon", "--message"), "--every: 'soon' is not a duration"),
        (("--every", "0s", "--message"), "--every: "),
        (("--cron", "@daily", "--tz", "Berlin", "--message"), "--tz: there is no zone"),
        (("--http", "ftp://x"), "--http: write an absolute URL"),
        (("--http", "http://x", "--header", "X"), "--header: 'X' has no `:`"),
        (("--http", "http://x", "--command", "y"), "--http and --command exclude each other"),
        (("--command", "x", "--method", "GET"), "--method: does not go with --command"),
        (("--cron", "@daily", "--every", "5m", "--message"), "--cron and --every exclude"),
        (("--tz", "UTC", "--message"), "--tz: is the clock of --cron or --every"),
        (("--timeout", "soon", "--message"), "--timeout: 'soon' is not a duration"),
        ((), "--http: what shall it do?"),
    ],
)
def test_a_fault_is_told_by_its_option(
    url: str, world: World, options: tuple[str, ...], says: str
) -> None:
    """With status 1, and no job is made."""
    result = solocron(url, "jobs", "create", "x", *options)

    assert result.exit_code == 1
    assert says in result.stderr
    assert json_of(world.get("/v1/jobs"))["items"] == []


def test_a_name_that_is_taken_leads_to_the_editor(url: str, world: World) -> None:
    """In the words of the command line, not of the API."""
    world.add()

    result = solocron(url, "jobs", "create", "plain", "--command", "true")

    assert result.exit_code == 1
    assert "there is a job 'plain' already; change it with: solocron jobs edit plain" in (
        result.stderr
    )


def test_an_expression_without_quotes_is_told_to_have_some(url: str) -> None:
    """A shell has made names of files of its asterisks by then."""
    result = solocron(url, "jobs", "create", "plain", "--cron", "*", "*", "*", "--command", "true")

    assert result.exit_code == 1
    assert "Put what has blanks or asterisks in quotes: '*/5 * * * *'." in result.stderr


def test_a_job_that_follows_others_is_listed_so(url: str, world: World) -> None:
    """It does not run on request only."""
    world.add()
    world.add(PLAIN, name="child", after={"jobs": ["plain"]})

    assert "after plain" in solocron(url, "jobs", "list").stdout
    assert "after plain" in solocron(url, "jobs", "show", "child").stdout


def test_jobs_are_made_of_a_file(url: str, world: World, tmp_path: Path) -> None:
    """Those that exist are left as they are, with status 1; the others are made."""
    world.add(PLAIN)
    file = tmp_path / "jobs.yaml"
    file.write_text(FILE)

    result = solocron(url, "jobs", "create", "-f", file)

    assert result.exit_code == 1
    assert f"{file}:5: name: a job named 'plain' exists already" in result.stderr
    assert result.stdout.startswith("nightly is made")


def test_a_file_with_a_fault_makes_nothing(url: str, world: World) -> None:
    """File, line and field are named, of standard input too."""
    text = FILE.replace("30 2", "99 2")

    result = solocron(url, "jobs", "create", "-f", "-", input=text)

    assert result.exit_code == 1
    assert "solocron: -:2: schedule.expression: " in result.stderr
    assert json_of(world.get("/v1/jobs"))["items"] == []


@pytest.mark.parametrize("words", [("-f", "x.yaml", "name"), ("-f", "x.yaml", "--cron", "x"), ()])
def test_a_file_and_options_exclude_each_other(url: str, words: tuple[str, ...]) -> None:
    """Status 1, as all that makes no sense."""
    assert solocron(url, "jobs", "create", *words).exit_code == 1


def test_jobs_rest_and_go_on(url: str, world: World) -> None:
    """Several at once; one that is not there keeps no other from it."""
    world.add(NIGHTLY)
    world.add(PLAIN)

    paused = solocron(url, "jobs", "pause", "nightly", "nobody", "plain", "--reason", "disk full")

    assert paused.exit_code == 1
    assert "nobody: there is no job 'nobody'" in paused.stderr
    assert paused.stdout.splitlines() == [
        "nightly rests until it is resumed",
        "plain rests until it is resumed",
    ]
    assert "paused (disk full)" in solocron(url, "jobs", "show", "nightly").stdout
    resumed = solocron(url, "jobs", "resume", "nightly", "plain")
    assert resumed.exit_code == 0
    assert resumed.stdout.startswith("nightly is active; next fire time: ")


def test_a_pause_ends_at_an_instant(url: str, world: World) -> None:
    """Given as one; nonsense is refused with what may be written."""
    world.add(NIGHTLY)
    until = world.later(hours=2).strftime("%Y-%m-%dT%H:%M:%SZ")

    assert solocron(url, "jobs", "pause", "nightly", "--until", until).exit_code == 0
    refused = solocron(url, "jobs", "pause", "nightly", "--until", "soon")

    assert json_of(world.get("/v1/jobs/nightly"))["paused"]["until"] == until
    assert refused.exit_code == 1
    assert "or a duration such as 2h" in refused.stderr


def test_deleting_asks_first(url: str, world: World) -> None:
    """Without a terminal it needs --yes."""
    world.add(PLAIN)

    assert "say --yes" in solocron(url, "jobs", "delete", "plain").stderr
    assert solocron(url, "jobs", "delete", "plain", "--yes").stdout == "plain is deleted\n"
    assert solocron(url, "jobs", "delete", "plain", "--yes").exit_code == 1
    world.add(PLAIN)
    gone = solocron(url, "jobs", "delete", "nobody", "plain", "--yes", "--json")
    assert (gone.exit_code, json.loads(gone.stdout)) == (1, {"job": "plain", "deleted": True})
    assert "nobody" in gone.stderr
    assert json_of(world.get("/v1/jobs"))["items"] == []


def test_a_triggered_run_is_told_by_its_id(url: str, world: World) -> None:
    """The id alone on standard output, for scripts."""
    world.add(PLAIN)

    result = solocron(url, "jobs", "trigger", "plain")

    assert result.exit_code == 0
    assert json_of(world.get(f"/v1/runs/{result.stdout.strip()}"))["cause"] == "manual"


def test_what_is_refused_is_told_in_the_services_words(url: str, world: World) -> None:
    """Status 1, and no traceback."""
    world.add(PLAIN, enabled=False)

    result = solocron(url, "jobs", "trigger", "plain")

    assert result.exit_code == 1
    assert "disabled" in result.stderr


def test_names_of_jobs_are_completed(
    url: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that begin as the word does."""
    world.add(NIGHTLY)
    world.add(NIGHTLY, name="not-nightly")
    monkeypatch.setenv("SOLOCRON_URL", url)
    shell = BashComplete(main, {}, "solocron", "_SOLOCRON_COMPLETE")

    offered = shell.get_completions(["jobs", "show"], "ni")

    assert [one.value for one in offered] == ["nightly"]
