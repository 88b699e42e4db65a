"""What keeps foreign pages out: origin checks on the way in, headers on the way out.

A browser sends a form of any page to any address.  Three things stop such a form from
changing jobs: the native API takes JSON only (see ``bodies``), a request that says it comes
from another site is refused, and our pages cannot be framed.  Forms of our own pages need
proof that one of them sent it, see :func:`refuse_without_proof`.  Programs send none of these
headers and are not affected.

Where nobody has to say who he is, one thing more is needed: a foreign page can be given an
address of this machine for its own name (DNS rebinding), and is no foreigner then by what its
browser says.  Such requests name a host that is not ours, and are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Request, Response, request

from executor.domain.errors import Fault
from executor.domain.loopback import is_loopback
from web.problems import Problem
from web.services import Entrance

#: Methods that change nothing; they may come from anywhere.
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

#: Everything from ourselves, nothing inline: injected markup can neither run nor phone home.
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

#: Of every answer.
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: that would make browsers hide the Origin we check.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

#: Of the application's answers where people reach this service over HTTPS: for a year the browser
#: makes every request to this host an HTTPS one by itself, also where somebody typed ``http://``.
#: Without ``includeSubDomains``: the hosts below this one are not ours.  A browser that is answered
#: over plain HTTP all the same ignores it.  Source: RFC 6797, sections 6.1 and 8.1.
_HTTPS_ONLY: Final = {"Strict-Transport-Security": "max-age=31536000"}

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def install(app: Flask, entrance: Entrance) -> None:
    """Guard every request of *app* and mark every answer."""
    if entrance.local_names_only:
        app.before_request(_refuse_other_names)
    app.before_request(_refuse_foreign)
    secure = urlsplit(entrance.url or "").scheme == "https"
    app.after_request(partial(_harden, {**HEADERS, **(_HTTPS_ONLY if secure else {})}))


def _refuse_other_names() -> None:
    """Refuse a request that was meant for another host, whose name leads to this machine."""
    if not _is_local(request.host):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "nobody has to say who he is here, so this instance answers only under a name of this "
            "machine itself, such as localhost; to serve others, set SOLOCRON_ADMIN_TOKEN or "
            "SOLOCRON_OIDC_ISSUER, or SOLOCRON_AUTH=off if something else keeps strangers out",
            [Fault("Host", "is not localhost or a loopback address")],
        )


def _is_local(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return is_loopback(name) or name.endswith(".localhost")


def _refuse_foreign() -> None:
    if request.method not in _SAFE:
        refuse_foreign(request)


def refuse_foreign(request: Request) -> None:
    """Refuse *request*, which changes something, if a page of another site had it sent.

    Raises:
        Problem: 403.
    """
    if is_foreign(request):
        raise Problem(
            HTTPStatus.FORBIDDEN,
            "this request was sent by a page of another site; changes are accepted from "
            "Solocron's own page and from programs only",
            [Fault("Origin", f"is not {request.host}")],
        )


def is_foreign(request: Request) -> bool:
    """Whether the browser that sent *request* says another site made it do so.

    ``Sec-Fetch-Site`` decides where it is there: unlike ``Origin`` it stays true
    behind a proxy that rewrites ``Host``.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is not None and not _same_host(origin, request.host)


def refuse_without_proof(request: Request) -> None:
    """Refuse what would change something unless the browser says that our own page sent it.

    For requests whose credentials the browser adds by itself.  Every browser of these years sends
    one of the two headers with them; what sends neither is none, or hides where it comes from.

    Raises:
        Problem: 403.
    """
    if request.method in _SAFE:
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site == "same-origin" or (site is None and origin and not is_foreign(request)):
        return
    raise Problem(
        HTTPStatus.FORBIDDEN,
        "nothing shows that Solocron's own page has sent this request; a session is for that page "
        "only, programs send a token",
        [Fault("Origin", f"is not {request.host}")],
    )


def _same_host(origin: str, host: str) -> bool:
    try:
        ours, theirs = urlsplit(f"//{host}"), urlsplit(origin)
        default = _DEFAULT_PORTS.get(theirs.scheme)
        return (
            theirs.hostname is not None
            and theirs.hostname == ours.hostname
            and (theirs.port or default) == (ours.port or default)
        )
    except ValueError:
        return False


def _harden(headers: Mapping[str, str], response: Response) -> Response:
    response.headers.update(headers)
    # What the store says now is not what it says in a second; static files bring their own.
    response.headers.setdefault("Cache-Control", "no-store")
    return response
