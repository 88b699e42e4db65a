"""SIGTERM to the executor: the platform deploys a new version."""

from __future__ import annotations

import signal
from collections.abc import Callable
from http import HTTPStatus
from time import monotonic
from typing import Any

import pytest

from tests.failover.cluster import Cluster
from tests.waiting import eventually


@pytest.mark.alone
@pytest.mark.timeout(240)
def test_on_sigterm_a_successor_executes_at_once_and_running_work_is_finished(
    make_cluster: Callable[..., Cluster],
) -> None:
    """The token moves within half a second; a run in progress ends and is recorded."""
    cluster = make_cluster()
    cluster.add_job("steady", 1)
    target = {"kind": "command", "command": "bash -c 'echo begun; sleep 4; echo ended'"}
    status, answer = cluster.request("POST", "/v1/jobs", {"name": "long", "target": target})
    assert status == HTTPStatus.CREATED, answer
    leader = cluster.leader()
    status, run = cluster.request("POST", "/v1/jobs/long/trigger")
    assert status == HTTPStatus.CREATED, run
    path = f"/v1/runs/{run['id']}"
    eventually(
        lambda: cluster.request("GET", path)[1]["state"] == "running", 10, "the long run runs"
    )
    others = [member for member in cluster.members if member is not leader.member]

    asked_at = monotonic()
    leader.member.served.process.send_signal(signal.SIGTERM)

    def successor() -> Any:
        executor = others[0].served.request("GET", "/v1/status")[1]["executor"]
        return executor if executor and executor["term"] > leader.term else None

    eventually(successor, 10, "a successor executes")
    took = monotonic() - asked_at
    ended = leader.member.served.await_end()
    document = others[1].served.request("GET", path)[1]
    cluster.await_accounted()

    print(f"successor after {took:.3f} s")
    assert took < 0.5
    assert ended == 0
    assert document["state"] == "succeeded"
    assert document["term"] == leader.term
    assert cluster.double_starts() == []


@pytest.mark.timeout(240)
def test_work_that_outlasts_the_grace_period_is_cancelled_and_repeated(
    make_cluster: Callable[..., Cluster],
) -> None:
    """At the end of the grace period the run is cancelled(shutdown) and run again elsewhere."""
    cluster = make_cluster(settings={"SOLOCRON_GRACE": "2s"}, size=2)
    target = {"kind": "command", "command": "sleep 30"}
    cluster.request("POST", "/v1/jobs", {"name": "long", "target": target})
    leader = cluster.leader()
    status, run = cluster.request("POST", "/v1/jobs/long/trigger")
    assert status == HTTPStatus.CREATED, run
    (other,) = [member for member in cluster.members if member is not leader.member]

    def runs() -> list[dict[str, Any]]:
        return list(other.served.request("GET", "/v1/jobs/long/runs")[1]["items"])

    eventually(lambda: runs()[0]["state"] == "running", 10, "the run runs")
    leader.member.served.process.send_signal(signal.SIGTERM)
    eventually(lambda: len(runs()) == 2 and runs()[0]["state"] == "running", 20, "it runs again")
    again, first = runs()

    assert (first["state"], first["reason"]) == ("cancelled", "shutdown")
    assert (again["cause"], again["attempt"]) == ("retrigger", 2)
    assert again["trigger_id"] == first["id"]
