"""The primary of a three-node replica set is killed under load."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from time import monotonic

import pytest

from tests.failover.cluster import Cluster
from tests.servers.mongodb import MongoDB
from tests.waiting import eventually


def _create(cluster: Cluster, name: str) -> bool:
    definition = {"name": name, "target": {"kind": "command", "command": "true"}}
    status, _ = cluster.request("PUT", f"/v1/jobs/{name}", definition)
    return status in {HTTPStatus.CREATED, HTTPStatus.OK}


@pytest.mark.parametrize(
    "kills", [pytest.param(1, id="short"), pytest.param(4, id="long", marks=pytest.mark.long)]
)
@pytest.mark.timeout(420)
def test_losing_the_primary_loses_no_acknowledged_write_and_no_slot(
    make_cluster: Callable[..., Cluster], kills: int
) -> None:
    """Dispatch stops while there is no primary and catches up; nothing is lost or doubled."""
    with MongoDB(3) as mongodb:
        uri = mongodb.uri.replace("/?", "/solocron?")
        cluster = make_cluster(mongodb_uri=uri)
        for number in range(10):
            cluster.add_job(f"steady-{number}", 1)
        acknowledged: list[str] = []
        for kill in range(kills):
            since = monotonic()
            cluster.await_firing(since + 3, 60)
            primary = mongodb.primary()
            primary.kill()
            killed_at = monotonic()

            for number in range(5):
                name = f"during-{kill}-{number}"
                eventually(
                    partial(_create, cluster, name), 90, "a change is applied", ignoring=(OSError,)
                )
                acknowledged.append(name)
            again = cluster.await_firing(killed_at + 5, 90)
            print(f"changes and starts again {again.at - killed_at:.1f} s after the kill")
            primary.start()
            mongodb.secondaries()
        cluster.await_accounted(60)

        names = {name for name, _ in cluster.store.descriptions()}
        assert set(acknowledged) <= names
        assert cluster.double_starts() == []
