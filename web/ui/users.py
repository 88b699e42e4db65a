"""Who uses a calendar, a secret or a channel: what is shown before somebody changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from executor.domain.channel import CHANNELS, secret_places
from executor.domain.named import Kind, Stored, Value
from executor.domain.secret import SECRETS
from executor.ports.store import JobFilter, Readers

#: Users that are named; there may be thousands.
SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Users:
    """Names of jobs, whether there are more of them, and names of channels."""

    names: Sequence[str]
    more: bool
    channels: Sequence[str] = ()


def users_of(readers: Readers, kind: Kind[Value], name: str) -> Users:
    """Return who uses *name*, as far as *readers* show it."""
    jobs = readers.list_users(kind, name, JobFilter(), SHOWN + 1)
    names = [job.name for job in jobs[:SHOWN]]
    channels = _channels(readers, name) if kind is SECRETS else []
    return Users(names, len(jobs) > SHOWN, channels)


def _channels(readers: Readers, secret: str) -> list[str]:
    return [
        one.name
        for one in readers.list_named(CHANNELS)
        if isinstance(one, Stored) and secret in {name for _, name in secret_places(one.value)}
    ]
