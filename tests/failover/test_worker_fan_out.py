"""Many runs, several workers, and some of these killed: every run ends, and ends once."""

from __future__ import annotations

import urllib.request
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.error import HTTPError

import pymongo
import pytest

from tests.contract.worker_side import WorkerSide
from tests.failover.cluster import Cluster
from tests.failover.workers import Worker, solocron_worker
from tests.waiting import eventually

#: A function that leaves a line behind when it has done its work.
MODULE = """
import os

from executor.jobs import JobContext, job


@job(name="{job}")
def work(context: JobContext):
    line = (context.run_id + "\\n").encode()
    file = os.open({marks!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line)
    os.close(file)
"""

WORKERS = 4
PREFETCH = 4

#: Threads that ask for runs.
CLIENTS = 6


class Account:
    """How the runs stand, read from the database itself."""

    def __init__(self, uri: str) -> None:
        self._client = pymongo.MongoClient[dict[str, Any]](uri)
        self._runs = self._client.get_default_database("solocron")["runs"]

    def close(self) -> None:
        self._client.close()

    def states(self) -> Counter[str]:
        """Count the runs in each state."""
        found = self._runs.aggregate([{"$group": {"_id": "$state", "n": {"$sum": 1}}}])
        return Counter({row["_id"]: row["n"] for row in found})

    def ended(self) -> int:
        return sum(n for state, n in self.states().items() if state not in {"pending", "running"})


def ask(cluster: Cluster, job: str, runs: int) -> None:
    """Ask for so many runs, from several threads, each until it is answered."""
    url = f"{cluster.members[0].served.url}/v1/jobs/{job}/trigger"

    def asked(number: int) -> bool:
        headers = {"Idempotency-Key": f"{job}-{number}"}
        request = urllib.request.Request(url, None, headers, method="POST")
        try:
            answer = urllib.request.urlopen(request, timeout=30)
        except HTTPError as refusal:
            answer = refusal
        with answer:
            return answer.status in {HTTPStatus.CREATED, HTTPStatus.ACCEPTED}

    def one(number: int) -> None:
        # A machine with too much to do answers 503 now and then; the key makes it one run.
        eventually(lambda: asked(number), 60, "a run is asked for", ignoring=(OSError,))

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(one, range(runs)))


def kill_two(workers: list[Worker], account: Account, runs: int) -> None:
    """Kill two of the workers with -9 in the thick of it, one after the other."""
    for number, part in enumerate((0.25, 0.5)):
        enough = int(runs * part)
        eventually(lambda enough=enough: account.ended() >= enough, 3600, f"{enough} ends")  # type: ignore[misc]
        workers[number].kill()


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param(200, id="short", marks=pytest.mark.timeout(300)),
        pytest.param(10_000, id="long", marks=[pytest.mark.long, pytest.mark.timeout(7200)]),
    ],
)
def test_every_run_ends_once_though_workers_are_killed(
    make_cluster: Callable[..., Cluster],
    tmp_path: Path,
    rabbitmq_url: str,
    mongodb_database_uri: str,
    queue_prefix: str,
    runs: int,
) -> None:
    """Two of four die in the thick of it: all runs succeed, none is stuck, and only those that
    the dead had in hand may have been worked on twice."""
    job, marks = f"{queue_prefix}-fan", tmp_path / "marks"
    (tmp_path / "fantasks.py").write_text(MODULE.format(job=job, marks=str(marks)))
    environ = {"RABBITMQ_URL": rabbitmq_url, "SOLOCRON_PREFIX": queue_prefix}
    cluster = make_cluster(mongodb_uri=mongodb_database_uri, size=2)
    definition = {
        "name": job,
        "target": {"kind": "message"},
        "overlap": {"policy": "allow"},
        "keep_runs": 100_000,
    }
    status, answer = cluster.request("POST", "/v1/jobs", definition)
    assert status == HTTPStatus.CREATED, answer
    with ExitStack() as stack:
        # A connection that lies idle all the while would be closed by the broker.
        stack.callback(lambda: WorkerSide(rabbitmq_url, job).__exit__(None, None, None))
        account = Account(mongodb_database_uri)
        stack.callback(account.close)
        began = monotonic()
        ask(cluster, job, runs)
        asked = monotonic()
        names = [f"w{number}" for number in range(WORKERS)]
        arguments = "fantasks", "--prefetch", str(PREFETCH)
        workers = [
            stack.enter_context(solocron_worker(tmp_path, name, environ, *arguments))
            for name in names
        ]
        kill_two(workers, account, runs)
        eventually(lambda: account.ended() == runs, 3600, "every run has ended")
        ended = monotonic()
        worked = Counter(marks.read_text().split())
        states = account.states()
        reports = cluster.status()["reports"]

    print(f"asked: {runs / (asked - began):.0f}/s, done: {runs / (ended - asked):.1f}/s, {reports}")
    print(f"worked on more than once: {sum(worked.values()) - len(worked)}")
    assert states == {"succeeded": runs}
    assert len(worked) == runs
    assert sum(worked.values()) - runs <= 2 * PREFETCH
