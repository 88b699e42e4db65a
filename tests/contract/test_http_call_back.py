"""HTTP targets that call back: what they are told, and which answer means that they go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from executor.adapters.http_target import HttpLauncher
from executor.adapters.system_clock import SystemClock
from executor.domain.run import Reason, RunState
from executor.domain.targets import HttpTarget
from executor.ports.target import Launcher, Work
from tests.contract.launcher_contract import make_work
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog

#: Where this installation is reached.
URL = "https://solocron.example.com/cron"


@pytest.fixture
def launcher(log: WorkLog) -> Iterator[Launcher]:
    """Return a launcher that knows where services call back to."""
    launcher = HttpLauncher(log, SystemClock(), parallel=1, url=URL)
    yield launcher
    launcher.stop()


def work(server: RecordingTarget, path: str = "/status/202", **fields: Any) -> Work:
    """Return a run of a service that may go on with it, and its token."""
    target = HttpTarget(url=f"{server.url}{path}", callback=True, **fields)
    return replace(make_work(target), token="proof")


def test_the_service_is_told_where_and_by_which_token_to_call_back(
    server: RecordingTarget, launcher: Launcher, log: WorkLog
) -> None:
    """In headers that no job can set itself."""
    launcher.start([work(server, headers={"X-Solocron-Token": "forged"})])
    log.wait_for_hand_over("run")

    headers = server.requests[0].headers
    assert headers["x-solocron-callback"] == f"{URL}/v1/runs/run/status"
    assert headers["x-solocron-token"] == "proof"


def test_a_202_hands_the_run_over(
    server: RecordingTarget, launcher: Launcher, log: WorkLog
) -> None:
    """It is known to have begun; its end comes from elsewhere, and its capacity is free."""
    launcher.start([work(server, expect=("200",))])

    assert log.wait_for_hand_over("run") is True
    launcher.start([make_work(HttpTarget(url=f"{server.url}/status/200"), "next")])
    log.wait_for_end("next")
    assert "run" in log.started_at
    assert "run" not in log.outcomes
    assert log.faults == []


@pytest.mark.parametrize(
    ("path", "state"), [("/status/200", RunState.SUCCEEDED), ("/status/503", RunState.FAILED)]
)
def test_every_other_answer_is_the_end_as_ever(
    server: RecordingTarget, launcher: Launcher, log: WorkLog, path: str, state: RunState
) -> None:
    """A service need not go on with what it can do at once."""
    launcher.start([work(server, path)])

    assert log.wait_for_end("run").state is state


def test_a_202_is_like_any_answer_where_nobody_calls_back(
    server: RecordingTarget, launcher: Launcher, log: WorkLog
) -> None:
    """It is one of `2xx`; and nobody is told where to call."""
    launcher.start([make_work(HttpTarget(url=f"{server.url}/status/202"))])

    assert log.wait_for_end("run").state is RunState.SUCCEEDED
    assert not {"x-solocron-callback", "x-solocron-token"} & server.requests[0].headers.keys()


def test_a_service_that_was_redirected_to_may_go_on_as_well(
    server: RecordingTarget, launcher: Launcher, log: WorkLog
) -> None:
    """The last answer of a chain counts."""
    launcher.start([work(server, f"/redirect/307?to={server.url}/status/202")])

    assert log.wait_for_hand_over("run")


def test_without_an_address_no_request_is_sent(server: RecordingTarget, log: WorkLog) -> None:
    """The job was saved when there was one; nobody could call back now."""
    launcher = HttpLauncher(log, SystemClock(), parallel=1)
    launcher.start([work(server)])
    outcome = log.wait_for_end("run")
    launcher.stop()

    assert outcome.state is RunState.FAILED
    assert "SOLOCRON_URL" in (outcome.error or "")
    assert server.requests == []


def test_nobody_is_asked_to_end_what_was_handed_over(
    server: RecordingTarget, launcher: Launcher, log: WorkLog
) -> None:
    """Neither by a cancellation nor by a recall: there is nowhere to ask."""
    launcher.start([work(server)])
    log.wait_for_hand_over("run")

    launcher.cancel("run", Reason.REQUESTED)
    launcher.recall(work(server), Reason.REQUESTED)
    launcher.start([make_work(HttpTarget(url=f"{server.url}/status/200"), "next")])
    log.wait_for_end("next")

    assert len(server.requests) == 2
    assert "run" not in log.outcomes
