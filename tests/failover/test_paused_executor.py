"""The executor stands still for longer than anybody waits, and then goes on: the zombie."""

from __future__ import annotations

import signal
from collections.abc import Callable
from time import monotonic

import pytest

from tests.failover.cluster import Cluster
from tests.waiting import eventually


@pytest.mark.parametrize(
    "stopped_s",
    [pytest.param(20.0, id="short"), pytest.param(60.0, id="long", marks=pytest.mark.long)],
)
@pytest.mark.timeout(240)
def test_an_executor_that_was_paused_starts_nothing_after_waking(
    make_cluster: Callable[..., Cluster], stopped_s: float
) -> None:
    """Another takes over while it stands still; awake, it finds its term over before it acts."""
    cluster = make_cluster()
    for number in range(5):
        cluster.add_job(f"steady-{number}", 1)
    leader = cluster.leader()
    cluster.await_firing()
    process = leader.member.executor_process()

    stopped_at = monotonic()
    process.send_signal(signal.SIGSTOP)
    successor = cluster.leader(other_than=leader.term, timeout_s=stopped_s + 10)
    cluster.await_firing(stopped_at + stopped_s, stopped_s + 20)
    woken_at = monotonic()
    process.send_signal(signal.SIGCONT)
    eventually(lambda: "newer term exists" in leader.member.served.log, 20, "it steps down")
    cluster.await_firing(woken_at + 5)
    cluster.await_accounted()

    late = [
        start
        for start in cluster.starts()
        if start.at > woken_at and int(start.headers["x-solocron-term"]) == leader.term
    ]
    assert successor.member is not leader.member
    assert late == []
    assert cluster.double_starts() == []
