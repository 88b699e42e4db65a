"""Jobs as rows: what is searched or written by itself has a column, the rest is JSON."""

from __future__ import annotations

import json
from typing import Any, Final

from executor.adapters.documents import Document, milliseconds
from executor.adapters.job_documents import (
    job_from_document,
    job_to_document,
    last_run_to_document,
)
from executor.adapters.sqlite.json_text import to_json
from executor.domain.job import Job, LastRun
from executor.domain.writes import BrokenJob

#: The columns that :func:`job_from_row` reads, in its order.
COLUMNS: Final = (
    "id, name, deleted, revision, updated_at, next_fire_at, last_command, last_run, document"
)

#: The columns that :func:`job_to_row` fills, in its order; the last is written once only, with
#: the first revision.
WRITTEN: Final = (
    *("id", "name", "folded", "owner", "tags", "enabled", "deleted", "revision", "updated_at"),
    *("next_fire_at", "last_command", "document", "ping_digest", "last_run"),
)

#: Fields of a job's document that are columns instead.
_APART: Final = (
    *("id", "name", "folded", "deleted", "revision", "updated_at"),
    *("next_fire_at", "last_command", "last_run", "ping_digest"),
)


def job_to_row(job: Job) -> tuple[Any, ...]:
    """Return the values of :data:`WRITTEN`."""
    document = job_to_document(job)
    apart = {name: document.pop(name, None) for name in _APART}
    definition = job.definition
    return (
        job.id,
        job.name,
        apart["folded"],
        definition.owner,
        to_json(definition.tags),
        definition.enabled,
        job.deleted,
        job.revision,
        milliseconds(job.updated_at),
        None if job.next_fire_at is None else milliseconds(job.next_fire_at),
        apart["last_command"],
        to_json(document),
        apart["ping_digest"],
        None if job.last_run is None else last_run_to_text(job.last_run),
    )


def last_run_to_text(last_run: LastRun) -> str:
    """Return the value of the column ``last_run``."""
    return to_json(last_run_to_document(last_run))


def job_from_row(row: tuple[Any, ...]) -> Job | BrokenJob:
    """Read the values of :data:`COLUMNS`."""
    job_id, name, deleted, revision, updated_at, next_fire_at, last_command, last_run, text = row
    try:
        document: Document = json.loads(text)
        document.update(
            id=job_id,
            name=name,
            deleted=deleted,
            revision=revision,
            updated_at=updated_at,
            next_fire_at=next_fire_at,
            last_run=None if last_run is None else json.loads(last_run),
        )
        if last_command is not None:
            document["last_command"] = last_command
    except (AttributeError, TypeError, ValueError) as error:
        why = f"the record is not JSON as Solocron writes it: {error!r}"
        return BrokenJob(job_id, name, why, revision)
    return job_from_document(document)
