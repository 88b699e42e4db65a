"""The part of the memory store that knows when API tokens were used."""

from collections.abc import Mapping
from datetime import datetime

from executor.domain.api_token import TOKENS
from executor.ports.clock import Clock
from tests.fakes.memory_named import MemoryNamed


class MemoryTokenUses(MemoryNamed):
    """A :class:`~executor.ports.store.TokenUseStore`, and the readers' face of it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._uses: dict[str, datetime] = {}

    def note_token_uses(self, uses: Mapping[str, datetime]) -> None:
        """Note when tokens were used."""
        with self.lock:
            for name, at in uses.items():
                self._uses[name] = max(at, self._uses.get(name, at))

    def token_uses(self) -> Mapping[str, datetime]:
        """Return when tokens were used."""
        with self.lock:
            return dict(self._uses)

    def purge_token_uses(self) -> None:
        """Forget the uses of tokens without a record."""
        with self.lock:
            known = {one.name for one in self.all_named(TOKENS)}
            self._uses = {name: at for name, at in self._uses.items() if name in known}
