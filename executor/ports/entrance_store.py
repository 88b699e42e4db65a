"""The part of the store that knows who comes in: sessions, and when tokens were used.

Part of the contract in ``store.py``, whose rules hold here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from executor.domain.session import Session


class TokenUseStore(Protocol):
    """When API tokens were used last; the tokens themselves are named resources."""

    def note_token_uses(self, uses: Mapping[str, datetime]) -> None:
        """Record when tokens were used last, by name; an earlier instant changes nothing."""
        ...

    def purge_token_uses(self) -> None:
        """Remove the uses of tokens that have no record any more."""
        ...


class SessionStore(Protocol):
    """Browsers that are signed in."""

    def open_sessions(self, sessions: Sequence[Session]) -> None:
        """Keep each session; one whose digest is kept already stays as it was."""
        ...

    def close_sessions(self, digests: Collection[str]) -> None:
        """Remove these sessions; those that are not there do nothing."""
        ...

    def purge_sessions(self, now: datetime) -> None:
        """Remove the sessions that have expired at *now*."""
        ...
