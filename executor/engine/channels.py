"""The channels of one tenure, as they are stored, and which jobs name them."""

from __future__ import annotations

from collections.abc import Iterable

from executor.domain.channel import Channel, secret_places
from executor.domain.job import Job
from executor.engine.records import Records


class Channels:
    """What is known of every channel."""

    def __init__(self) -> None:
        self.records: Records[Channel] = Records()
        #: By the ids of jobs; of those that have rules.
        self._named: dict[str, frozenset[str]] = {}

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
        """Return those of *names* that no channel has, not even one that cannot be read."""
        return {name for name in names if not self.records.stands(name)}

    def using_secret(self, secret: str) -> list[str]:
        """Return the names of the channels that need the secret."""
        return sorted(
            name
            for name, channel in self.records.values()
            if any(needed == secret for _, needed in secret_places(channel))
        )
