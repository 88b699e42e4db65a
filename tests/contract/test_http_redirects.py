"""Where redirects lead, and what of a request goes along to whom."""

import hmac
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pycurl
import pytest

from executor.adapters.http_target import HttpLauncher
from executor.adapters.http_target.redirect import redirected
from executor.adapters.http_target.transfers import Transfers
from executor.adapters.keyring import Keyring
from executor.adapters.system_clock import SystemClock
from executor.domain.run import RunState
from executor.domain.targets import HttpTarget, Sign
from executor.ports.target import Launcher
from tests.contract.http_workshop import HttpWorkshop, Method
from tests.contract.launcher_contract import make_work
from tests.fakes.recording_target import RecordingTarget, Request
from tests.fakes.work_log import WorkLog

KEYRING = Keyring([b"k" * 32])

#: Headers of a job: what strangers may see, and what they may not.
HARMLESS = {
    "Content-Type": "text/plain",
    "Accept": "text/html",
    "Accept-Language": "de",
    "User-Agent": "nightly",
}
OWN = {
    "Authorization": "Bearer {{ secret.KEY }}",
    "Cookie": "session={{ secret.KEY }}",
    "X-Api-Key": "{{ secret.KEY }}",
    "X-Anything": "else",
}

#: Other places of https://example.com, and what may be taken for it by some program or other.
STRANGERS = (
    "http://example.com/",
    "https://example.com:8443/",
    "https://www.example.com/",
    "https://example.com.evil.example/",
    "https://example.com./",
    "https://example.com@evil.example/",
    "https://example.com:443@evil.example/",
    "https://example.com\\@evil.example/",
    "https://evil.example\\@example.com/",
    "https://a@evil.example@example.com/",
    "https://example.com%2F@evil.example/",
    "https://example.com%00.evil.example/",
    "https://example.com%E3%80%82evil.example/",
    "https:example.com/",
    "https:///example.com/",
    "https://[example.com]/",
    "ftp://example.com/",
)


@pytest.fixture
def other() -> Iterator[RecordingTarget]:
    """Another origin: the same machine, another port."""
    with RecordingTarget() as other:
        yield other


@pytest.fixture
def sealing(log: WorkLog) -> Iterator[Launcher]:
    """A launcher that has the key of secrets."""
    launcher = HttpLauncher(log, SystemClock(), parallel=1, opener=KEYRING)
    yield launcher
    launcher.stop()


def signature_of(request: Request) -> str:
    """Return what the signature of *request* has to be, with the key of these tests."""
    message = request.headers["x-solocron-timestamp"].encode() + b"." + request.body
    return f"v1={hmac.new(b'abcdefgh', message, 'sha256').hexdigest()}"


def send_on(
    launcher: Launcher, log: WorkLog, server: RecordingTarget, place: str, status: int
) -> None:
    """Run a signed request with all headers, which *server* sends on to *place*."""
    target = HttpTarget(
        url=f"{server.url}/redirect/{status}?to={place}",
        headers={**HARMLESS, **OWN},
        body="hello",
        sign=Sign(secret="KEY"),
    )
    sealed = {"KEY": KEYRING.seal("KEY", "abcdefgh")}
    launcher.start([replace(make_work(target), sealed=sealed)])
    assert log.wait_for_end("run").state is RunState.SUCCEEDED


class TestRedirects(HttpWorkshop):
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

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_what_a_job_keeps_in_its_headers_stays_with_the_origin_it_names(
        self,
        server: RecordingTarget,
        other: RecordingTarget,
        sealing: Launcher,
        log: WorkLog,
        status: int,
    ) -> None:
        """A stranger sees harmless headers and the run's id: no key, no signature."""
        send_on(sealing, log, server, f"{other.url}/", status)
        [first], [second] = server.requests, other.requests
        names = {name.lower() for name in OWN} | {"x-solocron-signature", "x-solocron-timestamp"}
        assert names <= set(first.headers)
        assert not names & set(second.headers)
        assert "abcdefgh" not in str(second.headers)
        assert second.run_id == "run"
        assert second.headers["idempotency-key"] == first.headers["idempotency-key"]
        kept = {name.lower(): value for name, value in HARMLESS.items()}
        if second.method == "GET":
            del kept["content-type"]
        assert kept.items() <= second.headers.items()

    @pytest.mark.parametrize(("status", "body"), [(303, b""), (307, b"hello"), (308, b"hello")])
    def test_a_body_goes_wherever_the_request_is_repeated(
        self,
        server: RecordingTarget,
        other: RecordingTarget,
        sealing: Launcher,
        log: WorkLog,
        status: int,
        body: bytes,
    ) -> None:
        """307 and 308 hand it over, to strangers as well; a GET has none, nor its headers."""
        send_on(sealing, log, server, f"{other.url}/", status)
        assert other.requests[0].body == body
        assert ("content-type" in other.requests[0].headers) is bool(body)

    @pytest.mark.parametrize("status", [302, 307])
    def test_within_an_origin_everything_goes_along_and_is_signed_anew(
        self, server: RecordingTarget, sealing: Launcher, log: WorkLog, status: int
    ) -> None:
        """The signature is that of the body which is sent, if any is left."""
        send_on(sealing, log, server, "/echo", status)
        first, second = server.requests
        assert {name: second.headers[name.lower()] for name in ("X-Api-Key", "Authorization")} == {
            "X-Api-Key": "abcdefgh",
            "Authorization": "Bearer abcdefgh",
        }
        for request in (first, second):
            assert request.headers["x-solocron-signature"] == signature_of(request)

    def test_what_was_left_behind_does_not_come_back(
        self, server: RecordingTarget, other: RecordingTarget, sealing: Launcher, log: WorkLog
    ) -> None:
        """A stranger that redirects home chooses an address there, and gets no key for it."""
        send_on(sealing, log, server, f"{other.url}/redirect/307?to={server.url}/home", 307)
        assert server.requests[-1].path == "/home"
        assert "x-api-key" not in server.requests[-1].headers
        assert "x-solocron-signature" not in server.requests[-1].headers

    def test_the_credentials_of_a_url_stay_with_its_origin(
        self, server: RecordingTarget, other: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """They go to other addresses there, absolute or not, and to nobody else."""
        url = server.url.replace("://", "://user:word@")
        places = ("/there", f"{server.url}/there", f"{other.url}/")
        for number, place in enumerate(places):
            target = HttpTarget(url=f"{url}/redirect/307?to={place}")
            launcher.start([make_work(target, f"run-{number}")])
            log.wait_for_end(f"run-{number}")
        there = [one for one in server.requests if one.path == "/there"]
        assert [one.headers["authorization"] for one in there] == ["Basic dXNlcjp3b3Jk"] * 2
        assert "authorization" not in other.requests[0].headers

    def test_the_time_of_all_redirects_counts_as_one(
        self, server: RecordingTarget, launcher: Launcher, log: WorkLog
    ) -> None:
        """The limit is that of the whole exchange; what a redirect says itself is not kept."""
        target = HttpTarget(
            url=f"{server.url}/redirect/307?to=/stall?head=first",
            timeout=timedelta(milliseconds=300),
        )
        launcher.start([make_work(target)])
        outcome = log.wait_for_end("run")
        assert outcome.state is RunState.TIMED_OUT
        assert outcome.error == "no complete answer within 0.3 s"
        assert outcome.output is not None
        assert outcome.output.head == "first"


@pytest.mark.parametrize("url", STRANGERS)
def test_whatever_may_be_another_origin_is_one(url: str) -> None:
    """No key goes to an address that any program could read as somebody else's."""
    target = HttpTarget(url="https://example.com/", headers=OWN, sign=Sign(secret="KEY"))
    following = redirected(target, 307, url)
    assert (following.url, following.headers, following.sign) == (url, {}, None)


@pytest.mark.parametrize(
    ("url", "leads_to"),
    [
        ("https://example.com/x?y#z", "https://u:p@example.com/x?y#z"),
        ("HTTPS://EXAMPLE.com:443?y", "https://u:p@example.com?y"),
        ("https://v@example.com/x", "https://u:p@example.com/x"),
    ],
)
def test_an_origin_keeps_the_words_of_the_job(url: str, leads_to: str) -> None:
    """Its case, its usual port and its credentials make no other one of it."""
    target = HttpTarget(url="https://u:p@example.com/", headers=OWN)
    assert redirected(target, 307, url) == replace(target, url=leads_to)


def test_a_handle_is_taken_out_once() -> None:
    """A request that was refused after a redirect is out already; that ends no thread."""
    with socket.socket() as waker:
        transfers = Transfers(waker.fileno(), time.monotonic, keep=1)
        curl = pycurl.Curl()
        transfers.add(curl)
        transfers.drop(curl)
        transfers.drop(curl)
        transfers.add(curl)
        transfers.close()
