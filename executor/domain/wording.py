"""Instants and durations as people say them: ``in 4 min``, ``2 h ago``, ``1.2 s``.

Of an instant one unit is enough: the exact one is always shown beside it or behind it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

#: unit -> (seconds in it, seconds from which the next unit reads better).
_UNITS: Final = (("s", 1, 100), ("min", 60, 100 * 60), ("h", 3600, 48 * 3600), ("d", 86400, None))


#: Units of a length of time and the seconds in them, the largest first.
_SIZES: Final = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def relative(instant: datetime, now: datetime) -> str:
    """Say when *instant* is, seen from *now*.

    >>> relative(datetime(2026, 1, 1, 12, 4, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=UTC))
    'in 4 min'
    """
    seconds = (instant - now).total_seconds()
    if abs(seconds) < 1:
        return "now"
    text = _rough(abs(seconds))
    return f"in {text}" if seconds > 0 else f"{text} ago"


def _rough(seconds: float) -> str:
    for unit, size, limit in _UNITS:
        if limit is None or seconds < limit:
            return f"{int(seconds / size):,} {unit}"
    raise AssertionError("the last unit has no limit")


def absolute(instant: datetime) -> str:
    """Write *instant* in UTC, to the second: ``2026-12-01 02:30:00 UTC``."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def brief(instant: datetime, now: datetime) -> str:
    """Write *instant* in UTC as short as is clear at *now*: the time of today, else the minute."""
    utc = instant.astimezone(UTC)
    if utc.date() == now.astimezone(UTC).date():
        return utc.strftime("%H:%M:%S UTC")
    return utc.strftime("%Y-%m-%d %H:%M UTC")


def duration(seconds: float) -> str:
    """Say how long something took or may take, in one unit or two, rounded down.

    >>> [duration(seconds) for seconds in (0.04, 1.25, 119.6, 3600, 7500, 1209600)]
    ['40 ms', '1.2 s', '1 min 59 s', '1 h', '2 h 5 min', '14 d']
    """
    return milliseconds(seconds) if seconds < 60 else " ".join(_parts(seconds)[:2])


def exactly(length: timedelta) -> str:
    """Say how long *length* is, in full.

    >>> exactly(timedelta(hours=60)), exactly(timedelta(seconds=90_061))
    ('2 d 12 h', '1 d 1 h 1 min 1 s')
    """
    return " ".join(_parts(length.total_seconds()))


def _parts(seconds: float) -> list[str]:
    left, parts = int(seconds), []
    for unit, size in _SIZES:
        number, left = divmod(left, size)
        parts += [f"{number:,} {unit}"] if number else []
    return parts


def milliseconds(seconds: float) -> str:
    """Say how long something short took; from a second on in seconds.

    >>> milliseconds(0.0042), milliseconds(1.5)
    ('4 ms', '1.5 s')
    """
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{max(0, round(seconds * 1000))} ms"
