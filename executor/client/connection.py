"""The connection to a service: one address, one token, kept open from request to request.

Standard library only.  Everything that goes wrong is a :class:`NoAnswer` with a sentence that
says what to do, or a :class:`Refusal` with the service's own words.

Rules
-----
1. A kept connection may have been closed at the other end just now.  A request that finds it so
   is sent again, once, on a new one: those that change something carry an ``Idempotency-Key``
   or say at which revision they expect a job, so a second arrival has no second effect.
2. 503 means that nobody executes at the moment: it is asked again after ``Retry-After``, for
   :data:`PATIENCE_S` in all.
3. Proxies of the environment are used, but never to this machine.  Redirects are not followed:
   the token goes to the address that was given, and nowhere else.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import SplitResult, quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from executor.domain.loopback import is_loopback

#: Longest wait for an answer, seconds: a batch of changes and a slow store take their time.
TIMEOUT_S: Final = 60.0

#: Longest answer that is read, bytes: 1,000 jobs of the largest usual size.
LONGEST: Final = 200_000_000

#: How long a request is repeated while nobody executes, seconds: longer than a failover takes.
PATIENCE_S: Final = 30.0

#: Pause before a repetition where the service names none, seconds.
_PAUSE_S: Final = 1.0

_BEARER: Final = "Authorization"


class NoAnswer(Exception):
    """The question was not answered; the message says why, and what to do."""


class Refusal(Exception):
    """The service has answered, and it says no."""

    def __init__(self, status: int, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> None:
        self.status, self.detail, self.errors = status, detail, tuple(errors)
        faults = [f"{one['field']}: {one['message']}".removeprefix(": ") for one in errors]
        super().__init__("; ".join(faults) or detail)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is no refusal."""

    status: int
    document: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class Connection:
    """Asks one service; close it, or use it as a context manager.

    Args:
        url: of any instance, perhaps with a path in front of ``/v1``.
        token: sent as a bearer token, if not empty; or what returns it, asked before each request.
        timeout_s: longest wait for one answer, seconds.
        pause: lets so many seconds pass before a repetition.
        advice: what whoever is asked for a token is told to do; else how to log in at Solocron.

    Raises:
        NoAnswer: *url* is none.
    """

    def __init__(
        self,
        url: str,
        token: str | Callable[[], str] = "",
        *,
        timeout_s: float = TIMEOUT_S,
        pause: Callable[[float], None] = time.sleep,
        advice: str = "",
    ) -> None:
        self.url = url.rstrip("/")
        self._parts = _checked(url, self.url)
        self._token = token
        self._timeout_s = timeout_s
        self._pause = pause
        #: What another connection to the same service is made with.
        self._how: dict[str, Any] = {"token": token, "timeout_s": timeout_s, "pause": pause}
        self._advice = advice or (
            f"run: solocron login {self.url}, or set SOLOCRON_TOKEN to a token of it"
        )
        self._open: HTTPConnection | None = None
        self._proxied = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def another(self) -> Connection:
        """Return one more connection to the same service, for another thread."""
        return Connection(self.url, **self._how)

    def close(self) -> None:
        """Give the connection back."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def get(self, path: str, **query: str | int | None) -> Any:
        """Return the JSON document at *path*; query values that are None are left out.

        Raises:
            NoAnswer, Refusal: see the class.
        """
        given = {name: value for name, value in query.items() if value is not None}
        return self.request("GET", f"{path}?{urlencode(given)}" if given else path).document

    def request(
        self, method: str, path: str, document: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send *method* to *path*, with *document* as JSON if it is not None.

        Raises:
            NoAnswer: nobody there, or no Solocron.
            Refusal: the service says no.
        """
        body = None if document is None else json.dumps(document).encode()
        left_s = PATIENCE_S
        while True:
            status, fields, text = self._exchange(method, path, body, headers or {})
            wait_s = _retry_after(fields)
            if status != HTTPStatus.SERVICE_UNAVAILABLE or wait_s > left_s:
                return self._read(status, fields, text)
            left_s -= wait_s
            self._pause(wait_s)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        fresh = self._open is None
        try:
            return self._once(method, path, body, headers)
        except (OSError, HTTPException) as error:
            self.close()
            if fresh or isinstance(error, TimeoutError):
                raise self._silence(error) from error
        try:
            return self._once(method, path, body, headers)
        except (OSError, HTTPException) as error:
            self.close()
            raise self._silence(error) from error

    def lines(self, path: str, headers: Mapping[str, str] | None = None) -> Iterator[str]:
        """Yield the lines of a text that comes little by little, each as soon as it is there.

        Nothing is asked again: whoever reads knows where to go on.

        Raises:
            NoAnswer: nobody there, or the connection is lost.
            Refusal: the service says no.
        """
        self.close()
        try:
            with self._send("GET", path, None, headers or {}) as response:
                if response.status >= HTTPStatus.MULTIPLE_CHOICES:
                    self._read(response.status, dict(response.headers), response.read(LONGEST))
                for line in response:
                    yield line.decode(errors="replace").rstrip("\r\n")
        except (OSError, HTTPException) as error:
            raise self._silence(error) from error
        finally:
            self.close()

    def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        with self._send(method, path, body, headers) as response:
            return response.status, dict(response.headers), response.read(LONGEST)

    def _send(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> HTTPResponse:
        if self._open is None:
            self._open, self._proxied = _connection(self._parts, self._timeout_s)
        fields = {"Accept": "application/json", **headers}
        if body is not None:
            fields["Content-Type"] = "application/json"
        token = self._token if isinstance(self._token, str) else self._token()
        if token:
            fields[_BEARER] = f"Bearer {token}"
        target = f"{self.url}{path}" if self._proxied else f"{self._parts.path}{path}"
        self._open.request(method, target, body, fields)
        return self._open.getresponse()

    def _silence(self, error: Exception) -> NoAnswer:
        advice = "is an instance running there? Name another one with --url or SOLOCRON_URL"
        return NoAnswer(f"{self.url} does not answer ({error}); {advice}")

    def _read(self, status: int, headers: Mapping[str, str], text: bytes) -> Reply:
        try:
            document = json.loads(text) if text.strip() else None
        except ValueError:
            document = None
            if status < HTTPStatus.BAD_REQUEST:
                raise NoAnswer(f"{self.url} is no Solocron: it answers no JSON") from None
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return Reply(status, document, headers)
        if status == HTTPStatus.UNAUTHORIZED:
            raise NoAnswer(self._who_are_you(document))
        if not isinstance(document, dict) or "detail" not in document:
            raise NoAnswer(f"{self.url} is no Solocron: it answers {status}")
        errors = document.get("errors") or ()
        raise Refusal(status, str(document["detail"]), errors)

    def _who_are_you(self, document: Any) -> str:
        said = document if isinstance(document, dict) else {}
        why = str(said.get("detail") or said.get("error") or "")
        return f"{self.url} asks who you are{f' ({why})' if why else ''}; {self._advice}"


def path_of(*segments: str) -> str:
    """Return the path of these *segments* below ``/v1``, each percent-encoded."""
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


def _checked(url: str, shown: str) -> SplitResult:
    try:
        parts = urlsplit(shown)
        _ = parts.port
    except ValueError as error:
        raise NoAnswer(f"{url} is no http:// URL ({error})") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NoAnswer(f"{url} is no URL that starts with http:// or https://")
    if any(character <= " " or character == "\x7f" for character in shown):
        raise NoAnswer(f"{url} is no URL: it holds white space")
    return parts


def _connection(parts: SplitResult, timeout_s: float) -> tuple[HTTPConnection, bool]:
    """Return a connection to where *parts* leads, and whether a proxy wants whole URLs."""
    host = parts.hostname or ""
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    proxy = None if is_loopback(host) or proxy_bypass(host) else getproxies().get(parts.scheme)
    if proxy is None:
        found = kind(host, parts.port, timeout=timeout_s)
    else:
        by = urlsplit(proxy if "://" in proxy else f"//{proxy}")
        found = kind(by.hostname or "", by.port, timeout=timeout_s)
        if parts.scheme == "https":
            found.set_tunnel(host, parts.port)
    found.connect()
    # Head and body are two writes; without this the second waits for the first one's receipt.
    found.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return found, proxy is not None and parts.scheme == "http"


def _retry_after(headers: Mapping[str, str]) -> float:
    text = headers.get("Retry-After", "")
    return max(float(text), _PAUSE_S) if text.isascii() and text.isdigit() else _PAUSE_S
