"""Whom https trusts: the machine's authorities, a job's own, or anybody."""

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.adapters.http_target import HttpLauncher
from executor.adapters.system_clock import SystemClock
from executor.domain.run import RunState
from executor.domain.targets import HttpTarget
from executor.domain.tls import Tls
from executor.ports.target import Launcher
from tests.contract.http_workshop import HttpWorkshop
from tests.contract.launcher_contract import make_work
from tests.fakes.recording_target import RecordingTarget
from tests.fakes.work_log import WorkLog


def make_certificate(folder: Path) -> Path:
    """Make a key and a certificate for 127.0.0.1, signed by itself, in one file."""
    key, alone, both = folder / "key.pem", folder / "certificate.crt", folder / "both.pem"
    request = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    names = "-addext subjectAltName=IP:127.0.0.1"
    subprocess.run(
        ["openssl", *request.split(), *names.split(), "-keyout", str(key), "-out", str(alone)],
        check=True,
        capture_output=True,
    )
    both.write_bytes(key.read_bytes() + alone.read_bytes())
    return both


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's own key and certificate."""
    return make_certificate(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A certificate that has nothing to do with the server, as PEM text."""
    folder = tmp_path_factory.mktemp("other")
    make_certificate(folder)
    return (folder / "certificate.crt").read_text(encoding="ascii")


@pytest.fixture(scope="module")
def ca(certificate: Path) -> str:
    """The server's certificate as PEM text, what a job writes into ``tls.ca``."""
    return certificate.with_name("certificate.crt").read_text(encoding="ascii")


class TestTls(HttpWorkshop):
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

    def test_a_jobs_own_authority_replaces_the_machines(
        self,
        secure: RecordingTarget,
        certificate: Path,
        other: str,
        log: WorkLog,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """What the machine trusts does not help against the authority that the job names."""
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        launcher = HttpLauncher(log, SystemClock())
        launcher.start([make_work(HttpTarget(url=secure.url, tls=Tls(ca=other)))])
        outcome = log.wait_for_end("run")
        launcher.stop()
        assert outcome.state is RunState.FAILED
        assert secure.seen() == []

    def test_nobody_is_let_in_by_the_trust_of_another_job(
        self, secure: RecordingTarget, launcher: Launcher, log: WorkLog, ca: str, other: str
    ) -> None:
        """Handles, kept connections and sessions of lenient jobs do not serve strict ones."""
        kinds = {
            "strict": Tls(),
            "lenient": Tls(verify=False),
            "own": Tls(ca=ca),
            "wrong": Tls(ca=other),
        }
        trusted = {"lenient", "own"}
        order = [kind for one in kinds for two in kinds for kind in (one, two)]
        works = [
            make_work(HttpTarget(url=secure.url, tls=kinds[kind]), f"{number}-{kind}")
            for number, kind in enumerate(order)
        ]
        launcher.start(works)
        log.wait_for_ends(len(works))
        succeeded = [log.outcomes[work.run.id].state is RunState.SUCCEEDED for work in works]
        assert succeeded == [kind in trusted for kind in order]

    def test_the_host_has_to_be_the_certificates(
        self, secure: RecordingTarget, launcher: Launcher, log: WorkLog, ca: str
    ) -> None:
        """A trusted certificate for another name is refused, unless nothing is verified."""
        url = f"https://localhost:{secure.port}/"
        launcher.start([make_work(HttpTarget(url=url, tls=Tls(ca=ca)), "verified")])
        launcher.start([make_work(HttpTarget(url=url, tls=Tls(verify=False)), "unverified")])
        log.wait_for_ends(2)
        assert log.outcomes["verified"].state is RunState.FAILED
        assert log.outcomes["unverified"].state is RunState.SUCCEEDED
        assert secure.seen() == ["unverified"]

    def test_a_redirect_to_https_is_verified_as_the_job_says(
        self,
        server: RecordingTarget,
        secure: RecordingTarget,
        launcher: Launcher,
        log: WorkLog,
        ca: str,
    ) -> None:
        """The authority of the job holds for wherever it is led, and so does its absence."""
        url = f"{server.url}/redirect/307?to={secure.url}/"
        launcher.start([make_work(HttpTarget(url=url), "strict")])
        launcher.start([make_work(HttpTarget(url=url, tls=Tls(ca=ca)), "own")])
        log.wait_for_ends(2)
        assert log.outcomes["strict"].state is RunState.FAILED
        assert log.outcomes["own"].state is RunState.SUCCEEDED
        assert secure.seen() == ["own"]
