"""Delivery by mail: SMTP, a few conversations at a time on threads of their own.

A conversation is short and new for each mail: nothing is kept open, and what one server does to
one mail cannot spoil another.  As with HTTP, the address that is connected to is judged after the
look-up.  The server's answer may repeat what it was sent: secrets are replaced in every error.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import format_datetime
from queue import SimpleQueue
from threading import Thread
from typing import Final

from executor.adapters.handoff import opened
from executor.domain.channel import EmailChannel, secret_places
from executor.domain.message import subject, text
from executor.domain.notification import Notification
from executor.domain.redaction import Redaction
from executor.domain.template import SECRET, render
from executor.ports.clock import Clock
from executor.ports.courier import CourierListener, Parcel
from executor.ports.keys import Opener

#: Conversations at a time: as many as one channel gets, so that one silent server keeps no more
#: than its own share, and another channel's waits for one time limit at the most.
THREADS: Final = 4

#: Seconds for connecting, and for each answer of the server.
TIMEOUT_S: Final = 15.0

#: Longest subject, characters: RFC 5322 allows 998 in a line, people read less.
_LONGEST_SUBJECT: Final = 200

#: Seconds :meth:`MailCourier.stop` waits for the threads in all; they are daemons.
_STOP_S: Final = 1.0


class MailCourier:
    """Delivers mails.

    Args:
        refusal: why an address must not be connected to; see ``http_target.rules``.
        timeout_s: for connecting, and for each answer.
        trust: what certificates are verified by; by default the system's authorities.
    """

    def __init__(
        self,
        listener: CourierListener,
        clock: Clock,
        refusal: Callable[[str], str | None],
        opener: Opener | None,
        *,
        timeout_s: float = TIMEOUT_S,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._listener = listener
        self._clock = clock
        self._refusal = refusal
        self._opener = opener
        self._timeout_s = timeout_s
        self._trust = trust
        self._stopped = False
        self._parcels: SimpleQueue[Parcel | None] = SimpleQueue()
        self._threads: list[Thread] = []

    def deliver(self, parcel: Parcel) -> None:
        """Send the mail as soon as a thread is free; returns at once."""
        self._parcels.put(parcel)
        if len(self._threads) < THREADS:
            # Made when needed: most installations never send a mail.
            thread = Thread(target=self._run, name=f"mail-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End the threads; a conversation under way is left to its time limit."""
        self._stopped = True
        for _ in self._threads:
            self._parcels.put(None)
        for thread in self._threads:
            thread.join(_STOP_S / THREADS)

    def _run(self) -> None:
        while (parcel := self._parcels.get()) is not None and not self._stopped:
            error = self._try(parcel)
            if not self._stopped:
                self._listener(parcel.notification.id, self._clock.now(), error)

    def _try(self, parcel: Parcel) -> str | None:
        """Send one mail; return why it failed, without any secret."""
        channel = parcel.channel
        assert isinstance(channel, EmailChannel)
        redaction: Redaction | None = None
        try:
            names = [name for _, name in secret_places(channel)]
            secrets = opened(names, parcel.sealed, self._opener)
            redaction = Redaction(secrets) if secrets else None
            self._send(parcel.notification, channel, secrets)
        except Exception as error:  # One mail that nobody foresaw must not end the thread.
            words = f"{channel.host}:{channel.usual_port}: {_explained(error)}"
            return words if redaction is None else redaction.text(words)
        return None

    def _send(self, note: Notification, channel: EmailChannel, secrets: dict[str, str]) -> None:
        values = {f"{SECRET}{name}": value for name, value in secrets.items()}
        with self._connect(channel) as server:
            if channel.user:
                server.login(render(channel.user, values), render(channel.password, values))
            refused = server.send_message(mail_of(note, channel), channel.sender, channel.to)
        if refused:
            who = ", ".join(sorted(refused))
            raise ValueError(f"the server refuses {who}; the others have got it")

    def _connect(self, channel: EmailChannel) -> smtplib.SMTP:
        trust = self._trust or ssl.create_default_context()
        at = _allowed_address(channel, self._refusal)
        if channel.security == "tls":
            return _TlsServer(channel.host, at, channel.usual_port, self._timeout_s, trust)
        server = _PlainServer(channel.host, at, channel.usual_port, self._timeout_s)
        try:
            if channel.security == "starttls":
                server.starttls(context=trust)
        except BaseException:
            server.close()
            raise
        return server


class _PlainServer(smtplib.SMTP):
    """A conversation with *host* at an address that was looked up, and judged, before."""

    def __init__(self, host: str, at: str, port: int, timeout_s: float) -> None:
        self._at = at
        # Certificates name an IPv6 address without the brackets.
        super().__init__(host.strip("[]"), port, timeout=timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self._at, port), timeout)


class _TlsServer(_PlainServer):
    """As :class:`_PlainServer`, with TLS from the first byte."""

    def __init__(
        self, host: str, at: str, port: int, timeout_s: float, trust: ssl.SSLContext
    ) -> None:
        self._trusted = trust
        super().__init__(host, at, port, timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = super()._get_socket(host, port, timeout)
        return self._trusted.wrap_socket(plain, server_hostname=host)


def _allowed_address(channel: EmailChannel, refusal: Callable[[str], str | None]) -> str:
    """Look the host up; return the first address that may be connected to.

    Raises:
        OSError: it has none.
        ValueError: none of them may be.
    """
    host = channel.host.strip("[]")
    refused = ""
    found = socket.getaddrinfo(host, channel.usual_port, type=socket.SOCK_STREAM)
    for _, _, _, _, (address, *_) in found:
        why = refusal(str(address))
        if why is None:
            return str(address)
        refused = f"resolves to {address}, {why}"
    raise ValueError(refused)


def mail_of(note: Notification, channel: EmailChannel) -> EmailMessage:
    """Return the mail; repetitions have the same Message-ID, by which mailboxes know them."""
    mail = EmailMessage()
    line = " ".join(subject(note.payload).split())
    mail["Subject"] = f"[Solocron] {line}"[:_LONGEST_SUBJECT]
    mail["From"] = channel.sender
    mail["To"] = ", ".join(channel.to)
    mail["Date"] = format_datetime(note.created_at)
    mail["Message-ID"] = f"<{note.id}@{channel.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Solocron-Event"] = note.event.value
    mail.set_content(text(note.payload))
    return mail


def _explained(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        said = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
        return f"the server answers {error.smtp_code} {said}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"the server refuses {', '.join(sorted(error.recipients))}"
    if isinstance(error, TimeoutError) or str(error).endswith("timed out"):
        return "no answer in time"
    return str(error) or repr(error)
