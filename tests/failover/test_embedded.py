"""The embedded default under -9: no server, one data folder, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from random import Random
from threading import Event, Thread
from time import monotonic
from uuid import uuid4

import pytest

from tests.failover.cluster import Cluster, median


class _Creator(Thread):
    """Creates jobs all the time and remembers which were acknowledged."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(daemon=True)
        self._cluster = cluster
        self.stop = Event()
        self.acknowledged: list[str] = []

    def run(self) -> None:
        while not self.stop.wait(0.05):
            name = f"created-{uuid4().hex[:8]}"
            target = {"kind": "command", "command": "true"}
            try:
                status, _ = self._cluster.members[0].served.request(
                    "POST", "/v1/jobs", {"name": name, "target": target}
                )
            except (OSError, AssertionError, ValueError):
                continue
            if status == HTTPStatus.CREATED:
                self.acknowledged.append(name)


@pytest.mark.parametrize(
    "kills", [pytest.param(5, id="short"), pytest.param(50, id="long", marks=pytest.mark.long)]
)
@pytest.mark.timeout(900)
def test_killing_everything_at_random_moments_loses_nothing(
    make_embedded: Callable[..., Cluster], kills: int
) -> None:
    """No acknowledged job is lost, no slot runs twice, and none is unaccounted for."""
    random = Random(kills)
    cluster = make_embedded(size=1)
    for number in range(10):
        cluster.add_job(f"steady-{number}", 1)
    creator = _Creator(cluster)
    creator.start()
    (member,) = cluster.members
    for _ in range(kills):
        moment = monotonic() + random.uniform(0.5, 2.5)
        cluster.await_firing(moment)
        member.kill()
        member.start()
        cluster.leader()
    creator.stop.set()
    creator.join(30)
    cluster.await_accounted(60)

    names = {name for name, _ in cluster.store.descriptions()}
    print(len(creator.acknowledged), "jobs acknowledged")
    assert set(creator.acknowledged) <= names
    assert len(creator.acknowledged) > kills
    assert cluster.double_starts() == []


@pytest.mark.alone
@pytest.mark.timeout(240)
def test_of_two_instances_on_one_folder_one_executes_and_the_other_takes_over_at_once(
    make_embedded: Callable[..., Cluster],
) -> None:
    """The lock is the kernel's: it falls with the process, and the other has it in a moment."""
    cluster = make_embedded(size=2)
    cluster.add_job("steady", 1)
    gaps = []
    for _ in range(3):
        leader = cluster.leader()
        cluster.await_firing(monotonic() + 1)
        killed_at = monotonic()
        leader.member.kill()
        cluster.leader(other_than=leader.term)
        gaps.append(monotonic() - killed_at)
        leader.member.start().served.await_executing()
    cluster.await_accounted()

    print("takeovers (s):", [round(gap, 3) for gap in gaps])
    assert median(gaps) < 1.0
    assert cluster.double_starts() == []
