"""The audit: one entry for every change that was applied, made of what the change left behind.

An entry follows from the record that the change wrote: its revision, its time, and the command
that made it, with the caller's name and address.  So whoever meets such a record can write the
entry, again and again, and it is the same one each time: an executor that died between the change
and its entry leaves nothing that its successor could not make up for.

Rules
-----
1. The id of an entry is the kind, id and revision of what was changed; of a command about runs
   or sessions, which leaves no revision, that of the command.
2. Definitions are kept as they were written: a template with its placeholders.  Of a secret
   there is its name, of a token its scopes and end; never a value, sealed or not.  A channel
   holds no credential, but the names of secrets.
3. What stood before is what the entry of the revision before says; see :class:`Change`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from executor.domain.api_token import TOKENS, ApiToken
from executor.domain.calendar import CALENDARS, calendar_to_document
from executor.domain.channel import CHANNELS, channel_to_document
from executor.domain.command import Command, CommandKind, CommandResult, ResultStatus
from executor.domain.instant import to_text
from executor.domain.job import Job, LastCommand, definition_to_document
from executor.domain.named import Kind, Stored, Value
from executor.domain.secret import SECRETS

#: How long entries are kept unless the operator says otherwise.
AUDIT_KEPT: Final = timedelta(days=365)

#: Commands whose effect is no revision: a run, or a session.
_WITHOUT_REVISION: Final = frozenset(
    {
        CommandKind.TRIGGER_JOB,
        CommandKind.BACKFILL_JOB,
        CommandKind.CANCEL_RUN,
        CommandKind.OPEN_SESSION,
        CommandKind.CLOSE_SESSION,
    }
)

#: How a command ended that has changed something.
_EFFECTIVE: Final = frozenset({ResultStatus.CREATED, ResultStatus.DONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the audit.

    Attributes:
        at: when the executor decided it, by its clock.
        actor, address: empty if the change was asked for by a version that did not say.
        action: the command that was carried out.
        subject: name of the job or named resource, id of the run, or digest of the session.
        after: what stands since, JSON-ready; None if it was deleted or holds nothing to show.
        before: what stood before.  It is not written with the entry: readers look it up, and it
            is None where there was nothing, or where that is not kept any more.
    """

    id: str
    at: datetime
    actor: str
    address: str
    action: CommandKind
    subject: str
    job_id: str | None = None
    run_id: str | None = None
    revision: int | None = None
    after: Mapping[str, Any] | None = None
    before: Mapping[str, Any] | None = None

    @property
    def former_id(self) -> str | None:
        """The id of the entry that says what stood before; None if nothing did."""
        if self.revision is None or self.revision < 2:
            return None
        return f"{self.id.rpartition(':')[0]}:{self.revision - 1}"


def change_of_job(job: Job) -> Change | None:
    """Return the entry for the present revision of *job*; None if nobody knows who made it."""
    if job.last_command is None:
        return None
    return _change(
        job.last_command,
        ("job", job.id, job.name),
        job.revision,
        job.updated_at,
        None if job.deleted else job_state_document(job),
    )


def job_state_document(job: Job) -> dict[str, Any]:
    """Return what a revision of *job* is, as the audit shows it: its definition and its pause."""
    pause = job.paused
    return {
        **definition_to_document(job.definition),
        "paused": pause
        and {
            "since": to_text(pause.since),
            "reason": pause.reason,
            "by": pause.by,
            "until": pause.until and to_text(pause.until),
        },
    }


def change_of_named(kind: Kind[Value], record: Stored[Value]) -> Change | None:
    """Return the entry for the present revision of *record*; None if nobody knows who made it."""
    if record.last_command is None:
        return None
    return _change(
        record.last_command,
        (kind.word, record.name, record.name),
        record.revision,
        record.updated_at,
        None if record.deleted else _SHOWN[kind](record.value),
    )


def _token_document(token: ApiToken) -> dict[str, Any]:
    return {
        "scopes": list(token.scopes),
        "expires_at": token.expires_at and to_text(token.expires_at),
    }


#: What may be shown of a value, by its kind: a kind that is missing here fails loudly.
_SHOWN: Final[Mapping[Kind[Any], Callable[[Any], dict[str, Any] | None]]] = {
    CALENDARS: calendar_to_document,
    SECRETS: lambda sealed: None,
    CHANNELS: channel_to_document,
    TOKENS: _token_document,
}


def change_of_command(command: Command, result: CommandResult, subject: str) -> Change | None:
    """Return the entry for a command that leaves no revision.

    None if it is no such command, or was refused.

    Args:
        subject: name of the job, id of the run, or the session's digest.
    """
    if command.kind not in _WITHOUT_REVISION or result.status not in _EFFECTIVE:
        return None
    return Change(
        id=f"command:{command.id}",
        at=result.finished_at,
        actor=command.actor,
        address=command.address,
        action=command.kind,
        subject=subject,
        job_id=result.job_id or command.arguments.get("job_id"),
        run_id=result.run_id,
        after=dict(result.facts) or None,
    )


def _change(
    made: LastCommand,
    subject: tuple[str, str, str],
    revision: int,
    at: datetime,
    after: dict[str, Any] | None,
) -> Change:
    """Put an entry together; *subject* is the kind, key and name of what was changed."""
    kind, key, name = subject
    return Change(
        id=f"{kind}:{key}:{revision}",
        at=at,
        actor=made.actor,
        address=made.address,
        action=made.kind,
        subject=name,
        job_id=key if kind == "job" else None,
        revision=revision,
        after=after,
    )
