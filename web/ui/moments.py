"""Instants and durations in templates.

The server writes every instant in UTC and in full; ``ui.js`` makes of it the viewer's own wall
clock (``clock``) or the distance from now (``ago``).  So what the server writes depends on the
facts alone: a part of a page whose facts are the same is the same text, and need not be sent
again.  Without JavaScript UTC is what one reads.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup, escape

from executor.domain.instant import from_text, to_text
from executor.domain.wording import absolute, duration

#: An instant as sentences write it.
_INSTANT: Final = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")


def clock(instant: datetime | None) -> Markup:
    """Return a ``time`` element that shows the wall clock at *instant*; a dash for None."""
    return _time(instant, "clock")


def ago(instant: datetime | None) -> Markup:
    """Return a ``time`` element that shows how far *instant* is from now; a dash for None."""
    return _time(instant, "ago")


def time_of_day(instant: datetime) -> Markup:
    """Return a ``time`` element for an axis: hour and minute, whatever the day."""
    return _time(instant, "hour")


def timed(sentence: str) -> Markup:
    """Return *sentence* with each instant in it as :func:`clock` shows it.

    Sentences come from the domain, which knows no viewer and writes RFC 3339 in UTC.
    """
    shown, end = Markup(), 0
    for found in _INSTANT.finditer(sentence):
        try:
            instant = from_text(found[0])
        except ValueError:
            continue
        shown += escape(sentence[end : found.start()]) + clock(instant)
        end = found.end()
    return shown + escape(sentence[end:])


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
