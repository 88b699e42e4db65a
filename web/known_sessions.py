"""The sessions that this process has met lately.

As with API tokens: the store is not asked for every request, a session that was closed elsewhere
is refused here within :data:`~web.known_tokens.FRESH_S`, and while the store does not answer those
that are known count for :data:`~web.known_tokens.STALE_S`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from executor.domain.errors import StoreUnavailable
from executor.domain.session import Session
from executor.ports.clock import Clock
from executor.ports.store import Readers
from web.known_tokens import FRESH_S, STALE_S

#: Sessions that are remembered; those that were met longest ago are forgotten first.
REMEMBERED: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Known:
    """A session as it was read, and when (monotonic) that was done, and tried last."""

    session: Session
    read_at: float
    tried_at: float


class KnownSessions:
    """Finds sessions by their digests; any thread may ask."""

    def __init__(self, readers: Readers, clock: Clock) -> None:
        self._readers, self._clock = readers, clock
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def known(self, digest: str) -> Session | None:
        """Return the session, if it has been met here before and is not closed since.

        Raises:
            StoreUnavailable: that could not be asked for too long.
        """
        now = self._clock.monotonic()
        with self._lock:
            known = self._known.get(digest)
        if known is None:
            return None
        if now - known.tried_at < FRESH_S:
            return known.session
        try:
            return self.look_up(digest)
        except StoreUnavailable:
            if now - known.read_at >= STALE_S:
                raise
            # Once in a while, not by every request: a store that is away takes seconds to say so.
            self._keep(replace(known, tried_at=self._clock.monotonic()))
            return known.session

    def look_up(self, digest: str) -> Session | None:
        """As :meth:`known`, but from the store as it is now."""
        began = self._clock.monotonic()
        session = self._readers.find_session(digest)
        if session is None:
            self.forget(digest)
        else:
            self._keep(_Known(session, began, began))
        return session

    def forget(self, digest: str) -> None:
        """Forget a session: it is closed."""
        with self._lock:
            self._known.pop(digest, None)

    def _keep(self, known: _Known) -> None:
        with self._lock:
            self._known[known.session.digest] = known
            self._known.move_to_end(known.session.digest)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
