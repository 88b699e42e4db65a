"""Which of the named resources does a job use?  Calendars, secrets and channels, by their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from executor.domain.calendar import CALENDARS
from executor.domain.channel import CHANNELS
from executor.domain.filling import secrets_of_job
from executor.domain.job import Definition
from executor.domain.named import Kind
from executor.domain.secret import SECRETS

#: The names that a definition has of each kind; of the others no job has any.
_NAMED: Final[Mapping[Kind[Any], Callable[[Definition], frozenset[str]]]] = {
    CALENDARS: lambda definition: frozenset(use.name for use in definition.calendars),
    SECRETS: secrets_of_job,
    CHANNELS: lambda definition: frozenset(rule.channel for rule in definition.notify),
}


def uses(definition: Definition, kind: Kind[Any], name: str) -> bool:
    """Whether a job that is defined so uses the one of *kind* that is called *name*."""
    return kind in _NAMED and name in _NAMED[kind](definition)
