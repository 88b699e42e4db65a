"""When tokens were used last, as stores keep it: a name and an instant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from executor.adapters.documents import UNREADABLE, instant, text


def readable_uses(uses: Iterable[tuple[Any, Any]]) -> Mapping[str, datetime]:
    """Return those of *uses*, names with instants, that can be read."""
    read: dict[str, datetime] = {}
    for name, at in uses:
        with suppress(*UNREADABLE):
            read[text(name)] = instant(at)
    return read
