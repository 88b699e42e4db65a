"""API tokens made, listed and revoked at the machine: ``solocron token``.

For whoever may read the service's settings, and so its store: he needs no token to make one.
What he asks for goes the way of every change, as a command to the executor, and into the audit
under his name on the machine.
"""

from __future__ import annotations

import getpass
import os
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from executor.domain.api_token import (
    RANDOM_BYTES,
    TOKENS,
    check_name,
    creation_arguments,
    token_document,
    token_from_arguments,
    written,
)
from executor.domain.command import Command, CommandKind, ResultStatus
from executor.domain.errors import SolocronError
from executor.domain.instant import to_text
from executor.domain.named import Broken, Stored
from executor.ports.broker import CommandSender
from executor.ports.clock import Clock
from executor.ports.store import Readers

#: Seconds to wait for an executor's answer: one that takes over may load jobs first.
PATIENCE_S: Final = 20.0


class NotDone(SolocronError):
    """The executor refused, or did not answer; the message says which."""


def create(
    sender: CommandSender,
    clock: Clock,
    name: str,
    scopes: Sequence[str],
    lifetime: timedelta | None,
) -> dict[str, Any]:
    """Make a token; return what the API answers then, with the token, which nobody can do again.

    Raises:
        InvalidToken: its name or a scope cannot be.
        NotDone: it is not known to be in force.
        Unavailable: nobody executes, or the broker is away.
    """
    text, now = written(secrets.token_bytes(RANDOM_BYTES)), clock.now()
    arguments = creation_arguments(text, scopes, lifetime, now)
    made = token_from_arguments(arguments)
    _carry_out(sender, clock, CommandKind.CREATE_TOKEN, check_name(name), arguments)
    # Not read again: a store that is away now would cost the token.
    stored = Stored(name=name, value=made, revision=1, updated_at=now)
    return {**token_document(stored, {}, now), "created_by": _actor(), "token": text}


def revoke(sender: CommandSender, clock: Clock, name: str) -> None:
    """Revoke a token.

    Raises:
        NotDone: there is none of that name, or it is not known to be revoked.
        Unavailable: nobody executes, or the broker is away.
    """
    _carry_out(sender, clock, CommandKind.DELETE_TOKEN, name, {})


def documents(readers: Readers, now: datetime) -> list[dict[str, Any]]:
    """Return every token as the API shows it."""
    uses = readers.token_uses()
    return [token_document(one, uses, now) for one in readers.list_named(TOKENS)]


def lines(readers: Readers, now: datetime) -> list[str]:
    """Return a line for each token: its name, its rights, its end, when it was used last."""
    uses = readers.token_uses()
    rows = [("NAME", "SCOPES", "EXPIRES", "LAST USED")]
    for token in readers.list_named(TOKENS):
        if isinstance(token, Broken):
            rows.append((token.name, f"cannot be read: {token.error}", "", ""))
            continue
        ends = "never" if token.value.expires_at is None else to_text(token.value.expires_at)
        used = uses.get(token.name)
        rows.append(
            (
                token.name,
                " ".join(token.value.scopes),
                f"{ends} (expired)" if token.value.is_expired(now) else ends,
                to_text(used) if used and used >= token.updated_at else "never",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _actor() -> str:
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # A container may run as a number that has no name.
        return f"cli:{os.getuid()}"


def _carry_out(
    sender: CommandSender, clock: Clock, kind: CommandKind, name: str, arguments: dict[str, Any]
) -> None:
    command = Command(
        id=uuid.uuid4().hex,
        kind=kind,
        subject=name,
        arguments=arguments,
        sent_at=clock.now(),
        repeatable=False,
        actor=_actor(),
    )
    result = sender.send(command, PATIENCE_S)
    if result is None:
        raise NotDone(
            f"the executor has not answered within {PATIENCE_S:g} s; look at `solocron token list`"
        )
    if result.status not in {ResultStatus.CREATED, ResultStatus.DONE}:
        raise NotDone(result.message)
