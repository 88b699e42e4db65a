"""Instants: aware UTC datetimes in whole milliseconds, because that is what BSON keeps.

Every time Solocron stores, compares or shows is made by one of these functions, so
that what comes back from any store equals what went in.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

#: The finest step of a stored instant.
TICK = timedelta(milliseconds=1)


def truncate(instant: datetime) -> datetime:
    """Return *instant* (aware) in UTC, cut down to the millisecond.

    Raises:
        ValueError: *instant* is naive.
    """
    if instant.tzinfo is None:
        raise ValueError("a naive datetime has no instant; attach a zone")
    utc = instant.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """Return the earlier of two instants; None stands for one that never comes."""
    if one is None or other is None:
        return one or other
    return min(one, other)


def from_epoch(seconds: float) -> datetime:
    """Return the instant *seconds* after 1970-01-01T00:00:00Z, cut down to the millisecond."""
    return truncate(datetime.fromtimestamp(seconds, UTC))


def to_text(instant: datetime) -> str:
    """Write *instant* in RFC 3339, UTC, with milliseconds only where there are any."""
    text = instant.astimezone(UTC).isoformat(
        timespec="milliseconds" if instant.microsecond else "seconds"
    )
    return text.replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """Read an RFC 3339 instant.

    Raises:
        ValueError: not a date and time, or without a zone.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is not an instant; write RFC 3339, as 2026-12-01T02:30:00Z"
        ) from None
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; add Z or an offset, as 2026-12-01T02:30:00Z")
    try:
        return truncate(instant)
    except OverflowError:
        raise ValueError(f"{text!r} lies outside the years 1 to 9999 in UTC") from None
