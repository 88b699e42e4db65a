"""/ping/{key}: whoever runs a watched job says how it goes."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from executor.domain.command import CommandKind
from executor.domain.errors import BrokerUnavailable, NoExecutor
from executor.domain.watch import MOST_BODY
from tests.web.guarded import GuardedWorld
from tests.web.world import PLAIN, World, faults_of, json_of, problem_of
from web.services import MOST_PINGS, PING_EVERY_S

WATCHED = {"name": "backup", "target": {"kind": "watched"}, "schedule": "0 2 * * *"}

RID = "6C1A3D4E-0000-4000-8000-000000000001"


@pytest.fixture
def url(world: World) -> str:
    """Return the address of a watched job's pings."""
    address: str = world.add(WATCHED)["ping_url"]
    world.executor.received.clear()
    return address


def said(world: World) -> dict[str, Any]:
    """Return what the only command carries."""
    (asked,) = world.executor.received
    assert asked.kind is CommandKind.PING_JOB
    return asked.arguments


def ok(response: TestResponse) -> bool:
    return (response.status_code, response.mimetype) == (200, "text/plain")


@pytest.mark.parametrize(
    ("path", "signal", "code"),
    [
        ("", "success", None),
        ("/start", "start", None),
        ("/fail", "fail", None),
        ("/log", "log", None),
        ("/0", "success", 0),
        ("/137", "fail", 137),
    ],
)
def test_every_signal_is_passed_on(
    world: World, url: str, path: str, signal: str, code: int | None
) -> None:
    """As a command about the job, with the instant at which it was received."""
    response = world.client.post(url + path)

    assert ok(response)
    assert response.text == "OK"
    arguments = said(world)
    assert (arguments["signal"], arguments["exit_code"]) == (signal, code)
    (asked,) = world.executor.received
    assert asked.subject == json_of(world.get("/v1/jobs/backup"))["id"]
    assert (asked.sent_at, asked.repeatable) == (world.clock.now(), False)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", ["", "/start"])
def test_get_head_and_post_will_do(world: World, url: str, method: str, path: str) -> None:
    """Whatever somebody has at hand."""
    response = world.client.open(url + path, method=method)

    assert ok(response)
    assert response.text == ("" if method == "HEAD" else "OK")
    assert len(world.executor.received) == 1


def test_a_body_is_kept_whatever_it_is(world: World, url: str) -> None:
    """No media type is asked for; nor does it have to be text."""
    assert ok(world.client.post(f"{url}/log", data=b"half \xff done", content_type="image/png"))

    assert said(world)["output"] == {"head": "half \ufffd done", "tail": "", "size": 11}


def test_a_body_that_is_too_long_is_cut_and_never_refused(url: str) -> None:
    """Also one that is longer than any request may be."""
    world = World(max_body=1_000)
    url = world.add(WATCHED)["ping_url"]
    world.executor.received.clear()

    assert ok(world.client.post(url, data=b"x" * 5_000))

    assert said(world)["output"] == {"head": "x" * 1_001, "tail": "", "size": 1_001}


def test_of_a_long_body_both_ends_are_kept(world: World, url: str) -> None:
    """As much as is kept of a ping."""
    assert ok(world.client.post(url, data=b"a" * MOST_BODY + b"z"))

    output = said(world)["output"]
    assert (len(output["head"]), output["tail"][-1]) == (MOST_BODY // 2, "z")


def test_runs_are_told_apart_by_an_id(world: World, url: str) -> None:
    """A UUID in any form, or a problem that says so."""
    assert ok(world.get(f"{url}/start?rid={RID}"))
    assert said(world)["rid"] == RID.lower()

    assert "rid" in faults_of(world.get(f"{url}?rid=mine"), 400)
    assert "run" in faults_of(world.get(f"{url}?run=mine"), 400)


def test_an_address_that_says_nothing_is_refused(world: World, url: str) -> None:
    """400 says what may stand there."""
    for signal in ("256", "done", "-1"):
        assert "start, fail, log" in faults_of(world.get(f"{url}/{signal}"), 400)["signal"]
    assert world.executor.received == []


def test_a_key_may_be_written_in_any_form(world: World, url: str) -> None:
    """Of a UUID; a client may have tidied it up."""
    key = url.rpartition("/")[2]

    assert ok(world.get(f"/ping/{key.upper()}"))
    assert ok(world.get(f"/ping/{key.replace('-', '')}"))


def test_who_does_not_know_the_key_is_told_nothing(world: World, url: str) -> None:
    """Neither an id nor a name will do, and all are answered alike."""
    job = json_of(world.get("/v1/jobs/backup"))
    other = world.add(PLAIN)
    answers = {
        world.get(f"/ping/{key}").text
        for key in (job["id"], "backup", other["id"], RID, "x", "%00", "é" * 100)
    }

    assert len(answers) == 1
    problem_of(world.get(f"/ping/{RID}"), 404)
    assert [one.kind for one in world.executor.received] == [CommandKind.CREATE_JOB]


def test_a_job_that_is_watched_no_more_is_pinged_no_more(world: World, url: str) -> None:
    """Until it is again: then its address is what it was."""
    world.send("PUT", "/v1/jobs/backup", {**PLAIN, "name": "backup"})
    assert json_of(world.get("/v1/jobs/backup"))["ping_url"] is None
    problem_of(world.get(url), 404)

    watched = {**WATCHED, "target": {"kind": "watched", "grace": "1h"}}
    world.send("PUT", "/v1/jobs/backup", watched)

    assert json_of(world.get("/v1/jobs/backup"))["ping_url"] == url
    assert ok(world.get(url))


def test_a_ping_is_taken_while_nobody_executes(world: World, url: str) -> None:
    """It is on the queue; without a queue it has to be sent again."""
    world.executor.away = NoExecutor("nobody")
    assert ok(world.get(url))

    world.executor.away = BrokerUnavailable("no broker")
    response = world.get(url)
    problem_of(response, 503)
    assert "Retry-After" in response.headers


def test_a_job_that_is_pinged_without_end_has_to_wait(world: World, url: str) -> None:
    """429 says how long; other jobs are not concerned."""
    other = world.add({**WATCHED, "name": "other"})["ping_url"]
    for _ in range(MOST_PINGS):
        assert ok(world.get(url))

    response = world.get(url)
    problem_of(response, 429)
    assert response.headers["Retry-After"] == str(int(PING_EVERY_S))
    assert ok(world.get(other))
    world.clock.advance(PING_EVERY_S)
    assert ok(world.get(url))


# The address ------------------------------------------------------------------------------


def test_the_address_survives_every_change(world: World, url: str) -> None:
    """Until somebody asks for another one."""
    changed = json_of(world.send("PATCH", "/v1/jobs/backup", {"description": "new"}))

    rotated = json_of(world.post("/v1/jobs/backup/ping_url"))

    assert changed["ping_url"] == url
    assert rotated["ping_url"] not in (None, url)
    assert rotated["revision"] == changed["revision"] + 1
    problem_of(world.get(url), 404)
    assert ok(world.get(rotated["ping_url"]))


def test_what_get_shows_can_be_put_back(world: World, url: str) -> None:
    """The address is the service's to set, and ignored."""
    shown = json_of(world.get("/v1/jobs/backup"))

    response = world.send("PUT", "/v1/jobs/backup", {**shown, "ping_url": "/ping/mine"})

    assert json_of(response)["ping_url"] == url


def test_only_who_may_write_the_job_sees_its_address() -> None:
    """Also in lists; and of two jobs each sees his own."""
    world = GuardedWorld()
    admin = world.token("admin")
    for tag in ("a", "b"):
        document = {**WATCHED, "name": tag, "tags": [tag]}
        assert world.ask(admin, "POST", "/v1/jobs", document).status_code == 201

    def seen(*scopes: str) -> list[bool]:
        items = json_of(world.ask(world.token(*scopes), "GET", "/v1/jobs"))["items"]
        return [item["ping_url"] is not None for item in items]

    assert seen("jobs:write") == [True, True]
    assert seen("jobs:read") == [False, False]
    assert seen("jobs:read", "jobs:write#a") == [True, False]


def test_a_ping_needs_no_login() -> None:
    """The key is enough; it opens nothing else."""
    world = GuardedWorld()
    admin = world.token("admin")
    job = json_of(world.ask(admin, "POST", "/v1/jobs", WATCHED))

    assert ok(world.client.get(job["ping_url"]))
    assert world.client.get("/v1/jobs/backup").status_code == 401


def test_former_revisions_and_the_audit_do_not_tell_the_key(world: World, url: str) -> None:
    """They are for others than those who may write the job."""
    key = url.rpartition("/")[2]
    world.send("PATCH", "/v1/jobs/backup", {"description": "new"})

    for path in ("/v1/jobs/backup/revisions", "/v1/jobs/backup/revisions/1", "/v1/audit"):
        response = world.get(path)
        assert response.status_code == 200
        assert key not in response.text
