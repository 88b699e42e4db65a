"""Commands that change a channel, or test it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from executor.domain.channel import (
    StoredChannel,
    channel_from_document,
    check_name,
    secret_places,
)
from executor.domain.command import Command, CommandResult, ResultStatus
from executor.domain.errors import (
    ChannelInUse,
    ChannelNotFound,
    Fault,
    InvalidChannel,
    RevisionConflict,
)
from executor.domain.job import LastCommand
from executor.domain.message import facts_of_test
from executor.domain.notification import a_message
from executor.domain.notify import Event
from executor.domain.writes import BrokenChannel
from executor.engine.scene import (
    Answer,
    Decision,
    Post,
    RefusalError,
    Scene,
    WriteChannel,
    answered,
    implied,
    result_of,
)

#: Jobs that are named when a channel in use is to be deleted.
_NAMED = 5


def put_channel(command: Command, scene: Scene) -> Decision:
    """Make a channel, or give the one of that name another definition."""
    standing = _standing(command, scene)
    if (answer := _repeated(command, standing, scene.desk.now)) is not None:
        return answer
    try:
        channel = StoredChannel(
            name=check_name(command.subject),
            channel=channel_from_document(command.arguments.get("channel")),
            revision=1,
            updated_at=scene.desk.now,
        )
    except InvalidChannel as error:
        raise RefusalError(ResultStatus.INVALID, error) from None
    missing = [
        Fault(field, f"there is no secret {name!r}; PUT /v1/secrets/{name} makes it")
        for field, name in secret_places(channel.channel)
        if not scene.admission.vault.has(name)
    ]
    if missing:
        raise RefusalError(ResultStatus.INVALID, InvalidChannel(missing))
    return _write(command, scene, standing, channel)


def delete_channel(command: Command, scene: Scene) -> Decision:
    """Remove a channel that no job names."""
    standing = _standing(command, scene)
    if (answer := _repeated(command, standing, scene.desk.now)) is not None:
        return answer
    present = _present(command, standing)
    using = map(scene.roster.get, scene.channels.users(present.name))
    users = sorted(job.name for job in using if job is not None)
    if users:
        in_use = ChannelInUse(present.name, users[:_NAMED], len(users))
        raise RefusalError(ResultStatus.CONFLICT, in_use)
    return _write(command, scene, standing, replace(present, deleted=True))


def test_channel(command: Command, scene: Scene) -> Decision:
    """Have a message sent that says nothing but that it arrives."""
    channel = _present(command, scene.channels.record(command.subject))
    now = scene.desk.now
    test = a_message(
        Event.TEST,
        channel.name,
        job_id="",
        job="",
        run_id=None,
        about=command.id,
        at=now,
        payload=facts_of_test(channel.name, now),
    )
    result = replace(
        result_of(command, now, ResultStatus.DONE, None),
        facts={"notification": test.id},
    )
    return Post(test, result)


def _present(command: Command, standing: StoredChannel | BrokenChannel | None) -> StoredChannel:
    if not isinstance(standing, StoredChannel) or standing.deleted:
        raise RefusalError(ResultStatus.NOT_FOUND, ChannelNotFound(command.subject))
    return standing


def decide_channel_again(command: Command, scene: Scene, current: StoredChannel | None) -> Decision:
    """Decide about *command* after its write met something else in the store."""
    if current is not None:
        scene.channels.put(current)
    decide = put_channel if "channel" in command.arguments else delete_channel
    return decide(command, scene)


def implied_channel_result(channel: StoredChannel, now: datetime) -> CommandResult | None:
    """Return the answer to the command that made this revision: it follows from the record."""
    made = channel.last_command
    if made is None:
        return None
    return implied(made, channel.revision, now, facts={"channel": channel.name})


def _standing(command: Command, scene: Scene) -> StoredChannel | BrokenChannel | None:
    standing = scene.channels.record(command.subject)
    revision = standing.revision if standing else 0
    if command.if_revision is not None and command.if_revision != revision:
        conflict = RevisionConflict(command.subject, command.if_revision, revision, "channel")
        if _repeated(command, standing, scene.desk.now) is None:
            raise RefusalError(ResultStatus.PRECONDITION_FAILED, conflict)
    return standing


def _repeated(
    command: Command, standing: StoredChannel | BrokenChannel | None, now: datetime
) -> Answer | None:
    """Return the answer to a command that has made the present revision already."""
    if not isinstance(standing, StoredChannel):
        return None
    return answered(command, implied_channel_result(standing, now), now)


def _write(
    command: Command,
    scene: Scene,
    standing: StoredChannel | BrokenChannel | None,
    channel: StoredChannel,
) -> WriteChannel:
    now = scene.desk.now
    expect = standing.revision if standing else None
    written = replace(
        channel,
        revision=(expect or 0) + 1,
        updated_at=now,
        last_command=LastCommand.of(command),
    )
    result = implied_channel_result(written, now)
    assert result is not None
    former = standing if isinstance(standing, StoredChannel) else None
    return WriteChannel(written, expect, result, former)
