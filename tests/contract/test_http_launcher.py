"""The launcher contract on HTTP targets, and what a request and its answer look like."""

import resource
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, get_args

import pytest

from executor import __version__
from executor.adapters.http_target import HttpLauncher
from executor.adapters.system_clock import SystemClock
from executor.domain.job import HttpTarget
from executor.domain.run import Reason, RunState
from executor.ports.target import Launcher, WorkListener
from tests.contract.launcher_contract import LauncherLaw, make_work
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)

#: Nothing can listen here: the port is reserved and unassigned.
_DEAD_PORT = 1


@pytest.fixture
def server() -> Iterator[RecordingTarget]:
    with RecordingTarget() as server:
        yield server


@pytest.fixture
def log() -> Iterator[WorkLog]:
    log = WorkLog()
    yield log
    assert log.faults == []


@pytest.fixture
def launcher(log: WorkLog, server: RecordingTarget) -> Iterator[Launcher]:
    """One request at a time, so that every request uses the handle of the one before."""
    launcher = HttpLauncher(log, SystemClock(), parallel=1)
    yield launcher
    launcher.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1, signed by itself, in one file."""
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    alone = path.with_suffix(".crt")
    request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    names = "-addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        ["openssl", *request.split(), *names.split(), "-keyout", str(path), "-out", str(alone)],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + alone.read_bytes())
    return path


@contextmanager
def crowded(address: tuple[str, int]) -> Iterator[None]:
    """Fill the queue of a listening socket, so that nobody can connect any more."""
    with ExitStack() as callers:
        for _ in range(8):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(address)
        yield


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


class TestRequest:
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

    def test_addresses_beyond_ascii_are_encoded(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """A path with other letters arrives percent-encoded; what was encoded stays as it was."""
        launcher.start([make_work(HttpTarget(url=f"{server.url}/straße%20a?q=ü"))])
        assert log.wait_for_end("run").state is RunState.SUCCEEDED
        assert server.requests[0].path == "/stra%C3%9Fe%20a?q=%C3%BC"


class TestConnections:
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
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{_DEAD_PORT}")
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


class TestJudgement:
    """From the answer to the outcome."""

    @pytest.mark.parametrize(
        ("status", "expect", "error"),
        [
            (200, ("2xx",), None),
            (204, ("204",), None),
            (404, ("2xx", "404"), None),
            (304, ("3xx",), None),
            (200, ("204",), "the target answered 200; expected 204"),
            (503, ("2xx",), "the target answered 503; expected 2xx"),
            (404, ("2xx", "3xx"), "the target answered 404; expected 2xx or 3xx"),
        ],
    )
    def test_the_status_decides(
        self,
        server: RecordingTarget,
        launcher: Launcher,
        log: WorkLog,
        status: int,
        expect: tuple[str, ...],
        error: str | None,
    ) -> None:
        """A status or its class must be expected, or the run failed and says both."""
        target = HttpTarget(url=f"{server.url}/status/{status}", expect=expect)
        launcher.start([make_work(target)])
        outcome = log.wait_for_end("run")
        assert outcome.state is (RunState.FAILED if error else RunState.SUCCEEDED)
        assert (outcome.http_status, outcome.error) == (status, error)
        assert outcome.exit_code is None

    def test_the_answers_head_and_tail_are_kept(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """A long body keeps both ends and its size, a short one is whole."""
        launcher.start([make_work(HttpTarget(url=f"{server.url}/bytes/160000"), "long")])
        launcher.start([make_work(HttpTarget(url=f"{server.url}/bytes/320"), "short")])
        log.wait_for_ends(2)
        long, short = log.outcomes["long"].output, log.outcomes["short"].output
        assert long is not None
        assert short is not None
        assert long.size == 160_000
        assert long.head.startswith("000000000000000\n")
        assert long.tail.endswith("000000000009999\n")
        assert (len(short.head), short.tail, short.size) == (320, "", 320)

    def test_nobody_listening_is_said_in_words(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """The error names host, port and the system's reason."""
        launcher.start([make_work(HttpTarget(url=f"http://127.0.0.1:{_DEAD_PORT}/secret?key=1"))])
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.FAILED
        assert outcome.error == "could not connect to 127.0.0.1:1: Connection refused"
        assert outcome.http_status is None

    def test_an_unknown_host_is_said_in_words(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """The error names the host."""
        host = "a" * 64 + ".invalid"
        launcher.start([make_work(HttpTarget(url=f"http://{host}/"))])
        outcome = log.wait_for_end("run", timeout_s=30)
        assert outcome.error == f"could not find the address of host {host}"

    def test_a_connection_closed_without_an_answer_is_a_failure(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """The request is not repeated on a new connection."""
        launcher.start([make_work(HttpTarget(url=f"{server.url}/drop"))])
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.FAILED
        assert outcome.error is not None
        assert "closed the connection without an answer" in outcome.error
        assert server.seen() == ["run"]

    def test_the_targets_own_timeout_counts_too(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """The shorter of the two timeouts ends the exchange; what had come is kept."""
        target = HttpTarget(
            url=f"{server.url}/stall?head=first", timeout=timedelta(milliseconds=300)
        )
        launcher.start([make_work(target)])
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.TIMED_OUT
        assert outcome.error == "no complete answer within 0.3 s"
        assert outcome.http_status == 200
        assert outcome.output is not None
        assert outcome.output.head == "first"

    def test_what_came_before_a_cancellation_is_kept(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """A cancelled run shows what the target had said."""
        launcher.start([make_work(HttpTarget(url=f"{server.url}/bytes/16"), "first")])
        launcher.start([make_work(HttpTarget(url=f"{server.url}/hang"))])
        log.wait_for_start("run")
        launcher.cancel("run", Reason.REQUESTED)
        outcome = log.wait_for_end("run")
        assert (outcome.state, outcome.output) == (RunState.CANCELLED, None)

    def test_a_connection_that_is_not_made_in_time_is_a_failure(
        self, server: RecordingTarget, log: WorkLog
    ) -> None:
        """Connecting has a limit of its own, far below the run's."""
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            address = full.getsockname()
            with crowded(address):
                launcher = HttpLauncher(log, SystemClock(), connect_timeout_s=0.2)
                launcher.start([make_work(HttpTarget(url=f"http://127.0.0.1:{address[1]}/"))])
                outcome = log.wait_for_end("run")
                launcher.stop()
        assert outcome.state is RunState.FAILED
        assert outcome.error is not None
        assert "could not connect to 127.0.0.1" in outcome.error

    def test_an_endless_answer_takes_no_memory(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """While tens of megabytes pass, the process grows by less than 16 MB."""
        launcher.start([make_work(HttpTarget(url=server.url), "warm")])
        log.wait_for_end("warm")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        launcher.start([make_work(HttpTarget(url=f"{server.url}/endless"), timeout_s=1.5)])
        outcome = log.wait_for_end("run")
        assert outcome.output is not None
        assert outcome.output.size > 20_000_000
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024


class TestRedirects:
    """Where redirects lead, and where not."""

    @pytest.mark.parametrize(
        ("status", "method", "arrives_as"),
        [
            (301, "POST", "GET"),
            (302, "POST", "GET"),
            (303, "POST", "GET"),
            (303, "PUT", "GET"),
            (307, "POST", "POST"),
            (308, "PUT", "PUT"),
        ],
    )
    def test_a_redirect_is_followed_as_its_status_says(
        self,
        server: RecordingTarget,
        launcher: Launcher,
        log: WorkLog,
        status: int,
        method: Method,
        arrives_as: str,
    ) -> None:
        """303 turns everything into GET, 307 and 308 repeat the request; the last status counts."""
        target = HttpTarget(
            url=f"{server.url}/redirect/{status}?to=/status/202",
            method=method,
            body="hello",
        )
        launcher.start([make_work(target)])
        outcome = log.wait_for_end("run")
        assert (outcome.state, outcome.http_status) == (RunState.SUCCEEDED, 202)
        last = server.requests[-1]
        assert last.method == arrives_as
        assert last.body == (b"" if arrives_as == "GET" else b"hello")
        assert last.run_id == "run"

    def test_redirects_are_judged_where_they_are_not_followed(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """With follow_redirects off, the redirect is the answer."""
        url = f"{server.url}/redirect/302?to=/status/200"
        launcher.start([make_work(HttpTarget(url=url, follow_redirects=False))])
        outcome = log.wait_for_end("run")
        assert (outcome.state, outcome.http_status) == (RunState.FAILED, 302)
        assert len(server.requests) == 1

    def test_a_circle_ends(self, server: RecordingTarget, launcher: Launcher, log: WorkLog) -> None:
        """After ten redirects the run fails and says why."""
        launcher.start([make_work(HttpTarget(url=f"{server.url}/loop"))])
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.FAILED
        assert outcome.error is not None
        assert "gave up after 10 redirects" in outcome.error
        assert len(server.requests) == 11

    @pytest.mark.parametrize(
        "location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:1/x"]
    )
    def test_a_redirect_never_leaves_the_web(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog, location: str
    ) -> None:
        """Only http and https are spoken, wherever a target sends the executor."""
        launcher.start([make_work(HttpTarget(url=f"{server.url}/redirect/302?to={location}"))])
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.FAILED
        assert outcome.error is not None
        assert "neither http nor https" in outcome.error

    def test_a_location_that_is_no_text_hurts_nobody(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """Bytes that are no UTF-8 fail this run, or go back to the target; the next run is fine."""
        for number, location in enumerate(("%ff%fe://x", "http://%ff%fe/", "/%ff%fe", "%ff")):
            url = f"{server.url}/redirect/302?to={location}"
            launcher.start([make_work(HttpTarget(url=url), f"run-{number}")])
        launcher.start([make_work(HttpTarget(url=server.url), "sound")])
        log.wait_for_ends(5)
        assert log.outcomes["sound"].state is RunState.SUCCEEDED

    def test_credentials_do_not_follow_to_another_host(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """Authorization stays with the host the job names; the run's id goes along."""
        with RecordingTarget() as other:
            target = HttpTarget(
                url=f"{server.url}/redirect/307?to={other.url}/",
                headers={"Authorization": "Bearer secret", "Cookie": "secret=1"},
            )
            launcher.start([make_work(target)])
            log.wait_for_end("run")
            assert server.requests[0].headers["authorization"] == "Bearer secret"
            assert not {"authorization", "cookie"} & set(other.requests[0].headers)
            assert other.seen() == ["run"]


class TestTls:
    """Whom https trusts."""

    @pytest.fixture
    def secure(self, certificate: Path) -> Iterator[RecordingTarget]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with RecordingTarget(context) as server:
            yield server

    def test_a_certificate_nobody_vouches_for_is_refused(
        self, secure: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """The run fails with words about the certificate, and no request is sent."""
        launcher.start([make_work(HttpTarget(url=secure.url))])
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.FAILED
        assert outcome.error is not None
        assert "certificate" in outcome.error.lower()
        assert secure.seen() == []

    def test_a_trusted_certificate_is_accepted(
        self,
        secure: RecordingTarget,
        certificate: Path,
        log: WorkLog,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """SSL_CERT_FILE names the authorities."""
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        launcher = HttpLauncher(log, SystemClock())
        launcher.start([make_work(HttpTarget(url=secure.url))])
        outcome = log.wait_for_end("run")
        launcher.stop()
        assert outcome.state is RunState.SUCCEEDED, outcome
        assert secure.seen() == ["run"]
