"""Sentences of the domain as pages show them.

They are made for every reader, so they quote what is to be written in backticks, and write instants
as RFC 3339 in UTC.  A page shows the one as code and the other on the viewer's clock.
"""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup, escape

from executor.domain.instant import from_text
from web.ui.moments import clock

#: An instant as sentences write it.
_INSTANT: Final = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")


def coded(text: str) -> Markup:
    """Return *text* with what is in backticks as code."""
    parts = re.split(r"`([^`]+)`", text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part)
        for index, part in enumerate(parts)
    )


def timed(text: str) -> Markup:
    """Return *text* with each instant in it as all others are shown, and the rest as *coded*."""
    shown, end = Markup(), 0
    for found in _INSTANT.finditer(text):
        try:
            instant = from_text(found[0])
        except ValueError:
            continue
        shown += coded(text[end : found.start()]) + clock(instant)
        end = found.end()
    return shown + coded(text[end:])
