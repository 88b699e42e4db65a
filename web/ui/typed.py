"""What people type into fields, read: browsers send local times without a zone, ours are in UTC."""

from __future__ import annotations

from datetime import datetime

from web.parameters import read_instant


def typed_instant(text: str) -> datetime:
    """Return the instant that a field for local times gave; UTC unless it says otherwise.

    Raises:
        ValueError: it is none.
    """
    zoned = text.endswith("Z") or "+" in text[10:] or "-" in text[10:]
    return read_instant(text if zoned else f"{text}Z")
