"""Channels in MongoDB: one document for each name, deleted ones included."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from executor.adapters.channel_documents import stored_from_document, stored_to_document
from executor.adapters.documents import Document
from executor.adapters.mongodb.connection import (
    MongoPart,
    Records,
    from_record,
    to_record,
    translated,
)
from executor.adapters.verdicts import judge_channel
from executor.domain.channel import StoredChannel
from executor.domain.errors import ChannelNotFound
from executor.domain.writes import BrokenChannel, ChannelClash


class _Channels(MongoPart):
    """Where they are."""

    @property
    def _channels(self) -> Records:
        return self._connection.records("channels")

    def _read_channels(self, which: Document) -> list[StoredChannel | BrokenChannel]:
        found = self._channels.find(which).sort("_id", ASCENDING)
        return [stored_from_document(from_record(record)) for record in found]


class MongoChannels(_Channels):
    """A :class:`~executor.ports.store.ChannelStore`."""

    @translated
    def all_channels(self) -> list[StoredChannel | BrokenChannel]:
        """Return every record, deleted ones included."""
        return self._read_channels({})

    @translated
    def write_channel(self, channel: StoredChannel, expect: int | None) -> ChannelClash | None:
        """Store *channel* whole at the expected revision; None means applied."""
        if self._put_channel(to_record(stored_to_document(channel)), expect):
            return None
        standing = self._read_channels({"_id": channel.name})
        return judge_channel(channel, standing[0] if standing else None)

    def _put_channel(self, record: Document, expect: int | None) -> bool:
        if expect is not None:
            standing = {"_id": record["_id"], "revision": expect}
            return bool(self._channels.replace_one(standing, record).matched_count)
        try:
            self._channels.insert_one(record)
        except DuplicateKeyError:
            return False
        return True

    @translated
    def purge_channels(self, before: datetime) -> int:
        """Remove the records of channels deleted before *before*."""
        gone = {"deleted": True, "updated_at": {"$lt": before}}
        return self._channels.delete_many(gone).deleted_count


class MongoChannelReaders(_Channels):
    """What web may ask about channels."""

    @translated
    def list_channels(self) -> list[StoredChannel | BrokenChannel]:
        """Return every channel that is not deleted, in the order of their names."""
        return self._read_channels({"deleted": False})

    @translated
    def get_channel(self, name: str) -> StoredChannel | BrokenChannel:
        """Return the channel with this name."""
        found = self._read_channels({"_id": name, "deleted": False})
        if not found:
            raise ChannelNotFound(name)
        return found[0]
