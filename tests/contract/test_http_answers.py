"""What becomes of HTTP answers: the outcome, in words for a person."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from email.utils import formatdate
from urllib.parse import quote_plus

import pytest

from executor.adapters.http_target import HttpLauncher
from executor.adapters.system_clock import SystemClock
from executor.domain.run import Reason, RunState
from executor.domain.targets import HttpTarget
from executor.ports.target import Launcher
from tests.contract.http_workshop import DEAD_PORT, HttpWorkshop
from tests.contract.launcher_contract import make_work
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog


@contextmanager
def crowded(address: tuple[str, int]) -> Iterator[None]:
    """Fill the queue of a listening socket, so that nobody can connect any more."""
    with ExitStack() as callers:
        for _ in range(8):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(address)
        yield


class TestJudgement(HttpWorkshop):
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

    @pytest.mark.parametrize(
        ("answer", "seconds"),
        [
            ("429?after=90", 90),
            ("503?after=90", 90),
            ("404?after=1", 1),
            ("503?after=0", None),
            ("503?after=-5", None),
            ("503?after=soon", None),
            ("503?after=Thu,+01+Jan+1970+00:00:09+GMT", None),
            ("200?after=90", None),
        ],
    )
    def test_what_fails_may_ask_for_patience(
        self,
        server: RecordingTarget,
        launcher: Launcher,
        log: WorkLog,
        answer: str,
        seconds: int | None,
    ) -> None:
        """Retry-After of the last answer, in seconds; nothing of it stays for the next request."""
        launcher.start([make_work(HttpTarget(url=f"{server.url}/busy/{answer}"))])
        launcher.start([make_work(HttpTarget(url=f"{server.url}/status/503"), "next")])
        log.wait_for_ends(2)
        assert log.outcomes["run"].retry_after == seconds
        assert log.outcomes["next"].retry_after is None

    def test_patience_may_be_asked_for_until_a_date(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """It is counted from now, as the machine's clock has it."""
        until = quote_plus(formatdate(time.time() + 300, usegmt=True))
        launcher.start([make_work(HttpTarget(url=f"{server.url}/busy/503?after={until}"))])
        seconds = log.wait_for_end("run").retry_after
        assert seconds is not None
        assert 280 <= seconds <= 300

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
        launcher.start([make_work(HttpTarget(url=f"http://127.0.0.1:{DEAD_PORT}/secret?key=1"))])
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

    @pytest.mark.parametrize("host", ["a%00b", "a%20b", "256.256.256.256", "a%2fb"])
    def test_a_host_that_libcurl_refuses_hurts_nobody(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog, host: str
    ) -> None:
        """The run fails and says at which host; the next run is fine."""
        launcher.start([make_work(HttpTarget(url=f"http://{host}/x?secret"), "broken")])
        launcher.start([make_work(HttpTarget(url=server.url), "sound")])
        log.wait_for_ends(2)
        assert log.outcomes["sound"].state is RunState.SUCCEEDED
        error = log.outcomes["broken"].error
        assert error is not None
        assert host in error
        assert "secret" not in error

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
