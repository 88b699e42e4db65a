"""A thousand requests that are due at one instant: when each of them arrives.

A measurement, run on request only, on a machine with nothing else to do.  It prints figures and
judges no more than that every request came, once, and none before it was due.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from tests.failover.served import PATIENCE_S, ROOT, Served
from tests.waiting import eventually

#: Jobs, and how many of them go into one request.
JOBS, IN_ONE = 1_000, 250

#: From before the jobs are made until they are due; making them takes a few seconds.
LEAD = timedelta(seconds=25)


@contextmanager
def arrivals() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the server that notes when requests arrive; yield its address and its process."""
    argv = [sys.executable, "-m", "tests.fakes.arrivals"]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip(), process
        finally:
            process.kill()


def make_jobs(served: Served, url: str, at: datetime) -> None:
    """Make the jobs, all due at the same instant."""
    schedule = {"kind": "once", "at": at.isoformat()}
    for first in range(0, JOBS, IN_ONE):
        items = [
            {
                "put": {
                    "name": f"job-{number}",
                    "schedule": schedule,
                    "target": {"kind": "http", "url": f"{url}/{number}", "method": "GET"},
                }
            }
            for number in range(first, first + IN_ONE)
        ]
        status, answer = served.request("POST", "/v1/batch", {"items": items})
        assert status == HTTPStatus.OK, answer
        assert {one["status"] for one in answer["items"]} == {"created"}
    assert datetime.now(UTC) < at - timedelta(seconds=2), "the jobs were made too slowly"


def ended(served: Served, at: datetime) -> list[dict[str, Any]] | None:
    """Return the runs that were due at *at* once all of them have ended."""
    query = f"from={at:%Y-%m-%dT%H:%M:%SZ}&cause=schedule&limit={JOBS}"
    _, answer = served.request("GET", f"/v1/runs?{query}")
    runs = [run for run in answer["items"] if run["finished_at"] is not None]
    return runs if len(runs) >= JOBS else None


def in_words(what: str, late_ms: Sequence[float]) -> str:
    """Return first, median, 99th percentile and last of these, milliseconds after the instant."""
    late = sorted(late_ms)
    figures = {
        "first": late[0],
        "median": late[len(late) // 2],
        "p99": late[int(len(late) * 0.99)],
        "last": late[-1],
    }
    return f"{what}: " + ", ".join(f"{name} {value:.1f} ms" for name, value in figures.items())


@pytest.mark.bench
@pytest.mark.timeout(240)
def test_a_thousand_requests_due_at_one_instant_all_arrive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each once, after the instant, by a service as operators run it."""
    with arrivals() as (url, server), Served(tmp_path) as served:
        served.await_executing()
        at = datetime.now(UTC).replace(microsecond=0) + LEAD
        make_jobs(served, url, at)
        patience_s = LEAD.total_seconds() + PATIENCE_S
        runs = eventually(lambda: ended(served, at), patience_s, "every run ends")
        said, _ = server.communicate()
    late = [(one - at.timestamp()) * 1000 for one in json.loads(said)]
    starts = [datetime.fromisoformat(run["started_at"]) for run in runs or ()]
    rows = [(start - at) / timedelta(milliseconds=1) for start in starts]
    with capsys.disabled():
        print(f"\n{JOBS:,} requests due at one instant")
        print(in_words("arrived", late))
        print(in_words("recorded as started", rows))

    assert {run["state"] for run in runs or ()} == {"succeeded"}
    assert (len(late), len(rows)) == (JOBS, JOBS)
    assert min(late) >= 0
