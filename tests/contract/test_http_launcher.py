"""The launcher contract on HTTP targets, and what a request and its answer look like."""

import pytest

from executor import __version__
from executor.adapters.http_target import HttpLauncher
from executor.adapters.http_target.rules import HttpRules
from executor.adapters.system_clock import SystemClock
from executor.domain.run import Reason, RunState
from executor.domain.targets import HttpTarget
from executor.ports.target import Launcher, WorkListener
from tests.contract.http_workshop import DEAD_PORT, METHODS, HttpWorkshop
from tests.contract.launcher_contract import LauncherLaw, make_work
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog


class TestHttpLauncher(LauncherLaw):
    """The law."""

    @pytest.fixture(autouse=True)
    def _server(self, server: RecordingTarget) -> None:
        self.server = server

    def make_launcher(self, listener: WorkListener, parallel: int) -> Launcher:
        return HttpLauncher(listener, SystemClock(), parallel=parallel)

    def quick(self) -> HttpTarget:
        return HttpTarget(url=f"{self.server.url}/status/200")

    def failing(self) -> HttpTarget:
        return HttpTarget(url=f"{self.server.url}/status/500")

    def impossible(self) -> HttpTarget:
        return HttpTarget(url="http://" + "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 70 + "/")

    def hanging(self) -> HttpTarget:
        return HttpTarget(url=f"{self.server.url}/hang")

    def endless(self) -> HttpTarget:
        return HttpTarget(url=f"{self.server.url}/endless")

    def touched(self) -> list[str]:
        return self.server.seen()


class TestRequest(HttpWorkshop):
    """What the target receives."""

    def test_every_request_says_which_run_it_is(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """Run, job, fire time, attempt, term and idempotency key are headers."""
        launcher.start([make_work(HttpTarget(url=server.url), job="nightly report", attempt=3)])
        log.wait_for_end("run")
        headers = server.requests[0].headers
        assert {name: text for name, text in headers.items() if name.startswith("x-solocron")} == {
            "x-solocron-run-id": "run",
            "x-solocron-job": "nightly report",
            "x-solocron-fire-time": "2026-12-01T12:00:00Z",
            "x-solocron-attempt": "3",
            "x-solocron-term": "17",
        }
        assert headers["idempotency-key"] == "run-trigger"
        assert headers["user-agent"] == f"Solocron/{__version__}"
        assert "expect" not in headers

    def test_a_run_without_a_slot_has_no_fire_time(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """A manual run is told apart by the header that is not there."""
        launcher.start([make_work(HttpTarget(url=server.url), fire_at=None)])
        log.wait_for_end("run")
        assert "x-solocron-fire-time" not in server.requests[0].headers

    def test_names_beyond_ascii_are_percent_encoded(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """Headers carry ASCII; the name can be had back by decoding."""
        launcher.start([make_work(HttpTarget(url=server.url), job="Müll & Co")])
        log.wait_for_end("run")
        assert server.requests[0].headers["x-solocron-job"] == "M%C3%BCll & Co"

    def test_a_job_cannot_pose_as_another_run_nor_break_the_framing(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """Headers that identify the run or delimit the message are Solocron's alone."""
        forged = {
            "x-solocron-run-id": "forged",
            "X-SOLOCRON-Anything": "forged",
            "idempotency-key": "forged",
            "Content-Length": "1",
            "Transfer-Encoding": "chunked",
            "X-Own": "kept",
            "X-Empty": "",
            "X-Umlaut": "ü",
        }
        target = HttpTarget(url=f"{server.url}/echo", headers=forged, body="four")
        launcher.start([make_work(target)])
        outcome = log.wait_for_end("run")
        headers = server.requests[0].headers
        assert "forged" not in headers.values()
        assert (headers["x-solocron-run-id"], headers["idempotency-key"]) == ("run", "run-trigger")
        assert (headers["content-length"], headers.get("transfer-encoding")) == ("4", None)
        assert (headers["x-own"], headers["x-empty"]) == ("kept", "")
        assert headers["x-umlaut"].encode("latin-1").decode() == "ü"
        assert outcome.output is not None
        assert outcome.output.head == "four"

    def test_a_body_is_json_unless_the_job_says_otherwise(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """The default content type comes with a body, and never without one."""
        own = {"content-type": "text/plain"}
        targets = [
            HttpTarget(url=server.url, body="{}"),
            HttpTarget(url=server.url, body="hello", headers=own),
            HttpTarget(url=server.url),
        ]
        launcher.start([make_work(target, f"run-{n}") for n, target in enumerate(targets)])
        log.wait_for_ends(3)
        types = [request.headers.get("content-type") for request in server.requests]
        assert types == ["application/json", "text/plain", None]

    def test_each_request_is_the_jobs_own_whatever_was_sent_before(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """All methods, with and without a body, in every succession on one connection."""
        kinds = [(method, body) for method in METHODS for body in ("", "größer")]
        wanted = [pair for first in kinds for second in kinds for pair in (first, second)]
        launcher.start(
            [
                make_work(HttpTarget(url=server.url, method=method, body=body), f"run-{number}")
                for number, (method, body) in enumerate(wanted)
            ]
        )
        log.wait_for_ends(len(wanted))
        assert {outcome.state for outcome in log.outcomes.values()} == {RunState.SUCCEEDED}
        seen = [(request.method, request.body.decode()) for request in server.requests]
        assert seen == [(method, "" if method == "HEAD" else body) for method, body in wanted]
        for request in server.requests:
            if not request.body:
                expected = "0" if request.method in {"POST", "PUT", "PATCH"} else None
                assert request.headers.get("content-length") == expected, request

    def test_templates_are_filled_in_for_each_run(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """URL, headers and body say which run it is, and the job's definition stays as it was."""
        target = HttpTarget(
            url=f"{server.url}/{{{{ job.name | url }}}}",
            headers={"X-Run": "{{ run.id }} of {{ job.name }}"},
            body="{{ fire_time }}",
        )
        launcher.start([make_work(target, run, job="a b") for run in ("first", "second")])
        log.wait_for_ends(2)
        assert [request.path for request in server.requests] == ["/a%20b"] * 2
        assert [request.headers["x-run"] for request in server.requests] == [
            "first of a b",
            "second of a b",
        ]
        assert [request.body for request in server.requests] == [b"2026-12-01T12:00:00Z"] * 2

    def test_a_template_that_cannot_be_filled_in_is_a_failure(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """Nothing is sent, and the error names the field."""
        target = HttpTarget(url=server.url, headers={"X-Job": "{{ job.name }}"})
        launcher.start([make_work(target, job="a\r\nX-Forged: b")])
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.FAILED
        assert "target.headers.X-Job: header values must not" in str(outcome.error)
        assert server.requests == []

    def test_addresses_beyond_ascii_are_encoded(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """A path with other letters arrives percent-encoded; what was encoded stays as it was."""
        launcher.start([make_work(HttpTarget(url=f"{server.url}/straße%20a?q=ü"))])
        assert log.wait_for_end("run").state is RunState.SUCCEEDED
        assert server.requests[0].path == "/stra%C3%9Fe%20a?q=%C3%BC"


class TestConnections(HttpWorkshop):
    """How targets are reached."""

    def test_connections_are_kept(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """Runs one after the other reach the same server over one connection."""
        launcher.start([make_work(HttpTarget(url=server.url), f"run-{n}") for n in range(5)])
        log.wait_for_ends(5)
        assert len({request.connection for request in server.requests}) == 1

    def test_a_connection_closed_meanwhile_is_replaced(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """When the server has closed a kept connection, the next run just makes a new one."""
        launcher.start([make_work(HttpTarget(url=server.url), "first")])
        log.wait_for_end("first")
        server.drop_connections()
        launcher.start([make_work(HttpTarget(url=server.url), "second")])
        assert log.wait_for_end("second").state is RunState.SUCCEEDED
        assert server.seen() == ["first", "second"]

    def test_loopback_is_reached_without_a_proxy(
        self,
        server: RecordingTarget,
        launcher: Launcher,
        log: WorkLog,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A proxy in the environment does not stand between the executor and its own machine."""
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{DEAD_PORT}")
        localhost = f"http://localhost:{server.port}/"
        launcher.start(
            [
                make_work(HttpTarget(url=server.url), "address"),
                make_work(HttpTarget(url=localhost), "name"),
            ]
        )
        log.wait_for_ends(2)
        assert server.seen() == ["address", "name"]

    def test_others_are_reached_through_the_proxy_of_the_environment(
        self,
        server: RecordingTarget,
        launcher: Launcher,
        log: WorkLog,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """http_proxy is obeyed for every other host, also after a direct request."""
        monkeypatch.setenv("http_proxy", server.url)
        launcher.start(
            [
                make_work(HttpTarget(url=server.url), "direct"),
                make_work(HttpTarget(url="http://target.invalid/work"), "proxied"),
            ]
        )
        log.wait_for_ends(2)
        assert [request.path for request in server.requests] == ["/", "http://target.invalid/work"]

    def test_one_hanging_host_leaves_room_for_all_others(
        self, server: RecordingTarget, log: WorkLog
    ) -> None:
        """With three places for each host, a hundred hanging requests do not delay another host."""
        launcher = HttpLauncher(log, SystemClock(), parallel=6, rules=HttpRules(per_host=3))
        hanging = [f"hanging-{number}" for number in range(100)]
        with RecordingTarget(address="127.0.0.2") as other:
            launcher.start([make_work(HttpTarget(url=f"{server.url}/hang"), n) for n in hanging])
            log.wait_for_start(*hanging[:3])
            launcher.start([make_work(HttpTarget(url=other.url), f"quick-{n}") for n in range(20)])
            log.wait_for_ends(20)
            quick = [f"quick-{number}" for number in range(20)]
            assert sorted(other.seen()) == sorted(quick)
            assert list(log.started_at) == [*hanging[:3], *quick]
            launcher.cancel("hanging-0", Reason.REQUESTED)
            log.wait_for_start("hanging-3")
        launcher.stop()
        assert list(log.started_at) == [*hanging[:3], *quick, "hanging-3"]

    def test_names_of_one_host_are_counted_each_with_its_port(
        self, server: RecordingTarget, log: WorkLog
    ) -> None:
        """Letter case, user and path make no other host; another port does."""
        launcher = HttpLauncher(log, SystemClock(), rules=HttpRules(per_host=1))
        port = server.port
        with RecordingTarget() as other:
            urls = {
                "first": f"http://localhost:{port}/hang",
                "case": f"http://LocalHost:{port}/",
                "user": f"http://user@localhost:{port}/x",
                "port": f"http://localhost:{other.port}/",
            }
            launcher.start([make_work(HttpTarget(url=url), name) for name, url in urls.items()])
            log.wait_for_end("port")
            assert set(log.started_at) == {"first", "port"}
            launcher.cancel("first", Reason.REQUESTED)
            log.wait_for_ends(4)
        launcher.stop()
        assert log.ended == ["port", "first", "case", "user"]

    def test_what_is_not_sent_takes_up_no_place(
        self, server: RecordingTarget, log: WorkLog
    ) -> None:
        """Works given back, and those that cannot be written down, make way for the next ones."""
        launcher = HttpLauncher(log, SystemClock(), rules=HttpRules(per_host=1))
        impossible = HttpTarget(url="http://" + "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 70)
        launcher.start([make_work(impossible, f"impossible-{n}") for n in range(3)])
        log.wait_for_ends(3)
        log.willing = False
        launcher.start([make_work(HttpTarget(url=server.url), f"unwanted-{n}") for n in range(3)])
        log.wait_for_ends(6)
        launcher.stop()
        assert (len(log.ended), len(log.refused), server.seen()) == (3, 3, [])
