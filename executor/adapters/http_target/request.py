"""From a run to the options of one HTTP request.

Headers that identify the run are Solocron's: whatever a job defines under these names
is dropped, and so are the headers that frame a message, because a wrong length would
spill one job's body into the next request on the same kept connection.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final
from urllib.parse import quote, urlsplit

import pycurl

from executor import __version__
from executor.adapters.http_target.guard import Guard
from executor.adapters.http_target.rules import HttpRules
from executor.domain.instant import to_text
from executor.domain.loopback import is_loopback
from executor.domain.run import Run
from executor.domain.targets import HttpTarget

#: Bytes a second taken of one answer.  Nearly all of a longer one is dropped anyway, and
#: an endless one would take the interpreter's time from those who start runs.
MOST_BYTES_A_SECOND: Final = 32 * 1024 * 1024

#: Headers a job cannot set, besides everything under ``X-Solocron-``.
_RESERVED: Final = frozenset({"idempotency-key", "content-length", "transfer-encoding", "expect"})
_OWN_PREFIX: Final = "x-solocron-"

#: Value of SSL_VERIFYHOST by which the certificate has to name the host; 0 is any name.
_SAME_HOST: Final = 2

#: Methods whose requests say that they have no body when they have none; others stay silent.
_BODY_EXPECTED: Final = frozenset({"POST", "PUT", "PATCH"})

#: Printable ASCII but the percent sign, which no job name contains: encoding is reversible.
_HEADER_SAFE: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
#: Everything that may stand in a URL, the percent sign included: what is encoded stays.
URL_SAFE: Final = "".join(chr(code) for code in range(0x21, 0x7F))


#: Returns the header lines by which a target knows who sends a request, and whether again.
Identify = Callable[[Run, HttpTarget], Sequence[str]]


def new_handle(connect_timeout_ms: int, authorities: str | None, rules: HttpRules) -> pycurl.Curl:
    """Return a handle with everything set that is the same for all requests.

    Args:
        connect_timeout_ms: for resolving, connecting and the TLS handshake.
        authorities: file of the certificates to trust; None leaves it to libcurl.
        rules: of which only those that hold for every request alike are obeyed here.
    """
    curl = pycurl.Curl()
    if not rules.environment_proxies:
        curl.setopt(pycurl.NOPROXY, "*")
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, connect_timeout_ms)
    curl.setopt(pycurl.TCP_KEEPALIVE, 1)
    curl.setopt(pycurl.MAX_RECV_SPEED_LARGE, MOST_BYTES_A_SECOND)
    curl.setopt(pycurl.USERAGENT, f"Solocron/{__version__}")
    if authorities:
        curl.setopt(pycurl.CAINFO, authorities)
        # A folder that libcurl was built with would vouch besides, also for jobs with their own.
        curl.setopt(pycurl.CAPATH, None)
    return curl


def prepare(
    curl: pycurl.Curl,
    run: Run,
    target: HttpTarget,
    timeout_ms: int,
    take: Callable[[bytes], None],
    guard: Guard,
    signature: Sequence[str] = (),
    identify: Identify | None = None,
) -> None:
    """Set every other option of *curl* for one request of *run*; the body goes to *take*.

    Handles are used again without a reset, which would cost as much as all of this: no
    option may be set here in one case only.

    Args:
        timeout_ms: for everything from resolving the name to the last byte of the answer.
        guard: hands out the sockets.
        signature: further header lines of Solocron's own.
        identify: says who sends the request; by default :func:`run_headers`.

    Raises:
        ValueError: the request cannot be written down; says why.
    """
    url, direct = _destination(target.url)
    headers = [*headers_of(run, target, identify or run_headers), *signature]
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.PROXY, "" if direct else None)
    curl.setopt(pycurl.TIMEOUT_MS, timeout_ms)
    curl.setopt(pycurl.HTTPHEADER, headers)
    # A connection is kept for requests with the same values of these only; libcurl sees to it.
    curl.setopt(pycurl.SSL_VERIFYPEER, int(target.tls.verify))
    curl.setopt(pycurl.SSL_VERIFYHOST, _SAME_HOST if target.tls.verify else 0)
    curl.setopt(pycurl.CAINFO_BLOB, target.tls.ca)
    curl.setopt(pycurl.WRITEFUNCTION, take)
    curl.setopt(pycurl.OPENSOCKETFUNCTION, guard.open)
    _set_method(curl, target)


def release(curl: pycurl.Curl) -> None:
    """Let go of the bodies, sent and received, which an idle handle would keep in memory."""
    curl.setopt(pycurl.WRITEFUNCTION, None)
    curl.setopt(pycurl.POSTFIELDS, "")


def run_headers(run: Run, target: HttpTarget) -> list[str]:
    """Return the header lines that identify *run*."""
    lines = [
        f"Idempotency-Key: {run.trigger_id or run.id}",
        f"X-Solocron-Run-Id: {run.id}",
        f"X-Solocron-Job: {_header_text(run.job)}",
        f"X-Solocron-Attempt: {run.attempt}",
        f"X-Solocron-Term: {run.term}",
    ]
    if run.fire_at is not None:
        lines.append(f"X-Solocron-Fire-Time: {_instant_text(run.fire_at)}")
    return lines


def headers_of(run: Run, target: HttpTarget, identify: Identify = run_headers) -> list[str | bytes]:
    """Return the header lines in the form libcurl wants."""
    lines = ["Expect:", *identify(run, target)]
    # Without a value libcurl would claim to send a form.
    content_type = "Content-Type: application/json" if target.body else "Content-Type:"
    for name, value in target.headers.items():
        lowered = name.lower()
        if lowered == "content-type":
            content_type = ""
        if lowered not in _RESERVED and not lowered.startswith(_OWN_PREFIX):
            lines.append(f"{name}: {value}" if value.strip() else f"{name};")
    if content_type:
        lines.append(content_type)
    return [line if line.isascii() else line.encode() for line in lines]


def _set_method(curl: pycurl.Curl, target: HttpTarget) -> None:
    method = target.method
    name: str | None = None
    if method == "HEAD":
        curl.setopt(pycurl.NOBODY, 1)
    elif target.body or method in _BODY_EXPECTED:
        # Setting a body makes it a POST and undoes NOBODY; the name alone is corrected.
        curl.setopt(pycurl.NOBODY, 0)
        curl.setopt(pycurl.POSTFIELDS, target.body.encode())
        name = method if method != "POST" else None
    else:
        curl.setopt(pycurl.HTTPGET, 1)
        name = method if method != "GET" else None
    curl.setopt(pycurl.CUSTOMREQUEST, name)


#: A whole second's runs have the same fire time.
_instant_text: Final = lru_cache(maxsize=64)(to_text)


def _header_text(name: str) -> str:
    return name if name.isascii() else quote(name, safe=_HEADER_SAFE)


@lru_cache(maxsize=10_000)
def _destination(url: str) -> tuple[str, bool]:
    """Return *url* as it goes over the wire, and whether no proxy may stand in between."""
    return ascii_url(url), _is_here(place_of(url))


@lru_cache(maxsize=10_000)
def place_of(url: str) -> str:
    """Return host:port of *url*; never more of it, since a query may hold a secret."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return url.partition("?")[0]
    host = parts.hostname or ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def ascii_url(url: str) -> str:
    """Return *url* as it goes over the wire.

    Raises:
        ValueError: its host is none.
    """
    if url.isascii():
        return url
    parts = urlsplit(url)
    credentials, at, place = parts.netloc.rpartition("@")
    if not place.isascii():
        port = "" if parts.port is None else f":{parts.port}"
        try:
            place = (parts.hostname or "").encode("idna").decode() + port
        except UnicodeError as error:
            raise ValueError(f"{parts.hostname!r} is not a host name: {error}") from error
    return quote(parts._replace(netloc=credentials + at + place).geturl(), safe=URL_SAFE)


@lru_cache(maxsize=1000)
def _is_here(place: str) -> bool:
    host = place.rpartition(":")[0].strip("[]")
    return is_loopback(host) or host.endswith(".localhost")


def system_authorities() -> str | None:
    """Return the file of trusted certificates, None where libcurl finds it by itself.

    pycurl's wheels carry a libcurl built for another distribution, whose path of that file
    need not exist here; Python's own idea of it is right, and obeys ``SSL_CERT_FILE``.
    """
    found = ssl.get_default_verify_paths().cafile
    return found if found and os.access(found, os.R_OK) else None
