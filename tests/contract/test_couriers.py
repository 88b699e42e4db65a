"""The law of ``executor/ports/courier.py``: what is handed over arrives, or is said to have failed.

Against servers of our own, over every kind of channel.
"""

from __future__ import annotations

import hmac
import json
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from executor.adapters.courier import Couriers
from executor.adapters.courier.mail import MailCourier
from executor.adapters.http_target.rules import HttpRules
from executor.adapters.keyring import Keyring
from executor.adapters.system_clock import SystemClock
from executor.domain.address_policy import AddressPolicy
from executor.domain.channel import Channel, channel_from_document
from executor.domain.notification import Notification
from executor.domain.notify import Event
from executor.ports.courier import Courier, Parcel
from tests.contract.store_world import AWKWARD, a_notification, a_ping
from tests.contract.test_http_tls import make_certificate
from tests.fakes.recording_mailbox import RecordingMailbox, dead_port
from tests.fakes.recording_target import RecordingTarget
from tests.waiting import eventually

#: Seconds that a delivery may take here.
PATIENCE_S = 20.0

KEYRING = Keyring([b"k" * 32])
SECRET = "correct horse battery"

FACTS = {
    "event": "failure",
    "job": "backup",
    "job_id": "job-backup",
    "run_id": "run",
    "at": "2026-12-01T00:00:00Z",
    "failures": 3,
    "held_back": 7,
    "error": "exit status 1 {{ not.a.template }}",
    "output": f"first\nlast {AWKWARD}",
}


class Desk:
    """Takes a courier's reports."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, datetime, str | None]] = []

    def __call__(self, notification_id: str, at: datetime, error: str | None) -> None:
        self.reports.append((notification_id, at, error))

    def outcome(self, number: int = 0) -> str | None:
        """Return why a delivery failed; None if it arrived."""
        eventually(lambda: len(self.reports) > number, PATIENCE_S, "a report")
        return self.reports[number][2]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def courier(desk: Desk) -> Iterator[Courier]:
    couriers = Couriers(desk, SystemClock(), opener=KEYRING)
    yield couriers
    couriers.stop()


def parcel(document: dict[str, Any] | None, note: Notification | None = None) -> Parcel:
    """Return what is to be delivered over a channel; with the secret that it may need."""
    channel: Channel | None = None if document is None else channel_from_document(document)
    note = note or a_notification(payload=FACTS)
    return Parcel(note, channel, {"KEY": KEYRING.seal("KEY", SECRET)})


def hook(server: RecordingTarget, path: str = "/hook", **more: Any) -> dict[str, Any]:
    return {"kind": "webhook", "url": f"{server.url}{path}", **more}


def mail(port: int, **more: Any) -> dict[str, Any]:
    small = {"kind": "email", "host": "127.0.0.1", "port": port, "security": "none"}
    return {**small, "from": "solocron@example.com", "to": ["ops@example.com"], **more}


class TestOverHttp:
    """Webhooks, Slack-compatible webhooks, and pings."""

    def test_a_webhook_gets_the_facts_and_who_it_is(
        self, courier: Courier, desk: Desk, server: RecordingTarget
    ) -> None:
        """JSON with text and facts; the key by which a repetition is known; nothing of a run."""
        document = hook(
            server, "/hook?key={{ secret.KEY | url }}", authorization="{{ secret.KEY }}"
        )
        courier.deliver(parcel(document))
        assert desk.outcome() is None
        assert desk.reports[0][0] == "note"

        [request] = server.requests
        said = json.loads(request.body)
        assert request.method == "POST"
        assert request.path == "/hook?key=correct%20horse%20battery"
        assert request.headers["authorization"] == SECRET
        assert request.headers["idempotency-key"] == said["id"] == "note"
        assert request.headers["content-type"] == "application/json"
        assert not {"x-solocron-run-id", "x-solocron-job"} & request.headers.keys()
        assert said["facts"] == FACTS
        assert said["subject"] == "backup failed, 3 times in a row"
        assert "Held back since the last message: 7" in said["text"]

    def test_a_webhook_may_be_signed(
        self, courier: Courier, desk: Desk, server: RecordingTarget
    ) -> None:
        """As requests of jobs are: the receiver can tell who sent it."""
        courier.deliver(parcel(hook(server, sign={"secret": "KEY"})))
        assert desk.outcome() is None

        [request] = server.requests
        said = f"{request.headers['x-solocron-timestamp']}.".encode() + request.body
        code = hmac.new(SECRET.encode(), said, "sha256").hexdigest()
        assert request.headers["x-solocron-signature"] == f"v1={code}"

    def test_slack_gets_a_text(self, courier: Courier, desk: Desk, server: RecordingTarget) -> None:
        """Its address is a secret, all of it."""
        url = {"KEY": KEYRING.seal("KEY", f"{server.url}/services/T/B")}
        channel = channel_from_document({"kind": "slack", "url": "{{ secret.KEY }}"})
        courier.deliver(Parcel(a_notification(payload=FACTS), channel, url))
        assert desk.outcome() is None

        [request] = server.requests
        assert request.path == "/services/T/B"
        assert json.loads(request.body)["text"].startswith("backup failed, 3 times in a row")

    @pytest.mark.parametrize(
        ("signal", "path"),
        [
            ("start", "/ping/id/start?rid=r"),
            ("", "/ping/id?rid=r"),
            ("fail", "/ping/id/fail?rid=r"),
            ("7", "/ping/id/7?rid=r"),
        ],
    )
    def test_a_ping_says_by_its_address_what_happened(
        self, courier: Courier, desk: Desk, server: RecordingTarget, signal: str, path: str
    ) -> None:
        """And brings the output, as it is, whatever braces it has."""
        url = f"{server.url}/ping/id"
        payload = {"url": url, "signal": signal, "rid": "r", "output": "{{ run.id }} {{{{ é"}
        courier.deliver(parcel(None, a_ping(payload=payload)))
        assert desk.outcome() is None

        [request] = server.requests
        assert (request.method, request.path) == ("POST", path)
        assert request.body.decode() == payload["output"]

    def test_a_ping_keeps_the_query_of_its_address(
        self, courier: Courier, desk: Desk, server: RecordingTarget
    ) -> None:
        """The signal belongs to the path, in front of it; secrets are filled in."""
        url = f"{server.url}/{{{{ secret.KEY | url }}}}?create=1"
        payload = {"url": url, "signal": "start", "rid": "r", "output": ""}
        courier.deliver(parcel(None, a_ping(payload=payload)))
        assert desk.outcome() is None

        assert server.requests[0].path == "/correct%20horse%20battery/start?rid=r&create=1"

    @pytest.mark.parametrize(
        ("path", "says"),
        [("/status/503", "503"), ("/status/404", "404"), ("/drop", "without an answer")],
    )
    def test_a_delivery_that_fails_is_reported_with_the_reason(
        self, courier: Courier, desk: Desk, server: RecordingTarget, path: str, says: str
    ) -> None:
        """And without the secret that stands in the address."""
        courier.deliver(parcel(hook(server, f"{path}?key={{{{ secret.KEY | url }}}}")))

        assert says in (desk.outcome() or "")
        assert "horse" not in (desk.outcome() or "")

    def test_a_secret_that_is_missing_fails_the_delivery(
        self, courier: Courier, desk: Desk, server: RecordingTarget
    ) -> None:
        """By name; nothing is sent."""
        channel = channel_from_document(hook(server, "/{{ secret.NONE }}"))
        courier.deliver(Parcel(a_notification(payload=FACTS), channel))

        assert "'NONE' is missing" in (desk.outcome() or "")
        assert server.requests == []

    def test_what_the_operator_forbids_is_not_connected_to(
        self, desk: Desk, server: RecordingTarget
    ) -> None:
        """Notifications go no further than requests of jobs; mails neither."""
        rules = HttpRules(refusal=AddressPolicy.PRIVATE.refusal)
        couriers = Couriers(desk, SystemClock(), http=rules)
        try:
            couriers.deliver(parcel(hook(server)))
            assert "does not allow" in (desk.outcome(0) or "")
            couriers.deliver(parcel(mail(server.port)))
            assert "does not allow" in (desk.outcome(1) or "")
        finally:
            couriers.stop()
        assert server.requests == []

    def test_a_receiver_that_hangs_keeps_no_other_waiting(
        self, courier: Courier, desk: Desk, server: RecordingTarget
    ) -> None:
        """Each delivery is on its own."""
        for number in range(4):
            hangs = a_notification(f"hangs-{number}", payload=FACTS)
            courier.deliver(parcel(hook(server, "/hang"), hangs))
        courier.deliver(parcel(hook(server), a_notification("passes", payload=FACTS)))

        assert desk.outcome() is None
        assert [one[0] for one in desk.reports] == ["passes"]


class TestOverSmtp:
    """Mails."""

    @pytest.fixture(scope="class")
    @classmethod
    def certificate(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return make_certificate(tmp_path_factory.mktemp("smtp"))

    @pytest.fixture
    def server_tls(self, certificate: Path) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return context

    @pytest.fixture
    def make(self, desk: Desk, certificate: Path) -> Iterator[Callable[..., MailCourier]]:
        made: list[MailCourier] = []

        def courier(timeout_s: float = 10.0, trusting: bool = True) -> MailCourier:
            trust = ssl.create_default_context()
            if trusting:
                trust.load_verify_locations(certificate.with_name("certificate.crt"))
            refusal = AddressPolicy.ANY.refusal
            clock = SystemClock()
            made.append(
                MailCourier(desk, clock, refusal, KEYRING, timeout_s=timeout_s, trust=trust)
            )
            return made[-1]

        yield courier
        for one in made:
            one.stop()

    def test_a_mail_says_what_happened(self, make: Callable[..., MailCourier], desk: Desk) -> None:
        """To everybody; with headers by which mailboxes and their robots know it."""
        with RecordingMailbox() as mailbox:
            to = ["ops@example.com", "on-call@example.com"]
            make().deliver(parcel(mail(mailbox.port, to=to)))
            assert desk.outcome() is None

            [got] = mailbox.mails
        assert (got.sender, got.to) == ("solocron@example.com", tuple(to))
        assert got.message["Subject"] == "[Solocron] backup failed, 3 times in a row"
        assert got.message["Message-ID"] == "<note@example.com>"
        assert got.message["Auto-Submitted"] == "auto-generated"
        assert "Error: exit status 1 {{ not.a.template }}" in got.text
        assert "日本 😀" in got.text

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_a_login_goes_over_an_encrypted_connection(
        self,
        make: Callable[..., MailCourier],
        desk: Desk,
        server_tls: ssl.SSLContext,
        security: str,
    ) -> None:
        """The password is filled in from its secret."""
        at_once = security == "tls"
        with RecordingMailbox(server_tls, at_once=at_once, password=SECRET) as mailbox:
            login = {"user": "solocron", "password": "{{ secret.KEY }}", "security": security}
            make().deliver(parcel(mail(mailbox.port, **login)))
            assert desk.outcome() is None

            [got] = mailbox.mails
        assert (got.encrypted, got.login) == (True, ("solocron", SECRET))

    def test_a_wrong_password_is_told_without_it(
        self, make: Callable[..., MailCourier], desk: Desk, server_tls: ssl.SSLContext
    ) -> None:
        """Even if the server repeats it."""
        with RecordingMailbox(server_tls, password="another one") as mailbox:
            login = {"user": "u", "password": "{{ secret.KEY }}", "security": "starttls"}
            make().deliver(parcel(mail(mailbox.port, **login)))

            error = desk.outcome() or ""
        assert "535 u has another password than [secret KEY]" in error
        assert mailbox.mails == []

    def test_a_server_that_cannot_encrypt_gets_nothing(
        self, make: Callable[..., MailCourier], desk: Desk
    ) -> None:
        """No password, and no mail either."""
        with RecordingMailbox() as mailbox:
            make().deliver(parcel(mail(mailbox.port, security="starttls")))

            assert "STARTTLS" in (desk.outcome() or "")
            assert mailbox.mails == []

    def test_a_certificate_nobody_vouches_for_is_refused(
        self, make: Callable[..., MailCourier], desk: Desk, server_tls: ssl.SSLContext
    ) -> None:
        """With words about it."""
        with RecordingMailbox(server_tls) as mailbox:
            make(trusting=False).deliver(parcel(mail(mailbox.port, security="starttls")))

            assert "certificate" in (desk.outcome() or "").lower()
            assert mailbox.mails == []

    def test_a_refused_recipient_is_named(
        self, make: Callable[..., MailCourier], desk: Desk
    ) -> None:
        """Whether others have got it or not."""
        with RecordingMailbox(refuses=frozenset({"gone@example.com"})) as mailbox:
            courier = make()
            courier.deliver(parcel(mail(mailbox.port, to=["gone@example.com"])))
            assert "gone@example.com" in (desk.outcome(0) or "")
            both = ["gone@example.com", "ops@example.com"]
            courier.deliver(parcel(mail(mailbox.port, to=both)))
            assert "gone@example.com" in (desk.outcome(1) or "")

            assert [one.to for one in mailbox.mails] == [("ops@example.com",)]

    def test_a_silent_server_is_given_up(
        self, make: Callable[..., MailCourier], desk: Desk
    ) -> None:
        """In time; and another one is served meanwhile."""
        with RecordingMailbox(silent=True) as silent, RecordingMailbox() as mailbox:
            courier = make(timeout_s=0.5)
            courier.deliver(parcel(mail(silent.port), a_notification("silent", payload=FACTS)))
            courier.deliver(parcel(mail(mailbox.port), a_notification("other", payload=FACTS)))

            desk.outcome(1)
            errors = {one[0]: one[2] for one in desk.reports}
        assert errors["other"] is None
        assert "no answer in time" in (errors["silent"] or "")

    def test_nobody_there_is_said(self, make: Callable[..., MailCourier], desk: Desk) -> None:
        """With the place."""
        port = dead_port()
        make().deliver(parcel(mail(port)))

        error = desk.outcome() or ""
        assert f"127.0.0.1:{port}" in error
        assert "refused" in error


def test_a_test_says_that_it_is_one(courier: Courier, desk: Desk, server: RecordingTarget) -> None:
    """Nobody shall be alarmed."""
    facts = {"event": "test", "channel": "ops", "at": "2026-12-01T00:00:00Z"}
    test = a_notification(event=Event.TEST, payload=facts, created_at=datetime.now().astimezone())
    courier.deliver(parcel(hook(server), test))
    assert desk.outcome() is None

    assert json.loads(server.requests[0].body)["subject"] == "Solocron: a test of channel ops"
    assert desk.reports[0][1] - test.created_at < timedelta(minutes=1)
