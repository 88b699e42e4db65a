"""Former revisions of jobs as documents: a job's, without its progress and under another key.

``job_id`` and ``revision`` together are the key.  ``name``, ``deleted`` and what is known of
the command are as in ``job_documents.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from executor.adapters.documents import Document
from executor.adapters.job_documents import job_from_document, job_to_document
from executor.domain.job import Job
from executor.domain.writes import BrokenJob

#: Former revisions kept of a job.
REVISIONS_KEPT: Final = 100


def without_progress(job: Job) -> Job:
    """Return what a revision is of *job*; the key of its pings is not for whoever reads these."""
    return replace(job, next_fire_at=None, last_run=None, ping_key="")


def revision_to_document(job: Job) -> Document:
    """Write a revision."""
    document = job_to_document(without_progress(job))
    document["job_id"] = document.pop("id")
    del document["folded"]  # revisions are not searched by name
    return document


def revision_from_document(document: Mapping[str, Any]) -> Job | BrokenJob:
    """Read a revision."""
    return job_from_document({**document, "id": document.get("job_id", "")})


def readable(revisions: Iterable[Job | BrokenJob]) -> tuple[Job, ...]:
    """Return those that can be read."""
    return tuple(job for job in revisions if isinstance(job, Job))
