"""Where a redirect leads, and what of the request goes along.

Redirects are followed here and not by libcurl, which drops ``Authorization`` and ``Cookie`` on
the way to a stranger but no other header, and a key is often in a header of another name.

Rules, those of browsers where nothing else is said:

1. An *origin* is scheme, host and port.  To another one go none of the job's own headers but
   the few of :data:`_HARMLESS`, no signature, no token, and no credentials of the URL.  What was
   left behind does not come back, not even if a later redirect leads home.
2. Which origin a URL has is decided in favour of "another one" wherever two programs could read
   it differently.  Within one origin the job's own words for it are kept in the next URL, so
   that nothing else can be meant by it.
3. 303 makes a GET of everything but HEAD, 301 and 302 make one of POST; then the body stays
   behind, and with it the header that says what it is.  307 and 308 repeat the request with its
   body, wherever they lead.

Source: the Fetch standard, "HTTP-redirect fetch"; RFC 9110, section 15.4.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final
from urllib.parse import quote

import pycurl

from executor.adapters.http_target.request import URL_SAFE, ascii_url
from executor.adapters.http_target.transfers import Ended
from executor.domain.targets import HttpTarget

#: Redirects followed for one request; more is a loop.  Browsers stop at 20, curl at 30.
MOST_REDIRECTS: Final = 10

#: Statuses that lead elsewhere if there is a Location.
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

#: Headers of the job that strangers may see: they say what is sent and what is wanted.
_HARMLESS: Final = frozenset({"accept", "accept-language", "content-type", "user-agent"})

#: Headers that describe a body, and go with it.
_OF_A_BODY: Final = frozenset(
    {"content-type", "content-encoding", "content-language", "content-location"}
)

#: The beginning of a URL that every program takes apart alike: scheme, host, port.
_CLEAR: Final = re.compile(
    r"(https?)://(?:[^\s/?#@\\]*@)?([\w.-]+|\[[\da-f:.]+\])(?::(\d{1,5}))?(?=[/?#]|$)",
    re.ASCII | re.IGNORECASE,
)

_PORTS: Final = {"http": 80, "https": 443}


def leads_to(ended: Ended) -> str | None:
    """Return the absolute URL that an answer redirects to; None if it is no redirect."""
    if ended.code != pycurl.E_OK or ended.curl.getinfo(pycurl.RESPONSE_CODE) not in _REDIRECTS:
        return None
    # Raw, because it may be no text at all.
    url: bytes | None = ended.curl.getinfo_raw(pycurl.REDIRECT_URL)
    return quote(url, safe=URL_SAFE) if url else None


def redirected(target: HttpTarget, status: int, url: str) -> HttpTarget:
    """Return the request that follows *target* after an answer with *status*.

    Args:
        target: what was sent last, its templates filled in.
        url: absolute, in ASCII; where to.
    """
    url, stays = _place(target.url, url)
    headers = target.headers
    if not stays:
        headers = {name: text for name, text in headers.items() if name.lower() in _HARMLESS}
    if _becomes_get(target.method, status):
        headers = {name: text for name, text in headers.items() if name.lower() not in _OF_A_BODY}
        target = replace(target, method="GET", body="")
    return replace(
        target,
        url=url,
        headers=headers,
        sign=target.sign if stays else None,
        callback=target.callback and stays,
    )


def _becomes_get(method: str, status: int) -> bool:
    return status in {301, 302} and method == "POST" or status == 303 and method != "HEAD"  # noqa: RUF021


def _place(former: str, url: str) -> tuple[str, bool]:
    """Return where to go for *url*, and whether that is the origin of *former*."""
    old, new = _CLEAR.match(ascii_url(former)), _CLEAR.match(url)
    if old is None or new is None or _origin(old) != _origin(new):
        return url, False
    return old[0] + url[new.end() :], True


def _origin(clear: re.Match[str]) -> tuple[str, str, int]:
    scheme = clear[1].lower()
    return scheme, clear[2].lower(), int(clear[3]) if clear[3] else _PORTS[scheme]
