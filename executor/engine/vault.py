"""The secrets of one tenure, sealed as they are stored, and which jobs use them.

The engine has no key: it knows which secrets exist and hands them on with the runs that need
them, so that no call of the store stands between a due instant and the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from executor.domain.errors import Fault
from executor.domain.filling import secrets_of_job
from executor.domain.job import Job
from executor.engine.records import Records


class Vault:
    """What is known of every secret."""

    def __init__(self) -> None:
        self.secrets: Records[str] = Records()
        #: By the ids of jobs; of those that need any.
        self._needed: dict[str, frozenset[str]] = {}

    def follow(self, job: Job) -> None:
        """Note which secrets *job* needs, as it is now."""
        needed = frozenset() if job.deleted else secrets_of_job(job.definition)
        if needed:
            self._needed[job.id] = needed
        else:
            self._needed.pop(job.id, None)

    def sealed_of(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return the sealed values of these secrets; what cannot be read is missing."""
        return {name: sealed for name in names if (sealed := self.secrets.value(name)) is not None}

    def faults(self, places: Iterable[tuple[str, str]]) -> list[Fault]:
        """Return a fault for each of the *places*, fields and names, whose secret there is not."""
        return [
            Fault(field, f"there is no secret {name!r}; PUT /v1/secrets/{name} makes it")
            for field, name in places
            if self.secrets.value(name) is None
        ]

    def users(self, name: str) -> list[str]:
        """Return the ids of the jobs that need the secret."""
        return [job_id for job_id, needed in self._needed.items() if name in needed]

    def sealed(self, job_ids: Iterable[str]) -> Mapping[str, str]:
        """Return the sealed values that runs of these jobs need; what cannot be read is missing."""
        if not self._needed:
            return {}
        names = {name for job_id in job_ids for name in self._needed.get(job_id, ())}
        return self.sealed_of(names)
