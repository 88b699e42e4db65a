"""Instants and durations as people say them: ``40 ms``, ``1.2 s``, ``2 min``.

One unit is enough: the exact instant is always shown beside it or behind it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

#: unit -> (seconds in it, seconds from which the next unit reads better).
_UNITS: Final = (("s", 1, 100), ("min", 60, 100 * 60), ("h", 3600, 48 * 3600), ("d", 86400, None))


def _rough(seconds: float) -> str:
    for unit, size, limit in _UNITS:
        if limit is None or seconds < limit:
            return f"{int(seconds / size):,} {unit}"
    raise AssertionError("the last unit has no limit")


def absolute(instant: datetime) -> str:
    """Write *instant* in UTC, to the second: ``2026-12-01 02:30:00 UTC``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(seconds: float) -> str:
    """Say how long something took: ``40 ms``, ``1.2 s``, ``2 min``."""
    if seconds < 1:
        return milliseconds(seconds)
    return f"{seconds:.1f} s" if seconds < 60 else _rough(seconds)


def milliseconds(seconds: float) -> str:
    """Say how long something short took; from a second on in seconds.

    >>> milliseconds(0.0042), milliseconds(1.5)
    ('4 ms', '1.5 s')
    """
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{max(0, round(seconds * 1000))} ms"
