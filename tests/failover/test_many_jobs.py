"""Ten thousand jobs: the first fire does not wait for them, and neither do people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest

from executor.adapters.mongodb import MongoStore
from executor.domain.job import Job, definition_from_document
from executor.ports.store import JobWrite
from tests.failover.cluster import Cluster

JOBS = 10_000


def _fill(uri: str, url: str) -> None:
    """Write the jobs as a former executor would have left them."""
    store = MongoStore(uri)
    store.prepare()
    now = datetime.now(UTC).replace(microsecond=0)
    writes = []
    for number in range(JOBS):
        document: dict[str, Any] = {
            "name": f"job-{number:05}",
            "schedule": {"kind": "cron", "expression": f"{number % 60} 3 * * *"},
            "target": {"kind": "http", "url": url},
        }
        due = now + timedelta(hours=4)
        if number == JOBS - 1:
            document["schedule"] = {
                "kind": "cron",
                "expression": "* * * * * *",
                "dialect": "cron6s",
            }
            due = now
        definition = definition_from_document(document)
        job = Job(
            id=f"{number:032x}",
            definition=definition,
            revision=1,
            created_at=now,
            updated_at=now,
            next_fire_at=due,
        )
        writes.append(JobWrite(job, None))
    store.write_jobs(writes)
    store.close()


@pytest.mark.alone
@pytest.mark.timeout(240)
def test_with_ten_thousand_jobs_start_and_lists_stay_quick(
    make_cluster: Callable[..., Cluster], mongodb_database_uri: str
) -> None:
    """From the start of the process to the first fire below 3 s; page and lists below 200 ms."""
    cluster = make_cluster(size=0)
    _fill(mongodb_database_uri, f"{cluster.target.url}/status/200")
    begun = monotonic()
    cluster.add_member()
    first = cluster.await_firing()
    member = cluster.members[0].served.await_executing()
    times: dict[str, list[float]] = {}
    for path in ("/v1/jobs", "/v1/jobs?q=job-09", "/v1/runs", "/v1/status", "/"):
        for _ in range(20):
            asked = monotonic()
            member.fetch(path)
            times.setdefault(path, []).append(monotonic() - asked)

    print(f"first fire after {first.at - begun:.2f} s")
    worst = {path: round(sorted(values)[-2] * 1000, 1) for path, values in times.items()}
    print("p95 (ms):", worst)
    assert first.at - begun < 3.0
    assert max(worst.values()) < 200
