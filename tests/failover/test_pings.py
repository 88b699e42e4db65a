"""Watched jobs on a real cluster: pings through a standby, and while nobody executes."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest

from tests.failover.cluster import Cluster, Member
from tests.failover.served import PATIENCE_S
from tests.waiting import eventually

#: Expected once an hour: by no slot within this test, so that each ping makes a run of its own.
HOURLY = {"name": "backup", "schedule": "59 * * * *", "target": {"kind": "watched", "grace": "1s"}}

#: Expected every second.
EAGER = {
    "name": "eager",
    "schedule": {"kind": "cron", "expression": "* * * * * *", "dialect": "cron6s"},
    "target": {"kind": "watched", "grace": "30s"},
}


def _watch(member: Member, document: dict[str, Any]) -> str:
    """Make a watched job; return the path of its pings."""
    status, job = member.served.request("POST", "/v1/jobs", document)
    assert status == HTTPStatus.CREATED, job
    path: str = "/ping/" + job["ping_url"].rpartition("/")[2]
    return path


def _ping(member: Member, path: str, body: str = "") -> str:
    """Ping as curl does."""
    data = body.encode() or None
    with urllib.request.urlopen(member.served.url + path, data, timeout=10) as answer:
        return str(answer.read().decode())


def _runs(member: Member, job: str) -> list[Any]:
    status, page = member.served.request("GET", f"/v1/jobs/{job}/runs")
    assert status == HTTPStatus.OK, page
    return list(page["items"])


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_pings_through_a_standby_reach_whoever_executes(
    make_cluster: Callable[..., Cluster],
) -> None:
    """Also those that came when nobody did: they are on the queue, and count when they came."""
    cluster = make_cluster(size=2)
    leader = cluster.leader()
    (standby,) = [member for member in cluster.members if member is not leader.member]
    path = _watch(standby, HOURLY)

    assert _ping(standby, f"{path}/start?rid=6c1a3d4e-0000-4000-8000-000000000001") == "OK"

    def running() -> Any:
        return next((run for run in _runs(standby, "backup") if run["state"] == "running"), None)

    begun = eventually(running, PATIENCE_S, "the run has begun")
    assert begun["details"]["rid"] == "6c1a3d4e-0000-4000-8000-000000000001"

    # Nobody executes from here on, until the standby notices.
    leader.member.kill()
    assert _ping(standby, f"{path}/7", "disk full\n") == "OK"

    def ended() -> Any:
        runs = _runs(standby, "backup")
        return runs[0] if runs[0]["finished_at"] else None

    run = eventually(ended, PATIENCE_S, "the ping is applied")
    assert (run["id"], run["state"], run["exit_code"]) == (begun["id"], "failed", 7)
    _, output = standby.served.request("GET", f"/v1/runs/{run['id']}/output")
    assert output["head"] == "disk full\n"


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_a_run_is_expected_and_then_ended_by_a_ping(make_cluster: Callable[..., Cluster]) -> None:
    """The first slot waits, and is what the first ping is about."""
    cluster = make_cluster(size=1)
    member = cluster.leader().member
    path = _watch(member, EAGER)

    def waiting() -> Any:
        return next((run for run in _runs(member, "eager") if run["waiting"] == "ping"), None)

    run = eventually(waiting, PATIENCE_S, "a run is expected")
    assert "ping_by" in run["details"]
    assert _ping(member, path) == "OK"

    def state() -> str:
        _, now = member.served.request("GET", f"/v1/runs/{run['id']}")
        return str(now["state"])

    eventually(lambda: state() == "succeeded", PATIENCE_S, "the run has succeeded")
