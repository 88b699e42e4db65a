"""Jobs as code on a real instance: order, references, the round trip, and how long it takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from executor.domain.yaml_text import to_yaml
from tests.failover.served import ROOT, Served
from tests.unit.crontab_corpus import crontab

#: As many jobs as one apply has to make in :data:`LIMIT_S` seconds.
MANY = 5_000
LIMIT_S = 10.0


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Served]:
    """Return an instance that executes, with nothing in it."""
    (tmp_path / "one").mkdir()
    with Served(tmp_path / "one") as served:
        yield served.await_executing()


def solocron(served: Served, *arguments: object, status: int = 0) -> str:
    """Run a command as a process and return what it printed."""
    argv = [sys.executable, "-m", "executor.cli", *map(str, arguments), "--url", served.url]
    ran = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == status, ran.stdout[-2_000:] + ran.stderr[-2_000:]
    return ran.stdout


def _command(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, **fields, "target": {"kind": "command", "command": "true"}}


def test_jobs_that_name_each_other_are_made_in_one_go_and_come_back(
    instance: Served, tmp_path: Path
) -> None:
    """Whatever their order in the file; an empty service makes the same export of it.

    With a chain of parents, a handler that follows its own job, and schedules that began, or
    were over, years ago.
    """
    jobs = [
        _command("z-child", after={"jobs": ["y-child", "a-job"]}),
        _command("y-child", after={"jobs": ["x-child"]}),
        _command("x-child", after={"jobs": ["a-job"]}),
        _command("a-job", on_failure="handler", schedule="R/2020-01-01T00:00:00Z/P1D"),
        _command("handler", after={"jobs": ["a-job"], "when": "failure"}),
        _command("over", schedule={"kind": "once", "at": "2020-01-01T00:00:00Z"}),
    ]
    (tmp_path / "jobs.yaml").write_text(to_yaml(jobs))

    solocron(instance, "apply", "-f", tmp_path / "jobs.yaml")

    assert "Nothing to do" in solocron(instance, "apply", "-f", tmp_path / "jobs.yaml")
    exported = solocron(instance, "export", "-o", tmp_path / "export.yaml")
    assert exported == ""
    (tmp_path / "two").mkdir()
    with Served(tmp_path / "two") as other:
        other.await_executing()
        solocron(other, "apply", "-f", tmp_path / "export.yaml")
        assert solocron(other, "export") == (tmp_path / "export.yaml").read_text()


def test_dependencies_may_be_turned_round_and_pruned(instance: Served, tmp_path: Path) -> None:
    """What was a parent becomes a child in one apply; then both go, and nobody else's job."""
    file = tmp_path / "jobs.yaml"
    mine = {"owner": "me"}
    file.write_text(to_yaml([_command("a", **mine), _command("b", after={"jobs": ["a"]}, **mine)]))
    solocron(instance, "apply", "-f", file)
    file.write_text(to_yaml([_command("a", after={"jobs": ["b"]}, **mine), _command("b", **mine)]))
    solocron(instance, "apply", "-f", file)
    assert "Nothing to do: 2 jobs" in solocron(instance, "apply", "-f", file)

    file.write_text(to_yaml([_command("kept")]))
    solocron(instance, "apply", "-f", file, "--prune", "--owner", "me", "--yes")

    assert solocron(instance, "export") == to_yaml([_command("kept")])


def test_a_thousand_lines_of_crontab_are_imported(instance: Served, tmp_path: Path) -> None:
    """All that can be taken is there; a second import finds nothing to do."""
    text, kinds = crontab(1_000, seed=7)
    (tmp_path / "tab").write_text(text)
    arguments = ("import", "crontab", tmp_path / "tab", "--timezone", "Europe/Berlin", "--apply")

    solocron(instance, *arguments, status=1)  # some lines cannot be taken

    taken = sum(kind.expression is not None for kind in kinds)
    status, page = instance.request("GET", "/v1/jobs?limit=1000")
    assert status == 200
    assert len(page["items"]) == taken
    assert "Nothing to do" in solocron(instance, *arguments, status=1)


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_five_thousand_jobs_are_applied_in_ten_seconds(instance: Served, tmp_path: Path) -> None:
    """From the start of the process to its end; the second time nothing is changed."""
    jobs = [
        {
            "name": f"job-{number:05}",
            "description": f"Number {number}",
            "tags": ["many"],
            "schedule": f"{number % 60} {number % 24} * * *",
            "target": {"kind": "http", "url": f"http://127.0.0.1:9/{number}"},
        }
        for number in range(MANY)
    ]
    (tmp_path / "jobs.yaml").write_text(to_yaml(jobs))
    times = []
    for _ in range(2):
        begun = monotonic()
        said = solocron(instance, "apply", "-f", tmp_path / "jobs.yaml")
        times.append(monotonic() - begun)
    print(f"{MANY:,} jobs: first {times[0]:.1f} s, second {times[1]:.1f} s")

    assert "Nothing to do: 5,000 jobs" in said
    assert max(times) < LIMIT_S
