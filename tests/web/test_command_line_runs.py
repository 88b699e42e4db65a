"""``solocron runs``, ``backfill`` and ``status``, against an instance that serves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from executor.domain.run import Cause, Output, Reason, RunState
from tests.web.command_line import solocron
from tests.web.serving import served
from tests.web.world import INSTANCE, NIGHTLY, World, json_of

#: Seconds for a process of its own, on a machine with much else to do.
PATIENCE_S = 60


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """Return the address at which the world is served."""
    with served(world.app) as address:
        yield address


def test_runs_are_listed_the_newest_first(url: str, world: World) -> None:
    """With the reason of their state, and filtered by the service."""
    world.put_run("r1")
    world.clock.advance(60)
    world.put_run("r2", state=RunState.SKIPPED, reason=Reason.OVERLAP)

    lines = solocron(url, "runs", "list").stdout.splitlines()

    assert [line.split()[0] for line in lines] == ["RUN", "r2", "r1"]
    assert "skipped (overlap)" in lines[1]
    assert "r1" not in solocron(url, "runs", "list", "--state", "skipped").stdout


def test_a_state_that_is_none_is_refused(url: str) -> None:
    """The service says which there are."""
    result = solocron(url, "runs", "list", "--state", "fine")

    assert result.exit_code == 1
    assert "state: must be one of pending" in result.stderr


def test_a_run_is_shown_by_its_id_or_its_job(url: str, world: World) -> None:
    """Of a job the newest."""
    job = world.add(NIGHTLY)
    world.put_run("r1", job_id=job["id"], job="nightly", exit_code=3)

    for key in ("r1", "nightly"):
        shown = solocron(url, "runs", "show", key).stdout
        assert "exit_code  3" in " ".join(shown.split()).replace("exit_code 3", "exit_code  3")
    assert "neither a run nor a job 'x'" in solocron(url, "runs", "show", "x").stderr


def test_a_job_without_runs_has_none_to_show(url: str, world: World) -> None:
    """It says so, with status 1."""
    world.add(NIGHTLY)

    result = solocron(url, "runs", "logs", "nightly")

    assert result.exit_code == 1
    assert "has not run yet" in result.stderr


def test_runs_are_cancelled_one_by_one(url: str, world: World) -> None:
    """One that is over keeps no other from it."""
    world.put_run("r1", state=RunState.RUNNING)
    world.put_run("r2")

    result = solocron(url, "runs", "cancel", "r2", "r1")

    assert result.exit_code == 1
    assert "r2: the run is succeeded" in result.stderr
    assert result.stdout == "r1 of plain is cancelling\n"


def test_the_newest_run_of_a_job_is_cancelled_by_the_jobs_name(url: str, world: World) -> None:
    """As it is shown and followed; what is neither is told apart."""
    job = world.add()
    world.put_run("r1", job_id=job["id"], state=RunState.RUNNING)

    result = solocron(url, "runs", "cancel", "plain", "nobody")

    assert result.exit_code == 1
    assert result.stdout == "r1 of plain is cancelling\n"
    assert "nobody: there is neither a run nor a job 'nobody'" in result.stderr


def test_the_output_is_printed_as_it_was_said(url: str, world: World) -> None:
    """And nothing else, unless something is missing."""
    world.put_run("r1", output=Output(head="one\ntwo\n", size=8))
    world.put_run("r2", output=Output(head="a\n", tail="z\n", size=104))

    assert solocron(url, "runs", "logs", "r1").stdout == "one\ntwo\n"
    assert solocron(url, "runs", "logs", "r2").stdout == (
        "a\n\n[solocron: about 100 bytes are missing here]\nz\n"
    )


@pytest.mark.parametrize(("state", "status"), [(RunState.SUCCEEDED, 0), (RunState.FAILED, 1)])
def test_a_followed_run_says_how_it_ended(
    url: str, world: World, state: RunState, status: int
) -> None:
    """What it said on standard output, its end beside it, and in the status."""
    world.put_run("r1", state=state, output=Output(head="one\ntwo", size=7))

    result = solocron(url, "runs", "logs", "-f", "r1")

    assert result.exit_code == status, result.output
    assert result.stdout == "one\ntwo\n"
    assert result.stderr == f"solocron: the run is over: {state}\n"


def test_a_dry_backfill_shows_what_would_be_run(url: str, world: World) -> None:
    """Status 2 if there is anything, and nothing is changed."""
    world.add(NIGHTLY)
    since, until = (world.later(days=day).strftime("%Y-%m-%dT00:00:00Z") for day in (-3, -1))

    result = solocron(url, "backfill", "nightly", "--from", since, "--to", until, "--dry-run")

    assert result.exit_code == 2, result.output
    assert "2 of 2 would be run." in result.stdout
    assert json_of(world.get("/v1/runs"))["items"] == []


def test_a_backfill_tells_how_many_runs_there_are(url: str, world: World) -> None:
    """Without waiting for them, if so asked."""
    world.add(NIGHTLY)
    since, until = (world.later(days=day).strftime("%Y-%m-%dT00:00:00Z") for day in (-3, -1))
    words = ("backfill", "nightly", "--from", since, "--to", until)

    result = solocron(url, *words, "--no-wait")
    again = solocron(url, *words, "--no-wait", "--json")

    assert result.exit_code == 0, result.output
    assert result.stdout == "2 runs wait for their turns.\n"
    assert json.loads(again.stdout) == {"slots": 2, "backfilled": 0, "recorded": 2}


def test_a_backfill_waits_for_its_runs(url: str, world: World) -> None:
    """And its status tells whether all of them have succeeded."""
    job = world.add(NIGHTLY)
    world.executor.backfilled = RunState.FAILED
    since, until = (world.later(days=day).strftime("%Y-%m-%dT00:00:00Z") for day in (-3, -1))

    result = solocron(url, "backfill", "nightly", "--from", since, "--to", until)

    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "2 failed"
    runs = json_of(world.get(f"/v1/jobs/{job['id']}/runs"))["items"]
    assert {run["cause"] for run in runs} == {Cause.BACKFILL}


def test_the_status_tells_who_executes(url: str, world: World) -> None:
    """Status 0 while somebody does, else 1."""
    world.clear()
    world.beat(INSTANCE, "executing")

    executing = solocron(url, "status")
    world.clock.advance(60)
    nobody = solocron(url, "status")

    assert executing.exit_code == 0
    assert f"{INSTANCE}, term 1" in executing.stdout
    assert nobody.exit_code == 1
    assert "no_executor" in nobody.stdout


def test_a_watch_goes_on_until_it_is_ended(url: str, world: World) -> None:
    """Ctrl-C is the usual way, and no fault."""
    world.clear()
    command = [sys.executable, "-m", "executor.cli", "status", "--watch", "--url", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=dict(os.environ)) as watching:
        assert watching.stdout is not None
        first = watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        status = watching.wait(PATIENCE_S)

    assert first.split() == [b"state", b"executing"]
    assert status == 0
