"""``solocron why``, asked of an instance that serves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from click.testing import CliRunner, Result
from flask import Flask, Response

from executor.cli import main
from executor.domain.run import Cause, Reason, RunState
from tests.web.serving import served
from tests.web.world import NIGHTLY, PLAIN, World, json_of


@pytest.fixture
def url(world: World) -> Iterator[str]:
    """Return the address at which the world is served."""
    with served(world.app) as address:
        yield address


def why(url: str, *arguments: str) -> Result:
    """Run the command, told the address by the environment."""
    environ = {"SOLOCRON_URL": f"{url}/", "http_proxy": "http://127.0.0.1:9"}
    return CliRunner().invoke(main, ["why", *arguments], env=environ)


def test_it_tells_why_a_fire_time_was_skipped(world: World, url: str) -> None:
    """The sentence, the facts, status 0; no proxy stands between a machine and itself."""
    job = world.add({**NIGHTLY, "name": "nightly & more"})
    world.clock.advance(4 * 3600)
    world.put_run(
        "r1",
        job_id=job["id"],
        scheduled=True,
        cause=Cause.SCHEDULE,
        fire_at=world.later(hours=-1.5),
        state=RunState.SKIPPED,
        reason=Reason.OVERLAP,
    )

    result = why(url, "nightly & more", "--at", "2026-12-01T03:30:00+01:00")

    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("It was skipped: an earlier run of the job was unfinished")
    assert "r1, schedule, skipped (overlap)" in result.stdout
    assert "by executor-1, term 1" in result.stdout


def test_it_prints_what_the_api_answers(world: World, url: str) -> None:
    """With --json, for programs."""
    world.add(NIGHTLY)

    result = why(url, "nightly", "--at", "2026-12-05T02:30:00Z", "--json")

    answer = json_of(world.get("/v1/jobs/nightly/explain?at=2026-12-05T02:30:00Z"))
    assert json.loads(result.stdout) == answer


def test_without_an_instant_the_latest_fire_time_is_explained(world: World, url: str) -> None:
    """Which is what one asks for in the night; a job without any tells what it does."""
    world.add(NIGHTLY)
    world.add(PLAIN)
    world.clock.advance(4 * 3600)

    assert "instant  2026-12-01T02:30:00Z, a fire time" in why(url, "nightly").stdout
    assert "The job had no schedule then" in why(url, "plain").stdout


def test_wrong_options_end_it_with_1(url: str) -> None:
    """As all commands that talk to a service."""
    assert why(url).exit_code == 1


@pytest.mark.parametrize(
    ("job", "at", "says"),
    [
        ("nobody", "2026-12-05T02:30:00Z", "solocron: there is no job 'nobody'\n"),
        ("nightly", "tomorrow", "solocron: --at: 'tomorrow' is not an instant; write RFC 3339"),
        ("nightly", "2026-12-05T02:30:00", "add Z or an offset"),
    ],
)
def test_what_the_instance_refuses_is_told(
    world: World, url: str, job: str, at: str, says: str
) -> None:
    """In its own words, with status 1."""
    world.add(NIGHTLY)

    result = why(url, job, "--at", at)

    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("body", "status"),
    [("<html>", 200), ("{}", 200), ("[]", 200), ("<html>", 404), ("{}", 500), ("", 502)],
)
def test_another_service_is_not_mistaken_for_one(body: str, status: int) -> None:
    """Whatever answers there, the message says that it is no Solocron."""
    app = Flask("other")
    app.add_url_rule(
        "/<path:path>", view_func=lambda path: Response(body, HTTPStatus(status)), endpoint="any"
    )

    with served(app) as address:
        result = why(address, "nightly", "--at", "2026-12-05T02:30:00Z")

    assert result.exit_code == 1
    assert "no Solocron" in result.stderr
