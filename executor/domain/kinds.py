"""Every kind of named resource, and the commands that change them.

A new kind is an entry here, its :class:`~executor.domain.named.Kind` beside what it holds, a
table for its records in the stores, and the engine's rules for it.
"""

from __future__ import annotations

from typing import Any, Final

from executor.domain.api_token import TOKENS
from executor.domain.calendar import CALENDARS
from executor.domain.channel import CHANNELS
from executor.domain.command import CommandKind
from executor.domain.named import Kind
from executor.domain.secret import SECRETS

KINDS: Final[tuple[Kind[Any], ...]] = (CALENDARS, SECRETS, CHANNELS, TOKENS)

#: The commands that make or replace one, and those that delete one.
PUTS: Final[dict[CommandKind, Kind[Any]]] = {
    CommandKind.PUT_CALENDAR: CALENDARS,
    CommandKind.PUT_SECRET: SECRETS,
    CommandKind.PUT_CHANNEL: CHANNELS,
    CommandKind.CREATE_TOKEN: TOKENS,
}
DELETES: Final[dict[CommandKind, Kind[Any]]] = {
    CommandKind.DELETE_CALENDAR: CALENDARS,
    CommandKind.DELETE_SECRET: SECRETS,
    CommandKind.DELETE_CHANNEL: CHANNELS,
    CommandKind.DELETE_TOKEN: TOKENS,
}
