"""The identity provider: where its keys are, and what they are now.

Rules
-----
1. The provider's configuration is found where OpenID Connect Discovery says, and must name the
   very issuer that it was asked for.
2. Keys are fetched again after :data:`FRESH_S`, and when a token names one that is unknown: that
   is how providers change keys.  Anybody can name unknown keys, so that happens at most every
   :data:`UNKNOWN_EVERY_S`.
3. While the provider does not answer, the keys known last count for :data:`STALE_S`, and it is
   asked again at most every :data:`RETRY_S`: a request must not wait for each silence anew.
4. Symmetric keys, and keys for encryption, are left out: nothing may be signed with what is
   published.

Source: OpenID Connect Discovery 1.0, section 4; RFC 7517.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from http.client import HTTPException
from ipaddress import ip_address
from math import inf
from typing import IO, Any, Final
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, build_opener

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from executor.domain.errors import IssuerUnavailable
from executor.ports.clock import Clock

logger = logging.getLogger(__name__)

#: Seconds after which the keys are fetched again.
FRESH_S: Final = 600.0

#: Seconds for which keys count that cannot be fetched again: a provider's bad hour.
STALE_S: Final = 3_600.0

#: Seconds between two fetches because of unknown keys.
UNKNOWN_EVERY_S: Final = 30.0

#: Seconds after a failed fetch before the next one.
RETRY_S: Final = 5.0

#: Longest silence of the provider within one request, seconds.
TIMEOUT_S: Final = 3.0

#: Longest answer that is read, bytes; large providers publish some ten thousand.
LONGEST: Final = 1_000_000

#: What keys may be signed with: the public half verifies, and cannot sign.
Key = RSAKey | ECKey | OKPKey

_DISCOVERY: Final = "/.well-known/openid-configuration"


class Issuer:
    """The keys of the identity provider at *url*; any thread may ask."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, Key] = {}
        self._fetched_at = self._failed_at = self._unknown_at = -inf

    def key(self, key_id: str | None) -> Key | None:
        """Return the key with this id, the only one if there is just one and no id is given.

        Raises:
            IssuerUnavailable: no keys are known, and they cannot be fetched.
        """
        with self._lock:
            now = self._clock.monotonic()
            if now - self._fetched_at >= FRESH_S:
                self._renew(now)
            found = self._find(key_id)
            if found is None and now - max(self._fetched_at, self._unknown_at) >= UNKNOWN_EVERY_S:
                self._unknown_at = now
                self._renew(now)
                found = self._find(key_id)
            return found

    def _find(self, key_id: str | None) -> Key | None:
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    def _renew(self, now: float) -> None:
        """Fetch the keys, unless that has just failed.

        Raises:
            IssuerUnavailable: that fails, and the keys known are too old, or there are none.
        """
        why = "it did not answer a moment ago"
        if now - self._failed_at >= RETRY_S:
            try:
                self._keys = _usable(self._fetch())
                self._fetched_at = self._clock.monotonic()
                return
            except (OSError, HTTPException, ValueError) as error:
                # Counted from the end: the silence itself took its time.
                self._failed_at = self._clock.monotonic()
                why = str(error)
                logger.warning(
                    "the identity provider does not tell its keys",
                    extra={"action": "issuer_unavailable", "issuer": self.url, "error": why},
                )
        if now - self._fetched_at >= STALE_S:
            raise IssuerUnavailable(
                f"the keys of {self.url} cannot be fetched ({why}); API tokens work meanwhile"
            )

    def _fetch(self) -> list[Any]:
        base = self.url.removesuffix("/")
        configuration = _get(f"{base}{_DISCOVERY}")
        if configuration.get("issuer") != self.url:
            raise ValueError(
                f"{base}{_DISCOVERY} names the issuer {configuration.get('issuer')!r}; "
                "set SOLOCRON_OIDC_ISSUER to just that"
            )
        address = configuration.get("jwks_uri")
        if not isinstance(address, str) or not is_protected(address):
            raise ValueError(f"{base}{_DISCOVERY} names no https:// address of keys")
        keys = _get(address).get("keys")
        if not isinstance(keys, list):
            raise ValueError(f"{address} holds no keys")
        return keys


def is_protected(url: str) -> bool:
    """Whether nobody in between can change what comes from *url*: HTTPS, or this machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname))
    except ValueError:
        return False


def _is_here(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"


def _usable(documents: list[Any]) -> Mapping[str, Key]:
    """Return the keys that signatures may be verified with, by id; one without id as ``""``."""
    found: dict[str, Key] = {}
    for document in documents:
        if not isinstance(document, dict) or document.get("use", "sig") != "sig":
            continue
        try:
            key = import_key(document)
        except (JoseError, ValueError, TypeError, KeyError):
            # Of a kind that we do not know, or damaged: the others are not worse for it.
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey):
            found[str(document.get("kid", ""))] = key
    return found


class _NoRedirects(HTTPRedirectHandler):
    """Stays where it was sent: keys come from where the operator said, or not at all."""

    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Follow nothing."""


def _opener(url: str) -> OpenerDirector:
    """Return what opens *url*: by way of the environment's proxies, but never to this machine."""
    proxies = [ProxyHandler({})] if _is_here(urlsplit(url).hostname) else []
    return build_opener(_NoRedirects, *proxies)


def _get(url: str) -> dict[str, Any]:
    """Return the JSON object at *url*.

    Raises:
        OSError, HTTPException: it cannot be had.
        ValueError: it is none.
    """
    with _opener(url).open(url, timeout=TIMEOUT_S) as response:
        document = json.loads(response.read(LONGEST))
    if not isinstance(document, dict):
        raise ValueError(f"{url} holds no JSON object")
    return document
