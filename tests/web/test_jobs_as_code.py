"""``solocron export`` and ``apply``, against an instance that serves."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask, Response

from executor.cli import main
from executor.domain.errors import NoExecutor
from tests.web.serving import served
from tests.web.world import NIGHTLY, PLAIN, World, json_of

FILE = """\
# What this team runs.
name: nightly
owner: team
schedule: 30 2 * * *
target: {kind: http, url: https://example.com/}
---
name: plain
owner: team
target:
  kind: http
  url: https://example.com/
"""


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """Return the address at which the world is served."""
    with served(world.app) as address:
        yield address


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file of two jobs."""
    path = tmp_path / "jobs.yaml"
    path.write_text(FILE)
    return path


def solocron(url: str, *arguments: object, **how: Any) -> Result:
    """Run a command, told the address by the environment."""
    environ = {"SOLOCRON_URL": url, "http_proxy": "http://127.0.0.1:9"}
    return CliRunner().invoke(main, [str(one) for one in arguments], env=environ, **how)


def definitions(world: World) -> dict[str, int]:
    """Return the revision of every job."""
    return {job["name"]: job["revision"] for job in json_of(world.get("/v1/jobs"))["items"]}


def test_a_dry_run_shows_what_would_change(url: str, file: Path, world: World) -> None:
    """Status 2 while there is anything; field by field, old and new; nothing is changed."""
    world.add(NIGHTLY)

    result = solocron(url, "apply", "-f", file, "--dry-run")

    assert result.exit_code == 2, result.output
    assert result.stdout.splitlines() == [
        "~ nightly",
        '    owner: "" -> team',
        f"+ plain  ({file}:7)",
        "1 to create, 1 to change, 0 unchanged.",
    ]
    assert definitions(world) == {"nightly": 1}


def test_apply_makes_the_jobs_and_the_second_one_nothing(
    url: str, file: Path, world: World
) -> None:
    """Status 0 either time; a dry run afterwards has nothing to show."""
    first = solocron(url, "apply", "-f", file)
    second = solocron(url, "apply", "-f", file)

    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    assert first.stdout.splitlines()[-1] == "2 created, 0 unchanged."
    assert second.stdout == "Nothing to do: 2 jobs are as the files say.\n"
    assert definitions(world) == {"nightly": 1, "plain": 1}
    assert solocron(url, "apply", "-f", file, "--dry-run").exit_code == 0


def test_every_fault_is_shown_before_anything_is_changed(
    url: str, tmp_path: Path, world: World
) -> None:
    """Of all documents in all files, with file, line and field."""
    (tmp_path / "a.yaml").write_text(
        "name: a\nschedule: 61 * * * *\ntarget: {kind: http, url: https://x/}\n"
        "---\nname: b\ntarget:\n  kind: http\n  url: https://x/\n  metod: GET\nafter:\n  jobs:\n"
        "    - nobody\n"
    )
    (tmp_path / "b.json").write_text('[\n {"name": "ok", "target": {"kind": "tape"}}\n]')
    (tmp_path / "c.yaml").write_text("name: good\ntarget: {kind: http, url: https://x/}\n")

    result = solocron(url, "apply", "-f", tmp_path)

    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"solocron: {tmp_path}/a.yaml:2: schedule.expression: minute `61`")
    assert lines[1] == (
        f"solocron: {tmp_path}/a.yaml:9: target.metod: unknown field; write `method`"
    )
    assert lines[2].startswith(f"solocron: {tmp_path}/b.json:2: target.kind: write `http`")
    assert lines[-1] == "solocron: 3 faults; nothing was changed"
    assert definitions(world) == {}


def test_jobs_that_name_nobody_are_faults_too(url: str, tmp_path: Path, world: World) -> None:
    """Found by comparing the files with what is there."""
    (tmp_path / "a.yaml").write_text(FILE + "after:\n  jobs:\n    - nobody\n")

    result = solocron(url, "apply", "-f", tmp_path)

    assert result.exit_code == 1
    assert f"{tmp_path}/a.yaml:14: after.jobs.0: there is no job 'nobody'" in result.stderr
    assert definitions(world) == {}


def test_what_was_exported_is_applied_to_the_same_export(
    url: str, tmp_path: Path, world: World
) -> None:
    """Byte for byte, by way of a stream, a file, a folder and JSON."""
    world.add({**NIGHTLY, "description": "one\ntwo\n", "tags": ["no", "a b"]})
    world.add({**PLAIN, "retry": {"attempts": 2}, "name": "ä / b".replace("/", "&")})
    (tmp_path / "folder").mkdir()
    stream = solocron(url, "export").stdout
    assert solocron(url, "export", "-o", tmp_path / "file.yaml").exit_code == 0
    assert solocron(url, "export", "-o", tmp_path / "folder").exit_code == 0
    as_json = solocron(url, "export", "--format", "json").stdout
    assert solocron(url, "export", "--json").stdout == as_json
    assert (tmp_path / "file.yaml").read_text() == stream

    (tmp_path / "file.json").write_text(as_json)
    for source in ("file.yaml", "folder", "file.json"):
        empty = World()
        with served(empty.app) as address:
            assert solocron(address, "apply", "-f", tmp_path / source).exit_code == 0
            assert solocron(address, "export").stdout == stream


def test_an_export_holds_what_is_special_and_nothing_of_the_service(url: str, world: World) -> None:
    """No ids, revisions, instants or defaults; filters choose."""
    world.add({**NIGHTLY, "owner": "team", "tags": ["x"]})
    world.add(PLAIN)

    assert solocron(url, "export", "--owner", "team").stdout == (
        "name: nightly\nowner: team\ntags:\n  - x\nschedule: \"30 2 * * *\"\n"
        "target:\n  kind: http\n  url: https://example.com/\n"
    )  # fmt: skip
    assert solocron(url, "export", "--tag", "y").stdout == ""


def test_pruning_asks_and_takes_only_the_owners_jobs(url: str, file: Path, world: World) -> None:
    """Without --yes and a terminal nothing is deleted."""
    world.add({**PLAIN, "name": "old", "owner": "team"})
    world.add({**PLAIN, "name": "foreign", "owner": "others"})
    prune = ("apply", "-f", file, "--prune", "--owner", "team")

    refused = solocron(url, *prune)
    assert refused.exit_code == 1
    assert "say --yes" in refused.stderr
    assert definitions(world) == {"foreign": 1, "old": 1}

    assert solocron(url, *prune, "--yes").exit_code == 0
    assert definitions(world) == {"foreign": 1, "nightly": 1, "plain": 1}


@pytest.mark.parametrize(
    "arguments",
    [
        ("apply",),
        ("apply", "-f", "x", "--prune"),
        ("apply", "-f", "x", "--owner", "a"),
        ("apply", "-f", "missing.yaml"),
        ("export", "--format", "xml"),
        ("import", "crontab", "/missing"),
        ("import", "crontab", "-", "--timezone", "Mars/X"),
        ("import", "crontab", "-", "--apply", "--json"),
        ("import", "kala", "/missing"),
    ],
)
def test_wrong_options_end_with_1_because_2_means_differences(
    url: str, arguments: tuple[str, ...]
) -> None:
    """In words, never with a traceback."""
    result = solocron(url, *arguments)

    assert result.exit_code == 1
    assert result.stderr
    assert isinstance(result.exception, SystemExit)


def test_everything_can_be_had_as_one_json_object(url: str, file: Path, world: World) -> None:
    """For programs: changes, differences, counts, warnings and faults."""
    world.add(NIGHTLY)

    result = solocron(url, "apply", "-f", file, "--json")

    document = json.loads(result.stdout)
    assert document["changes"] == [
        {
            "action": "change",
            "name": "nightly",
            "differences": [{"field": "owner", "old": "", "new": "team"}],
        },
        {"action": "create", "name": "plain", "differences": []},
    ]
    assert (document["made"], document["unchanged"], document["faults"]) == (2, 0, [])


def test_a_change_by_somebody_else_in_between_is_not_undone(
    url: str, file: Path, world: World
) -> None:
    """The job is left as it is, the others are made, and the status is 1."""
    world.add(NIGHTLY)

    def interfere() -> None:
        world.executor.before = lambda: None
        response = world.send("PATCH", "/v1/jobs/nightly", {"owner": "somebody"})
        assert response.status_code == 200

    world.executor.before = interfere
    result = solocron(url, "apply", "-f", file)

    assert result.exit_code == 1
    assert "somebody else has changed it in the meantime; apply again" in result.stderr
    assert json_of(world.get("/v1/jobs/nightly"))["owner"] == "somebody"
    assert definitions(world)["plain"] == 1


def test_changes_that_are_answered_late_are_waited_for(url: str, file: Path, world: World) -> None:
    """Their outcome is asked for until it is there."""
    world.executor.silent = True

    result = solocron(url, "apply", "-f", file)

    assert result.exit_code == 0, result.output
    assert definitions(world) == {"nightly": 1, "plain": 1}


def test_nobody_executing_is_waited_for(url: str, file: Path, world: World) -> None:
    """503 is asked again, for longer than a failover takes."""
    world.executor.away = NoExecutor("no instance is executing")

    def recover() -> None:
        world.executor.away = None

    timer = threading.Timer(0.3, recover)
    timer.start()
    result = solocron(url, "apply", "-f", file)
    timer.join()

    assert result.exit_code == 0, result.output


def test_the_token_of_the_environment_is_sent(file: Path) -> None:
    """As a bearer; without one, a service that wants it is named."""
    app = Flask("strict")

    @app.get("/v1/jobs")
    def jobs() -> Response | tuple[dict[str, str], int]:
        from flask import request

        if request.headers.get("Authorization") != "Bearer s3cret":
            return {"detail": "who are you"}, 401
        return Response('{"items": [], "next": null}', mimetype="application/json")

    with served(app) as address:
        refused = solocron(address, "export")
        allowed = CliRunner().invoke(
            main, ["export", "--url", address], env={"SOLOCRON_TOKEN": "s3cret"}
        )

    assert refused.exit_code == 1
    assert "set SOLOCRON_TOKEN" in refused.stderr
    assert allowed.exit_code == 0


def test_a_crontab_is_applied_at_once(url: str, tmp_path: Path, world: World) -> None:
    """The report goes to standard error; what could not be taken makes the status 1."""
    crontab = tmp_path / "tab"
    crontab.write_text("# nightly report\n30 2 * * * /bin/report\n@reboot /bin/x\n")

    result = solocron(
        url, "import", "crontab", crontab, "--timezone", "UTC", "--owner", "ops", "--apply"
    )

    assert result.exit_code == 1
    assert f"{crontab}:3: refused: runs when cron starts" in result.stderr
    assert "1 jobs taken, 1 refused" in result.stderr
    job = json_of(world.get("/v1/jobs/nightly-report"))
    assert job["owner"] == "ops"
    assert job["target"]["argv"] == ["/bin/sh", "-c", "/bin/report"]


def test_an_import_is_a_file_that_apply_takes(url: str, tmp_path: Path, world: World) -> None:
    """From standard input to a file, and from there to the service; or all as one object."""
    text = "30 2 * * * /bin/report\n"
    arguments = ("import", "crontab", "-", "--timezone", "Europe/Berlin")

    written = solocron(url, *arguments, "-o", tmp_path / "jobs.yaml", input=text)
    assert written.exit_code == 0, written.output
    assert solocron(url, "apply", "-f", tmp_path / "jobs.yaml").exit_code == 0
    assert definitions(world) == {"report": 1}

    report = json.loads(solocron(url, *arguments, "--json", input=text).stdout)
    assert [job["name"] for job in report["jobs"]] == ["report"]
    assert {note["code"] for note in report["notes"]} >= {"missed", "output"}


def test_kala_is_asked_where_it_runs(url: str, world: World) -> None:
    """At its own address, whose answer is a map of jobs."""
    app = Flask("kala")

    @app.get("/api/v1/job/")
    def jobs() -> dict[str, Any]:
        job = {"name": "k", "command": "true", "schedule": "R/2020-01-01T00:00:00Z/PT1H"}
        return {"jobs": {"id-1": job}}

    with served(app) as address:
        result = solocron(url, "import", "kala", address, "--tag", "kala", "--apply")

    assert result.exit_code == 0, result.output
    assert json_of(world.get("/v1/jobs/k"))["tags"] == ["kala"]


def test_simple_scheduler_is_asked_where_it_runs(url: str) -> None:
    """With or without the end of its base address."""
    app = Flask("simple")

    @app.get("/api/jobs")
    def jobs() -> list[dict[str, Any]]:
        return [{"name": "s", "nextRunAt": "2026-12-01T00:00:00Z", "interval": 1000}]

    with served(app) as address:
        for base in (address, f"{address}/api"):
            result = solocron(url, "import", "simple-scheduler", base)
            assert result.exit_code == 0, result.output
            assert "kind: message" in result.stdout


@pytest.mark.parametrize("command", ["apply", "export", "import crontab", "import kala"])
def test_every_command_shows_examples(url: str, command: str) -> None:
    """In its help."""
    assert "Examples:" in solocron(url, *command.split(), "--help").stdout
