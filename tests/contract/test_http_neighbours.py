"""HTTP targets that misbehave in every way at once, and jobs that share a launcher with them.

The misbehaving server has a process of its own: what it floods with is to be the launcher's
trouble, and not that of the healthy server and of this test.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.adapters.http_target import HttpLauncher
from executor.adapters.system_clock import SystemClock
from executor.domain.run import RunState
from executor.domain.targets import HttpTarget
from executor.ports.target import Work
from tests.contract.http_workshop import DEAD_PORT
from tests.contract.launcher_contract import make_work
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog

#: Requests of each ill behaviour; healthy ones.
ILL, HEALTHY = 8, 200

#: Seconds that an ill-behaved request has.
PATIENCE_S = 3

#: How each ill behaviour ends: those of the recording target by their paths, and a closed port.
BEHAVIOURS = {
    "/hang": RunState.TIMED_OUT,
    "/drip": RunState.TIMED_OUT,
    "/endless": RunState.TIMED_OUT,
    "/loop": RunState.FAILED,
    "/drop": RunState.FAILED,
    "refused": RunState.FAILED,
    "/bytes/1000000": RunState.SUCCEEDED,
}


@pytest.fixture
def ill_url() -> Iterator[str]:
    """The address of a server for those who misbehave."""
    module = RecordingTarget.__module__
    with subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def ill_works(ill_url: str) -> list[Work]:
    """Return requests that misbehave, mixed."""

    def url(behaviour: str) -> str:
        return f"http://127.0.0.1:{DEAD_PORT}" if behaviour == "refused" else ill_url + behaviour

    return [
        make_work(HttpTarget(url=url(behaviour)), f"{behaviour} {number}", timeout_s=PATIENCE_S)
        for number in range(ILL)
        for behaviour in BEHAVIOURS
    ]


def test_no_ill_behaviour_of_a_server_harms_other_jobs(
    server: RecordingTarget, ill_url: str, log: WorkLog
) -> None:
    """Hundreds of healthy requests, begun after dozens that hang, drip, flood, circle and break
    off, are all answered before the first of those that hang has been given up."""
    launcher = HttpLauncher(log, SystemClock())
    healthy = [f"healthy-{number}" for number in range(HEALTHY)]
    launcher.start(ill_works(ill_url))
    launcher.start([make_work(HttpTarget(url=server.url), name) for name in healthy])
    for name in healthy:
        assert log.wait_for_end(name).state is RunState.SUCCEEDED
    given_up = [one for one, how in log.outcomes.items() if how.state is RunState.TIMED_OUT]
    log.wait_for_ends(HEALTHY + ILL * len(BEHAVIOURS))
    launcher.stop()

    assert given_up == []
    assert sorted(server.seen()) == sorted(healthy)
    for behaviour, state in BEHAVIOURS.items():
        ends = {log.outcomes[f"{behaviour} {number}"].state for number in range(ILL)}
        assert ends == {state}, behaviour
