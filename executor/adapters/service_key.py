"""The secret that every instance of an installation shares through its store.

The first executor makes it when it prepares the store; nobody ever changes it.  Whoever can read
the store can make up call-backs, but he can read and write all else there as well.
"""

from __future__ import annotations

import os
from typing import Final

#: The name under which the stores keep it.
CALLBACK_KEY: Final = "callback"

#: What to say while there is none.
UNPREPARED: Final = "no executor has prepared this store yet; start one, then try again"

#: Length, bytes: that of the digest it is for (RFC 2104, section 3).
_LENGTH: Final = 32


def new_key() -> bytes:
    """Return a key that nobody can guess."""
    return os.urandom(_LENGTH)
