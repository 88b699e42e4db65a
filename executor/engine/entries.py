"""What is written when a batch of commands is through: the answers, and entries of the audit.

Jobs are entered together with their writes.  All else is entered here, before the answers are
saved and given.
"""

from __future__ import annotations

from executor.domain.audit import Change, change_of_command, change_of_named
from executor.domain.command import Command, CommandResult
from executor.domain.kinds import DELETES, PUTS
from executor.domain.named import Stored
from executor.engine.batch import Batch
from executor.engine.scene import Scene
from executor.engine.store_requests import SaveResults


def save_request(batch: Batch, scene: Scene) -> SaveResults:
    """Return the request that writes what *batch* still owes before it is settled."""
    answered = [(case, result) for case in batch.cases.values() if (result := case.result)]
    changes = [_change(case.command, result, scene) for case, result in answered]
    return SaveResults(
        tuple(result for _, result in answered),
        tuple(change for change in changes if change is not None),
        batch.uses,
        tuple(batch.opened),
        tuple(batch.closed),
    )


def _change(command: Command, result: CommandResult, scene: Scene) -> Change | None:
    """Return the entry for what *command* did, if it was not entered with its write."""
    job = scene.roster.get(result.job_id or "")
    subject = command.subject if job is None else job.name
    return change_of_command(command, result, subject) or _change_of_named(command, scene)


def _change_of_named(command: Command, scene: Scene) -> Change | None:
    """Return the entry for a named resource that *command* has changed.

    None if the record that stands was made by another command: then this one's entry was written
    before that one overwrote it.
    """
    kind = PUTS.get(command.kind) or DELETES.get(command.kind)
    if kind is None:
        return None
    record = scene.admission.records(kind).record(command.subject)
    if not isinstance(record, Stored):
        return None
    made = record.last_command
    return change_of_named(kind, record) if made is not None and made.id == command.id else None
