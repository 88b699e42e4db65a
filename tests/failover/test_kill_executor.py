"""The executor killed with -9, again and again, under load."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from time import monotonic

import pytest

from tests.failover.cluster import Cluster, median
from tests.waiting import eventually


def _kill_repeatedly(cluster: Cluster, kills: int, apart_s: float) -> list[float]:
    """Kill whoever executes, *kills* times; return each gap until the successor's first start."""
    gaps = []
    random = Random(kills)
    for _ in range(kills):
        leader = cluster.leader()
        begun = monotonic()
        # Jobs are due at whole seconds: strike anywhere between two of them.
        moment = begun + apart_s / 2 + random.uniform(0.0, 1.0)
        eventually(partial(_has_come, moment), apart_s * 2, "the moment to kill")
        killed_at = monotonic()
        leader.member.kill()
        first = cluster.await_term_after(leader.term)
        gaps.append(first.at - killed_at)
        leader.member.start()
        cluster.await_firing(begun + apart_s)
    return gaps


def _has_come(moment: float) -> bool:
    return monotonic() >= moment


@pytest.mark.parametrize(
    ("minutely", "secondly", "kills", "apart_s"),
    [
        pytest.param(60, 20, 3, 6.0, id="short"),
        pytest.param(300, 50, 10, 18.0, id="long", marks=pytest.mark.long),
    ],
)
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_killing_the_executor_neither_doubles_nor_loses_a_slot(
    make_cluster: Callable[..., Cluster],
    minutely: int,
    secondly: int,
    kills: int,
    apart_s: float,
) -> None:
    """Every slot has one row and at most one start; a successor starts runs within a second."""
    cluster = make_cluster()
    for number in range(minutely):
        cluster.add_job(f"minutely-{number}", 60, number % 60)
    for number in range(secondly):
        cluster.add_job(f"secondly-{number}", 1)

    gaps = _kill_repeatedly(cluster, kills, apart_s)
    cluster.await_accounted()

    print("gaps (s):", [round(gap, 3) for gap in gaps])
    assert cluster.double_starts() == []
    assert median(gaps) < 1.0
    assert max(gaps) < 3.0
