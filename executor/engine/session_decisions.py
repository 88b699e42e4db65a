"""The commands by which browsers are signed in and out.

Whether somebody may sign in is for web to judge, which has seen his credentials.  What happens
here makes it durable for all instances, and enters it into the audit.
"""

from __future__ import annotations

from dataclasses import replace

from executor.domain.api_token import check_digest
from executor.domain.command import Command, ResultStatus
from executor.domain.errors import InvalidInput
from executor.domain.session import arguments_of, session_from
from executor.engine.scene import Decision, RefusalError, SaveAlong, Scene, result_of


def open_session(command: Command, scene: Scene) -> Decision:
    """Let a browser in, until the session's end."""
    try:
        session = session_from(command.subject, command.actor, command.arguments)
    except InvalidInput as error:
        raise RefusalError(ResultStatus.INVALID, error) from None
    shown = {name: value for name, value in arguments_of(session).items() if name != "token"}
    result = result_of(command, scene.desk.now, ResultStatus.CREATED, None)
    return SaveAlong(replace(result, facts=shown), opened=session)


def close_session(command: Command, scene: Scene) -> Decision:
    """Let a browser in no more; one that is not known is not let in anyway."""
    try:
        digest = check_digest(command.subject)
    except InvalidInput as error:
        raise RefusalError(ResultStatus.INVALID, error) from None
    result = result_of(command, scene.desk.now, ResultStatus.DONE, None)
    return SaveAlong(result, closed=digest)
