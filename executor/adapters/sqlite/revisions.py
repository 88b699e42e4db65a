"""Former revisions of jobs in SQLite: written once, read by number, newest first."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Final

from executor.adapters.documents import Document
from executor.adapters.revision_documents import (
    REVISIONS_KEPT,
    revision_from_document,
    revision_to_document,
)
from executor.adapters.sqlite.connection import Database
from executor.adapters.sqlite.json_text import to_json
from executor.domain.job import Job
from executor.domain.writes import BrokenJob

#: What :func:`from_row` reads, in its order; all but the last are fields of the document, too.
COLUMNS: Final = "job_id, revision, last_command, document"

_INSERT: Final = f"INSERT INTO job_revisions ({COLUMNS}) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"

#: Those before the present one, if the job's record is there.
_FORMER: Final = """
    job_id = :job_id AND revision < ifnull(
        (SELECT revision FROM jobs WHERE id = :job_id), 9223372036854775807
    )
"""


class RevisionTable:
    """The part of :class:`~executor.ports.store.JobStore` that archives."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def archive_jobs(self, jobs: Sequence[Job]) -> None:
        """Keep each of *jobs* as a former revision."""
        if not jobs:
            return
        rows = [_to_row(job) for job in jobs]
        cuts = [(job.id, job.revision - REVISIONS_KEPT) for job in jobs]
        with self._database.write() as connection:
            connection.executemany(_INSERT, rows)
            connection.executemany(
                "DELETE FROM job_revisions WHERE job_id = ? AND revision <= ?",
                [cut for cut in cuts if cut[1] > 0],
            )


def former(
    connection: sqlite3.Connection, job_id: str, below: int | None, limit: int
) -> list[tuple[Any, ...]]:
    """Return the rows of the revisions before *below* (None: all), newest first."""
    return connection.execute(
        f"SELECT {COLUMNS} FROM job_revisions WHERE {_FORMER} "
        "AND (:below IS NULL OR revision < :below) ORDER BY revision DESC LIMIT :most",
        {"job_id": job_id, "below": below, "most": limit},
    ).fetchall()


def find(connection: sqlite3.Connection, job_id: str, revision: int) -> Job | BrokenJob | None:
    """Return a former revision."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM job_revisions WHERE {_FORMER} AND revision = :revision",
        {"job_id": job_id, "revision": revision},
    ).fetchone()
    return None if row is None else from_row(row)


def from_row(row: tuple[Any, ...]) -> Job | BrokenJob:
    """Read the values of :data:`COLUMNS`."""
    job_id, revision, last_command, text = row
    try:
        document: Document = json.loads(text)
        document.update(job_id=job_id, revision=revision)
        if last_command is not None:
            document["last_command"] = last_command
    except (AttributeError, TypeError, ValueError) as error:
        return BrokenJob(job_id, "", f"the record is not JSON as Solocron writes it: {error!r}")
    return revision_from_document(document)


def _to_row(job: Job) -> tuple[Any, ...]:
    document = revision_to_document(job)
    apart = [document.pop(name, None) for name in ("job_id", "revision", "last_command")]
    return (*apart, to_json(document))
