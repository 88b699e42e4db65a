"""/ui/runs/{run}: what the run sent or started."""

from __future__ import annotations

from typing import Any

import pytest

from executor.domain.job import definition_from_document
from executor.domain.run import RunState
from tests.web.guarded import ADMIN, GuardedWorld
from tests.web.reading import BROWSER, check_page, read, visit
from tests.web.world import PLAIN, World, json_of
from web.ui.sent import LONGEST

REQUEST = {
    "kind": "http",
    "url": "https://example.com/{{ run.id }}",
    "headers": {"Authorization": "Bearer {{ secret.KEY }}"},
    "body": '{"job": {{ job.name | json }}}',
}


def ran(world: World, run: str = "r1", **facts: Any) -> None:
    """Put a run of ``plain`` that has begun."""
    job = json_of(world.get("/v1/jobs/plain"))
    world.put_run(
        run,
        **{"job_id": job["id"], "started_at": world.clock.now(), "revision": 1, **facts},
    )


def test_a_request_is_shown_with_its_answer(world: World) -> None:
    """As it was sent: filled in, but for the secrets, of which the names stand there."""
    world.add(PLAIN, target=REQUEST)
    ran(world, http_status=404, state=RunState.FAILED)

    shown = read(world, "/ui/runs/r1")

    assert "Answer, HTTP 404" in shown
    assert (
        "POST https://example.com/r1 Authorization: Bearer [secret KEY] "
        '{"job": "plain"} Answered by'
    ) in shown
    check_page(visit(world, "/ui/runs/r1"))


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (
            {"kind": "command", "command": "echo {{ job.name }}", "env": {"A": "b c"}},
            "Command at revision 1, filled in for this run A='b c' echo plain Answered by",
        ),
        ({"kind": "command", "argv": ["echo", "a b"], "cwd": "/srv"}, "cd /srv echo 'a b'"),
        (
            {"kind": "python", "callable": "shop.jobs:invoices", "arguments": {"day": 1}},
            'Call at revision 1, filled in for this run shop.jobs:invoices { "day": 1 }',
        ),
        ({"kind": "message", "arguments": {"of": "{{ run.id }}"}}, '{ "of": "r1" }'),
        (
            {"kind": "http", "url": "{{ secret.ADDRESS }}"},
            "POST {{ secret.ADDRESS }} Answered by",
        ),
    ],
)
def test_what_was_started_is_shown(world: World, target: dict[str, Any], told: str) -> None:
    """Of each kind; what cannot be filled in without a secret, as it is written."""
    world.put_job("plain", definition=definition_from_document({**PLAIN, "target": target}))
    ran(world)

    assert told in read(world, "/ui/runs/r1")


def test_what_was_sent_is_that_of_its_revision(world: World) -> None:
    """Whatever the job has become since; of a revision that is gone nothing is made up."""
    world.add(PLAIN, target={**REQUEST, "url": "https://example.com/then"})
    world.send("PATCH", "/v1/jobs/plain", {"target": {"url": "https://example.com/now"}})
    for run, revision in (("r1", 1), ("r2", 2), ("r3", 7)):
        ran(world, run, revision=revision)

    assert "https://example.com/then" in read(world, "/ui/runs/r1")
    assert "https://example.com/now" in read(world, "/ui/runs/r2")
    assert "https://example.com/" not in read(world, "/ui/runs/r3")


def test_a_run_that_never_began_sent_nothing(world: World) -> None:
    """The page of a skipped run shows no request."""
    world.add(PLAIN, target=REQUEST)
    ran(world, started_at=None, state=RunState.SKIPPED)

    assert "https://example.com/" not in read(world, "/ui/runs/r1")


def test_a_long_body_is_cut(world: World) -> None:
    """The page stays small."""
    world.add(PLAIN, target={**REQUEST, "body": "x" * 500_000})
    ran(world)

    page = visit(world, "/ui/runs/r1")

    assert LONGEST > page.count("x") > LONGEST // 2
    check_page(page)


def test_who_may_see_runs_only_does_not_see_what_jobs_are() -> None:
    """A definition is for those who may read jobs."""
    world = GuardedWorld()
    world.ask(ADMIN, "POST", "/v1/jobs", PLAIN)
    job = json_of(world.ask(ADMIN, "GET", "/v1/jobs/plain"))
    world.put_run("r1", job_id=job["id"], started_at=world.clock.now(), revision=1)

    def page(*scopes: str) -> str:
        headers = {**BROWSER, "Authorization": f"Bearer {world.token(*scopes)}"}
        return world.client.get("/ui/runs/r1", headers=headers).text

    assert "POST https://example.com/" in page("runs:read", "jobs:read")
    assert "POST https://example.com/" not in page("runs:read")
