"""The API tokens in force, as this process knows them.

Asking the store for every request would cost more than most requests do.  So all tokens are kept
here and read again every few seconds, and at once when an unknown one comes that may just have
been made.  A revoked token is therefore refused everywhere within :data:`FRESH_S`.

While the store does not answer, the tokens known last count for :data:`STALE_S`: an operator
needs the status most just then, and nobody can revoke anything meanwhile.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Mapping
from datetime import datetime
from math import inf
from typing import Final

from executor.domain.api_token import TOKENS, ApiToken
from executor.domain.errors import StoreUnavailable
from executor.domain.named import Stored
from executor.ports.clock import Clock
from executor.ports.store import Readers

#: Seconds after which the tokens are read again.
FRESH_S: Final = 5.0

#: Seconds for which tokens count that cannot be read again.
STALE_S: Final = 60.0


class KnownTokens:
    """Finds tokens by the digests of what their holders send; any thread may ask."""

    def __init__(self, readers: Readers, clock: Clock) -> None:
        self._readers, self._clock = readers, clock
        self._lock = threading.Lock()
        self._read_at = self._tried_at = -inf
        self._tokens: Mapping[str, Stored[ApiToken]] = {}
        self._uses: Mapping[str, datetime] = {}

    def known(self, digest: str) -> Stored[ApiToken] | None:
        """Return the token with this digest, as far as is known without asking for it anew.

        Raises:
            StoreUnavailable: it has not been readable for too long, or never was.
        """
        with self._lock:
            self._refresh()
            return self._find(digest)

    def look_up(self, digest: str) -> Stored[ApiToken] | None:
        """As :meth:`known`, but from the store as it is now."""
        with self._lock:
            self._read()
            return self._find(digest)

    def used_at(self, name: str) -> datetime | None:
        """Return when a token was used last, as was known when the tokens were read."""
        return self._uses.get(name)

    def _find(self, digest: str) -> Stored[ApiToken] | None:
        found = self._tokens.get(digest)
        # A dictionary compares in its own way; what it found is compared in constant time.
        if found is None or not hmac.compare_digest(found.value.digest, digest):
            return None
        return found

    def _refresh(self) -> None:
        now = self._clock.monotonic()
        # Once in a while, not by every request: a store that is away takes seconds to say so.
        if now - self._tried_at >= FRESH_S:
            try:
                self._read()
            except StoreUnavailable:
                if now - self._read_at >= STALE_S:
                    raise
        elif self._clock.monotonic() - self._read_at >= STALE_S:
            raise StoreUnavailable("the store does not answer, so no token can be looked up")

    def _read(self) -> None:
        self._tried_at = began = self._clock.monotonic()
        listed = self._readers.list_named(TOKENS)
        self._uses = self._readers.token_uses()
        self._tokens = {one.value.digest: one for one in listed if isinstance(one, Stored)}
        self._read_at = began
