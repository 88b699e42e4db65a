"""Instants and durations in templates.

The server writes every instant in UTC and in full; ``ui.js`` makes of it the viewer's own wall
clock (``clock``) or the distance from now (``ago``).  So what the server writes depends on the
facts alone: a part of a page whose facts are the same is the same text, and need not be sent
again.  Without JavaScript UTC is what one reads.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from markupsafe import Markup

from executor.domain.instant import to_text
from executor.domain.wording import absolute, duration


def clock(instant: datetime | None) -> Markup:
    """Return a ``time`` element that shows the wall clock at *instant*; a dash for None."""
    return _time(instant, "clock")


def ago(instant: datetime | None) -> Markup:
    """Return a ``time`` element that shows how far *instant* is from now; a dash for None."""
    return _time(instant, "ago")


def time_of_day(instant: datetime) -> Markup:
    """Return a ``time`` element for an axis: hour and minute, whatever the day."""
    return _time(instant, "hour")


def _time(instant: datetime | None, form: str) -> Markup:
    if instant is None:
        return Markup('<span class="quiet">-</span>')
    text = absolute(instant)
    # Nothing to escape: digits and letters of our own.  A page has dozens of them.
    return Markup(
        f'<time datetime="{to_text(instant)}" data-as="{form}" title="{text}">{text}</time>'
    )


def span(length: timedelta | float | None) -> str:
    """Say how long *length* (seconds, if a number) is; a dash for None."""
    if length is None:
        return "-"
    return duration(length.total_seconds() if isinstance(length, timedelta) else length)


def words(state: object) -> str:
    """Write an identifier, as ``timed_out``, as people read it."""
    return str(state).replace("_", " ")
