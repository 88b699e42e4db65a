"""Commands that make, revoke and note the use of API tokens.  Only their digests come here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from executor.domain.api_token import (
    StoredToken,
    check_digest,
    check_expiry,
    check_name,
    check_scopes,
)
from executor.domain.command import Command, CommandResult, ResultStatus
from executor.domain.errors import (
    Fault,
    InvalidInput,
    InvalidToken,
    RevisionConflict,
    TokenExists,
    TokenNotFound,
)
from executor.domain.instant import from_text
from executor.domain.job import LastCommand
from executor.domain.writes import BrokenToken
from executor.engine.scene import (
    Answer,
    Decision,
    NoteUses,
    RefusalError,
    Scene,
    WriteToken,
    answered,
    implied,
    result_of,
)


def create_token(command: Command, scene: Scene) -> Decision:
    """Make a token; its name must be free."""
    standing = _standing(command, scene)
    if (answer := _repeated(command, standing, scene.desk.now)) is not None:
        return answer
    if isinstance(standing, StoredToken) and not standing.deleted:
        raise RefusalError(ResultStatus.CONFLICT, TokenExists(command.subject))
    try:
        token = StoredToken(
            name=check_name(command.subject),
            digest=check_digest(command.arguments.get("digest")),
            scopes=check_scopes(command.arguments.get("scopes")),
            expires_at=check_expiry(command.arguments.get("expires_at")),
            revision=1,
            updated_at=scene.desk.now,
        )
    except InvalidToken as error:
        raise RefusalError(ResultStatus.INVALID, error) from None
    return _write(command, scene, standing, token)


def delete_token(command: Command, scene: Scene) -> Decision:
    """Revoke a token; nothing is kept that would let anybody in."""
    standing = _standing(command, scene)
    if (answer := _repeated(command, standing, scene.desk.now)) is not None:
        return answer
    if standing is None or (isinstance(standing, StoredToken) and standing.deleted):
        raise RefusalError(ResultStatus.NOT_FOUND, TokenNotFound(command.subject))
    revoked = StoredToken(
        name=standing.name,
        digest="",
        scopes=(),
        expires_at=None,
        revision=1,
        updated_at=scene.desk.now,
        deleted=True,
    )
    return _write(command, scene, standing, revoked)


def use_tokens(command: Command, scene: Scene) -> Decision:
    """Note when tokens were used last: news, not a change."""
    uses = command.arguments.get("uses")
    try:
        if not isinstance(uses, dict):
            raise ValueError("is required: instants by name")
        found = {str(name): from_text(str(text)) for name, text in uses.items()}
    except ValueError as error:
        raise RefusalError(
            ResultStatus.INVALID, InvalidInput([Fault("uses", str(error))])
        ) from None
    known = {name: at for name, at in found.items() if scene.tokens.record(name) is not None}
    return NoteUses(known, result_of(command, scene.desk.now, ResultStatus.DONE, None))


def decide_token_again(command: Command, scene: Scene, current: StoredToken | None) -> Decision:
    """Decide about *command* after its write met something else in the store."""
    if current is not None:
        scene.tokens.put(current)
    decide = create_token if "digest" in command.arguments else delete_token
    return decide(command, scene)


def implied_token_result(token: StoredToken, now: datetime) -> CommandResult | None:
    """Return the answer to the command that made this revision: it follows from the record."""
    made = token.last_command
    if made is None:
        return None
    result = implied(made, token.revision, now, facts={"token": token.name})
    # A name may be used again: then the first revision of the new token is not the first.
    status = ResultStatus.DONE if token.deleted else ResultStatus.CREATED
    return replace(result, status=status)


def _standing(command: Command, scene: Scene) -> StoredToken | BrokenToken | None:
    standing = scene.tokens.record(command.subject)
    revision = standing.revision if standing else 0
    if command.if_revision is not None and command.if_revision != revision:
        conflict = RevisionConflict(command.subject, command.if_revision, revision, "token")
        if _repeated(command, standing, scene.desk.now) is None:
            raise RefusalError(ResultStatus.PRECONDITION_FAILED, conflict)
    return standing


def _repeated(
    command: Command, standing: StoredToken | BrokenToken | None, now: datetime
) -> Answer | None:
    """Return the answer to a command that has made the present revision already."""
    if not isinstance(standing, StoredToken):
        return None
    return answered(command, implied_token_result(standing, now), now)


def _write(
    command: Command,
    scene: Scene,
    standing: StoredToken | BrokenToken | None,
    token: StoredToken,
) -> WriteToken:
    expect = standing.revision if standing else None
    written = replace(token, revision=(expect or 0) + 1, last_command=LastCommand.of(command))
    result = implied_token_result(written, scene.desk.now)
    assert result is not None
    former = standing if isinstance(standing, StoredToken) else None
    return WriteToken(written, expect, result, former)
