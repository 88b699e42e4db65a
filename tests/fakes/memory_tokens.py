"""The part of the memory store that keeps tokens."""

from collections.abc import Mapping
from datetime import datetime

from executor.adapters.verdicts import judge_token
from executor.domain.api_token import StoredToken
from executor.domain.errors import TokenNotFound
from executor.domain.writes import BrokenToken, TokenClash
from executor.ports.clock import Clock
from tests.fakes.memory_part import MemoryPart


class MemoryTokens(MemoryPart):
    """A :class:`~executor.ports.store.TokenStore`, and the readers' face of it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._tokens: dict[str, StoredToken] = {}
        self._broken_tokens: set[str] = set()
        self._uses: dict[str, datetime] = {}

    def break_token(self, name: str) -> None:
        """Make the token's record unreadable."""
        self._broken_tokens.add(name)

    def _read_token(self, stored: StoredToken) -> StoredToken | BrokenToken:
        if stored.name in self._broken_tokens:
            return BrokenToken(stored.name, "broken on purpose", stored.revision)
        return stored

    def all_tokens(self) -> list[StoredToken | BrokenToken]:
        """Return every record."""
        with self.lock:
            return [self._read_token(stored) for _, stored in sorted(self._tokens.items())]

    def write_token(self, token: StoredToken, expect: int | None) -> TokenClash | None:
        """Apply a write by compare-and-set."""
        with self.lock:
            standing = self._tokens.get(token.name)
            if (None if standing is None else standing.revision) != expect:
                read = None if standing is None else self._read_token(standing)
                return judge_token(token, read)
            self._tokens[token.name] = token
            self._broken_tokens.discard(token.name)
            return None

    def note_token_uses(self, uses: Mapping[str, datetime]) -> None:
        """Note when tokens were used."""
        with self.lock:
            for name, at in uses.items():
                self._uses[name] = max(at, self._uses.get(name, at))

    def token_uses(self) -> Mapping[str, datetime]:
        """Return when tokens were used."""
        with self.lock:
            return dict(self._uses)

    def purge_tokens(self, before: datetime) -> int:
        """Remove deleted tokens."""
        with self.lock:
            gone = [one for one in self._tokens.values() if one.deleted]
            gone = [one for one in gone if one.updated_at < before]
            for one in gone:
                del self._tokens[one.name]
                self._uses.pop(one.name, None)
            return len(gone)

    def list_tokens(self) -> list[StoredToken | BrokenToken]:
        """Return every token that is not deleted."""
        with self.lock:
            present = [one for _, one in sorted(self._tokens.items()) if not one.deleted]
            return [self._read_token(one) for one in present]

    def get_token(self, name: str) -> StoredToken | BrokenToken:
        """Return the token with this name."""
        with self.lock:
            stored = self._tokens.get(name)
            if stored is None or stored.deleted:
                raise TokenNotFound(name)
            return self._read_token(stored)
