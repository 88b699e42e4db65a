"""An SMTP server for couriers to talk to: it keeps every mail, and misbehaves on order.

It knows what a client of ours says (RFC 5321, 3207, 4954) and no more.
"""

import base64
import contextlib
import socket
import ssl
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Lock, Thread
from typing import Self

#: Longest that a conversation waits for anything, seconds; tests end long before.
_PATIENCE_S = 30


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it arrived, and how."""

    sender: str
    to: tuple[str, ...]
    encrypted: bool
    login: tuple[str, str] | None
    message: EmailMessage

    @property
    def text(self) -> str:
        return str(self.message.get_content())


class RecordingMailbox:
    """The server, on a port of its own.

    Args:
        tls: its certificate, for STARTTLS or, if *at_once*, from the first byte.
        refuses: recipients that it does not take.
        password: what a login has to say; a wrong one is repeated in the refusal.
        silent: says nothing at all.
    """

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        *,
        at_once: bool = False,
        refuses: frozenset[str] = frozenset(),
        password: str = "",
        silent: bool = False,
    ) -> None:
        self.tls, self.at_once = tls, at_once
        self.refuses, self.password, self.silent = refuses, password, silent
        self.mails: list[Mail] = []
        self.closing = Event()
        self.lock = Lock()
        self._server = _Server(("127.0.0.1", 0), _Conversation)
        self._server.mailbox = self
        self.port: int = self._server.server_address[1]
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingTCPServer):
    daemon_threads = False
    mailbox: RecordingMailbox

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that break off are what these tests are about."""


class _Conversation(StreamRequestHandler):
    timeout = _PATIENCE_S
    server: _Server

    def handle(self) -> None:
        self.mailbox = self.server.mailbox
        self.encrypted = False
        self.login: tuple[str, str] | None = None
        self._sender, self._to = "", list[str]()
        if self.mailbox.silent:
            self.mailbox.closing.wait(_PATIENCE_S)
            return
        with contextlib.suppress(OSError):
            if self.mailbox.at_once:
                self._secure()
            self._say("220 mailbox")
            while line := self.rfile.readline():
                verb, _, rest = line.decode().strip().partition(" ")
                if not self._obey(verb.upper(), rest):
                    return

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self.connection.close()

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
        self.wfile.flush()

    def _secure(self) -> None:
        assert self.mailbox.tls is not None
        self.rfile.close()
        self.wfile.close()
        secure = self.mailbox.tls.wrap_socket(self.connection, server_side=True)
        self.connection = secure
        self.rfile = secure.makefile("rb")
        self.wfile = secure.makefile("wb")
        self.encrypted = True

    def _obey(self, verb: str, rest: str) -> bool:
        match verb:
            case "EHLO" | "HELO":
                offers = ["250-mailbox"]
                if self.mailbox.tls is not None and not self.encrypted:
                    offers.append("250-STARTTLS")
                self._say("\r\n".join([*offers, "250 AUTH PLAIN"]))
            case "STARTTLS":
                self._say("220 go ahead")
                self._secure()
            case "AUTH":
                self._authenticate(rest)
            case "MAIL":
                self._sender = rest.partition("<")[2].partition(">")[0]
                self._say("250 ok")
            case "RCPT":
                self._take_recipient(rest.partition("<")[2].partition(">")[0])
            case "DATA":
                self._take_mail()
            case "RSET" | "NOOP":
                self._say("250 ok")
            case "QUIT":
                self._say("221 bye")
                return False
            case _:
                self._say("502 what?")
        return True

    def _authenticate(self, rest: str) -> None:
        _, user, password = base64.b64decode(rest.split()[-1]).decode().split("\x00")
        if self.mailbox.password and password != self.mailbox.password:
            self._say(f"535 {user} has another password than {password}")
        else:
            self.login = user, password
            self._say("235 welcome")

    def _take_recipient(self, address: str) -> None:
        if address in self.mailbox.refuses:
            self._say("550 nobody of that name")
            return
        self._to.append(address)
        self._say("250 ok")

    def _take_mail(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        message = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(message, EmailMessage)
        mail = Mail(self._sender, tuple(self._to), self.encrypted, self.login, message)
        with self.mailbox.lock:
            self.mailbox.mails.append(mail)
        self._say("250 kept")


def dead_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
