"""The identity provider: where its keys are, and what they are now.

Rules
-----
1. Keys are fetched again after :data:`FRESH_S`, and when a token names one that is unknown: that
   is how providers change keys.  Anybody can name unknown keys, so that happens at most every
   :data:`UNKNOWN_EVERY_S`.
2. While the provider does not answer, the keys known last count for :data:`STALE_S`, and it is
   asked again at most every :data:`RETRY_S`: a request must not wait for each silence anew.
3. Symmetric keys, and keys for encryption, are left out: nothing may be signed with what is
   published.

How the provider is asked is in ``executor.openid``.

Source: RFC 7517.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from math import inf
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from executor.domain.errors import IssuerUnavailable
from executor.openid import FAILURES, Provider, discover, get
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

#: What keys may be signed with: the public half verifies, and cannot sign.
Key = RSAKey | ECKey | OKPKey


class Issuer:
    """The keys of the identity provider at *url*; any thread may ask."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, Key] = {}
        self._provider: Provider | None = None
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

    def provider(self) -> Provider:
        """Return how the provider describes itself, as known when its keys were fetched.

        Raises:
            IssuerUnavailable: that is not known, and cannot be fetched.
        """
        with self._lock:
            now = self._clock.monotonic()
            if now - self._fetched_at >= FRESH_S:
                self._renew(now)
            assert self._provider is not None
            return self._provider

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
                self._provider, keys = self._fetch()
                self._keys = _usable(keys)
                self._fetched_at = self._clock.monotonic()
                return
            except FAILURES as error:
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

    def _fetch(self) -> tuple[Provider, list[Any]]:
        provider = discover(self.url)
        keys = get(provider.keys).get("keys")
        if not isinstance(keys, list):
            raise ValueError(f"{provider.keys} holds no keys")
        return provider, keys


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
