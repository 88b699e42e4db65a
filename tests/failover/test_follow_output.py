"""Following what a run says, on real servers: from any instance, whatever dies."""

from __future__ import annotations

import json
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from tests.failover.cluster import Cluster, median
from tests.failover.served import PATIENCE_S, Served
from tests.waiting import eventually
from web.following import PLACES
from web.worker import SEND_TIMEOUT_S

#: Says something twice a second, for as long as it is let.
TALK = "sh -c 'echo begun; while sleep 0.5; do echo on; done'"


class Following:
    """A client that follows one run through one instance, by events."""

    def __init__(self, served: Served, run_id: str, latest: str = "") -> None:
        url = f"{served.url}/v1/runs/{run_id}/output?follow=1"
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": latest} if latest else {})}
        request = urllib.request.Request(url, headers=headers)
        self.answer = urllib.request.urlopen(request, timeout=PATIENCE_S)
        self.latest = latest

    def events(self) -> Iterator[tuple[str, Any]]:
        """Yield kind and data of each event, until the connection ends."""
        kind = ""
        for line in self.answer:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "event":
                kind = value
            elif name == "id":
                self.latest = value
            elif name == "data":
                yield kind, json.loads(value)

    def await_words(self, words: str) -> None:
        """Return once the run has said *words*."""
        said = ""
        for kind, data in self.events():
            said += data["text"] if kind == "output" else ""
            if words in said:
                return
        raise AssertionError(f"it ended before {words!r}: {said!r}")


def run_of(served: Served, job: str, **which: str) -> str:
    """Return the id of the newest run of *job* with these fields, once there is one."""

    def look() -> str | None:
        _, page = served.request("GET", f"/v1/jobs/{job}/runs")
        runs = [run for run in page["items"] if which.items() <= run.items()]
        return runs[0]["id"] if runs else None

    found = eventually(look, PATIENCE_S, f"a run of {job} with {which}", ignoring=(OSError,))
    assert found is not None
    return found


@pytest.mark.timeout(180)
def test_who_follows_through_a_standby_learns_that_the_run_was_lost(
    make_cluster: Callable[..., Cluster],
) -> None:
    """With all that it said until its executor was killed; the repetition is another run."""
    cluster = make_cluster(size=2, settings={"SOLOCRON_RUN_LEASE": "3s"})
    leader = cluster.leader()
    standby = next(one for one in cluster.members if one is not leader.member).served
    job = {"name": "talk", "target": {"kind": "command", "command": TALK}}
    assert standby.request("POST", "/v1/jobs", job)[0] == HTTPStatus.CREATED
    assert standby.request("POST", "/v1/jobs/talk/trigger")[0] == HTTPStatus.CREATED
    first = run_of(standby, "talk", cause="manual")

    following = Following(standby, first)
    following.await_words("begun\non\n")
    leader.member.kill()
    *_, (kind, end) = following.events()
    assert (kind, end["state"]) == ("end", "lost")

    again = run_of(standby, "talk", cause="retrigger")
    successor = Following(standby, again)
    successor.await_words("begun\non\n")
    standby.request("POST", f"/v1/runs/{again}/cancel")
    *_, (kind, end) = successor.events()
    assert (kind, end["state"]) == ("end", "cancelled")

    # What the lost run said is still there: nothing else tells of it.
    _, kept = standby.request("GET", f"/v1/runs/{first}/output")
    assert kept["head"].startswith("begun\non\n")


@pytest.mark.timeout(180)
def test_many_followers_keep_nobody_waiting(tmp_path: Path) -> None:
    """Beyond the places: 503; others are answered as ever; a stop sends all away at once."""
    with Served(tmp_path) as instance, ExitStack() as stack, ThreadPoolExecutor() as threads:
        instance.await_executing().run_command(TALK)
        run_id = run_of(instance, "errand")
        alone = median(_latencies(instance))
        followers = [Following(instance, run_id) for _ in range(PLACES)]
        for one in followers:
            stack.callback(one.answer.close)
        with pytest.raises(urllib.error.HTTPError) as refused:
            Following(instance, run_id)
        with refused.value as refusal:
            assert refusal.status == HTTPStatus.SERVICE_UNAVAILABLE
            assert refusal.headers["Retry-After"]
        for one in followers:
            one.await_words("on\n")
        web = instance.find("web")
        worker = max(web.children(), key=lambda child: child.pid)
        busy, crowded = _load_of(worker, lambda: median(_latencies(instance)))
        print(f"request: {alone:.4f} s, with {PLACES} followers {crowded:.4f} s, CPU {busy:.0%}")
        assert crowded < 0.25

        waiting = [threads.submit(_kinds_until_the_end, one) for one in followers]
        began = time.monotonic()
        instance.process.send_signal(signal.SIGTERM)
        kinds = {kind for future in waiting for kind in future.result(PATIENCE_S)}
        left_s = time.monotonic() - began
        print(f"all sent away after {left_s:.2f} s")
        assert "end" not in kinds
        assert all(one.latest.isdigit() for one in followers)
        assert left_s < 10


def _kinds_until_the_end(following: Following) -> set[str]:
    return {kind for kind, _ in following.events()}


def _latencies(instance: Served) -> list[float]:
    """Return how long each of some requests took, seconds."""
    found = []
    for _ in range(100):
        began = time.perf_counter()
        instance.request("GET", "/v1/jobs")
        found.append(time.perf_counter() - began)
    return found


def _load_of(process: psutil.Process, work: Callable[[], float]) -> tuple[float, float]:
    """Return the part of a processor that *process* takes during some idle seconds, and *work*."""
    before, began = process.cpu_times(), time.monotonic()
    eventually(lambda: time.monotonic() > began + 5, 10, "some seconds pass")
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return used / (time.monotonic() - began), work()


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_client_that_reads_nothing_is_hung_up_on(tmp_path: Path) -> None:
    """It would keep a thread for ever; the log says nothing of a failure."""
    with Served(tmp_path) as instance, socket.socket() as deaf:
        instance.await_executing()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(PATIENCE_S)
        deaf.connect(("127.0.0.1", instance.port))
        asked = 200
        deaf.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * asked)
        worker = max(instance.find("web").children(), key=lambda child: child.pid)
        began = time.monotonic()
        eventually(
            lambda: not _connections(worker, deaf), 6 * SEND_TIMEOUT_S, "its connection is closed"
        )
        print(f"hung up after {time.monotonic() - began:.1f} s")

        assert "Socket error" not in instance.log
        assert "Traceback" not in instance.log


def _connections(process: psutil.Process, client: socket.socket) -> list[Any]:
    """Return the descriptors that *process* has open to *client*."""
    name = client.getsockname()[1]
    return [one for one in process.net_connections() if one.raddr and one.raddr.port == name]
