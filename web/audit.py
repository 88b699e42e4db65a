"""The audit: who changed what, when, from where, and what it was before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Final

from flask import Response

from executor.domain.audit import Change, job_state_document
from executor.domain.errors import RevisionNotFound
from executor.domain.instant import to_text
from executor.ports.store import ChangeFilter, Readers
from web import parameters
from web.documents import json_response, list_document
from web.routes import Answer, Call, Table
from web.runs import job_id_of

TABLE: Final = Table()


@TABLE.add(
    "GET",
    "/v1/audit",
    summary="List changes",
    description="Every change that was applied, with what stood before and after: definitions "
    "as they were written, secrets by their names only.  Kept for a year, unless "
    "`SOLOCRON_AUDIT_KEEP` says otherwise.",
    tag="audit",
    query=(
        parameters.JOB,
        parameters.ACTOR,
        parameters.ACTION,
        parameters.CHANGED_FROM,
        parameters.CHANGED_TO,
        parameters.limit(),
        parameters.CURSOR,
    ),
    answers={HTTPStatus.OK: Answer(schema="Changes", description="Newest first.")},
)
def list_changes(call: Call) -> Response:
    """Answer with a part of the audit."""
    query, readers = call.query, call.services.readers
    which = ChangeFilter(
        job_id=None if query["job"] is None else job_id_of(call, query["job"]),
        actor=query["actor"],
        action=query["action"],
        since=query["from"],
        until=query["to"],
    )
    page = readers.list_changes(which, query["limit"], query["cursor"])
    documents = (_document(completed(change, readers)) for change in page.items)
    return json_response(list_document(documents, page.next))


def completed(change: Change, readers: Readers) -> Change:
    """Return *change* with what stood before also where no entry says it, but a revision does."""
    if change.before is not None or change.job_id is None or (change.revision or 1) < 2:
        return change
    try:
        former = readers.get_revision(change.job_id, (change.revision or 1) - 1)
    except RevisionNotFound:
        return change
    return replace(change, before=job_state_document(former))


def _document(change: Change) -> dict[str, Any]:
    return {
        "at": to_text(change.at),
        "actor": change.actor,
        "address": change.address,
        "action": change.action,
        "subject": change.subject,
        "job_id": change.job_id,
        "run_id": change.run_id,
        "revision": change.revision,
        "before": _plain(change.before),
        "after": _plain(change.after),
    }


def _plain(state: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if state is None else dict(state)
