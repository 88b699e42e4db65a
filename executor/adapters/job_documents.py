"""Jobs as documents (the rules are in ``documents.py``).

The definition is embedded in its canonical form, the document of the API.  ``name``,
``folded`` (the name without letter case, for searching) and ``deleted`` are repeated
or always present, so that they can be indexed, and read when the definition cannot.
``ping_digest`` follows from ``ping_key``; a ping's job is found by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Final, TypeAlias

from pydantic import TypeAdapter

from executor.adapters.documents import UNREADABLE, Document, instant, optional, text, whole
from executor.domain.command import CommandKind
from executor.domain.declared import CodeOrigin
from executor.domain.duration import parse_duration
from executor.domain.errors import SolocronError
from executor.domain.job import (
    Definition,
    Job,
    LastCommand,
    LastRun,
    Pause,
    definition_from_document,
    definition_to_document,
)
from executor.domain.policies import Misfire, Overlap, Retry
from executor.domain.schedule import Schedule, schedule_from_document
from executor.domain.watch import digest_of_key
from executor.domain.writes import BrokenJob

_MISFIRE: Final = TypeAdapter(Misfire)
_OVERLAP: Final = TypeAdapter(Overlap)
_RETRY: Final = TypeAdapter(Retry)

#: Decoded parts of definitions kept for sharing, per kind of part; each is well below 1 KB.
_KEPT: Final = 8192


def fold(text: str) -> str:
    """Return *text* without letter case, for comparing names as people search them."""
    return text.casefold()


def job_to_document(job: Job) -> Document:
    """Write a job with everything the service knows about it."""
    document: Document = {
        "id": job.id,
        "name": job.name,
        "folded": fold(job.name),
        "deleted": job.deleted,
        "revision": job.revision,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "definition": definition_to_document(job.definition),
    }
    if job.next_fire_at is not None:
        document["next_fire_at"] = job.next_fire_at
    if job.paused is not None:
        document["paused"] = _pause_to_document(job.paused)
    if job.last_run is not None:
        document["last_run"] = last_run_to_document(job.last_run)
    if job.code is not None:
        document["code"] = asdict(job.code)
    if job.ping_key:
        document["ping_key"] = job.ping_key
        document["ping_digest"] = digest_of_key(job.ping_key)
    if job.last_command is not None:
        document.update(command_to_document(job.last_command))
    return document


def job_from_document(document: Mapping[str, Any]) -> Job | BrokenJob:
    """Read a job; one that cannot be read comes back as broken, with the reason in words."""
    try:
        return _read_job(document)
    except UNREADABLE as error:
        return BrokenJob(
            str(document.get("id", "")),
            str(document.get("name", "")),
            str(error) if isinstance(error, SolocronError) else repr(error),
            revision if isinstance(revision := document.get("revision"), int) else 0,
        )


def _read_job(document: Mapping[str, Any]) -> Job:
    get = document.get
    next_fire_at, paused, last_run = get("next_fire_at"), get("paused"), get("last_run")
    code = get("code")
    return Job(
        id=text(document["id"]),
        definition=_read_definition(document["definition"]),
        revision=whole(document["revision"]),
        created_at=instant(document["created_at"]),
        updated_at=instant(document["updated_at"]),
        next_fire_at=optional(instant, next_fire_at),
        paused=None if paused is None else _read_pause(paused),
        last_run=None if last_run is None else last_run_from_document(last_run),
        last_command=command_from_document(document) if "last_command" in document else None,
        deleted=bool(document["deleted"]),
        code=None if code is None else _read_code(code),
        ping_key=text(get("ping_key") or ""),
    )


def _read_definition(document: Mapping[str, Any]) -> Definition:
    try:
        prepared: Mapping[str, Any] = _prepared(document)
    except UNREADABLE:
        prepared = document  # read whole, it says every fault under its path
    return definition_from_document(prepared)


def _prepared(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return *document* with those parts decoded that many jobs have in common.

    It halves the time to read a job, and the jobs share the parts instead of having copies.
    """
    target, schedule = document["target"], document["schedule"]
    prepared = {
        **document,
        "schedule": None if schedule is None else _schedule(tuple(schedule.items())),
        "misfire": _misfire(tuple(document["misfire"].items())),
        "overlap": _overlap(tuple(document["overlap"].items())),
        "retry": _retry(tuple(_hashable(document.get("retry", {})))),
        "timeout": _duration(document["timeout"]),
        "keep_for": _duration(document["keep_for"]),
    }
    if "timeout" in target:
        prepared["target"] = {**target, "timeout": _duration(target["timeout"])}
    return prepared


_Fields: TypeAlias = tuple[tuple[str, Any], ...]


@lru_cache(maxsize=_KEPT)
def _schedule(fields: _Fields) -> Schedule:
    return schedule_from_document(dict(fields))


@lru_cache(maxsize=_KEPT)
def _misfire(fields: _Fields) -> Misfire:
    return _MISFIRE.validate_python(dict(fields))


@lru_cache(maxsize=_KEPT)
def _overlap(fields: _Fields) -> Overlap:
    return _OVERLAP.validate_python(dict(fields))


@lru_cache(maxsize=_KEPT)
def _retry(fields: _Fields) -> Retry:
    return _RETRY.validate_python(dict(fields))


def _hashable(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        yield name, tuple(value) if isinstance(value, list) else value


_duration = lru_cache(maxsize=_KEPT)(parse_duration)


def _pause_to_document(pause: Pause) -> Document:
    document: Document = {"since": pause.since, "reason": pause.reason, "by": pause.by}
    if pause.until is not None:
        document["until"] = pause.until
    return document


def _read_pause(document: Mapping[str, Any]) -> Pause:
    return Pause(
        since=instant(document["since"]),
        reason=text(document["reason"]),
        by=text(document.get("by") or ""),
        until=optional(instant, document.get("until")),
    )


def _read_code(document: Mapping[str, Any]) -> CodeOrigin:
    return CodeOrigin(
        module=text(document["module"]),
        digest=text(document["digest"]),
        present=bool(document["present"]),
    )


def command_to_document(command: LastCommand) -> Document:
    """Write what is kept of a command: fields of the record that it has changed."""
    document: Document = {
        "last_command": command.id,
        "last_command_kind": str(command.kind),
        "last_command_digest": command.digest,
    }
    if command.actor:
        document["last_command_actor"] = command.actor
    if command.address:
        document["last_command_address"] = command.address
    return document


def command_from_document(document: Mapping[str, Any]) -> LastCommand:
    """Read :func:`command_to_document`'s fields of a record."""
    return LastCommand(
        id=text(document["last_command"]),
        kind=CommandKind(document["last_command_kind"]),
        digest=text(document["last_command_digest"]),
        actor=text(document.get("last_command_actor") or ""),
        address=text(document.get("last_command_address") or ""),
    )


def last_run_to_document(last_run: LastRun) -> Document:
    """Write the summary of a job's latest finished run."""
    return {
        "run_id": last_run.run_id,
        "state": str(last_run.state),
        "finished_at": last_run.finished_at,
    }


def last_run_from_document(document: Mapping[str, Any]) -> LastRun:
    """Read :func:`last_run_to_document`'s form."""
    return LastRun(
        run_id=text(document["run_id"]),
        state=text(document["state"]),
        finished_at=instant(document["finished_at"]),
    )
