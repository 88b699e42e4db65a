"""Stable numbers out of names: the same cause always draws the same share.

``H`` in a cron expression and the jitter of a start are spread by hashing what they
belong to, never by chance: every instance, every restart and every preview agree.

Rules
-----
1. A draw is 64 bits of BLAKE2b over its parts.  Neither the parts nor their order may
   ever change: jobs would move.
2. A share is proportional (``draw * size / 2**64``), not a remainder, so that it covers
   all of a range of any size evenly.
"""

from __future__ import annotations

from hashlib import blake2b

#: Bits of a draw; the bias of a share is below size / 2**64.
BITS = 64


def draw(*parts: str) -> int:
    """Return the number, 0 to 2**64 - 1, that *parts* stand for."""
    digest = blake2b("\x1f".join(parts).encode(), digest_size=BITS // 8).digest()
    return int.from_bytes(digest, "big")


def share(drawn: int, size: int) -> int:
    """Return the share of *drawn* in *size* (at least 1) equal parts: 0 to *size* - 1."""
    return drawn * size >> BITS


def every_share(size: int) -> list[int]:
    """Return the least draw of each share of *size*, in order."""
    return [-(-(n << BITS) // size) for n in range(size)]
