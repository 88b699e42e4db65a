"""Commands that change a named resource: a calendar, a secret, a channel, a token.

One set of decisions for all kinds; what differs is in :data:`_RULES`.  A secret's value comes
sealed and is not looked into here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Generic

from executor.domain import api_token
from executor.domain import channel as channels
from executor.domain.api_token import REVOKED, TOKENS, ApiToken, token_from_arguments
from executor.domain.calendar import CALENDARS, Calendar, calendar_from_document
from executor.domain.channel import CHANNELS, Channel, channel_from_document
from executor.domain.command import Command, CommandResult, ResultStatus
from executor.domain.errors import (
    Conflict,
    Fault,
    InvalidCalendar,
    InvalidChannel,
    InvalidInput,
    NamedInUse,
    NamedNotFound,
    RevisionConflict,
    TokenExists,
)
from executor.domain.job import LastCommand
from executor.domain.kinds import DELETES, PUTS
from executor.domain.named import Broken, Kind, NamedWrite, Stored, Value
from executor.domain.secret import SECRETS, check_name, check_sealed
from executor.engine.scene import (
    Answer,
    Decision,
    RefusalError,
    Scene,
    WriteRecord,
    answered,
    implied,
)

#: Users that are named when what they use is to be deleted.
_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Rules(Generic[Value]):
    """What is particular to a kind.

    Attributes:
        wanted: returns what a command wants the resource to hold; raises InvalidInput.
        users: returns what uses the one of this name, as people know it.
        left: returns what is kept of the value of one that is deleted; of one that cannot be
            read it is not asked.
        broken: what is left of one that cannot be read; None: it has to be mended first.
        once: one that is there cannot be given another value; makes what refuses it.
    """

    wanted: Callable[[Command, Scene], Value]
    users: Callable[[Scene, str], list[str]]
    left: Callable[[Value], Value]
    broken: Value | None = None
    once: Callable[[str], Conflict] | None = None


def _wanted_calendar(command: Command, scene: Scene) -> Calendar:
    calendar = calendar_from_document(command.arguments.get("calendar"))
    if calendar.name != command.subject:
        fault = Fault("name", f"is not the addressed calendar's, {command.subject!r}")
        raise InvalidCalendar([fault])
    return calendar


def _wanted_secret(command: Command, scene: Scene) -> str:
    check_name(command.subject)
    return check_sealed(command.arguments.get("sealed"))


def _wanted_channel(command: Command, scene: Scene) -> Channel:
    channels.check_name(command.subject)
    channel = channel_from_document(command.arguments.get("channel"))
    missing = scene.admission.vault.faults(channels.secret_places(channel))
    if missing:
        raise InvalidChannel(missing)
    return channel


def _wanted_token(command: Command, scene: Scene) -> ApiToken:
    api_token.check_name(command.subject)
    return token_from_arguments(command.arguments)


def _users_of_calendar(scene: Scene, name: str) -> list[str]:
    return sorted(
        job.name
        for job in map(scene.roster.get, scene.roster.ids())
        if job is not None and any(use.name == name for use in job.definition.calendars)
    )


def _users_of_secret(scene: Scene, name: str) -> list[str]:
    telling = scene.admission.channels.using_secret(name)
    jobs = _names_of(scene, scene.admission.vault.users(name))
    return [*jobs, *(f"channel {one}" for one in telling)]


def _users_of_channel(scene: Scene, name: str) -> list[str]:
    return _names_of(scene, scene.admission.channels.users(name))


def _names_of(scene: Scene, job_ids: Iterable[str]) -> list[str]:
    return sorted(job.name for job in map(scene.roster.get, job_ids) if job is not None)


_RULES: Final[dict[Kind[Any], _Rules[Any]]] = {
    CALENDARS: _Rules(_wanted_calendar, _users_of_calendar, lambda calendar: calendar),
    SECRETS: _Rules(_wanted_secret, _users_of_secret, lambda sealed: ""),
    CHANNELS: _Rules(_wanted_channel, _users_of_channel, lambda channel: channel),
    TOKENS: _Rules(
        _wanted_token,
        lambda scene, name: [],
        lambda token: REVOKED,
        # Whoever revokes a token means it, whatever its record has become.
        broken=REVOKED,
        once=TokenExists,
    ),
}


def put(command: Command, scene: Scene) -> Decision:
    """Make a resource, or give the one of that name another value."""
    kind = PUTS[command.kind]
    standing = _standing(kind, command, scene)
    if (answer := _repeated(kind, command, standing, scene.desk.now)) is not None:
        return answer
    rules = _RULES[kind]
    if rules.once and isinstance(standing, Stored) and not standing.deleted:
        raise RefusalError(ResultStatus.CONFLICT, rules.once(command.subject))
    try:
        value = rules.wanted(command, scene)
    except InvalidInput as error:
        raise RefusalError(ResultStatus.INVALID, error) from None
    return _write(kind, command, scene, standing, value)


def delete(command: Command, scene: Scene) -> Decision:
    """Remove a resource that nothing uses."""
    kind = DELETES[command.kind]
    rules = _RULES[kind]
    standing = _standing(kind, command, scene)
    if (answer := _repeated(kind, command, standing, scene.desk.now)) is not None:
        return answer
    value = rules.broken
    if isinstance(standing, Stored):
        value = None if standing.deleted else rules.left(standing.value)
    if standing is None or value is None:
        raise RefusalError(ResultStatus.NOT_FOUND, NamedNotFound(kind.word, command.subject))
    if users := rules.users(scene, standing.name):
        in_use = NamedInUse(kind.word, standing.name, users[:_NAMED], len(users))
        raise RefusalError(ResultStatus.CONFLICT, in_use)
    return _write(kind, command, scene, standing, value, deleted=True)


def decide_again(command: Command, scene: Scene, current: Stored[Any] | None) -> Decision:
    """Decide about *command* after its write met something else in the store."""
    deletes = command.kind in DELETES
    if current is not None:
        kind = (DELETES if deletes else PUTS)[command.kind]
        scene.admission.records(kind).put(current)
    return delete(command, scene) if deletes else put(command, scene)


def apply(decision: WriteRecord, command: Command, scene: Scene) -> None:
    """Go by what has been written, and say so."""
    kind, record = decision.write.kind, decision.write.record
    scene.admission.records(kind).put(record)
    if not record.deleted:
        scene.admission.on_named()
    scene.desk.note(
        f"{kind.word}_changed",
        f"{kind.word} changed",
        "INFO",
        **{kind.word: record.name, "revision": record.revision},
        command=command.kind.value,
        command_id=command.id,
    )


def implied_named_result(
    kind: Kind[Any], record: Stored[Any], now: datetime
) -> CommandResult | None:
    """Return the answer to the command that made this revision: it follows from the record."""
    made = record.last_command
    if made is None:
        return None
    result = implied(made, record.revision, now, facts={kind.word: record.name})
    if _RULES[kind].once is None:
        return result
    # Such a name may be used again: then the first revision of the new one is not the first.
    status = ResultStatus.DONE if record.deleted else ResultStatus.CREATED
    return replace(result, status=status)


def _standing(kind: Kind[Value], command: Command, scene: Scene) -> Stored[Value] | Broken | None:
    standing = scene.admission.records(kind).record(command.subject)
    revision = standing.revision if standing else 0
    if command.if_revision is not None and command.if_revision != revision:
        conflict = RevisionConflict(command.subject, command.if_revision, revision, kind.word)
        if _repeated(kind, command, standing, scene.desk.now) is None:
            raise RefusalError(ResultStatus.PRECONDITION_FAILED, conflict)
    return standing


def _repeated(
    kind: Kind[Value], command: Command, standing: Stored[Value] | Broken | None, now: datetime
) -> Answer | None:
    """Return the answer to a command that has made the present revision already."""
    if not isinstance(standing, Stored):
        return None
    return answered(command, implied_named_result(kind, standing, now), now)


def _write(
    kind: Kind[Value],
    command: Command,
    scene: Scene,
    standing: Stored[Value] | Broken | None,
    value: Value,
    *,
    deleted: bool = False,
) -> WriteRecord:
    now = scene.desk.now
    expect = standing.revision if standing else None
    written = Stored(
        name=command.subject,
        value=value,
        revision=(expect or 0) + 1,
        updated_at=now,
        last_command=LastCommand.of(command),
        deleted=deleted,
    )
    result = implied_named_result(kind, written, now)
    assert result is not None
    former = standing if isinstance(standing, Stored) else None
    return WriteRecord(NamedWrite(kind, written, expect), result, former)
