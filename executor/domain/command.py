"""Commands: what web asks of the executor, and their form on the wire.

A command has an id from its sender.  The executor keeps the result under that id,
so a command delivered twice has one effect and one answer.  The wire form is JSON
with a version; a newer version is refused by name and stays in the store's list of
results as refused, it is never half understood.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final

from executor.domain.errors import Fault, InvalidCommand
from executor.domain.instant import from_text, to_text

WIRE_VERSION: Final = 1


class CommandKind(StrEnum):
    """Everything web may ask for; ``declare_job`` is the executor's own, for jobs in code."""

    CREATE_JOB = "create_job"
    PUT_JOB = "put_job"
    UPDATE_JOB = "update_job"
    DELETE_JOB = "delete_job"
    PAUSE_JOB = "pause_job"
    RESUME_JOB = "resume_job"
    TRIGGER_JOB = "trigger_job"
    BACKFILL_JOB = "backfill_job"
    CANCEL_RUN = "cancel_run"
    REPORT_RUN = "report_run"
    PING_JOB = "ping_job"
    ROTATE_PING = "rotate_ping"
    PUT_CALENDAR = "put_calendar"
    DELETE_CALENDAR = "delete_calendar"
    PUT_SECRET = "put_secret"
    DELETE_SECRET = "delete_secret"
    CREATE_TOKEN = "create_token"
    DELETE_TOKEN = "delete_token"
    USE_TOKENS = "use_tokens"
    OPEN_SESSION = "open_session"
    CLOSE_SESSION = "close_session"
    PUT_CHANNEL = "put_channel"
    DELETE_CHANNEL = "delete_channel"
    TEST_CHANNEL = "test_channel"
    DECLARE_JOB = "declare_job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One request.

    Attributes:
        subject: a job's id or name (for ``create_job`` and ``put_job`` its name), a run's id, or a
            calendar's, secret's, channel's or token's name, or a session's digest.
        arguments: JSON-ready; ``definition`` (create, put, update), and ``begun`` with it where
            its schedule may lie in the past, and ``since``, the first slot of a new schedule
            that counts although it may have passed when the command is carried out; ``reason``,
            ``by``, ``until`` (pause); ``from``, ``to`` (backfill); ``calendar`` (put_calendar);
            ``sealed`` (put_secret): never the value itself; ``channel`` (put_channel);
            ``module`` and ``digest`` (declare_job; without ``definition``: the code declares the
            job no more); ``status``, ``details``, ``error``, ``reason`` (report_run);
            ``job_id``, for the audit (cancel_run); what ``watch.arguments_of`` says (ping_job);
            ``digest``, ``scopes``, ``expires_at`` (create_token); ``uses``, instants by name
            (use_tokens); ``scopes``, ``token``, ``expires_at`` (open_session).
        if_revision: refuse unless the job is at this revision.
        sent_at: by the sender's clock; for people only.
        repeatable: a command with the same id may have been sent before: its client chose
            the id, or it is sent again.
        actor, address: who asks and from where, see :class:`~executor.domain.access.Caller`;
            empty if an older sender did not say.
        within: only jobs that carry one of these tags may be touched; None: any.
        nonce: random text of the sender's, for what nobody may guess; no part of what is asked,
            and shown to nobody.  Empty if an older sender made none.
    """

    id: str
    kind: CommandKind
    subject: str
    arguments: dict[str, Any] = field(default_factory=dict)
    if_revision: int | None = None
    sent_at: datetime
    repeatable: bool = True
    actor: str = ""
    address: str = ""
    within: tuple[str, ...] | None = None
    nonce: str = field(default="", repr=False, compare=False)
    _digest: str = field(default="", init=False, repr=False, compare=False)

    def reaches(self, tags: Collection[str]) -> bool:
        """Whether a job with these *tags* may be touched."""
        return self.within is None or not set(self.within).isdisjoint(tags)

    @property
    def digest(self) -> str:
        """Fingerprint of what is asked, without id and time: equal for a repeated request.

        Computed once, because it takes as long as reading the command and is asked for often.
        """
        if not self._digest:
            asked = [self.kind, self.subject, self.arguments, self.if_revision]
            text = json.dumps(asked, sort_keys=True).encode()
            object.__setattr__(self, "_digest", blake2b(text, digest_size=16).hexdigest())
        return self._digest


class ResultStatus(StrEnum):
    """How a command ended, in the words of its HTTP answer."""

    CREATED = "created"
    DONE = "done"
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    PRECONDITION_FAILED = "precondition_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """The durable answer to a command.

    ``job_id`` and ``run_id`` say what it concerned; the applied document is read from the store.
    ``message`` and ``faults`` explain a refusal.  ``facts`` are figures for people, JSON-ready.
    """

    command_id: str
    kind: CommandKind
    digest: str
    status: ResultStatus
    finished_at: datetime
    job_id: str | None = None
    run_id: str | None = None
    revision: int | None = None
    message: str = ""
    faults: tuple[Fault, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def encode_command(command: Command) -> bytes:
    """Return the wire form, UTF-8 JSON."""
    return json.dumps(
        {
            "version": WIRE_VERSION,
            "id": command.id,
            "kind": command.kind,
            "subject": command.subject,
            "arguments": command.arguments,
            "if_revision": command.if_revision,
            "sent_at": to_text(command.sent_at),
            "repeatable": command.repeatable,
            "actor": command.actor,
            "address": command.address,
            "within": command.within,
            "nonce": command.nonce,
        }
    ).encode()


def decode_command(body: bytes) -> Command:
    """Read the wire form.

    Raises:
        InvalidCommand: not JSON, an unknown version or kind, or a field of the wrong type.
    """
    try:
        document = json.loads(body)
        if document["version"] != WIRE_VERSION:
            raise InvalidCommand(
                [Fault("version", f"{document['version']!r} is not {WIRE_VERSION}")]
            )
        revision, within = document["if_revision"], document.get("within")
        return Command(
            id=str(document["id"]),
            kind=CommandKind(document["kind"]),
            subject=str(document["subject"]),
            arguments=dict(document["arguments"]),
            if_revision=None if revision is None else int(revision),
            sent_at=from_text(document["sent_at"]),
            repeatable=document.get("repeatable") is not False,
            actor=str(document.get("actor", "")),
            address=str(document.get("address", "")),
            within=None if within is None else tuple(map(str, within)),
            nonce=str(document.get("nonce", "")),
        )
    except InvalidCommand:
        raise
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidCommand([Fault("", f"not a command: {error!r}")]) from error


def encode_result(result: CommandResult) -> bytes:
    """Return the wire form of a reply, UTF-8 JSON."""
    return json.dumps(result_to_document(result)).encode()


def decode_result(body: bytes) -> CommandResult:
    """Read the wire form of a reply.

    Raises:
        InvalidCommand: it is not one.
    """
    try:
        return result_from_document(json.loads(body))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidCommand([Fault("", f"not a reply: {error!r}")]) from error


def result_to_document(result: CommandResult) -> dict[str, Any]:
    """Return the JSON-ready form, instants as RFC 3339 text."""
    return {
        "command_id": result.command_id,
        "kind": result.kind,
        "digest": result.digest,
        "status": result.status,
        "finished_at": to_text(result.finished_at),
        "job_id": result.job_id,
        "run_id": result.run_id,
        "revision": result.revision,
        "message": result.message,
        "faults": [{"field": fault.field, "message": fault.message} for fault in result.faults],
        "facts": dict(result.facts),
    }


def result_from_document(document: dict[str, Any]) -> CommandResult:
    """Read :func:`result_to_document`'s form; raises KeyError or ValueError if it is not one."""
    return CommandResult(
        command_id=document["command_id"],
        kind=CommandKind(document["kind"]),
        digest=document["digest"],
        status=ResultStatus(document["status"]),
        finished_at=from_text(document["finished_at"]),
        job_id=document["job_id"],
        run_id=document["run_id"],
        revision=document["revision"],
        message=document["message"],
        faults=tuple(Fault(fault["field"], fault["message"]) for fault in document["faults"]),
        facts=document.get("facts", {}),
    )
