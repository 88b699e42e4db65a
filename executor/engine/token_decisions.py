"""The command that notes when API tokens were used; making and revoking is that of all kinds."""

from __future__ import annotations

from executor.domain.api_token import TOKENS
from executor.domain.command import Command, ResultStatus
from executor.domain.errors import Fault, InvalidInput
from executor.domain.instant import from_text
from executor.engine.scene import Decision, RefusalError, SaveAlong, Scene, result_of


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
    tokens = scene.admission.records(TOKENS)
    known = {name: at for name, at in found.items() if tokens.record(name) is not None}
    return SaveAlong(result_of(command, scene.desk.now, ResultStatus.DONE, None), uses=known)
