"""All kinds of targets behind one launcher: each run goes where it belongs."""

from collections.abc import Iterator

import pytest

from executor.adapters.launchers import Launchers
from executor.adapters.system_clock import SystemClock
from executor.bootstrap import build_launchers
from executor.config import Settings
from executor.domain.run import Reason, RunState
from executor.domain.targets import CommandTarget, HttpTarget, MessageTarget
from executor.domain.watch import WatchedTarget
from executor.ports.target import Launcher
from tests.contract.launcher_contract import make_work
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog


@pytest.fixture
def launcher(log: WorkLog, server: RecordingTarget) -> Iterator[Launcher]:
    launcher = Launchers(log, SystemClock())
    yield launcher
    launcher.stop()


def test_each_run_goes_to_the_launcher_of_its_target(
    launcher: Launcher, log: WorkLog, server: RecordingTarget
) -> None:
    """One batch may hold all kinds; each ends with what its kind reports."""
    launcher.start(
        [
            make_work(HttpTarget(url=server.url), "request"),
            make_work(CommandTarget(command="echo hello"), "program"),
        ]
    )
    log.wait_for_ends(2)
    request, program = log.outcomes["request"], log.outcomes["program"]
    assert (request.state, request.http_status) == (RunState.SUCCEEDED, 200)
    assert (program.state, program.exit_code) == (RunState.SUCCEEDED, 0)


def test_a_cancellation_finds_its_run(
    launcher: Launcher, log: WorkLog, server: RecordingTarget
) -> None:
    """Whatever the run does, cancelling by its id ends it and only it."""
    launcher.start(
        [
            make_work(HttpTarget(url=f"{server.url}/hang"), "request"),
            make_work(CommandTarget(command="sleep 1000"), "program"),
        ]
    )
    log.wait_for_start("request", "program")
    launcher.cancel("program", Reason.REQUESTED)
    assert log.wait_for_end("program").state is RunState.CANCELLED
    assert log.ended == ["program"]
    launcher.cancel("request", Reason.SHUTDOWN)
    assert log.wait_for_end("request").reason is Reason.SHUTDOWN


def test_stopping_stops_all_kinds(
    launcher: Launcher, log: WorkLog, server: RecordingTarget
) -> None:
    """Nothing is reported, nothing is left running."""
    launcher.start(
        [
            make_work(HttpTarget(url=f"{server.url}/hang"), "request"),
            make_work(CommandTarget(command="sleep 1000"), "program"),
        ]
    )
    log.wait_for_start("request", "program")
    launcher.stop()
    assert log.ended == []


def test_watched_runs_are_let_go_of_at_once(launcher: Launcher, log: WorkLog) -> None:
    """Somebody else runs them; where trust has run out they are given back."""
    launcher.start([make_work(WatchedTarget(), "awaited")])
    log.willing = False
    launcher.start([make_work(WatchedTarget(), "doubtful")])

    for work in (make_work(WatchedTarget(), "awaited"),):
        launcher.cancel(work.run.id, Reason.REQUESTED)
        launcher.recall(work, Reason.REQUESTED)

    assert log.handed_on == {"awaited": False}
    assert log.refused == ["doubtful"]
    assert (dict(log.started_at), log.ended) == ({}, [])


@pytest.mark.parametrize(
    ("environ", "state"),
    [
        ({}, RunState.SUCCEEDED),
        ({"SOLOCRON_HTTP_TARGETS": "private"}, RunState.FAILED),
        ({"SOLOCRON_HTTP_TARGETS": "public"}, RunState.FAILED),
        ({"SOLOCRON_HOST": "0.0.0.0", "SOLOCRON_AUTH": "off"}, RunState.FAILED),
        (
            {"SOLOCRON_HOST": "0.0.0.0", "SOLOCRON_AUTH": "off", "SOLOCRON_HTTP_TARGETS": "any"},
            RunState.SUCCEEDED,
        ),
    ],
)
def test_the_settings_decide_where_requests_may_go(
    log: WorkLog, server: RecordingTarget, environ: dict[str, str], state: RunState
) -> None:
    """What is built of the environment reaches this machine only where that is allowed."""
    launcher = build_launchers(Settings.from_env(environ), SystemClock())(log)
    launcher.start([make_work(HttpTarget(url=server.url))])
    outcome = log.wait_for_end("run")
    launcher.stop()
    assert outcome.state is state
    assert server.seen() == (["run"] if state is RunState.SUCCEEDED else [])


def test_the_settings_decide_whether_there_is_a_proxy_and_how_many_call_one_host(
    log: WorkLog, server: RecordingTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``none`` the proxy of the environment is not asked; of two requests one waits."""
    monkeypatch.setenv("http_proxy", server.url)
    environ = {"SOLOCRON_HTTP_PROXIES": "none", "SOLOCRON_HTTP_PER_HOST": "1"}
    launcher = build_launchers(Settings.from_env(environ), SystemClock())(log)
    launcher.start([make_work(HttpTarget(url="http://target.invalid/"), "elsewhere")])
    assert log.wait_for_end("elsewhere", timeout_s=30).state is RunState.FAILED
    assert server.seen() == []
    hanging = HttpTarget(url=f"{server.url}/hang")
    other = HttpTarget(url=f"http://localhost:{server.port}/")
    launcher.start([make_work(hanging, "first"), make_work(hanging, "second")])
    launcher.start([make_work(other, "other")])
    log.wait_for_end("other")
    launcher.stop()
    assert list(log.started_at) == ["elsewhere", "first", "other"]


def test_without_a_broker_runs_for_workers_fail_and_say_why(log: WorkLog) -> None:
    """A job that was saved on another instance is not waited for in vain."""
    launcher = build_launchers(Settings.from_env({}), SystemClock())(log)
    launcher.start([make_work(MessageTarget())])
    outcome = log.wait_for_end("run")
    launcher.stop()
    assert (outcome.state, "RABBITMQ_URL" in str(outcome.error)) == (RunState.FAILED, True)
