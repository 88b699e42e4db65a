"""What calendars, secrets and tokens have in common on their way to the store.

All are small, have a name, and are written by compare-and-set of their revision.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from executor.domain.api_token import StoredToken
from executor.domain.calendar import StoredCalendar
from executor.domain.command import Command, CommandResult
from executor.domain.secret import StoredSecret
from executor.domain.writes import CalendarWrite, SecretWrite, TokenWrite
from executor.engine.calendar_decisions import decide_calendar_again, implied_calendar_result
from executor.engine.effects import WriteNamed
from executor.engine.scene import (
    SECRET_COMMANDS,
    TOKEN_COMMANDS,
    Decision,
    NamedWrite,
    Scene,
    WriteCalendar,
    WriteSecret,
)
from executor.engine.secret_decisions import decide_secret_again, implied_secret_result
from executor.engine.token_decisions import decide_token_again, implied_token_result

Named = StoredCalendar | StoredSecret | StoredToken


def named_request(decisions: Iterable[NamedWrite]) -> WriteNamed:
    """Return the request that writes what was decided, in its order."""
    return WriteNamed(tuple(map(_write, decisions)))


def _write(decision: NamedWrite) -> CalendarWrite | SecretWrite | TokenWrite:
    if isinstance(decision, WriteCalendar):
        return CalendarWrite(decision.calendar, decision.expect)
    if isinstance(decision, WriteSecret):
        return SecretWrite(decision.secret, decision.expect)
    return TokenWrite(decision.token, decision.expect)


def apply_named(write: NamedWrite, command: Command, scene: Scene) -> None:
    """Go by what has been written, and say so."""
    if isinstance(write, WriteCalendar):
        what, name = "calendar", write.calendar.name
        scene.admission.blackouts.put(write.calendar)
    elif isinstance(write, WriteSecret):
        what, name = "secret", write.secret.name
        scene.admission.vault.put(write.secret)
    else:
        what, name = "token", write.token.name
        scene.tokens.put(write.token)
    scene.desk.note(
        f"{what}_changed",
        f"{what} changed",
        "INFO",
        **{what: name, "revision": write.result.revision},
        command=command.kind.value,
        command_id=command.id,
    )


def decide_named_again(command: Command, scene: Scene, current: Named | None) -> Decision:
    """Decide about *command* after its write met something else in the store."""
    if command.kind in SECRET_COMMANDS:
        assert not isinstance(current, StoredCalendar | StoredToken)
        return decide_secret_again(command, scene, current)
    if command.kind in TOKEN_COMMANDS:
        assert not isinstance(current, StoredCalendar | StoredSecret)
        return decide_token_again(command, scene, current)
    assert not isinstance(current, StoredSecret | StoredToken)
    return decide_calendar_again(command, scene, current)


def implied_named_result(record: Named, now: datetime) -> CommandResult | None:
    """Return the answer to the command that made this revision: it follows from the record."""
    match record:
        case StoredCalendar():
            return implied_calendar_result(record, now)
        case StoredSecret():
            return implied_secret_result(record, now)
        case StoredToken():
            return implied_token_result(record, now)
        case _:
            assert_never(record)
