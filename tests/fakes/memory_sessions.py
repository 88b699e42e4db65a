"""The part of the memory store that knows which browsers are signed in."""

from collections.abc import Collection, Sequence
from datetime import datetime

from executor.domain.session import Session
from executor.ports.clock import Clock
from tests.fakes.memory_part import MemoryPart


class MemorySessions(MemoryPart):
    """A :class:`~executor.ports.store.SessionStore`, and the readers' face of it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._sessions: dict[str, Session] = {}

    def open_sessions(self, sessions: Sequence[Session]) -> None:
        """Keep sessions, the first of each digest."""
        with self.lock:
            for session in sessions:
                self._sessions.setdefault(session.digest, session)

    def close_sessions(self, digests: Collection[str]) -> None:
        """Remove sessions."""
        with self.lock:
            for digest in digests:
                self._sessions.pop(digest, None)

    def purge_sessions(self, now: datetime) -> None:
        """Remove those that have expired."""
        with self.lock:
            left = {digest: one for digest, one in self._sessions.items() if one.expires_at > now}
            self._sessions = left

    def find_session(self, digest: str) -> Session | None:
        """Return a session."""
        with self.lock:
            return self._sessions.get(digest)
