"""The clearances of one term: how far they reach, what they are worth, when they fail to come.

One is out at a time.  A clearance is worth something for :data:`TRUST_S` from the moment
it *began*: one that is answered later clears rows, but nothing may start on the strength
of it.  So a store that answers every clearance too late stops dispatch as surely as one
that does not answer at all, and counts as silent just the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import inf

from executor.domain.instant import TICK
from executor.engine.desk import Desk
from executor.engine.store_requests import ClearTerm, Request
from executor.engine.timing import HEARTBEAT_S, RETRY_S, SILENT_S, TRUST_S


class Clearing:
    """Asks for clearances and remembers what they allow."""

    def __init__(self, desk: Desk, term: int) -> None:
        self._desk = desk
        self._term = term
        self._out: ClearTerm | None = None
        self._out_since = inf
        self._cleared: datetime | None = None
        self._failing = False
        self._silent_since = inf
        self._next = -inf
        self._pause = RETRY_S[0]
        self._verifications: list[Callable[[], None]] = []
        self._verifying: list[Callable[[], None]] = []
        self.requested: datetime | None = None
        self.trusted_until = -inf

    @property
    def out(self) -> bool:
        """Whether a clearance is not answered yet."""
        return self._out is not None

    @property
    def trusted(self) -> bool:
        """Whether runs may start now on the strength of the last clearance."""
        return self._desk.monotonic < self.trusted_until

    def is_cleared(self, clear_at: datetime) -> bool:
        """Whether rows with this ``clear_at`` may start."""
        return self._cleared is not None and clear_at <= self._cleared

    def beyond(self, earliest: datetime) -> datetime:
        """Return the first ``clear_at`` from *earliest* on beyond every clearance requested."""
        return earliest if self.requested is None else max(earliest, self.requested + TICK)

    def verify(self, then: Callable[[], None]) -> None:
        """Call *then* after a clearance that begins from now on has succeeded."""
        self._verifications.append(then)

    @property
    def silent_since(self) -> float:
        """Since when (see ``Desk.awake``) there is no clearance in time; infinity if there is."""
        if self._silent_since != inf:
            return self._silent_since
        overdue = self._out_since + SILENT_S
        return overdue if self._desk.awake > overdue else inf

    # Asking -------------------------------------------------------------------------------

    @property
    def possible(self) -> bool:
        """Whether one may be asked for: none is out, and the pause after a failure is over."""
        return self._out is None and not (self._failing and self._desk.monotonic < self._next)

    @property
    def due(self) -> bool:
        """Whether one is to be asked for although no row waits for it."""
        return bool(self._verifications) or self._desk.monotonic >= self._next

    def ask(self, until: datetime) -> None:
        """Clear the term up to *until*, or as far as was requested before."""
        if self.requested is not None:
            until = max(until, self.requested)
        self.requested = until
        self._out = ClearTerm(self._term, until, self._desk.monotonic)
        self._out_since = self._desk.awake
        self._verifying, self._verifications = self._verifications, []
        self._desk.emit(self._out)

    def answered(self, request: Request) -> bool:
        """Handle the store's answer; False if the request is not ours."""
        if request is not self._out:
            return False
        assert isinstance(request, ClearTerm)
        since = self.silent_since
        self._forget_request()
        self._cleared = request.until
        self.trusted_until = request.started + TRUST_S
        self._next = request.started + HEARTBEAT_S
        self._pause = RETRY_S[0]
        self._failing = False
        self._silent_since = inf if self.trusted else since
        verified, self._verifying = self._verifying, []
        for then in verified:
            then()
        return True

    def failed(self, request: Request) -> bool:
        """Handle the store's silence; False if the request is not ours."""
        if request is not self._out:
            return False
        self._silent_since = min(self.silent_since, self._desk.awake)
        self._forget_request()
        self._verifications = self._verifying + self._verifications
        self._verifying = []
        self._next = self._desk.monotonic + self._pause
        self._pause = min(self._pause * 2, RETRY_S[1])
        self._failing = True
        return True

    def _forget_request(self) -> None:
        self._out = None
        self._out_since = inf

    @property
    def steady(self) -> bool:
        """Whether the next one need not wait: none is out and the last one did not fail."""
        return self._out is None and not self._failing

    @property
    def wake_at(self) -> float:
        """Monotonic time of the next one, if no row needs it earlier."""
        return self._next if self._out is None else inf
