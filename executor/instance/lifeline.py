"""The lifeline: how a child learns that its parent is gone, however it went.

A pipe whose writing end only the parent has.  Nothing is ever written; the kernel closes
that end when the parent dies, ``kill -9`` included, and the children, who hold the
reading end, see the end of the file.  Unlike a look at the parent's process id it cannot
be late, cannot be fooled by a reused id, and needs no Linux.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


def stretch() -> tuple[int, int]:
    """Return the reading end, to be handed to the children, and the writing end, to be kept."""
    return os.pipe()


def watch(reading_end: int, on_end: Callable[[], None]) -> None:
    """Call *on_end* on a thread of its own once the parent is gone."""

    def wait() -> None:
        while os.read(reading_end, 1):
            pass
        logger.error("parent is gone", extra={"action": "parent_gone"})
        on_end()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
