"""The machine's own clock, as the scheduler reads it.

The only place of the executor that asks the operating system for the time of day.
``now`` is CLOCK_REALTIME: it jumps when somebody sets the clock and when NTP steps it.
``monotonic`` is CLOCK_MONOTONIC, which stands still while the machine sleeps.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """A :class:`~executor.ports.clock.Clock` on the operating system's clocks."""

    def now(self) -> datetime:
        """Return the present instant, aware UTC, cut down to the millisecond."""
        return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)

    def monotonic(self) -> float:
        """Return seconds since an arbitrary origin; never goes back."""
        return time.monotonic()
