"""Revisions of a job: what it was, change by change, and going back to that.

The present revision is the first of the list.  Of former ones about a hundred are kept,
also those of a job whose present record cannot be read: restoring one mends it.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from flask import Response

from executor.domain.command import CommandKind
from executor.domain.errors import RevisionNotFound
from executor.domain.instant import to_text
from executor.domain.job import Job, definition_to_document
from executor.domain.writes import BrokenJob
from web import parameters
from web.changes import check_target, job_shower
from web.commands import carry_out, command
from web.conditions import if_match
from web.documents import json_response, list_document, pause_document
from web.jobs import found_job
from web.problems import Problem
from web.routes import NOTHING, Answer, Call, Table

TABLE: Final = Table()

#: The cursor of the part that begins with the first former revision.
_FORMER: Final = "former"


@TABLE.add(
    "GET",
    "/v1/jobs/{job}/revisions",
    summary="List the revisions of a job",
    description="The present one first.  Of former ones about the newest 100 are kept.",
    tag="revisions",
    query=(parameters.limit(), parameters.CURSOR),
    answers={HTTPStatus.OK: Answer(schema="Revisions", description="Newest first.")},
)
def list_revisions(call: Call) -> Response:
    """Answer with a part of what a job has been."""
    job = found_job(call)
    limit, cursor = call.query["limit"], call.query["cursor"]
    items: list[dict[str, Any]] = []
    if cursor is None and isinstance(job, Job):
        items.append(_document(job, present=True))
    if len(items) == limit:
        return json_response(list_document(items, _FORMER))
    cursor = None if cursor == _FORMER else cursor
    page = call.services.readers.list_revisions(job.id, limit - len(items), cursor)
    # What was present a moment ago may be a former one by now.
    shown = {one["revision"] for one in items}
    items += [_document(one, present=False) for one in page.items if one.revision not in shown]
    return json_response(list_document(items, page.next))


@TABLE.add(
    "GET",
    "/v1/jobs/{job}/revisions/{revision}",
    summary="Read a revision of a job",
    tag="revisions",
    answers={HTTPStatus.OK: Answer(schema="Revision", description="The job as it was, or is.")},
)
def get_revision(call: Call) -> Response:
    """Answer with one revision, which may be the present one."""
    job = found_job(call)
    found = _revision(call, job)
    return json_response(_document(found, present=found is job))


@TABLE.add(
    "POST",
    "/v1/jobs/{job}/revisions/{revision}/restore",
    summary="Make a job what it was",
    description="Gives the job the definition of that revision, as a new revision; its id, and "
    "with it its runs, stay.  Whether the job rests is not part of a definition: a pause is "
    "neither restored nor ended.  From now on, never retroactively.",
    tag="revisions",
    body=NOTHING,
    writes=True,
    conditional=True,
    repeatable=True,
    answers={
        HTTPStatus.OK: Answer(schema="Job", description="The job as it is now.", headers=("ETag",))
    },
)
def restore_revision(call: Call) -> Response:
    """Ask for a job to be defined as it was."""
    job = found_job(call)
    expected = if_match(call)
    former = _revision(call, job)
    check_target(call, former.definition)
    arguments = {"definition": definition_to_document(former.definition)}
    asked = command(call, CommandKind.UPDATE_JOB, job.id, arguments, expected)
    return carry_out(call, asked, job_shower(call))


def _revision(call: Call, job: Job | BrokenJob) -> Job:
    """Return the revision of *job* that the path names.

    Raises:
        RevisionNotFound: it is not kept.
        Problem: 404, the path names no number.
    """
    try:
        number = parameters.whole(1, 999_999_999)(call.path["revision"])
    except ValueError:
        detail = f"there is no revision {call.path['revision']!r}; they are numbered from 1 on"
        raise Problem(HTTPStatus.NOT_FOUND, detail) from None
    if isinstance(job, Job) and job.revision == number:
        return job
    try:
        return call.services.readers.get_revision(job.id, number)
    except RevisionNotFound:
        raise RevisionNotFound(job.name, number) from None


def _document(job: Job, present: bool) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "revision": job.revision,
        "present": present,
        "updated_at": to_text(job.updated_at),
        "change": job.last_command.kind if job.last_command and job.last_command.id else None,
        "paused": pause_document(job.paused),
        "definition": definition_to_document(job.definition),
    }
