"""The part of the memory store that keeps channels."""

from datetime import datetime

from executor.adapters.verdicts import judge_channel
from executor.domain.channel import StoredChannel
from executor.domain.errors import ChannelNotFound
from executor.domain.writes import BrokenChannel, ChannelClash
from executor.ports.clock import Clock
from tests.fakes.memory_part import MemoryPart


class MemoryChannels(MemoryPart):
    """A :class:`~executor.ports.store.ChannelStore`, and the readers' face of it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._channels: dict[str, StoredChannel] = {}
        self._broken_channels: set[str] = set()

    def break_channel(self, name: str) -> None:
        """Make the channel's record unreadable."""
        self._broken_channels.add(name)

    def _read_channel(self, stored: StoredChannel) -> StoredChannel | BrokenChannel:
        if stored.name in self._broken_channels:
            return BrokenChannel(stored.name, "broken on purpose", stored.revision)
        return stored

    def all_channels(self) -> list[StoredChannel | BrokenChannel]:
        """Return every record."""
        with self.lock:
            return [self._read_channel(stored) for _, stored in sorted(self._channels.items())]

    def write_channel(self, channel: StoredChannel, expect: int | None) -> ChannelClash | None:
        """Apply a write by compare-and-set."""
        with self.lock:
            standing = self._channels.get(channel.name)
            if (None if standing is None else standing.revision) != expect:
                read = None if standing is None else self._read_channel(standing)
                return judge_channel(channel, read)
            self._channels[channel.name] = channel
            self._broken_channels.discard(channel.name)
            return None

    def purge_channels(self, before: datetime) -> int:
        """Remove deleted channels."""
        with self.lock:
            gone = [one for one in self._channels.values() if one.deleted]
            gone = [one for one in gone if one.updated_at < before]
            for one in gone:
                del self._channels[one.name]
            return len(gone)

    def list_channels(self) -> list[StoredChannel | BrokenChannel]:
        """Return every channel that is not deleted."""
        with self.lock:
            present = [one for _, one in sorted(self._channels.items()) if not one.deleted]
            return [self._read_channel(one) for one in present]

    def get_channel(self, name: str) -> StoredChannel | BrokenChannel:
        """Return the channel with this name."""
        with self.lock:
            stored = self._channels.get(name)
            if stored is None or stored.deleted:
                raise ChannelNotFound(name)
            return self._read_channel(stored)
