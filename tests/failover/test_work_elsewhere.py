"""Work that goes on elsewhere, while the executor that had it started is killed."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.failover.cluster import Cluster, Leader, Member
from tests.failover.served import PATIENCE_S
from tests.fakes.recording_target import Request
from tests.waiting import eventually


def _hand_over(cluster: Cluster, leader: Leader, **fields: Any) -> tuple[Request, str]:
    """Run a job whose service answers 202; return the request and the run, once that is known."""
    target = {"kind": "http", "url": f"{cluster.target.url}/status/202", "callback": True}
    job = {"name": "import", "target": target, **fields}
    served = leader.member.served
    status, answer = served.request("POST", "/v1/jobs", job)
    assert status == HTTPStatus.CREATED, answer
    status, run = served.request("POST", "/v1/jobs/import/trigger")
    assert status == HTTPStatus.CREATED, run

    eventually(
        lambda: _run(leader.member, run["id"])["remote"], PATIENCE_S, "the run is handed over"
    )
    return _requests(cluster)[0], run["id"]


def _run(member: Member, run_id: str) -> Any:
    status, run = member.served.request("GET", f"/v1/runs/{run_id}")
    assert status == HTTPStatus.OK, run
    return run


def _call_back(member: Member, request: Request, document: Any) -> tuple[int, Any]:
    """Report to another instance than the one that is named, by path and token of the request."""
    path = urlsplit(request.headers["x-solocron-callback"]).path
    token = {"X-Solocron-Token": request.headers["x-solocron-token"]}
    return member.served.request("POST", path, document, token)


def _kill(cluster: Cluster, leader: Leader) -> Member:
    """Kill the executor with -9; return the instance that executes after it."""
    leader.member.kill()
    (other,) = [member for member in cluster.members if member is not leader.member]
    cluster.await_term_after(leader.term)
    return other


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_a_run_ends_as_its_service_says_although_its_executor_was_killed(
    make_cluster: Callable[..., Cluster],
) -> None:
    """The call-back goes through another instance; the service is asked once, nothing is lost."""
    cluster = make_cluster(size=2)
    cluster.add_job("ticks", 1)
    leader = cluster.leader()
    request, run_id = _hand_over(cluster, leader)

    other = _kill(cluster, leader)
    going_on = _run(other, run_id)
    assert _call_back(other, request, {"progress": {"done": 1}})[0] == HTTPStatus.OK
    status, run = _call_back(other, request, {"state": "succeeded", "details": {"rows": 7}})

    assert (going_on["state"], going_on["remote"]) == ("running", True)
    assert (status, run["state"], run["details"]) == (HTTPStatus.OK, "succeeded", {"rows": 7})
    assert run["term"] > leader.term
    again, _ = _call_back(other, request, {"state": "succeeded"})
    otherwise, _ = _call_back(other, request, {"state": "failed"})
    assert (again, otherwise) == (HTTPStatus.OK, HTTPStatus.CONFLICT)
    assert len(_requests(cluster)) == 1
    assert _run(other, run_id)["attempt"] == 1


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_a_service_that_fell_silent_is_asked_again_by_whoever_executes(
    make_cluster: Callable[..., Cluster],
) -> None:
    """The executor that had heard of it last is dead; silence counts from the takeover."""
    cluster = make_cluster(size=2)
    cluster.add_job("ticks", 1)
    leader = cluster.leader()
    request, run_id = _hand_over(cluster, leader, heartbeat_timeout="3s", retrigger=1)

    other = _kill(cluster, leader)
    eventually(lambda: len(_requests(cluster)) == 2, PATIENCE_S, "the same run is sent again")
    status, run = _call_back(other, request, {"state": "succeeded"})

    assert (status, run["state"], run["attempt"]) == (HTTPStatus.OK, "succeeded", 2)
    assert _run(other, run_id)["retriggers"] == 1


def _requests(cluster: Cluster) -> list[Request]:
    """Return what the service was asked."""
    return [request for request in cluster.starts() if request.path == "/status/202"]
