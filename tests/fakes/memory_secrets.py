"""The part of the memory store that keeps secrets."""

from datetime import datetime

from executor.adapters.verdicts import judge_secret
from executor.domain.errors import SecretNotFound
from executor.domain.secret import StoredSecret
from executor.domain.writes import BrokenSecret, SecretClash
from executor.ports.clock import Clock
from tests.fakes.memory_part import MemoryPart


class MemorySecrets(MemoryPart):
    """A :class:`~executor.ports.store.SecretStore`, and the readers' face of it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._secrets: dict[str, StoredSecret] = {}
        self._broken_secrets: set[str] = set()

    def break_secret(self, name: str) -> None:
        """Make the secret's record unreadable."""
        self._broken_secrets.add(name)

    def _read_secret(self, stored: StoredSecret) -> StoredSecret | BrokenSecret:
        if stored.name in self._broken_secrets:
            return BrokenSecret(stored.name, "broken on purpose", stored.revision)
        return stored

    def all_secrets(self) -> list[StoredSecret | BrokenSecret]:
        """Return every record."""
        with self.lock:
            return [self._read_secret(stored) for _, stored in sorted(self._secrets.items())]

    def write_secret(self, secret: StoredSecret, expect: int | None) -> SecretClash | None:
        """Apply a write by compare-and-set."""
        with self.lock:
            standing = self._secrets.get(secret.name)
            if (None if standing is None else standing.revision) != expect:
                read = None if standing is None else self._read_secret(standing)
                return judge_secret(secret, read)
            self._secrets[secret.name] = secret
            self._broken_secrets.discard(secret.name)
            return None

    def purge_secrets(self, before: datetime) -> int:
        """Remove deleted secrets."""
        with self.lock:
            gone = [one for one in self._secrets.values() if one.deleted]
            gone = [one for one in gone if one.updated_at < before]
            for one in gone:
                del self._secrets[one.name]
            return len(gone)

    def list_secrets(self) -> list[StoredSecret | BrokenSecret]:
        """Return every secret that is not deleted."""
        with self.lock:
            present = [one for _, one in sorted(self._secrets.items()) if not one.deleted]
            return [self._read_secret(one) for one in present]

    def get_secret(self, name: str) -> StoredSecret | BrokenSecret:
        """Return the secret with this name."""
        with self.lock:
            stored = self._secrets.get(name)
            if stored is None or stored.deleted:
                raise SecretNotFound(name)
            return self._read_secret(stored)
