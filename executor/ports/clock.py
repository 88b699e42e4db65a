"""The clock: two readings that must not be mixed, and nothing else.

``now`` is for storing and for comparing with fire times; it may jump.  ``monotonic``
is for durations; its origin means nothing.  Checked by ``tests/contract/test_clock.py``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Reads time."""

    def now(self) -> datetime:
        """Return the present instant, aware UTC, cut down to the millisecond."""
        ...

    def monotonic(self) -> float:
        """Return seconds since an arbitrary origin; never goes back."""
        ...
