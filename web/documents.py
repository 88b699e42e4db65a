"""Jobs, runs and the rest in the API's words: JSON documents, instants in RFC 3339.

A job's document is its definition, in canonical form, with what the service knows
about it beside it.  What a client may send back is the definition part only;
:data:`executor.domain.job.READ_ONLY` names the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Response

from executor.domain.command import Command, CommandResult
from executor.domain.instant import to_text
from executor.domain.job import Job, Pause, definition_to_document
from executor.domain.outlook import next_fire_time
from executor.domain.run import AWAITING, Output, Run, RunState
from executor.domain.watch import awaits_ping
from executor.domain.writes import BrokenJob


def json_response(
    document: object, status: HTTPStatus = HTTPStatus.OK, media_type: str = "application/json"
) -> Response:
    """Write *document* as an answer; pure ASCII, so that no stored text can spoil it."""
    body = json.dumps(document, allow_nan=False, separators=(",", ":"))
    return Response(body + "\n", status, mimetype=media_type)


def etag(revision: int) -> str:
    """Return the entity tag of a job at *revision*."""
    return f'"{revision}"'


def job_document(
    job: Job | BrokenJob, now: datetime, ping_url: str | None = None
) -> dict[str, Any]:
    """Return the API's form of *job*, as it is *now*: whether a pause is in force, what is next.

    *ping_url* is for those alone who may write the job.
    """
    if isinstance(job, BrokenJob):
        return {"id": job.id, "name": job.name, "state": "broken", "error": job.error}
    return {
        "id": job.id,
        "revision": job.revision,
        "state": job_state(job, now),
        **definition_to_document(job.definition),
        "created_at": to_text(job.created_at),
        "updated_at": to_text(job.updated_at),
        "next_fire_at": instant_text(next_fire_time(job, now)),
        "done": is_done(job),
        "paused": pause_document(job.paused),
        "last_run": job.last_run
        and {
            "run_id": job.last_run.run_id,
            "state": job.last_run.state,
            "finished_at": to_text(job.last_run.finished_at),
        },
        "managed_by": "api" if job.code is None else "code",
        "in_code": job.code is not None and job.code.present,
        "ping_url": ping_url,
    }


def pause_document(pause: Pause | None) -> dict[str, Any] | None:
    """Return the API's form of *pause*."""
    if pause is None:
        return None
    return {
        "since": to_text(pause.since),
        "reason": pause.reason,
        "by": pause.by,
        "until": instant_text(pause.until),
    }


def is_done(job: Job) -> bool:
    """Whether the schedule of *job*, which is enabled, has no fire time left."""
    definition = job.definition
    timed = definition.schedule is not None and not definition.is_continuous
    return definition.enabled and timed and job.next_fire_at is None


def waits_for(run: Run) -> str | None:
    """Say what *run* waits for besides time: ``turn``, ``dependency``, ``worker`` or ``ping``."""
    if awaits_ping(run):
        return "ping"
    if run.state is RunState.PENDING and run.remote:
        return "worker"
    if run.state is not RunState.PENDING or not run.is_parked:
        return None
    return "dependency" if run.clear_at == AWAITING else "turn"


def job_state(job: Job, now: datetime) -> str:
    """Say in one word whether *job* fires: ``active``, ``paused`` or ``disabled``."""
    if not job.definition.enabled:
        return "disabled"
    return "paused" if job.is_paused(now) else "active"


def run_document(run: Run) -> dict[str, Any]:
    """Return the API's form of *run*, without its output."""
    return {
        "id": run.id,
        "job_id": run.job_id,
        "job": run.job,
        "cause": run.cause,
        "trigger_id": run.trigger_id or run.id,
        "attempt": run.attempt,
        "state": run.state,
        "reason": run.reason,
        "waiting": waits_for(run),
        "fire_at": instant_text(run.fire_at),
        "due_at": instant_text(run.due_at),
        "since": instant_text(run.since),
        "created_at": to_text(run.created_at),
        "started_at": instant_text(run.started_at),
        "finished_at": instant_text(run.finished_at),
        "term": run.term,
        "executor": run.executor,
        "revision": run.revision,
        "retriggers": run.retriggers,
        "covers": run.covers,
        "covers_from": instant_text(run.covers_from),
        "exit_code": run.exit_code,
        "http_status": run.http_status,
        "retry_after": run.retry_after,
        "error": run.error,
        "remote": run.remote,
        "details": dict(run.details or {}),
        "parent_run_id": run.parent_run_id,
        "parent_job_id": run.parent_job_id,
    }


def output_document(run_id: str, output: Output) -> dict[str, Any]:
    """Return what a run's target said; ``complete`` is False where something was dropped."""
    return {
        "run_id": run_id,
        "head": output.head,
        "tail": output.tail,
        "size": output.size,
        "complete": not output.tail,
    }


def fire_time_document(fire_at: datetime, local: datetime) -> dict[str, str]:
    """Return a fire time in UTC and on the schedule's wall clock, with its offset."""
    return {"utc": to_text(fire_at), "local": local_text(local)}


def local_text(local: datetime) -> str:
    """Write an instant on its own clock, with its offset."""
    return local.isoformat(timespec="seconds")


def command_document(result: CommandResult) -> dict[str, Any]:
    """Return how a command ended."""
    return {
        "id": result.command_id,
        "kind": result.kind,
        "status": result.status,
        "finished_at": to_text(result.finished_at),
        "job_id": result.job_id,
        "run_id": result.run_id,
        "revision": result.revision,
        "message": result.message,
        "facts": dict(result.facts),
        "errors": [{"field": fault.field, "message": fault.message} for fault in result.faults],
    }


def pending_document(command: Command) -> dict[str, Any]:
    """Return the form of a command that is accepted and not known to have ended."""
    return {
        "id": command.id,
        "kind": command.kind,
        "status": "pending",
        "finished_at": None,
        "job_id": None,
        "run_id": None,
        "revision": None,
        "message": "accepted; ask again at the address in Location",
        "facts": {},
        "errors": [],
    }


def instant_text(instant: datetime | None) -> str | None:
    """Write *instant* in RFC 3339; None stays None."""
    return None if instant is None else to_text(instant)


def list_document(items: Iterable[dict[str, Any]], following: str | None) -> dict[str, Any]:
    """Return the form of every list; *following* is the cursor of the next part."""
    return {"items": list(items), "next": following}
