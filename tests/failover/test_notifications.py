"""Executors killed between the end of a run and what is to be told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from random import Random
from time import monotonic
from typing import Any

import pytest

from tests.failover.cluster import Cluster
from tests.fakes.recording_mailbox import dead_port
from tests.waiting import eventually

#: Jobs that fail each second.
JOBS = [f"failing-{number}" for number in range(5)]

#: Seconds in which what was told is delivered: a pause after a failed attempt, and a look.
PATIENCE_S = 60.0


def _put_channel(cluster: Cluster, url: str) -> None:
    _change(cluster, "PUT", "/v1/channels/ops", {"kind": "webhook", "url": f"{url}/hook"})


def _change(cluster: Cluster, method: str, path: str, document: dict[str, Any]) -> None:
    """Ask for a change until an instance has made it."""

    def ask() -> bool:
        status, _ = cluster.request(method, path, document)
        return status in {HTTPStatus.OK, HTTPStatus.CREATED}

    eventually(ask, PATIENCE_S, f"{method} {path}", ignoring=(OSError,))


def _all(cluster: Cluster, path: str) -> list[dict[str, Any]]:
    """Return every item of a list, however often an instance dies meanwhile."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        address = f"{path}limit=1000{cursor}"
        ask = partial(_answer, cluster, address)
        page = eventually(ask, PATIENCE_S, address, ignoring=(OSError,))
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


def _answer(cluster: Cluster, address: str) -> dict[str, Any]:
    status, document = cluster.request("GET", address)
    return dict(document) if status == HTTPStatus.OK else {}


def _kill_between(cluster: Cluster, random: Random) -> None:
    """Kill whoever executes at some moment within a second, and wait for the next one."""
    leader = cluster.leader()
    moment = monotonic() + 2.0 + random.uniform(0.0, 1.0)
    eventually(lambda: monotonic() >= moment, PATIENCE_S, "the moment to kill")
    leader.member.kill()
    cluster.leader(other_than=leader.term)
    leader.member.start()


@pytest.mark.timeout(300)
def test_killed_executors_neither_lose_nor_double_what_is_to_be_told(
    make_cluster: Callable[..., Cluster],
) -> None:
    """Each failure has one ping of its end; each job's third one message, which arrives."""
    random = Random(7)
    cluster = make_cluster()
    _put_channel(cluster, f"http://127.0.0.1:{dead_port()}")
    for name in JOBS:
        cluster.add_job(
            name,
            1,
            target={"kind": "http", "url": f"{cluster.target.url}/status/500"},
            notify=[{"channel": "ops", "on": ["failure"], "after": 3, "every": "PT0S"}],
            ping=f"{cluster.target.url}/ping/{name}",
        )
    for _ in range(3):
        _kill_between(cluster, random)
    # Until now nothing could be delivered, and everything was decided by executors now dead.
    _put_channel(cluster, cluster.target.url)
    for name in JOBS:
        _change(cluster, "PATCH", f"/v1/jobs/{name}", {"enabled": False})

    def told() -> bool:
        states = Counter(one["state"] for one in _all(cluster, "/v1/notifications?channel=ops&"))
        return states == {"delivered": len(JOBS)}

    eventually(told, PATIENCE_S, "every message is delivered")
    _check_pings(cluster)
    keys = [
        one.headers["idempotency-key"] for one in cluster.target.requests if one.path == "/hook"
    ]
    assert len(set(keys)) == len(JOBS)


def _check_pings(cluster: Cluster) -> None:
    failures = {"failed", "timed_out", "lost"}

    def missing() -> set[tuple[str, int]]:
        runs = [one for one in _all(cluster, "/v1/runs?") if one["state"] in failures]
        repeated = {one["parent_run_id"] for one in _all(cluster, "/v1/runs?")}
        ended = Counter(
            one["run_id"]
            for one in _all(cluster, "/v1/notifications?")
            if one["event"] == "ping" and not one["subject"].endswith("start")
        )
        return {
            (one["id"], ended[one["id"]])
            for one in runs
            if ended[one["id"]] != (one["id"] not in repeated)
        }

    eventually(lambda: not missing(), PATIENCE_S, "each final failure has one ping")
