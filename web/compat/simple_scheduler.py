"""The face of simple-scheduler: ``/api/status``, ``/api/jobs``, ``/api/runs``.

Its jobs are targets of kind ``message`` here, whose workers speak its protocol as they are.  All
jobs are shown, also those that were made otherwise.  ``simple_scheduler_runs`` has the runs,
``simple_scheduler_words`` what things are called.

What its documentation promises is done where its program does not do it: a disabled job rests, a
name is taken once (409), what does not exist is 404 for every method.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from flask import Response, request

from executor.domain.command import Command, CommandKind, CommandResult
from executor.domain.errors import Fault, Flaw, NameTaken
from executor.domain.identity import job_id
from executor.domain.instant import to_text
from executor.domain.job import Definition
from executor.domain.simple_scheduler import TOUCHES
from web.access import MissingScopes, NotAccepted
from web.bodies import JSON
from web.changes import arguments_of, carry_out_anew, check_target, delete_job
from web.commands import answer, command
from web.compat import simple_scheduler_runs, simple_scheduler_schemas
from web.compat.foreign import Foreign
from web.compat.lists import all_jobs
from web.compat.simple_scheduler_schemas import NOTHING_THERE, REFUSAL, json_answer
from web.compat.simple_scheduler_words import (
    changed_job,
    first_slot,
    is_late,
    job_document,
    new_job,
)
from web.jobs import found_job, sound_job
from web.problems import Problem
from web.routes import Answer, Body, Call, Table

TABLE: Final = Table()

#: Of every route of this face.
_OURS: Final[dict[str, Any]] = {"tag": "simple-scheduler", "lenient": True, "refusal": REFUSAL}

#: Our fields -> those of its documents, for faults.
_THEIRS: Final = {ours: theirs for theirs, ours in reversed(list(TOUCHES.items()))}

#: What it says of credentials that do not count.
_FLAWS: Final = {
    Flaw.UNKNOWN: "Invalid access token",
    Flaw.ISSUER: "Invalid issuer",
    Flaw.NO_EXPIRY: "Invalid expiration time",
    Flaw.EXPIRED: "Access token has expired",
    Flaw.CLAIMS: "Invalid claims",
}


@TABLE.add(
    "GET",
    "/api/status",
    summary="Whether the API answers (simple-scheduler)",
    answers={HTTPStatus.OK: Answer(schema="SchedulerStatus", description="It does.")},
    **_OURS,
)
def get_scheduler_status(call: Call) -> Response:
    """Answer that this process does."""
    return json_answer({"status": "OK"})


@TABLE.add(
    "GET",
    "/api/jobs",
    summary="List all jobs (simple-scheduler)",
    answers={HTTPStatus.OK: Answer(schema="SchedulerJobs", description="By name; null: none.")},
    **_OURS,
)
def list_scheduler_jobs(call: Call) -> Response:
    """Answer with every job."""
    readers, now = call.services.readers, call.services.clock.now()
    term = readers.read_term()
    return json_answer([job_document(job, now, term) for job in all_jobs(readers)] or None)


@TABLE.add(
    "GET",
    "/api/jobs/{job}",
    summary="Read a job (simple-scheduler)",
    answers={
        HTTPStatus.OK: Answer(schema="SchedulerJob", description="The job."),
        HTTPStatus.NOT_FOUND: NOTHING_THERE,
    },
    **_OURS,
)
def get_scheduler_job(call: Call) -> Response:
    """Answer with one job."""
    services = call.services
    term = services.readers.read_term()
    return json_answer(job_document(found_job(call), services.clock.now(), term))


@TABLE.add(
    "POST",
    "/api/jobs",
    summary="Create a job for workers (simple-scheduler)",
    description="One whose `nextRunAt` has passed runs at once.",
    body=Body(schema="SchedulerNewJob", read=dict, media_types=()),
    writes=True,
    repeatable=True,
    answers={HTTPStatus.CREATED: Answer(schema="SchedulerName", description="Created.")},
    **_OURS,
)
def create_scheduler_job(call: Call) -> Response:
    """Ask for a new job."""
    now = call.services.clock.now()
    definition = new_job(call.document, now, call.within or ())
    check_target(call, definition)
    asked = _command(call, CommandKind.CREATE_JOB, definition.name, definition, now)
    first = command(call, CommandKind.TRIGGER_JOB, job_id(asked.id), part="late")
    result = _send(call, asked, first if is_late(definition, now) else None)
    if result is not None and result.message == str(NameTaken(definition.name)):
        place = f"/api/jobs/{quote(definition.name)}"
        words = f"a job named {definition.name!r} exists already; PATCH {place} changes it"
        result = replace(result, message=words)
    created = json_answer({"name": definition.name}, HTTPStatus.CREATED)
    return answer(asked, result, lambda _: created)


@TABLE.add(
    "PATCH",
    "/api/jobs/{job}",
    summary="Change parts of a job (simple-scheduler)",
    description="What is missing, null, or as it is shown stays.  A `nextRunAt` that has passed "
    "runs the job at once.",
    body=Body(schema="SchedulerJobUpdate", read=dict, media_types=()),
    writes=True,
    answers={HTTPStatus.NO_CONTENT: Answer(schema=None, description="Changed.")},
    **_OURS,
)
def patch_scheduler_job(call: Call) -> Response:
    """Ask for a job to be changed in part."""
    now = call.services.clock.now()
    # One for all tries: whichever of them is applied, the job runs once.
    first = replace(command(call, CommandKind.TRIGGER_JOB, ""), repeatable=True)
    late = False

    def make() -> Command:
        nonlocal late
        job = sound_job(call)
        definition = changed_job(job, call.document, now)
        check_target(call, definition)
        late = definition.schedule != job.definition.schedule and is_late(definition, now)
        return _command(call, CommandKind.UPDATE_JOB, job.id, definition, now, job.revision)

    def send_both(call: Call, asked: Command) -> CommandResult | None:
        return _send(call, asked, replace(first, subject=asked.subject) if late else None)

    changed = Response(status=HTTPStatus.NO_CONTENT)
    return carry_out_anew(call, make, lambda _: changed, send=send_both)


@TABLE.add(
    "DELETE",
    "/api/jobs/{job}",
    summary="Delete a job (simple-scheduler)",
    writes=True,
    answers={HTTPStatus.NO_CONTENT: Answer(schema=None, description="Deleted.")},
    **_OURS,
)
def delete_scheduler_job(call: Call) -> Response:
    """Ask for a job to be deleted."""
    return delete_job(call)


def _command(
    call: Call,
    kind: CommandKind,
    subject: str,
    definition: Definition,
    now: datetime,
    if_revision: int | None = None,
) -> Command:
    """Return the command that makes a job as *definition* says, whenever its schedule began."""
    arguments = {**arguments_of(definition), "begun": True}
    if (slot := first_slot(definition, now)) is not None:
        arguments["since"] = to_text(slot)
    return command(call, kind, subject, arguments, if_revision)


def _send(call: Call, asked: Command, first: Command | None) -> CommandResult | None:
    """Send *asked* with *first*, the run of a job that is due already, behind it in the queue.

    They arrive together: nobody has to wait for the one to ask for the other.  A job that is
    refused has no run; that its policies refuse the run is no matter of the job's.
    """
    together = [asked] if first is None else [asked, first]
    return call.services.sender.send_all(together, call.services.command_timeout_s)[0]


def refuse(problem: Problem) -> Response:
    """Write *problem* as its clients expect it: an object with ``error``."""
    status = problem.status
    if status is HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST
    if status is HTTPStatus.NOT_FOUND and request.method == "GET" and request.url_rule is not None:
        return Response(status=status, mimetype=JSON)
    return json_answer(_refusal(problem), status)


def _refusal(problem: Problem) -> dict[str, Any]:
    if isinstance(problem, MissingScopes):
        return {"error": "Missing required scopes", "missing_scopes": list(problem.missing)}
    if problem.status is HTTPStatus.UNAUTHORIZED:
        if isinstance(problem, NotAccepted):
            found = _FLAWS[problem.flaw]
        else:
            found = _what_is_wrong(request.headers.get("Authorization"))
        return {"error": found, "detail": problem.detail}
    if problem.status is HTTPStatus.INTERNAL_SERVER_ERROR:
        return {"error": "Unexpected error occurred", "detail": problem.detail}
    if not problem.faults:
        return {"error": problem.detail}
    words = [f"{_name_of(fault)}: {fault.message}" for fault in problem.faults]
    bad_status = any(fault.field.lower() == "status" for fault in problem.faults)
    named = {"status": "Invalid run status"} if bad_status else {}
    return {**named, "error": "; ".join(words)}


def _name_of(fault: Fault) -> str:
    """Return what a field of ours is called there."""
    return _THEIRS.get(fault.field.partition(".")[0], fault.field) or "body"


def _what_is_wrong(header: str | None) -> str:
    """Say in its words what is wrong with *header*, of which nothing else is known."""
    if header is None:
        return "Authorization header is missing"
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        return "Invalid authorization format"
    return "Invalid access token" if token.strip() else "Access token is missing"


FACE: Final = Foreign(
    place="/api",
    tables=(TABLE, simple_scheduler_runs.TABLE),
    refuse=refuse,
    schemas=simple_scheduler_schemas.SCHEMAS,
)
