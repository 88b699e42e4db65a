"""Requests that are written down before they are due."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pycurl
import pytest

from executor.adapters.http_target import HttpLauncher
from executor.adapters.http_target.ahead import LONGEST_BODY, MOST, Ahead
from executor.adapters.http_target.flight import Writer
from executor.adapters.http_target.request import run_headers
from executor.adapters.http_target.rules import HttpRules
from executor.adapters.system_clock import SystemClock
from executor.domain.run import RunState
from executor.domain.targets import HttpTarget
from executor.ports.keys import Opener
from executor.ports.target import Launcher, Work
from tests.contract.http_workshop import METHODS
from tests.contract.launcher_contract import NOON, make_work
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog


class OpenerOfNothing(Opener):
    """Has nothing to open, and remembers whether it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def open(self, name: str, sealed: str) -> str:
        self.asked.append(name)
        return f"{name} {sealed}"


Launch = Callable[..., Launcher]


@pytest.fixture
def launch(server: RecordingTarget) -> Iterator[Launch]:
    """Make launchers that send one request at a time; they end before the server does."""
    launchers: list[Launcher] = []

    def make(log: WorkLog, opener: Opener | None = None) -> Launcher:
        launchers.append(HttpLauncher(log, SystemClock(), parallel=1, opener=opener))
        return launchers[-1]

    yield make
    for launcher in launchers:
        launcher.stop()


def _meet(launcher: Launcher, log: WorkLog, url: str, name: str = "between") -> None:
    """Send another request: the launcher prepares what it was given before while that goes on."""
    launcher.start([make_work(HttpTarget(url=url), name)])
    log.wait_for_end(name)


def test_a_prepared_request_is_the_same_as_any_other(
    launch: Launch, log: WorkLog, server: RecordingTarget
) -> None:
    """Every method, with and without a body, and whatever the handle was used for before."""
    works = [
        make_work(
            HttpTarget(url=f"{server.url}/?a=b", method=method, headers={"X-Own": "1"}, body=body),
            f"{method}-{len(body)}",
        )
        for method in METHODS
        for body in ("", "größer")
    ]
    launch(log).start(works)
    log.wait_for_ends(len(works))
    expected = [(request.method, request.headers, request.body) for request in server.requests]

    server.requests.clear()
    later = WorkLog()
    launcher = launch(later)
    launcher.prepare(works)
    _meet(launcher, later, server.url)
    launcher.start(works)
    later.wait_for_ends(len(works) + 1)

    assert server.seen()[0] == "between"
    seen = [(request.method, request.headers, request.body) for request in server.requests[1:]]
    assert seen == expected


def test_more_than_can_be_kept_are_prepared_and_all_are_sent_once(
    launch: Launch, log: WorkLog, server: RecordingTarget
) -> None:
    """Those for which there is no room are written down when their time has come."""
    launcher = launch(log)
    works = [make_work(HttpTarget(url=server.url), f"run-{n}") for n in range(MOST + 50)]
    for share in (works[: MOST // 2], works[MOST // 2 :], works[-10:]):
        launcher.prepare(share)
        _meet(launcher, log, server.url, share[0].run.id + "-between")
    launcher.start(works)
    log.wait_for_ends(len(works) + 3, timeout_s=60)
    assert {outcome.state for outcome in log.outcomes.values()} == {RunState.SUCCEEDED}
    assert sorted(set(server.seen())) == sorted(server.seen())


@pytest.mark.parametrize(
    "target",
    [
        HttpTarget(url="http://127.0.0.1:1/", headers={"X": "{{ secret.KEY }}"}),
        HttpTarget(url="http://127.0.0.1:1/", body="x" * (LONGEST_BODY + 1)),
    ],
    ids=["secret", "long"],
)
def test_secrets_stay_closed_and_long_bodies_are_not_kept_twice(
    launch: Launch, log: WorkLog, server: RecordingTarget, target: HttpTarget
) -> None:
    """Both are seen to when the request is sent, which is refused here: nobody listens."""
    opener = OpenerOfNothing()
    launcher = launch(log, opener)
    work = Work(make_work(target).run, make_work(target).definition, {"KEY": "sealed"})
    launcher.prepare([work])
    _meet(launcher, log, server.url)
    assert opener.asked == []
    launcher.start([work])
    assert log.wait_for_end("run").state is RunState.FAILED


def test_what_cannot_be_written_down_says_so_when_it_is_started(
    launch: Launch, log: WorkLog, server: RecordingTarget
) -> None:
    """Nobody hears of it before, and the others are prepared all the same."""
    launcher = launch(log)
    broken = make_work(HttpTarget(url="http://" + "ü" * 70 + "/"), "broken")
    sound = make_work(HttpTarget(url=server.url), "sound")
    launcher.prepare([broken, sound])
    _meet(launcher, log, server.url)
    assert list(log.outcomes) == ["between"]
    launcher.start([broken, sound])
    assert log.wait_for_end("sound").state is RunState.SUCCEEDED
    assert "no request was sent" in (log.wait_for_end("broken").error or "")


def test_what_is_never_started_is_let_go_in_time() -> None:
    """Its handle is used for what is due later."""
    handles: list[pycurl.Curl] = []

    def new_handle() -> pycurl.Curl:
        handles.append(pycurl.Curl())
        return handles[-1]

    writer = Writer(SystemClock(), new_handle, 0, HttpRules(), None, None, run_headers)
    ahead = Ahead(writer)
    for minute in range(3):
        due = NOON + timedelta(minutes=minute)
        works = [make_work(HttpTarget(url="http://h"), f"run-{minute}-{n}") for n in range(20)]
        ahead.add([replace(one, run=replace(one.run, due_at=due)) for one in works])
        ahead.write_some(20)
    ahead.close()
    writer.close()

    assert len(handles) == 20
