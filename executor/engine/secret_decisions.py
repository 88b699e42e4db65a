"""Commands that change a secret.  Its value comes sealed and is not looked into here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from executor.domain.command import Command, CommandResult, ResultStatus
from executor.domain.errors import InvalidSecret, RevisionConflict, SecretInUse, SecretNotFound
from executor.domain.job import LastCommand
from executor.domain.secret import StoredSecret, check_name, check_sealed
from executor.domain.writes import BrokenSecret
from executor.engine.scene import (
    Answer,
    Decision,
    RefusalError,
    Scene,
    WriteSecret,
    answered,
    implied,
)

#: Jobs that are named when a secret in use is to be deleted.
_NAMED = 5


def put_secret(command: Command, scene: Scene) -> Decision:
    """Make a secret, or give the one of that name another value."""
    standing = _standing(command, scene)
    if (answer := _repeated(command, standing, scene.desk.now)) is not None:
        return answer
    try:
        secret = StoredSecret(
            name=check_name(command.subject),
            sealed=check_sealed(command.arguments.get("sealed")),
            revision=1,
            updated_at=scene.desk.now,
        )
    except InvalidSecret as error:
        raise RefusalError(ResultStatus.INVALID, error) from None
    return _write(command, scene, standing, secret)


def delete_secret(command: Command, scene: Scene) -> Decision:
    """Remove a secret that no job uses; of its value nothing is kept."""
    standing = _standing(command, scene)
    if (answer := _repeated(command, standing, scene.desk.now)) is not None:
        return answer
    if not isinstance(standing, StoredSecret) or standing.deleted:
        raise RefusalError(ResultStatus.NOT_FOUND, SecretNotFound(command.subject))
    using = map(scene.roster.get, scene.admission.vault.users(standing.name))
    users = sorted(job.name for job in using if job is not None)
    users += [f"channel {one}" for one in scene.channels.using_secret(standing.name)]
    if users:
        in_use = SecretInUse(standing.name, users[:_NAMED], len(users))
        raise RefusalError(ResultStatus.CONFLICT, in_use)
    return _write(command, scene, standing, replace(standing, sealed="", deleted=True))


def decide_secret_again(command: Command, scene: Scene, current: StoredSecret | None) -> Decision:
    """Decide about *command* after its write met something else in the store."""
    if current is not None:
        scene.admission.vault.put(current)
    decide = put_secret if "sealed" in command.arguments else delete_secret
    return decide(command, scene)


def implied_secret_result(secret: StoredSecret, now: datetime) -> CommandResult | None:
    """Return the answer to the command that made this revision: it follows from the record."""
    made = secret.last_command
    if made is None:
        return None
    return implied(made, secret.revision, now, facts={"secret": secret.name})


def _standing(command: Command, scene: Scene) -> StoredSecret | BrokenSecret | None:
    standing = scene.admission.vault.record(command.subject)
    revision = standing.revision if standing else 0
    if command.if_revision is not None and command.if_revision != revision:
        conflict = RevisionConflict(command.subject, command.if_revision, revision, "secret")
        if _repeated(command, standing, scene.desk.now) is None:
            raise RefusalError(ResultStatus.PRECONDITION_FAILED, conflict)
    return standing


def _repeated(
    command: Command, standing: StoredSecret | BrokenSecret | None, now: datetime
) -> Answer | None:
    """Return the answer to a command that has made the present revision already."""
    if not isinstance(standing, StoredSecret):
        return None
    return answered(command, implied_secret_result(standing, now), now)


def _write(
    command: Command,
    scene: Scene,
    standing: StoredSecret | BrokenSecret | None,
    secret: StoredSecret,
) -> WriteSecret:
    now = scene.desk.now
    expect = standing.revision if standing else None
    written = replace(
        secret,
        revision=(expect or 0) + 1,
        updated_at=now,
        last_command=LastCommand.of(command),
    )
    result = implied_secret_result(written, now)
    assert result is not None
    former = standing if isinstance(standing, StoredSecret) else None
    return WriteSecret(written, expect, result, former)
