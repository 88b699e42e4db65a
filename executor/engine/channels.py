"""The channels of one tenure, as they are stored, and which jobs name them."""

from __future__ import annotations

from collections.abc import Iterable

from executor.domain.channel import Channel, StoredChannel, secret_places
from executor.domain.job import Job
from executor.domain.writes import BrokenChannel


class Channels:
    """What is known of every channel."""

    def __init__(self) -> None:
        self._records: dict[str, StoredChannel | BrokenChannel] = {}
        #: By the ids of jobs; of those that have rules.
        self._named: dict[str, frozenset[str]] = {}

    def put(self, record: StoredChannel | BrokenChannel) -> None:
        """Add a channel's record, or replace the one of that name by a newer one."""
        former = self._records.get(record.name)
        if former is None or former.revision <= record.revision:
            self._records[record.name] = record

    def record(self, name: str) -> StoredChannel | BrokenChannel | None:
        """Return what is known of a channel, deleted or not."""
        return self._records.get(name)

    def find(self, name: str) -> Channel | None:
        """Return the channel of that name; None if there is none that can be read."""
        record = self._records.get(name)
        found = isinstance(record, StoredChannel) and not record.deleted
        return record.channel if found and isinstance(record, StoredChannel) else None

    def follow(self, job: Job) -> None:
        """Note which channels *job* names, as it is now."""
        named = frozenset() if job.deleted else frozenset(r.channel for r in job.definition.notify)
        if named:
            self._named[job.id] = named
        else:
            self._named.pop(job.id, None)

    def users(self, name: str) -> list[str]:
        """Return the ids of the jobs that name the channel."""
        return [job_id for job_id, named in self._named.items() if name in named]

    def missing(self, names: Iterable[str]) -> set[str]:
        """Return those of *names* that no channel has."""
        known = {
            record.name
            for record in self._records.values()
            if not (isinstance(record, StoredChannel) and record.deleted)
        }
        return set(names) - known

    def using_secret(self, secret: str) -> list[str]:
        """Return the names of the channels that need the secret."""
        return sorted(
            record.name
            for record in self._records.values()
            if isinstance(record, StoredChannel)
            and not record.deleted
            and any(name == secret for _, name in secret_places(record.channel))
        )
