"""``GET /v1/jobs/{job}/explain``: why a job did or did not run at an instant.

The words are ``executor.domain.explain``'s; here is found what it needs: the revision
that was in force, the row that accounts for the fire time, and who wrote that.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from flask import Response

from executor.domain.explain import Explanation, explain
from executor.domain.instant import to_text
from executor.domain.job import Job
from executor.domain.run import Run, RunState
from executor.domain.term import TermRecord
from executor.ports.store import Readers
from web import parameters
from web.closures import closures
from web.documents import instant_text, json_response, run_document
from web.jobs import sound_job
from web.routes import Answer, Call, Table

TABLE: Final = Table()

#: Former revisions looked through in one go; of most jobs fewer are kept.
_REVISIONS: Final = 100


@TABLE.add(
    "GET",
    "/v1/jobs/{job}/explain",
    summary="Why a job did or did not run",
    description="For a fire time: what was decided about it, by whom, when and why.  For any "
    "other instant: the fire times around it.  Judged by the definition that was in force then.",
    tag="jobs",
    query=(parameters.AT,),
    answers={HTTPStatus.OK: Answer(schema="Explanation", description="What became of it.")},
)
def explain_instant(call: Call) -> Response:
    """Answer what became of an instant."""
    readers = call.services.readers
    found = explained(readers, sound_job(call), call.query["at"], call.services.clock.now())
    record = readers.read_term() if found.run else None
    return json_response(_document(found, record))


def explained(readers: Readers, job: Job, at: datetime, now: datetime) -> Explanation:
    """Find out what became of *at* for *job*, which was read just before."""
    in_force = _in_force(readers, job, at)
    # After the job: a row that its watermark has passed is there by now.
    row = readers.slot_at(job.id, at)
    closed = closures(readers, job)(at) if at > now else None
    return explain(job, in_force, row, at, now, closed)


def _in_force(readers: Readers, job: Job, at: datetime) -> Job | None:
    """Return the revision of *job* that was in force at *at*; None if there is none, or not now."""
    if job.updated_at <= at:
        return job
    if at < job.created_at:
        return None
    cursor: str | None = None
    while True:
        page = readers.list_revisions(job.id, _REVISIONS, cursor)
        for former in page.items:
            if former.updated_at <= at:
                return former
        if page.next is None:
            return None
        cursor = page.next


def _document(found: Explanation, record: TermRecord | None) -> dict[str, Any]:
    run = found.run
    return {
        "at": to_text(found.at),
        "slot": found.slot,
        "verdict": found.verdict,
        "sentence": found.sentence,
        "before": instant_text(found.before),
        "after": instant_text(found.after),
        "revision": found.revision,
        "run": run and run_document(run),
        "decided_by": run
        and {
            "term": run.term,
            "instance": run.executor or _holder(record, run.term),
            "at": to_text(_decided_at(run)),
        },
    }


def _decided_at(run: Run) -> datetime:
    """Return when it was decided that *run* is to be, or is not."""
    if run.state is RunState.SKIPPED and run.finished_at is not None:
        return run.finished_at
    return run.created_at


def _holder(record: TermRecord | None, term: int) -> str | None:
    """Return who held *term*; None if that is forgotten."""
    if record is None:
        return None
    holders = {former.term: former.holder for former in record.previous}
    return {**holders, record.term: record.holder}.get(term)
