"""What calendars, secrets and channels have in common on their way to the store.

All are small, have a name, and are written by compare-and-set of their revision.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from executor.domain.calendar import StoredCalendar
from executor.domain.channel import StoredChannel
from executor.domain.command import Command, CommandResult
from executor.domain.secret import StoredSecret
from executor.domain.writes import CalendarWrite, ChannelWrite, SecretWrite
from executor.engine.calendar_decisions import decide_calendar_again, implied_calendar_result
from executor.engine.channel_decisions import decide_channel_again, implied_channel_result
from executor.engine.effects import WriteNamed
from executor.engine.scene import (
    CHANNEL_COMMANDS,
    SECRET_COMMANDS,
    Decision,
    NamedWrite,
    Scene,
    WriteCalendar,
    WriteChannel,
    WriteSecret,
)
from executor.engine.secret_decisions import decide_secret_again, implied_secret_result


def named_request(decisions: Iterable[NamedWrite]) -> WriteNamed:
    """Return the request that writes what was decided, in its order."""
    return WriteNamed(tuple(map(_write_of, decisions)))


def _write_of(one: NamedWrite) -> CalendarWrite | SecretWrite | ChannelWrite:
    if isinstance(one, WriteCalendar):
        return CalendarWrite(one.calendar, one.expect)
    if isinstance(one, WriteSecret):
        return SecretWrite(one.secret, one.expect)
    return ChannelWrite(one.channel, one.expect)


def apply_named(write: NamedWrite, command: Command, scene: Scene) -> None:
    """Go by what has been written, and say so."""
    if isinstance(write, WriteCalendar):
        what, name = "calendar", write.calendar.name
        scene.admission.blackouts.put(write.calendar)
    elif isinstance(write, WriteChannel):
        what, name = "channel", write.channel.name
        scene.channels.put(write.channel)
    else:
        what, name = "secret", write.secret.name
        scene.admission.vault.put(write.secret)
    scene.desk.note(
        f"{what}_changed",
        f"{what} changed",
        "INFO",
        **{what: name, "revision": write.result.revision},
        command=command.kind.value,
        command_id=command.id,
    )


def decide_named_again(
    command: Command, scene: Scene, current: StoredCalendar | StoredSecret | StoredChannel | None
) -> Decision:
    """Decide about *command* after its write met something else in the store."""
    if command.kind in CHANNEL_COMMANDS:
        assert not isinstance(current, StoredCalendar | StoredSecret)
        return decide_channel_again(command, scene, current)
    if command.kind in SECRET_COMMANDS:
        assert not isinstance(current, StoredCalendar | StoredChannel)
        return decide_secret_again(command, scene, current)
    assert not isinstance(current, StoredSecret | StoredChannel)
    return decide_calendar_again(command, scene, current)


def implied_named_result(
    record: StoredCalendar | StoredSecret | StoredChannel, now: datetime
) -> CommandResult | None:
    """Return the answer to the command that made this revision: it follows from the record."""
    if isinstance(record, StoredCalendar):
        return implied_calendar_result(record, now)
    if isinstance(record, StoredChannel):
        return implied_channel_result(record, now)
    return implied_secret_result(record, now)
